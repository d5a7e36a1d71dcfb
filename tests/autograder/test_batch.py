"""Many submissions: nothing lost, nothing judged twice, the same scores, whatever ends a run or a process."""

import contextlib
import json
import os
import signal
import sqlite3
import time

import pytest
from sqlalchemy import event

from autograder import batch
from autograder.assignment import load
from autograder.batch import folders
from autograder.errors import GraderError
from autograder.gradebook import Book
from tests.autograder.small_course import NAME, RIGHT, OpenSandbox, notebook_of, submit

STUDENTS = [f"s{number:02}" for number in range(8)]


class Logged(OpenSandbox):
    """Writes down whom it judged, and does what a submission's own text tells it to do to its worker."""

    def __init__(self, course):
        self.log = course.root / "log"

    def run(self, cells, budget):
        source = "\n".join(cells)
        with open(self.log, "a") as log:
            log.write(source.partition("# I am ")[2][:3] + "\n")
        if "# KILL" in source:
            os.kill(os.getpid(), signal.SIGKILL)
        if "# ONCE" in source and not self.marked():
            os.kill(os.getpid(), signal.SIGKILL)
        if "# FAIL" in source:
            raise RuntimeError("a fault of the grader's")
        return super().run(cells, budget)

    def marked(self):
        marker = self.log.with_suffix(".once")
        found = marker.exists()
        marker.touch()
        return found


@pytest.fixture
def class_(course):
    """Eight students; half of them double wrongly."""
    for number, student in enumerate(STUDENTS):
        wrong = "def double(x):\n    return x" if number % 2 else RIGHT["double_solution"]
        submit(course, student, notebook_of(course, **{**RIGHT, "double_solution": f"# I am {student}\n{wrong}"}))
    return course


def grade(course, *, jobs=2, force=False, stop_after=None, students=None):
    results = []
    with batch.alone(course), Book(course) as book:
        assignment = load(course, book, NAME)
        found = students or folders(course, "submitted", NAME)
        run = batch.run(course, assignment, found, book.writer(NAME), lambda: Logged(course), jobs=jobs, force=force)
        with contextlib.closing(run):
            for result in run:
                results.append(result)
                if len(results) == stop_after:
                    break
    return results


def in_gradebook(course):
    with sqlite3.connect(course.root / "gradebook.db") as rows:
        query = """select s.student_id, c.name, g.auto_score, g.needs_manual_grade from grade g
            join base_cell c on c.id = g.cell_id join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment s on s.id = n.assignment_id order by 1, 2"""
        return rows.execute(query).fetchall()


def expected(students=STUDENTS):
    rows = []
    for student in students:
        double = 0.0 if int(student[1:]) % 2 else 3.0
        rows += [(student, "derive", None, 1), (student, "double", double, 0), (student, "mean", 2.0, 0)]
    return rows


def judged_log(course):
    return (course.root / "log").read_text().split()


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_class_is_graded(class_, jobs):
    results = grade(class_, jobs=jobs)
    assert sorted(result.record["student"] for result in results) == STUDENTS
    assert in_gradebook(class_) == expected()
    assert sorted(path.name for path in (class_.root / "verdicts" / NAME).iterdir()) == [f"{s}.json" for s in STUDENTS]


def test_a_rerun_judges_nothing_and_changes_nothing(class_):
    grade(class_)
    before = in_gradebook(class_)
    assert not any(result.judged for result in grade(class_))
    assert in_gradebook(class_) == before
    assert sorted(judged_log(class_)) == STUDENTS


def test_a_stopped_run_keeps_what_was_judged(class_):
    grade(class_, jobs=1, stop_after=3)
    assert in_gradebook(class_) == expected(STUDENTS[:3])
    grade(class_, jobs=1)
    assert in_gradebook(class_) == expected()
    again = [student for student in STUDENTS if judged_log(class_).count(student) > 1]
    assert set(again) <= {STUDENTS[3]}  # the one on the desk when the run ended


def test_a_submission_whose_judge_dies_once_is_judged_again(class_):
    submit(
        class_, "s02", notebook_of(class_, **{**RIGHT, "mean_solution": f"# I am s02 # ONCE\n{RIGHT['mean_solution']}"})
    )
    grade(class_)
    assert in_gradebook(class_) == expected()


@pytest.mark.parametrize("order", ["# KILL", "# FAIL"])
def test_one_that_always_ends_its_judge_is_zero_with_a_reason_and_stops_nobody(class_, order):
    submit(class_, "s02", notebook_of(class_, **{**RIGHT, "mean_solution": f"{order}\n{RIGHT['mean_solution']}"}))
    results = grade(class_)
    assert len(results) == len(STUDENTS)
    mine = [row for row in in_gradebook(class_) if row[0] == "s02"]
    assert mine == [("s02", "derive", 0.0, 0), ("s02", "double", 0.0, 0), ("s02", "mean", 0.0, 0)]
    assert [row for row in in_gradebook(class_) if row[0] != "s02"] == [r for r in expected() if r[0] != "s02"]
    record = next(result.record for result in results if result.record["student"] == "s02")
    assert "not the student's fault" in record["notebooks"][NAME]["reason"]
    submit(class_, "s02", notebook_of(class_))
    grade(class_)
    assert [row for row in in_gradebook(class_) if row[0] == "s02"] == [r for r in expected() if r[0] == "s02"]


def test_a_run_killed_between_the_verdict_and_the_gradebook_is_completed(class_):
    grade(class_)
    before = in_gradebook(class_)
    for student in STUDENTS[:4]:  # as if the parent had been killed before it wrote these
        path = class_.verdict(student, NAME)
        path.rename(path.with_suffix(".new"))
    with sqlite3.connect(class_.root / "gradebook.db") as rows:
        rows.execute("delete from grade where rowid % 2")
        rows.execute("update grade set auto_score = 77 where auto_score is not null")
    assert not any(result.judged for result in grade(class_))
    assert in_gradebook(class_) == before


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_of_the_run_at_any_moment(class_, seed):
    """The parent and its workers are killed at some moment, three times over; then one run completes it all."""
    for wait in (0.02 * (seed + 1), 0.05 * (seed + 1), 0.1 * (seed + 1)):
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            with contextlib.suppress(BaseException):
                grade(class_)
            os._exit(0)
        time.sleep(wait)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    grade(class_)
    assert in_gradebook(class_) == expected()
    left = [path for path in (class_.root / "autograded").rglob(".*") if path.name != f".{NAME}.old"]
    assert left == []
    for student in STUDENTS:
        record = json.loads(class_.verdict(student, NAME).read_text())
        assert record["final"]


def test_a_full_disk_stops_the_run_in_one_line_and_the_next_completes_it(class_, monkeypatch):
    from autograder.desk import Desk

    real = Desk._write_verdict

    def full(self, student, record):
        if student == "s05":
            raise OSError(28, "No space left on device", "/course/verdicts/s05")
        real(self, student, record)

    monkeypatch.setattr(Desk, "_write_verdict", full)
    with pytest.raises(GraderError, match=r"No space left on device.*make room on the disk.*same command again"):
        grade(class_, jobs=1)
    assert in_gradebook(class_) == expected(STUDENTS[:5])
    monkeypatch.undo()
    grade(class_)
    assert in_gradebook(class_) == expected()


def test_a_gradebook_locked_in_the_middle_loses_nothing(class_, monkeypatch):
    monkeypatch.setattr("autograder.gradebook.PATIENCE", 0.0)
    monkeypatch.setattr(batch, "TOGETHER", 0.0)
    other = sqlite3.connect(class_.root / "gradebook.db", isolation_level=None, timeout=0)
    with Book(class_) as book:
        run = batch.run(class_, load(class_, book, NAME), STUDENTS, book.writer(NAME), lambda: Logged(class_))
        next(run)
        other.execute("begin exclusive")
        with pytest.raises(GraderError, match="locked"):
            list(run)
    other.execute("rollback")
    grade(class_)
    assert in_gradebook(class_) == expected()
    assert max(map(judged_log(class_).count, STUDENTS)) <= 2


@pytest.mark.parametrize(("pragma", "said"), [("query_only = on", "readonly"), ("max_page_count = 1", "full")])
def test_a_gradebook_that_is_read_only_or_full_loses_nothing(class_, monkeypatch, pragma, said):
    monkeypatch.setattr(batch, "TOGETHER", 600.0)  # all is judged before the first of it is written
    students = [*STUDENTS, *(f"t{number:02}" for number in range(0, 80, 2))]  # too many for the pages there are
    for student in students[len(STUDENTS) :]:
        answers = {**RIGHT, "double_solution": f"# I am {student}\n{RIGHT['double_solution']}"}
        submit(class_, student, notebook_of(class_, **answers))
    with Book(class_) as book:
        assignment, writer = load(class_, book, NAME), book.writer(NAME)
        event.listen(book.engine, "begin", lambda connection: connection.exec_driver_sql(f"pragma {pragma}"))
        with pytest.raises(GraderError, match=f"{said}.*run the same command again"):
            list(batch.run(class_, assignment, students, writer, lambda: Logged(class_)))
    assert in_gradebook(class_) == []
    assert not any(result.judged for result in grade(class_))
    assert in_gradebook(class_) == expected(students)
    assert sorted(judged_log(class_)) == students


def test_two_runs_at_a_time_are_refused(class_):
    with batch.alone(class_), pytest.raises(GraderError, match="another run is grading"):
        grade(class_)


def test_a_sandbox_that_cannot_confine_stops_the_run(class_):
    def refuses():
        raise GraderError("This machine cannot confine submissions")

    with Book(class_) as book:
        assignment = load(class_, book, NAME)
        with pytest.raises(GraderError, match="cannot confine"):
            list(batch.run(class_, assignment, STUDENTS, book.writer(NAME), refuses, jobs=2))
    assert in_gradebook(class_) == []
