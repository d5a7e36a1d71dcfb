"""Grades as CSV: the columns are those that each system reads, the scores those of the gradebook."""

import csv

import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin

from autograder.__main__ import main
from autograder.gradebook import Book, Entry, Part
from tests.autograder.small_course import NAME
from tests.autograder.test_gradebook import DAY, DUE, by_hand

# Canvas' own importer asks for these, with the points possible in the second row: `gradebook_importer_spec.rb`.
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
# Moodle: the first, second, fourth and fifth stand in its grade export as it comes; `username` may be added there.
MOODLE = ["First name", "Last name", "Username", "ID number", "Email address"]


def parts():
    return {NAME: Part({"double": 3.0, "mean": 2.0, "derive": None})}


@pytest.fixture
def here(course, monkeypatch):
    """Ada is graded whole and a day late, Bo waits for a hand, Çelik handed in nothing; 9 points in all."""
    with Gradebook(course.db_url, course.course_id) as made:
        made.update_or_create_assignment(NAME, duedate=DUE)
        names = {"first_name": "Ada", "last_name": "Lovelace, Countess", "email": "ada@x.org", "lms_user_id": "17"}
        made.update_or_create_student("ada", **names)
        made.update_or_create_student("celik", first_name="Çelik")
    with Book(course) as book:
        entries = [Entry("ada", DUE + DAY, parts()), Entry("bo", DUE, parts())]
        book.writer(NAME).write(entries)
        by_hand(book, "ada", 2.5)
        book.writer(NAME).write(entries, fresh=False)
    monkeypatch.chdir(course.root.parent)
    return course


def exported(form):
    with open(f"{NAME}-{form}.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_who_waits_for_a_grade_by_hand_is_named(here, capsys):
    assert main(["export", NAME]) == 1
    out, err = capsys.readouterr()
    assert out == "small: grades of 2 of 3 students in small-nbgrader.csv\n"
    assert err == "waiting for a grade by hand: bo\n"


def test_nbgraders_columns(here):
    """They are nbgrader's own, and so is every value, but for the commas within a name."""
    main(["export", NAME, "--format", "nbgrader"])
    ours = exported("nbgrader")
    with Gradebook(f"sqlite:///{here.root}/gradebook.db", here.course_id) as book:
        plugin = CsvExportPlugin(to="theirs.csv", assignment=[NAME])
        plugin.log.setLevel("ERROR")
        plugin.export(book)
    with open("theirs.csv", encoding="utf-8") as file:
        head, *rows = file.read().splitlines()
    assert ",".join(ours[0]) == head
    assert sorted(",".join(row) for row in ours[1:]) == sorted(rows)
    ada = dict(zip(*ours[:2], strict=True))
    assert ada["last_name"] == "Lovelace, Countess"
    assert [ada[key] for key in ours[0][7:]] == ["7.5", "0.75", "6.75", "9.0"]


def test_canvas_columns(here):
    main(["export", NAME, "--format", "canvas"])
    assert exported("canvas") == [
        [*CANVAS, NAME],
        ["    Points Possible", "", "", "", "", "9"],
        ["Lovelace, Countess, Ada", "17", "", "ada", "", "6.75"],
        ["bo", "", "", "bo", "", "5"],
        ["Çelik", "", "", "celik", "", ""],
    ]


def test_moodles_columns(here):
    main(["export", NAME, "--format", "moodle"])
    assert exported("moodle") == [
        [*MOODLE, f"Assignment: {NAME} (Real)"],
        ["Ada", "Lovelace, Countess", "ada", "17", "ada@x.org", "6.75"],
        ["", "", "bo", "", "", "5"],
        ["Çelik", "", "celik", "", "", "-"],
    ]


@pytest.mark.parametrize("form", ["nbgrader", "canvas", "moodle"])
def test_to_another_file(here, form, tmp_path):
    assert main(["export", NAME, "--format", form, "--to", str(tmp_path / "grades.csv")]) == 1
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8").count("ada") >= 1
