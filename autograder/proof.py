"""Proof that an assignment can be released: its checks hold, and its solutions get full marks where students' run."""

import tempfile
from pathlib import Path

from traitlets.config import Config

from autograder.assignment import Assignment, load, open_sandbox
from autograder.course import Course
from autograder.errors import GraderError
from autograder.grade import Found, grade
from autograder.gradebook import Book
from autograder.masters import write_source
from autograder.selftest import selftest
from autograder.settings import configure
from autograder.steps import generate


def of_checks(assignment: str) -> None:
    """The named mistakes and the solutions are told apart."""
    _fail(assignment, selftest(assignment))


def of_release(course: Course, assignment: str) -> None:
    """In the sandbox and over the wire, the source gets full marks, and the release as it is gets none."""
    with Book(course) as book:
        made = load(course, book, assignment)
    _fail(assignment, _problems(course, made))


def _problems(course: Course, assignment: Assignment) -> list[str]:
    found = []
    with open_sandbox(course, assignment.name) as sandbox:
        for step in ("source", "release"):
            folder = course.root / step / assignment.name
            files = {notebook.name: folder / f"{notebook.name}.ipynb" for notebook in assignment.notebooks}
            record = grade(assignment, step, Found(files, {}, None, "", [], ""), sandbox).record
            for notebook in record["notebooks"].values():
                for verdict in notebook["verdicts"]:
                    why = verdict["error"] or verdict["cause"] or verdict["counter_example"] or "no reason is known"
                    if step == "source" and verdict["score"] < verdict["max_score"]:
                        points = f"{verdict['score']:g} of {verdict['max_score']:g} points"
                        found.append(
                            f"{verdict['exercise']}: the solution gets {points} in the sandbox: {' '.join(why.split())}"
                        )
                    if step == "release" and verdict["score"] > 0:
                        found.append(
                            f"{verdict['exercise']}: the released notebook, untouched, gets {verdict['score']:g} points"
                        )
    return found


def _fail(assignment: str, problems: list[str]) -> None:
    if problems:
        more = (
            f" (and {len(problems) - 1} more: `autograder selftest {assignment}` lists them)"
            if len(problems) > 1
            else ""
        )
        raise GraderError(f"{problems[0]}{more}")


def in_a_course_of_its_own(assignment: str) -> list[str]:
    """All of it, in a folder that is gone afterwards: what is wrong, one line each."""
    problems = selftest(assignment)
    with tempfile.TemporaryDirectory() as folder:
        config = Config()
        configure(config, Path(folder) / "course", "selftest")
        course = Course(Path(folder) / "course", course_id="selftest", config=config)
        write_source(assignment, course.root)
        generate(course, assignment)
        with Book(course) as book:
            made = load(course, book, assignment)
        return problems + _problems(course, made)
