"""Plain nbgrader tests, written into the notebook by an instructor: run in the checker, on the student's proxies.

The test is the course's own text. What it imports, what the course's cells import, and what its read-only cells define
is the checker's; every other name that it reads is the student's, and comes over the wire.
"""

import ast
import builtins
import traceback
import warnings
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from autograder.course import Cell, Notebook
from autograder.errors import Stopped, StudentError
from autograder.values import copied, difference, one_line

FILE, COURSE = "<test>", "<course>"
FAILED, HIDDEN = "A test of this cell failed.", "A hidden test failed."
IMPORTS = (ast.Import, ast.ImportFrom)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Outcome:
    """How a test ended; `shown` is what its student may read of a failure: nothing of a hidden line."""

    share: float  # of the points
    wrote: bool = False  # a function wrote into what it was given, and the test wants its results: see `run`
    shown: str | None = None
    cause: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Known:
    """What the course's own cells give to its tests; `definitions` are run for each test, to see that test's names."""

    names: dict[str, Any]
    definitions: ast.Module


def known(notebook: Notebook) -> Known:
    """All that the course's cells import, and what the read-only ones define by themselves.

    A student can give these names another meaning in the notebook, but not in its tests.
    """
    names: dict[str, Any] = {}
    definitions: list[ast.stmt] = []
    for cell in notebook.cells:
        wanted = (*IMPORTS, *DEFINITIONS, ast.Assign, ast.AnnAssign) if cell.locked and not cell.is_test else IMPORTS
        for statement in _statements(cell) if cell.kind == "code" else ():
            if not isinstance(statement, wanted):
                continue
            # One that fails needs what the checker lacks, or the student's work: a test that needs it will say so.
            with suppress(Exception):
                exec(compile(ast.Module([statement], []), COURSE, "exec"), names)
                definitions += [statement] if isinstance(statement, DEFINITIONS) else []
    given = {name: value for name, value in names.items() if value is not None and name != "__builtins__"}
    return Known(given, ast.Module(definitions, []))


def _statements(cell: Cell) -> list[ast.stmt]:
    try:
        return ast.parse(cell.source).body
    except SyntaxError:
        return []  # a magic, or a stub that is to be completed


def run(test: Cell, student: Mapping[str, Any], known: Known, lend: bool = True) -> Outcome:
    """Run a test cell. As in nbgrader, a last line that is a number gives that part of the points.

    A function that fills its argument with zeros, and returns zeros, passes a test that compares with twice that
    argument. Where one `wrote`, the test must also hold in a new copy without `lend`: with copies of its arguments.
    """
    try:
        tree = ast.parse(test.source, FILE)
    except SyntaxError as error:
        return Outcome(0.0, error=f"the test {test.grade_id} is not Python: line {error.lineno}: {error.msg}")
    lender = Lender(lend)
    try:
        value = _value(test.source, student, known, lender)
    except Stopped as stopped:
        return Outcome(0.0, cause=stopped.cause)
    except Exception:
        return Outcome(0.0, shown=FAILED)
    return Outcome(_share(value, test.points), wrote=lender.wrote and not _calls_for_effect(tree, lender.names))


def explain(test: Cell, student: Mapping[str, Any], known: Known) -> str:
    """Which line failed, if it is one that students see.

    `student` must be a copy that was given nothing hidden: what its functions raise is shown.
    """
    source = visible(test.source)
    try:
        _value(source, student, known, Lender(lend=True))
    except Stopped:
        return FAILED
    except Exception as error:
        return _failed(source, error)
    return HIDDEN


class Lender:
    """Makes a student's functions into those that a test calls, and notices when one writes into its arguments."""

    def __init__(self, lend: bool):
        self.lend, self.wrote = lend, False
        self.names: set[str] = set()

    def take(self, student: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
        """Those of the names that the student defined."""
        self.names = {name for name in names if name in student}
        return {name: self.wrapped(student[name]) for name in self.names}

    def wrapped(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(self.wrapped, value))
        if not callable(value):
            return value

        def function(*args, **kwargs):
            given = [*args, *kwargs.values()]
            copies = [each if isinstance(each, np.random.Generator) else copied(each) for each in given]
            if self.lend:
                try:
                    return self.wrapped(value(*args, **kwargs))
                finally:
                    self.wrote |= difference(given, copies, rtol=0.0) is not None
            return self.wrapped(value(*copies[: len(args)], **dict(zip(kwargs, copies[len(args) :], strict=True))))

        function.__name__ = getattr(value, "__name__", "function")
        return function


def _calls_for_effect(tree: ast.Module, names: set[str]) -> bool:
    """Whether the test calls one of these for what it writes into its arguments, and not for its result."""
    calls = [node.value for each in tree.body[:-1] for node in ast.walk(each) if isinstance(node, ast.Expr)]
    return any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names for call in calls
    )


def _value(source: str, student: Mapping[str, Any], known: Known, lender: Lender) -> Any:
    """Of the last line, if that is an expression."""
    tree = ast.parse(source, FILE)
    fresh = {name: _fresh(value) for name, value in known.names.items()}
    namespace = {"__builtins__": builtins, "__name__": "__main__", **fresh}
    exec(compile(known.definitions, COURSE, "exec"), namespace)
    last = tree.body[-1] if tree.body else None
    last = last if isinstance(last, ast.Expr) else None
    tree.body = tree.body[:-1] if last else tree.body
    namespace |= lender.take(student, _free(tree, last, known.definitions) - namespace.keys() - vars(builtins).keys())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, FILE, "exec"), namespace)
        return None if last is None else eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)


def _fresh(value: Any) -> Any:
    """A copy, since a submission may write into what a test passes to it."""
    if isinstance(value, ModuleType) or callable(value):
        return value
    with suppress(Exception):  # of what cannot be copied
        return deepcopy(value)
    return value


def _free(*trees: ast.AST | None) -> set[str]:
    """The names that the test reads, wherever they may come from."""
    nodes = [node for tree in trees if tree is not None for node in ast.walk(tree)]
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _share(value: Any, points: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not points:
        return 1.0
    return min(max(float(value), 0.0), points) / points if value == value else 0.0


def _failed(source: str, error: Exception) -> str:
    line = max(
        (frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE), default=0
    )
    text = source.split("\n")[line - 1].strip() if line else ""
    said = one_line(str(error))
    kind = next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")
    kind = kind if not isinstance(error, StudentError) else f"your function raised {kind}"
    return f"This line of the test failed:\n\n{text}\n  {kind}{': ' + said if said else ''}"


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
