"""What goes into the gradebook: what nbgrader would write, in transactions, and not over a person's grades."""

import datetime
import sqlite3

import pytest
from nbgrader.api import Gradebook

from autograder import gradebook
from autograder.errors import GraderError
from autograder.gradebook import Book, Entry, Part
from tests.autograder.small_course import NAME

DUE = datetime.datetime(2026, 1, 1, 12)
DAY = datetime.timedelta(days=1)


def entry(double=3.0, derive=None, *, student="ada", at=DUE, missing=False):
    comments = {} if missing else {"double_solution": None, "mean_solution": "No response.", "derive": None}
    return Entry(student, at, {NAME: Part({"double": double, "mean": 1.0, "derive": derive}, comments, missing)})


@pytest.fixture
def book(course):
    with Gradebook(course.db_url, course.course_id) as made:
        made.update_or_create_assignment(NAME, duedate=DUE)
    with Book(course) as book:
        yield book


def seen(book, student="ada"):
    """The grades as nbgrader reads them."""
    with Gradebook(book.course.db_url, book.course.course_id) as made:
        notebook = made.find_submission_notebook(NAME, NAME, student)
        grades = {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}
        comments = {c.name: c.auto_comment for c in notebook.comments}
        return grades, comments, notebook.score, notebook.late_submission_penalty


def by_hand(book, student="ada", score=4.0):
    with Gradebook(book.course.db_url, book.course.course_id) as made:
        grade = made.find_grade("derive", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        made.db.commit()


def test_a_new_submission(book):
    assert book.writer(NAME).write([entry()]) == 1
    grades, comments, score, penalty = seen(book)
    assert grades == {"double": (3.0, None, False), "mean": (1.0, None, False), "derive": (None, None, True)}
    assert comments == {"double_solution": None, "mean_solution": "No response.", "derive": None}
    assert (score, penalty) == (4.0, None)


def test_writing_it_again_changes_nothing(book):
    writer = book.writer(NAME)
    writer.write([entry()])
    assert writer.write([entry()], fresh=False) == 0
    with sqlite3.connect(book.course.root / "gradebook.db") as rows:
        assert rows.execute("select count(*) from submitted_assignment").fetchone() == (1,)
        assert rows.execute("select count(*) from grade").fetchone() == (3,)


def test_a_grade_given_by_hand_stays_and_is_looked_at_again_after_a_new_verdict(book):
    writer = book.writer(NAME)
    writer.write([entry()])
    by_hand(book)
    writer.write([entry()], fresh=False)
    assert seen(book)[0]["derive"] == (None, 4.0, False)
    writer.write([entry(double=1.0)])
    assert seen(book)[0]["derive"] == (None, 4.0, True)
    assert seen(book)[0]["double"] == (1.0, None, False)


def test_a_missing_notebook_asks_nobody_to_grade_it(book):
    book.writer(NAME).write([entry(double=0.0, derive=0.0, missing=True)])
    assert seen(book)[0]["derive"] == (0.0, None, False)


def test_nor_does_one_that_was_there_before(book):
    book.writer(NAME).write([entry()])
    assert seen(book)[0]["derive"] == (None, None, True)
    book.writer(NAME).write([entry(double=0.0, derive=0.0, missing=True)])
    assert seen(book)[0]["derive"] == (0.0, None, False)


def test_a_late_one_loses_a_tenth_a_day_an_extension_gives_it_back(book):
    book.writer(NAME).write([entry(at=DUE + 1.5 * DAY)])
    assert seen(book)[3] == pytest.approx(0.2 * 4.0)
    with Gradebook(book.course.db_url, book.course.course_id) as made:
        made.grant_extension(NAME, "ada", days=1)
    assert book.writer(NAME).write([entry(at=DUE + 1.5 * DAY)], fresh=False) == 1
    assert seen(book)[3] == pytest.approx(0.1 * 4.0)
    by_hand(book)
    book.writer(NAME).write([entry(at=DUE + 1.5 * DAY)], fresh=False)
    assert seen(book)[3] == pytest.approx(0.1 * 8.0)


def test_in_time_is_not_late(book):
    book.writer(NAME).write([entry(at=DUE), entry(at=None, student="bob")])
    assert seen(book)[3] is None
    assert seen(book, "bob")[3] is None


def test_all_or_nothing(book):
    broken = entry(student="bob")
    broken.parts[NAME].grades["double"] = object()
    with pytest.raises(Exception, match="object"):
        book.writer(NAME).write([entry(), broken])
    with sqlite3.connect(book.course.root / "gradebook.db") as rows:
        assert rows.execute("select count(*) from submitted_assignment").fetchone() == (0,)


def test_a_locked_gradebook_is_waited_for_then_told(book, monkeypatch):
    monkeypatch.setattr(gradebook, "PATIENCE", 0.0)
    other = sqlite3.connect(book.course.root / "gradebook.db", isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(GraderError, match=r"locked.*close the other program.*run the same command again"):
        book.assert_writable()
    other.execute("rollback")
    book.assert_writable()


def test_a_gradebook_that_cannot_be_written_is_told(book):
    with book.engine.connect() as connection:
        connection.exec_driver_sql("pragma query_only = on")
        connection.commit()
        with pytest.raises(GraderError, match=r"readonly.*make the file and its folder writable"):
            book.transaction(lambda _: connection.exec_driver_sql("delete from grade"))


def test_a_full_disk_is_told(book):
    with book.engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1")
        with pytest.raises(GraderError, match=r"full.*make room on the disk"):
            book.transaction(lambda _: connection.exec_driver_sql("create table x as select hex(randomblob(1000000))"))


def test_no_such_assignment_has_no_sources(book):
    assert book.sources("other") == {}
    assert set(book.sources(NAME)[NAME]) == {"title", "double_solution", "double", "mean_solution", "mean", "derive"}
