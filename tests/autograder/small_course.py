"""A course of one small assignment, made by nbgrader itself, and a sandbox that confines nothing: for tests of what
stands around the sandbox."""

import contextlib
import io
import json
from types import SimpleNamespace

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

from autograder import settings, steps
from autograder.course import Course

NAME = "small"
CONFIG = """from pathlib import Path
from autograder.settings import configure
c = get_config()
configure(c, Path(__file__).parent / "course", course_id="test")
c.AssignLatePenalties.plugin_class = "autograder.late.TenthADay"
"""
RIGHT = {
    "double_solution": "def double(x):\n    return 2 * x",
    "mean_solution": "def mean(x):\n    return sum(x) / len(x)",
    "derive": "Because $a<b$.",
}


def mark(grade_id, *, grade=False, solution=False, locked=False, points=None, task=False):
    made = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked}
    return {"nbgrader": {**made, "task": task, **({} if points is None else {"points": points})}}


def source():
    """What an instructor writes: two functions with plain hidden tests, and an answer."""
    solution = "    ### BEGIN SOLUTION\n    return {}\n    ### END SOLUTION"
    hidden = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
    cells = [
        new_markdown_cell("# Small", metadata=mark("title", locked=True)),
        new_code_cell("import numpy as np"),
        new_code_cell("def double(x):\n" + solution.format("2 * x"), metadata=mark("double_solution", solution=True)),
        new_code_cell(
            "assert double(1) == 2\n"
            + hidden.format("np.testing.assert_allclose(double(np.array([34567.0, 1.0])), [69134.0, 2.0])"),
            metadata=mark("double", grade=True, locked=True, points=3),
        ),
        new_code_cell(
            "def mean(x):\n" + solution.format("sum(x) / len(x)"), metadata=mark("mean_solution", solution=True)
        ),
        new_code_cell(
            "assert mean([1, 3]) == 2\n" + hidden.format("assert mean([8, 9, 76543]) == 25520"),
            metadata=mark("mean", grade=True, locked=True, points=2),
        ),
        new_markdown_cell("Why?", metadata=mark("derive", grade=True, solution=True, points=4)),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def open_course(folder):
    """The course whose nbgrader_config.py stands in this folder, without changing into it."""
    config = Config()
    settings.configure(config, folder / "course", course_id="test")
    config.AssignLatePenalties.plugin_class = "autograder.late.TenthADay"
    return Course(folder / "course", course_id="test", config=config)


def make(folder):
    """The course as it is after the release."""
    (folder / "nbgrader_config.py").write_text(CONFIG)
    course = open_course(folder)
    path = course.root / "source" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir()
    nbformat.write(source(), path)
    steps.generate(course, NAME)


def released(course):
    return json.loads((course.root / "release" / NAME / f"{NAME}.ipynb").read_text())


def find(notebook, grade_id):
    """A cell of a notebook, by its mark."""
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def notebook_of(course, **answers):
    """The released notebook with these sources in its cells; all right ones, if none are given."""
    notebook = released(course)
    for grade_id, text in (answers or RIGHT).items():
        find(notebook, grade_id)["source"] = text
    return notebook


def submit(course, student, notebook=None, *, name=f"{NAME}.ipynb", at="2026-01-01 12:00:00.000000 UTC"):
    """Put a notebook (or any text or bytes) where `collect` would put it."""
    folder = course.root / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    content = notebook_of(course) if notebook is None else notebook
    data = json.dumps(content).encode() if isinstance(content, dict) else content
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    (folder / "timestamp.txt").write_text(at)
    return folder


class OpenSandbox:
    """Runs submissions in this process."""

    unconfined = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @contextlib.contextmanager
    def run(self, cells, budget):
        names = {"__name__": "__main__"}
        results = [self._run(cell, names) for cell in cells]
        fork = lambda budget, last=False: contextlib.nullcontext(names)  # noqa: E731
        yield SimpleNamespace(cells=results, fork=fork, renew=lambda: None)

    def _run(self, cell, names):
        outputs = []
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(cell, names)
        except Exception as error:
            error = {"ename": type(error).__name__, "evalue": str(error), "traceback": [str(error)]}
            outputs = [{"output_type": "error", **error}]
        if printed.getvalue():
            outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": printed.getvalue()})
        return SimpleNamespace(outputs=outputs, error=None, cause=None)
