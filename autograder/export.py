"""Grades as CSV, in the columns that nbgrader, Canvas and Moodle read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from nbgrader.api import Gradebook, Student


@dataclass
class Row:
    """What a student has in an assignment; no `timestamp` where nothing was handed in, or nobody knows when."""

    student: Student
    score: float | None = None  # what is lost for being late taken off; None where nothing was handed in
    raw: float = 0.0
    penalty: float = 0.0
    timestamp: datetime | None = None
    waiting: bool = False  # for a grade by hand

    @property
    def name(self) -> str:
        names = [self.student.last_name, self.student.first_name]
        return ", ".join(filter(None, names)) or self.student.id


def rows(gradebook: Gradebook, assignment: str) -> Iterator[Row]:
    """Every student of the course, by id."""
    scores = {each["student"]: each for each in gradebook.submission_dicts(assignment)}
    for student in sorted(gradebook.students, key=lambda each: each.id):
        found = scores.get(student.id)
        if found is None:
            yield Row(student)
        else:
            submission = gradebook.find_submission(assignment, student.id)
            raw, penalty = found["score"], submission.late_submission_penalty
            waiting = bool(found["needs_manual_grade"])
            yield Row(student, max(0.0, raw - penalty), raw, penalty, submission.timestamp, waiting)


def nbgrader(gradebook: Gradebook, assignment: str, file: TextIO) -> None:
    """As `nbgrader export` writes it, which does not quote a name with a comma in it."""
    table, made = csv.writer(file), gradebook.find_assignment(assignment)
    scores = ["raw_score", "late_submission_penalty", "score", "max_score"]
    table.writerow(["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", *scores])
    for row in rows(gradebook, assignment):
        student = row.student
        who = [student.id, student.last_name or "", student.first_name or "", student.email or ""]
        numbers = [row.raw, row.penalty, row.score or 0.0, made.max_score]
        table.writerow([assignment, made.duedate or "", row.timestamp or "", *who, *numbers])


def canvas(gradebook: Gradebook, assignment: str, file: TextIO) -> None:
    """As Canvas' gradebook exports and imports it: the points possible in the second row."""
    table = csv.writer(file)
    table.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment])
    table.writerow(["    Points Possible", "", "", "", "", number(gradebook.find_assignment(assignment).max_score)])
    for row in rows(gradebook, assignment):
        table.writerow([row.name, row.student.lms_user_id or "", "", row.student.id, "", number(row.score)])


def moodle(gradebook: Gradebook, assignment: str, file: TextIO) -> None:
    """As Moodle's grade export names its columns; its import finds people by user name, ID number or address."""
    table = csv.writer(file)
    table.writerow(
        ["First name", "Last name", "Username", "ID number", "Email address", f"Assignment: {assignment} (Real)"]
    )
    for row in rows(gradebook, assignment):
        student = row.student
        names = [
            student.first_name or "",
            student.last_name or "",
            student.id,
            student.lms_user_id or "",
            student.email or "",
        ]
        table.writerow([*names, "-" if row.score is None else number(row.score)])


def number(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}".rstrip("0").rstrip(".")
