"""nbgrader's own steps, run as nbgrader runs them, with its log turned into one line where one fails."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.utils import parse_utc

from autograder.course import Course
from autograder.errors import GraderError


def api(course: Course) -> NbGraderAPI:
    """nbgrader, for this course; it logs errors alone."""
    made = NbGraderAPI(config=course.config)
    made.log_level = "ERROR"
    return made


def _succeed(what: str, result: dict[str, Any]) -> str:
    """The log of a step of nbgrader's, which has to have succeeded."""
    log = result.get("log", "")
    if not result["success"]:
        said = re.findall(r"\[(?:ERROR|CRITICAL)\] (.*)", log) or result.get("error", "").strip().split("\n")[-1:]
        raise GraderError(f"nbgrader could not {what}: {said[0] if said else 'it does not say why'}")
    return log


def generate(course: Course, assignment: str) -> None:
    """`release/` from `source/`, and the tests into the gradebook."""
    if not list((course.root / "source" / assignment).glob("*.ipynb")):
        raise GraderError(
            f"there is no notebook in {course.root}/source/{assignment}, and no solutions/{assignment}.md: write one"
        )
    _succeed(f"make the release of {assignment}", api(course).generate_assignment(assignment, force=True))


def hand_out(course: Course, assignment: str, *, force: bool) -> None:
    """Put the release where students fetch it."""
    nbgrader = api(course)
    nbgrader.config.ExchangeReleaseAssignment.force = force
    _succeed(f"hand out {assignment}", nbgrader.release_assignment(assignment))


def collect(course: Course, assignment: str) -> list[str]:
    """Fetch submissions, newer ones too; what is worth a look, one line each."""
    nbgrader = api(course)
    inbound = Path(nbgrader.exchange_root) / course.course_id / "inbound"
    if not inbound.is_dir():
        raise GraderError(f"there is no {inbound}, where students hand in: run `autograder release {assignment}` first")
    links = list(_links(inbound, assignment))
    nbgrader.coursedir.ignore = [*nbgrader.coursedir.ignore, *{link.name for link in links}]
    with _log_level(nbgrader, "WARN"):
        log = _succeed(f"collect {assignment}", nbgrader.collect(assignment))
    told = [
        f"{link.relative_to(nbgrader.exchange_root)} is a link, which could lead into your files; it was left out"
        for link in links
    ]
    told += [
        " ".join(said.split())
        for said in re.findall(r"\S+ claims to be submitted by .*?cheating attempt\?", log, re.DOTALL)
    ]
    return told + list(_timestamps(course, assignment))


def _links(inbound: Path, assignment: str) -> Iterator[Path]:
    """nbgrader follows links when it copies, with the instructor's rights."""
    for folder in inbound.glob(f"*+{assignment}+*"):
        if folder.is_symlink():
            yield folder
        for directory, names, files in os.walk(folder):
            yield from (path for name in [*names, *files] if (path := Path(directory, name)).is_symlink())


def _timestamps(course: Course, assignment: str) -> Iterator[str]:
    """Formgrader's page of all submissions fails on one timestamp.txt that is none: such a file is put aside."""
    for path in (course.root / "submitted").glob(f"*/{assignment}/timestamp.txt"):
        try:
            parse_utc(path.read_text(encoding="utf-8").strip())
        except (OSError, ValueError, OverflowError):
            path.rename(path.with_name("timestamp.unreadable"))
            yield f"{path.parent.parent.name}: timestamp.txt holds no time; the submission counts as not late"


@contextmanager
def _log_level(nbgrader: NbGraderAPI, level: str) -> Iterator[None]:
    before, nbgrader.log_level = nbgrader.log_level, level
    try:
        yield
    finally:
        nbgrader.log_level = before


def feedback(
    course: Course, assignment: str, students: list[str], *, force: bool, step: Callable[[str], None]
) -> list[str]:
    """nbgrader's feedback, also into the exchange for who handed in there; what failed, a line each."""
    nbgrader, failed = api(course), []
    for student in students:
        try:
            _succeed(f"write the feedback of {student}", nbgrader.generate_feedback(assignment, student, force=force))
            if (course.folder("feedback", student, assignment) / "submission_secret.txt").exists():
                _succeed(f"hand out the feedback of {student}", nbgrader.release_feedback(assignment, student))
        except GraderError as error:
            failed.append(str(error))
        step(student)
    return failed
