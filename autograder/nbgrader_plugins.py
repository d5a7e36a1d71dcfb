"""This grader inside `nbgrader autograde`, formgrader's Autograde button and nbgrader's feedback.

`settings.configure` puts Judge in the place of all that nbgrader does with a submission: the verdict is the one that
`autograder grade` gives. Nothing of a submission runs in this process: Judge opens a sandbox or fails, and nbgrader
says so.
"""

import atexit
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.assignment import load
from autograder.batch import Shelf, alone
from autograder.course import Course
from autograder.desk import Desk
from autograder.gradebook import Book
from autograder.inline import visible
from autograder.sandbox import Sandbox
from autograder.settings import Autograder

Resources = dict[str, Any]
_open = ExitStack()
atexit.register(_open.close)


@lru_cache
def _sandbox(capability: str) -> Sandbox:
    """One for all submissions that this process grades."""
    return _open.enter_context(Sandbox(capability))


class Judge(NbGraderPreprocessor):
    """Judges the submission, writes its verdict and its grades, and gives nbgrader the notebook to go on with."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        directory = self.parent.parent.coursedir  # of the converter that owns the exporter that owns this
        course = Course(directory.root, directory.db_url, directory.course_id, self.config)
        with alone(course), Book(course) as book:
            assignment = load(course, book, names["assignment"])
            desk = Desk(course, assignment, _sandbox(Autograder(config=self.config).capability(assignment.name)))
            record, _ = desk.judge(names["student"])
            shelf = Shelf(course, book.writer(assignment.name))
            shelf.put(record)
            shelf.flush()
        path = course.folder("autograded", names["student"], names["assignment"]) / f"{names['notebook']}.ipynb"
        path.chmod(0o644)  # nbgrader writes it once more, and then takes that right away
        return nbformat.read(path, 4), resources


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests out of what becomes feedback; `autograded/` keeps them for the instructor."""

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        mark = cell.metadata.get("nbgrader", {})
        if not mark.get("solution") and (mark.get("grade") or mark.get("locked")):
            cell.source = visible(cell.source)
        return cell, resources
