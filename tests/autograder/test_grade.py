"""One submission: what counts as its files, its verdict, and what nbgrader would have written."""

import contextlib
import json
import os

import nbformat
import pytest

from autograder import batch
from autograder.assignment import load
from autograder.desk import Desk
from autograder.errors import Stopped
from autograder.grade import find, refuse
from autograder.gradebook import Book
from tests.autograder.small_course import NAME, RIGHT, OpenSandbox, notebook_of, submit
from tests.autograder.small_course import find as cell_of

SECRET = "34567"  # stands in the hidden tests only


@pytest.fixture
def assignment(course):
    with Book(course) as book:
        return load(course, book, NAME)


@pytest.fixture
def desk(course, assignment):
    return Desk(course, assignment, OpenSandbox())


def judged(desk, student, content=None, **where):
    submit(desk.course, student, content, **where)
    record, _ = desk.judge(student)
    return record


def scores(record):
    return record["notebooks"][NAME]["grades"]


def autograded(desk, student):
    return nbformat.read(desk.course.folder("autograded", student, NAME) / f"{NAME}.ipynb", 4)


class TestVerdict:
    def test_right_work_has_full_marks_and_waits_for_a_hand(self, desk):
        assert scores(judged(desk, "ada")) == {"double": 3.0, "mean": 2.0, "derive": None}

    def test_untouched_work_has_none(self, desk):
        record = judged(desk, "ada", notebook_of(desk.course, derive="YOUR ANSWER HERE"))
        assert scores(record) == {"double": 0.0, "mean": 0.0, "derive": 0.0}
        assert set(record["notebooks"][NAME]["comments"].values()) == {"No response."}

    def test_what_passes_the_visible_lines_alone_fails(self, desk):
        answers = {**RIGHT, "double_solution": "def double(x):\n    return 2"}
        assert scores(judged(desk, "ada", notebook_of(desk.course, **answers))) == {
            "double": 0,
            "mean": 2,
            "derive": None,
        }

    def test_a_test_that_the_student_took_out_is_the_courses_own(self, desk):
        notebook = notebook_of(desk.course, derive="Because.")
        notebook["cells"] = [c for c in notebook["cells"] if "double" not in str(c["metadata"])]
        record = judged(desk, "ada", notebook)
        assert scores(record)["double"] == 0
        assert any("double was missing" in text for text in record["notebooks"][NAME]["repairs"])

    def test_an_answer_in_a_cell_of_ones_own_is_looked_at_by_a_person(self, desk):
        notebook = notebook_of(desk.course)
        cell_of(notebook, "derive")["metadata"] = {}
        cell_of(notebook, "double")  # still there
        notebook["cells"][-1]["id"] = "other"
        assert scores(judged(desk, "ada", notebook))["derive"] is None

    def test_a_warning_costs_nothing(self, desk):
        warns = "import warnings\ndef double(x):\n    warnings.warn('old')\n    return 2 * x"
        assert (
            scores(judged(desk, "ada", notebook_of(desk.course, **{**RIGHT, "double_solution": warns})))["double"] == 3
        )

    def test_seed_version_and_environment_stand_with_it(self, desk):
        record = judged(desk, "ada")
        assert record["seed"] == desk.course.seed
        assert record["version"] == desk.assignment.version
        assert record["environment"]["python"]
        assert oct(desk.course.verdict("ada", NAME).with_suffix(".new").stat().st_mode)[-3:] == "600"

    def test_judging_again_is_bit_identical(self, desk):
        first, second = judged(desk, "ada"), judged(desk, "bob")
        for record in (first, second):
            del record["student"], record["seconds"]
        assert first == second


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not JSON"),
            (b'{"cells": [', "not JSON"),
            (b"\xff\xff", "not text"),
            (b"{}", "no cells"),
            (b" " * (33 * 2**20), "33 MB"),
        ],
    )
    def test_a_file_that_is_no_notebook_is_zero_with_its_reason(self, desk, content, reason):
        record = judged(desk, "ada", content)
        assert reason in record["notebooks"][NAME]["reason"]
        assert scores(record) == {"double": 0.0, "mean": 0.0, "derive": 0.0}
        assert reason in autograded(desk, "ada").cells[0].source

    def test_no_file_at_all(self, desk):
        record = judged(desk, "ada", b"x", name="notes.txt")
        assert "there is no file small.ipynb" in record["notebooks"][NAME]["reason"]

    @pytest.mark.parametrize("name", ["small (1).ipynb", "SMALL.IPYNB", "homework.ipynb", "work/small.ipynb"])
    def test_a_renamed_file_is_recognised(self, desk, name):
        (desk.course.root / "submitted" / "ada" / NAME / "work").mkdir(parents=True)
        record = judged(desk, "ada", name=name)
        assert scores(record)["double"] == 3.0
        assert "please keep the name" in record["notes"][0]

    def test_of_two_files_the_one_with_the_cells_is_taken(self, desk):
        submit(desk.course, "ada", b"{}", name="scratch.ipynb")
        assert scores(judged(desk, "ada", name="small-Copy1.ipynb"))["double"] == 3.0

    def test_two_that_could_be_it_are_not_guessed(self, desk):
        submit(desk.course, "ada", name="small-Copy2.ipynb")
        record = judged(desk, "ada", name="small-Copy1.ipynb")
        assert "2 files could be small.ipynb" in record["notebooks"][NAME]["reason"]

    def test_another_kernel_is_told_and_run_as_python(self, desk):
        notebook = notebook_of(desk.course)
        notebook["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
        record = judged(desk, "ada", notebook)
        assert scores(record)["double"] == 3.0
        assert "written in R" in record["notebooks"][NAME]["repairs"][0]
        assert autograded(desk, "ada").metadata.kernelspec.name == "python3"

    def test_links_and_pipes_are_not_followed(self, desk, tmp_path):
        secret = tmp_path / "other.ipynb"
        secret.write_text(json.dumps(notebook_of(desk.course)))
        folder = submit(desk.course, "ada", b"x", name="notes.txt")
        (folder / f"{NAME}.ipynb").symlink_to(secret)
        (folder / "plot.png").symlink_to(secret)
        os.mkfifo(folder / "pipe.ipynb")
        record, _ = desk.judge("ada")
        assert scores(record)["double"] == 0
        assert len(record["notes"]) == 2
        assert not (desk.course.folder("autograded", "ada", NAME) / "plot.png").exists()

    @pytest.mark.parametrize("said", ["", "yesterday", "x" * 5000, "9999999999-01-01"])
    def test_a_time_that_is_none(self, desk, said):
        assert judged(desk, "ada", at=said)["timestamp"] is None

    def test_of_other_files_only_pictures_and_the_courses_own_reach_autograded(self, desk):
        folder = submit(desk.course, "ada")
        (folder / "evil.html").write_text("<script>")
        (folder / "evil.svg").write_text("<svg onload=x>")
        (folder / "numpy.py").write_text("")
        (folder / "fake.png").write_text("<script>")
        (folder / "plots").mkdir()
        (folder / "plots" / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
        (folder / "submission_secret.txt").write_text("0f3c")
        (desk.course.root / "source" / NAME / "data.csv").write_text("1,2")
        desk.judge("ada")
        kept = desk.course.folder("autograded", "ada", NAME)
        names = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
        assert names == {f"{NAME}.ipynb", "timestamp.txt", "plots/loss.png", "data.csv", "submission_secret.txt"}


class TestRerun:
    def test_what_has_a_verdict_is_not_judged_again(self, desk):
        judged(desk, "ada")
        assert desk.judge("ada")[1] is False

    def test_unless_it_is_asked_for(self, desk):
        judged(desk, "ada")
        desk.force = True
        assert desk.judge("ada")[1] is True

    @pytest.mark.parametrize(
        "change",
        [
            lambda desk: submit(desk.course, "ada", notebook_of(desk.course, derive="x")),
            lambda desk: submit(desk.course, "ada", at="2026-02-01 12:00:00 UTC"),
            lambda desk: (
                os.chmod(desk.course.folder("autograded", "ada", NAME) / f"{NAME}.ipynb", 0o644)
                or (desk.course.folder("autograded", "ada", NAME) / f"{NAME}.ipynb").write_text("{}")
            ),
            lambda desk: desk.course.verdict("ada", NAME).with_suffix(".new").write_text("{"),
            lambda desk: desk.assignment.__dict__.update(version="corrected"),
            lambda desk: desk.assignment.__dict__.update(seed=5),
        ],
        ids=["new notebook", "new time", "autograded changed", "verdict cut off", "check corrected", "other seed"],
    )
    def test_or_something_changed(self, desk, change):
        judged(desk, "ada")
        change(desk)
        assert desk.judge("ada")[1] is True

    def test_a_refusal_of_the_graders_own_is_not_final(self, desk):
        submit(desk.course, "ada")
        record = desk.refuse("ada", "the power went")
        assert scores(record) == {"double": 0.0, "mean": 0.0, "derive": 0.0}
        assert desk.judge("ada")[1] is True


def test_no_verdict_is_no_points(desk):
    """Whatever the sandbox does not give back, the grade is there, and zero."""

    class Gone(OpenSandbox):
        def run(self, cells, budget):
            raise RuntimeError("gone")

    desk.sandbox = Gone()
    submit(desk.course, "ada")
    result = batch._judged(desk, "ada")
    assert scores(result.record) == {"double": 0.0, "mean": 0.0, "derive": 0.0}
    assert "RuntimeError: gone" in result.record["notebooks"][NAME]["reason"]
    assert (
        refuse(desk.assignment, "ada", find(desk.course.root, desk.assignment.notebooks), "x").record["final"] is False
    )


def test_hidden_tests_are_not_in_what_the_student_reads(desk):
    wrong = (
        "def double(x):\n    print(x)\n    if not isinstance(x, int):\n        raise ValueError(str(x))\n    return 2"
    )
    record = judged(desk, "ada", notebook_of(desk.course, **{**RIGHT, "double_solution": wrong}))
    told = cell_of(autograded(desk, "ada"), "double").outputs
    assert "69134" not in json.dumps(told)
    assert SECRET not in json.dumps([told, record["notebooks"][NAME]["verdicts"]])
    assert "A hidden test failed" in told[0].data["text/plain"]
    assert "A hidden test failed" in told[0].data["text/html"]


def test_the_notebook_is_valid_and_as_nbformat_writes_it(desk):
    judged(desk, "ada")
    path = desk.course.folder("autograded", "ada", NAME) / f"{NAME}.ipynb"
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == path.read_text()
    assert oct(path.stat().st_mode)[-3:] == "444"


def test_a_lost_nursery_is_the_graders_own_failure_and_not_final(desk):
    class Lost(dict):
        def __contains__(self, name):
            raise Stopped("nursery")

    class Losing(OpenSandbox):
        @contextlib.contextmanager
        def run(self, cells, budget):
            with super().run(cells, budget) as submission:
                submission.fork = lambda budget, last: contextlib.nullcontext(Lost())
                yield submission

    desk.sandbox = Losing()
    record = judged(desk, "ada")
    assert scores(record)["double"] == 0
    assert record["final"] is False
    desk.sandbox = OpenSandbox()
    assert scores(desk.judge("ada")[0])["double"] == 3
