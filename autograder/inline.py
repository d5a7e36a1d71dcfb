"""Plain nbgrader tests, written into the notebook by an instructor: run in the checker, on the student's proxies.

The test is the course's own text. Its imports, and those of the course's read-only and stub cells, are the checker's;
every other name that it reads is the student's, and comes over the wire.
"""

import ast
import builtins
import traceback
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autograder.course import Cell, Notebook
from autograder.errors import Stopped, StudentError
from autograder.values import one_line

FILE = "<test>"


@dataclass(frozen=True)
class Outcome:
    """How a test ended; `shown` is what its student may read of a failure: nothing of a hidden line."""

    share: float  # of the points
    shown: str | None = None
    cause: str | None = None
    error: str | None = None


def imports(notebook: Notebook) -> dict[str, Any]:
    """What the course's own cells import, as the tests may use it."""
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        for statement in _statements(cell) if cell.kind == "code" else ():
            if isinstance(statement, ast.Import | ast.ImportFrom):
                with suppress(ImportError):  # what the checker lacks; a test that needs it says so in the selftest
                    exec(compile(ast.Module([statement], []), FILE, "exec"), names)
    names.pop("__builtins__", None)
    return names


def _statements(cell: Cell) -> list[ast.stmt]:
    try:
        return ast.parse(cell.source).body
    except SyntaxError:
        return []  # a magic, or a stub that is to be completed


def run(test: Cell, student: Mapping[str, Any], known: Mapping[str, Any]) -> Outcome:
    """Run a test cell. As in nbgrader, a last line that is a number gives that part of the points."""
    try:
        tree = ast.parse(test.source, FILE)
    except SyntaxError as error:
        return Outcome(0.0, error=f"the test {test.grade_id} is not Python: line {error.lineno}: {error.msg}")
    namespace = {"__builtins__": builtins, "__name__": "__main__", **known}
    last = tree.body[-1] if tree.body else None
    last = last if isinstance(last, ast.Expr) else None
    tree.body = tree.body[:-1] if last else tree.body
    try:
        for name in _free(tree, last) - namespace.keys() - vars(builtins).keys():
            if name in student:
                namespace[name] = student[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(tree, FILE, "exec"), namespace)
            value = None if last is None else eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)
    except Stopped as stopped:
        return Outcome(0.0, cause=stopped.cause)
    except Exception as error:
        return _failed(test, error)
    return Outcome(_share(value, test.points))


def _free(*trees: ast.AST | None) -> set[str]:
    """The names that the test reads, wherever they may come from."""
    nodes = [node for tree in trees if tree is not None for node in ast.walk(tree)]
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _share(value: Any, points: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not points:
        return 1.0
    return min(max(float(value), 0.0), points) / points if value == value else 0.0


def _failed(test: Cell, error: Exception) -> Outcome:
    line = max(
        (frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE), default=0
    )
    if line in hidden_lines(test.source):
        return Outcome(0.0, shown="A hidden test failed.")
    text = test.source.split("\n")[line - 1].strip() if line else ""
    said = one_line(str(error))
    kind = next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")
    kind = kind if not isinstance(error, StudentError) else f"your function raised {kind}"
    return Outcome(0.0, shown=f"This line of the test failed:\n\n{text}\n  {kind}{': ' + said if said else ''}")


def hidden_lines(source: str) -> set[int]:
    """The numbers of the lines between nbgrader's marks for hidden tests, and of the marks."""
    found, hidden = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        hidden = hidden or "### BEGIN HIDDEN TESTS" in line
        if hidden:
            found.add(number)
        hidden = hidden and "### END HIDDEN TESTS" not in line
    return found


def visible(source: str) -> str:
    """The source as students get it, without the hidden tests."""
    hidden = hidden_lines(source)
    return "\n".join(line for number, line in enumerate(source.split("\n"), 1) if number not in hidden)
