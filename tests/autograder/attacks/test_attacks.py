"""Every attack of the catalogue, graded with honest work around it: nothing gained, nothing told, nobody harmed."""

import fcntl
import hashlib
import json
import os
import re
import resource
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbgrader.api import Gradebook

from autograder import batch, feedback, steps
from autograder.assignment import load, open_sandbox
from autograder.gradebook import Book
from autograder.sandbox import Budget
from tests.autograder import small_course
from tests.autograder.attacks import of_machine, of_notebook, of_python, of_wire
from tests.autograder.attacks.attack import BREACH, FULL, NAME, RIGHT, answered, source
from tests.autograder.sample import shrink
from tests.autograder.test_sanitise import dangers

CATALOGUE = [*of_python.ATTACKS, *of_machine.ATTACKS, *of_wire.ATTACKS, *of_notebook.ATTACKS]
BUDGET = Budget(cpu_seconds=1, wall_seconds=3, memory_mb=300, processes=8, file_mb=4, output_kb=64)
JOBS = 2


def around(course):
    """All that an attack must not change: files, processes, shared memory, sockets, limits, variables."""
    files = {}
    for path in sorted(course.root.rglob("*")):
        step = path.relative_to(course.root).parts[0]
        if path.is_file() and not path.is_symlink() and step in ("source", "release", "submitted", "secret_seed"):
            files[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    commands = [path.read_text() for path in Path("/proc").glob("[0-9]*/comm") if path.exists()]
    memory = [name for folder in ("/dev/shm", "/dev/mqueue") if os.path.isdir(folder) for name in os.listdir(folder)]
    return {
        "files": files,
        "folders": sorted(os.listdir(course.root)),
        "numpy": [os.stat(np.__file__).st_mtime_ns, os.stat(np.__file__).st_size],
        "daemons": commands.count("attack-daemon\n"),
        "shared memory": [name for name in memory if "attack" in name],
        "sockets": "attack" in Path("/proc/net/unix").read_text(),
        "limits": [list(resource.getrlimit(kind)) for kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC)],
        "variables": dict(os.environ),
    }


class Graded:
    """The course after all was graded, with what was around it before and after."""

    def __init__(self, course, before, after):
        self.course, self.before, self.after = course, before, after
        self.honest = sorted(path.stem for path in (course.root / "verdicts" / NAME).glob("h-*.json"))

    def record(self, student):
        return json.loads(self.course.verdict(student, NAME).read_text())["notebooks"][NAME]

    def autograded(self, student):
        return (self.course.folder("autograded", student, NAME) / f"{NAME}.ipynb").read_text()

    def told(self, student):
        """All that the student, or the instructor's browser, is shown besides the notebook's own text."""
        cells = nbformat.reads(self.autograded(student), 4).cells
        shown = [cell.get("outputs") for cell in cells]
        record = self.record(student)
        return json.dumps([shown, record["repairs"], record["verdicts"]])


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All of it is graded once, by whichever of pytest's workers comes first."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "attacks"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "around.json").exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CANARY", "CANARY")
                (folder / "around.json").write_text(json.dumps(grade_all(small_course.open_course(folder))))
    return Graded(small_course.open_course(folder), *json.loads((folder / "around.json").read_text()))


def grade_all(course):
    """Two attacks, two honest submissions, and so on, on as many workers; what was around them before and after."""
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir()
    nbformat.write(source(), path)
    steps.generate(course, NAME)
    order = []
    for number, attack in enumerate(CATALOGUE):
        notebook = answered(small_course.released(course), attack.cells(course.root))
        if attack.edit:
            attack.edit(notebook)
        folder = small_course.submit(course, f"a-{number:03}", notebook)
        if attack.place:
            attack.place(folder)
        small_course.submit(course, f"h-{number:03}", answered(small_course.released(course), RIGHT))
        order.append(f"a-{number:03}")
        if number % JOBS == JOBS - 1:
            order += [f"h-{each:03}" for each in range(number - JOBS + 1, number + 1)]
    with Book(course) as book:
        assignment = replace(load(course, book, NAME), exercises={"shrink": shrink}, budget=BUDGET)
        before = around(course)
        sandbox = lambda: open_sandbox(course, NAME)  # noqa: E731
        with batch.alone(course):
            for _ in batch.run(course, assignment, order, book.writer(NAME), sandbox, jobs=JOBS):
                pass
    return before, around(course)


def test_there_are_many_and_each_is_another():
    assert len(CATALOGUE) >= 45
    for what in ([(each.kind, each.name) for each in CATALOGUE], [each.words for each in CATALOGUE]):
        assert len(set(what)) == len(what)


@pytest.mark.parametrize("number", range(len(CATALOGUE)), ids=[f"{each.kind}: {each.name}" for each in CATALOGUE])
def test_it_gains_nothing_and_learns_nothing(graded, number):
    student, attack = f"a-{number:03}", CATALOGUE[number]
    record = graded.record(student)
    assert {name: record["grades"][name] for name in FULL} == attack.expected
    with Gradebook(graded.course.db_url, graded.course.course_id) as book:
        submission = book.find_submission(NAME, student)
        assert submission.score == sum(attack.expected.values())
        assert submission.max_score == sum(FULL.values()) + 4
    verdict = next(each for each in record["verdicts"] if each["exercise"] == "shrink")
    assert re.fullmatch(attack.why, str(verdict["cause"]))
    assert not verdict["error"]
    whole = json.loads(graded.course.verdict(student, NAME).read_text())
    assert whole["final"]
    assert re.search(
        attack.says, " ".join([*record["repairs"], *record["stopped"], *whole["notes"], str(record["reason"])])
    )
    assert BREACH not in graded.told(student)
    assert str(graded.course.seed) not in graded.autograded(student)


@pytest.mark.parametrize("number", range(len(CATALOGUE)), ids=[f"{each.kind}: {each.name}" for each in CATALOGUE])
def test_nothing_of_it_runs_in_a_browser(graded, number):
    """Text is shown as text; what the browser is given as a page is clean, and texts hold no commands for terminals."""
    for cell in nbformat.reads(graded.autograded(f"a-{number:03}"), 4).cells:
        pages = [markdown2html_mistune(cell.source)] if cell.cell_type == "markdown" else []
        pages += [cell.source] if cell.cell_type == "raw" else []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert data.keys() <= {
                "text/plain",
                "text/latex",
                "text/html",
                "text/markdown",
                "image/svg+xml",
                "image/png",
            }
            pages += [data.get("text/html", ""), markdown2html_mistune(data.get("text/markdown", ""))]
            assert not re.search("<script|onload|javascript", data.get("image/svg+xml", ""))
        assert [dangers(page) for page in pages] == [(False, set(), [])] * len(pages)
    whole = json.loads(graded.course.verdict(f"a-{number:03}", NAME).read_text())
    said = [whole["notes"], graded.record(f"a-{number:03}")["repairs"], graded.record(f"a-{number:03}")["stopped"]]
    assert all(character.isprintable() for lines in said for line in lines for character in line)


def test_honest_submissions_have_full_marks(graded):
    assert len(graded.honest) >= len(CATALOGUE) - 1
    for student in graded.honest:
        record = graded.record(student)
        assert record["grades"] == {**FULL, "derive": None}, student
        assert not record["stopped"] + record["repairs"]


def test_honest_submissions_are_judged_alike_to_the_last_byte(graded):
    assert len({graded.autograded(student) for student in graded.honest}) == 1


def test_nothing_outside_was_changed(graded):
    for what, was in graded.before.items():
        if what != "folders":
            assert graded.after[what] == was, what
    assert set(graded.after["folders"]) - set(graded.before["folders"]) <= {".grading", "verdicts", "autograded"}
    assert not list(graded.course.root.rglob("touched")) + list(graded.course.root.rglob("executed"))


def test_every_cause_has_its_words(graded):
    records = [graded.record(f"a-{number:03}") for number in range(len(CATALOGUE))]
    causes = {verdict["cause"] for record in records for verdict in record["verdicts"]}
    assert causes - {None, "unreadable"} <= feedback.CAUSES.keys()
    assert {"time", "memory", "exit", "crash", "killed", "wire", "file", "processes", "unsteady"} <= causes
