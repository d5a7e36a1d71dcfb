"""The one writer of nbgrader's gradebook: what nbgrader would write for a submission, in one transaction for many."""

import datetime
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from nbgrader import api
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Connection, and_, bindparam, case, insert, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from autograder.course import Course
from autograder.errors import GraderError

PATIENCE = 30.0  # seconds to wait for another program that writes to the gradebook

STUDENT, SUBMISSION, PART = (t.__table__ for t in (api.Student, api.SubmittedAssignment, api.SubmittedNotebook))
GRADE, COMMENT = api.Grade.__table__, api.Comment.__table__


@dataclass
class Part:
    """What is to stand in the gradebook for one notebook of a submission; no `comments` where no file was handed in."""

    grades: dict[str, float | None]
    comments: dict[str, str | None] = field(default_factory=dict)
    missing: bool = False


@dataclass
class Entry:
    student: str
    timestamp: datetime.datetime | None
    parts: dict[str, Part]


@dataclass
class Known:
    """A notebook of an assignment as the gradebook has it: the ids of its cells."""

    id: str
    grades: dict[str, str]
    comments: dict[str, str]


class Book:
    """A course's gradebook, opened once."""

    def __init__(self, course: Course):
        self.course = course
        self.gradebook = _explained(course, lambda: api.Gradebook(course.db_url, course.course_id))
        self.engine = self.gradebook.engine

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *_: Any) -> None:
        self.gradebook.close()
        self.engine.dispose()

    def assert_writable(self) -> None:
        """Fail now rather than after an hour of judging."""
        if self.engine.dialect.name == "sqlite":
            self.transaction(lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    def sources(self, assignment: str) -> dict[str, dict[str, tuple[str, str]]]:
        """The source and checksum of every marked cell, by notebook and grade id."""
        cell, notebook, parent = api.SourceCell, api.Notebook, api.Assignment
        rows = select(notebook.name, cell.name, cell.source, cell.checksum).join_from(notebook, cell, isouter=True)
        rows = rows.join(parent, parent.id == notebook.assignment_id).where(parent.name == assignment)
        found: dict[str, dict[str, tuple[str, str]]] = {}
        with self.engine.connect() as connection:
            for name, grade_id, source, checksum in connection.execute(rows):
                kept = found.setdefault(name, {})
                if grade_id is not None:
                    kept[grade_id] = (source, checksum)
        return found

    def writer(self, assignment: str) -> "Writer":
        return Writer(self, assignment)

    def transaction(self, work: Callable[[Connection], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise _reason(self.course, error) from None
                time.sleep(0.2)


class Writer:
    """Writes the submissions of one assignment."""

    def __init__(self, book: Book, assignment: str):
        self.book = book
        found = book.gradebook.find_assignment(assignment)
        self.id, self.duedate = found.id, found.duedate
        self.notebooks = {
            notebook.name: Known(
                notebook.id,
                {cell.name: cell.id for cell in [*notebook.grade_cells, *notebook.task_cells]},
                {cell.name: cell.id for cell in [*notebook.solution_cells, *notebook.task_cells]},
            )
            for notebook in found.notebooks
        }
        book.gradebook.db.rollback()  # lets go of the lock that reading took
        self.penalties = AssignLatePenalties(config=book.course.config)
        self.penalties.log.setLevel("ERROR")
        self.penalties.init_plugin()

    def write(self, entries: Iterable[Entry], *, fresh: bool = True) -> int:
        """Write submissions, all or nothing; how many were changed.

        `fresh` ones were judged just now: grades given by hand ask to be looked at again. Others are only completed
        where the gradebook does not hold what it should.
        """
        entries = list(entries)
        return self.book.transaction(lambda connection: sum(self._write(connection, each, fresh) for each in entries))

    def _write(self, connection: Connection, entry: Entry, fresh: bool) -> bool:
        changed, submission, late = self._submission(connection, entry)
        for name, part in entry.parts.items():
            known = self.notebooks[name]
            key, new = self._part(connection, submission, known)
            grades = self._grades(connection, key, known, part, fresh)
            comments = self._comments(connection, key, known, part)
            penalty = None if part.missing else self._penalty(connection, entry.student, key, late)
            changed |= new | grades | comments | self._set_penalty(connection, key, penalty)
        return changed

    def _submission(self, connection: Connection, entry: Entry) -> tuple[bool, str, float]:
        columns = SUBMISSION.c
        mine = and_(columns.assignment_id == self.id, columns.student_id == entry.student)
        row = connection.execute(select(columns.id, columns.timestamp, columns.extension).where(mine)).one_or_none()
        if row is None:
            if connection.execute(select(STUDENT.c.id).where(STUDENT.c.id == entry.student)).one_or_none() is None:
                connection.execute(insert(STUDENT).values(id=entry.student))
            key = api.new_uuid()
            values = {"assignment_id": self.id, "student_id": entry.student, "timestamp": entry.timestamp}
            connection.execute(insert(SUBMISSION).values(id=key, **values))
            return True, key, self._seconds_late(entry.timestamp, None)
        changed = entry.timestamp is not None and entry.timestamp != row.timestamp
        if changed:
            connection.execute(update(SUBMISSION).where(columns.id == row.id).values(timestamp=entry.timestamp))
        return changed, row.id, self._seconds_late(entry.timestamp or row.timestamp, row.extension)

    def _seconds_late(self, timestamp: datetime.datetime | None, extension: datetime.timedelta | None) -> float:
        if timestamp is None or self.duedate is None:
            return 0.0
        return max(0.0, (timestamp - self.duedate - (extension or datetime.timedelta())).total_seconds())

    def _part(self, connection: Connection, submission: str, known: Known) -> tuple[str, bool]:
        mine = and_(PART.c.assignment_id == submission, PART.c.notebook_id == known.id)
        key = connection.execute(select(PART.c.id).where(mine)).scalar_one_or_none()
        if key is not None:
            return key, False
        key = api.new_uuid()
        values = {"assignment_id": submission, "notebook_id": known.id, "flagged": False}
        connection.execute(insert(PART).values(id=key, **values))
        return key, True

    def _grades(self, connection: Connection, key: str, known: Known, part: Part, fresh: bool) -> bool:
        columns = GRADE.c
        rows = connection.execute(select(columns.cell_id, columns.auto_score).where(columns.notebook_id == key))
        here = {row.cell_id: row for row in rows}
        new = [
            {
                "notebook_id": key,
                "cell_id": cell,
                "auto_score": part.grades.get(name),
                "needs_manual_grade": part.grades.get(name) is None,
            }
            for name, cell in known.grades.items()
            if cell not in here
        ]
        if new:
            connection.execute(insert(GRADE), new)
        old = [
            {"cell": known.grades[name], "score": score, "unknown": score is None and not part.missing}
            for name, score in part.grades.items()
            if (row := here.get(known.grades[name])) is not None and (fresh or row.auto_score != score)
        ]
        if old:
            # As nbgrader: a grade given by hand stays and asks to be looked at again, unless no file was handed in.
            unknown: Any = bindparam("unknown")
            review = unknown if part.missing else case((columns.manual_score.is_not(None), True), else_=unknown)
            where = and_(columns.notebook_id == key, columns.cell_id == bindparam("cell"))
            written = update(GRADE).where(where).values(auto_score=bindparam("score"), needs_manual_grade=review)
            connection.execute(written, old)
        return bool(new or old)

    def _comments(self, connection: Connection, key: str, known: Known, part: Part) -> bool:
        columns = COMMENT.c
        rows = connection.execute(select(columns.cell_id, columns.auto_comment).where(columns.notebook_id == key))
        here = {row.cell_id: row.auto_comment for row in rows}
        new = [
            {"notebook_id": key, "cell_id": cell, "auto_comment": part.comments.get(name)}
            for name, cell in known.comments.items()
            if cell not in here
        ]
        if new:
            connection.execute(insert(COMMENT), new)
        changed = bool(new)
        for name, words in part.comments.items():
            cell = known.comments[name]
            if cell in here and here[cell] != words:
                where = and_(columns.notebook_id == key, columns.cell_id == cell)
                connection.execute(update(COMMENT).where(where).values(auto_comment=words))
                changed = True
        return changed

    def _penalty(self, connection: Connection, student: str, key: str, late: float) -> float | None:
        if late <= 0:
            return None
        columns = GRADE.c
        rows = connection.execute(
            select(columns.auto_score, columns.manual_score, columns.extra_credit).where(columns.notebook_id == key)
        )
        score = 0.0
        for auto, manual, extra in rows:
            given = manual if manual is not None else auto
            score += 0.0 if given is None else given + (extra or 0.0)
        penalty = self.penalties.plugin_inst.late_submission_penalty(student, score, late)
        return None if penalty is None else self.penalties._check_late_penalty(SimpleNamespace(score=score), penalty)

    def _set_penalty(self, connection: Connection, key: str, penalty: float | None) -> bool:
        column = PART.c.late_submission_penalty
        where = and_(PART.c.id == key, column.is_distinct_from(penalty))
        return bool(connection.execute(update(PART).where(where).values(late_submission_penalty=penalty)).rowcount)


def _explained(course: Course, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DatabaseError as error:
        raise _reason(course, error) from None


def _reason(course: Course, error: DatabaseError) -> GraderError:
    """What to do about a gradebook that cannot be written; whatever was judged so far is kept in any case."""
    what = str(error.orig)
    cure = {
        "locked": "close the other program that writes to it (formgrader, a copy, a backup)",
        "readonly": "make the file and its folder writable",
        "full": "make room on the disk",
        "not a database": "put your last copy of it back",
        "unable to open": "make its folder, or name another one in nbgrader_config.py",
    }
    advice = next((text for key, text in cure.items() if key in what), "see `nbgrader db upgrade --help`")
    return GraderError(
        f"the gradebook {course.db_url} cannot be used ({what}): {advice}, then run the same command again"
    )
