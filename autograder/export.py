"""Grades as CSV, in the columns that nbgrader, Canvas and Moodle read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from nbgrader.api import Gradebook, Student
from nbgrader.plugins import CsvExportPlugin


@dataclass
class Row:
    """A student's score, what is lost for being late taken off; None where nothing was handed in."""

    student: Student
    score: float | None
    waiting: bool  # for a grade by hand

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
            yield Row(student, None, False)
        else:
            submission = gradebook.find_submission(assignment, student.id)
            score = max(0.0, found["score"] - submission.late_submission_penalty)
            yield Row(student, score, bool(found["needs_manual_grade"]))


def nbgrader(gradebook: Gradebook, assignment: str, path: str) -> None:
    """As `nbgrader export` writes it."""
    plugin = CsvExportPlugin(to=path, assignment=[assignment])
    plugin.log.setLevel("ERROR")
    plugin.export(gradebook)


def canvas(gradebook: Gradebook, assignment: str, file: TextIO) -> None:
    """As Canvas' gradebook exports and imports it: the points possible in the second row."""
    table = csv.writer(file)
    table.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment])
    table.writerow(["    Points Possible", "", "", "", "", number(gradebook.find_assignment(assignment).max_score)])
    for row in rows(gradebook, assignment):
        table.writerow([row.name, row.student.lms_user_id or "", "", row.student.id, "", number(row.score)])


def moodle(gradebook: Gradebook, assignment: str, file: TextIO) -> None:
    """As Moodle's grade export writes it and its import maps it, by ID number, user name or address."""
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
