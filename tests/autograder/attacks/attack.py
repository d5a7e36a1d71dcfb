"""The form in which an attack is written, and the assignment that all of them are made on."""

# ruff: noqa: E501  an attack's lines are easier to read whole

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.syscalls import numbers
from tests.autograder.small_course import find, mark

NAME = "small"
RIGHT = {
    "shrink_solution": "def shrink(x, lam):\n    return x - np.clip(x, -lam, lam)",
    "scale_solution": "def scale(x):\n    return 2 * x",
    "mean_solution": "def mean(x):\n    return sum(x) / len(x)",
}
FULL = {"shrink": 8, "scale": 3, "mean": 2}
NOTHING = "\ndef shrink(x, lam):\n    return None"
# What attacks share: a system call, an error for what must not be possible, whose word no source line holds.
PRELUDE = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) if type(each) is int else each for each in arguments))
def breach(*what):
    raise RuntimeError("BRE" + "ACH " + repr(what))
def tried(function, *arguments):
    try:
        return function(*arguments)
    except Exception:
        return None
"""
BREACH = "BREACH"


@dataclass(frozen=True)
class Attack:
    """One way to get points for nothing, to learn what is hidden, or to harm others.

    `source` stands in the cell of `shrink`, after PRELUDE; it calls `breach` where it got what it wanted. Where it
    defines no `shrink`, one that returns nothing follows. The other two exercises are solved, unless `answers` says
    otherwise. `edit` changes the notebook, `place` the submission's folder.
    """

    kind: str
    name: str
    words: str
    source: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)  # where they are not {**FULL, "shrink": 0}
    why: str = "None"  # the cause of shrink's verdict, as a regular expression
    says: str = ""  # what the repairs, notes or reasons say, as a regular expression
    answers: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[dict[str, Any]], Any] | None = None
    place: Callable[[Path], Any] | None = None

    @property
    def expected(self) -> dict[str, float]:
        return {**FULL, "shrink": 0, **self.scores}

    def cells(self, course: Path) -> dict[str, str]:
        """Sources by cell; COURSE is the instructor's folder, SYS(name) the number of a system call."""
        _, number = numbers(platform.machine())
        source = self.source + ("" if "def shrink(" in self.source else NOTHING)
        answers = {**RIGHT, "shrink_solution": PRELUDE + source, **self.answers}
        return {
            name: re.sub(r"SYS\((\w+)\)", lambda match: str(number.get(match[1], -1)), text).replace(
                "COURSE", str(course)
            )
            for name, text in answers.items()
        }


def source() -> Any:
    """What the instructor wrote: an exercise with checks, two with plain hidden tests, an answer to be read."""
    solution = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    hidden = "\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
    helper = "GRID = np.linspace(0, 1, 5)\ndef gap(a, b):\n    return np.max(np.abs(np.asarray(a) - b), initial=0)"
    test = {"grade": True, "locked": True}
    cells = [
        new_markdown_cell("# Small", metadata=mark("title", locked=True)),
        new_code_cell("import numpy as np"),
        new_code_cell(helper, metadata=mark("helper", locked=True)),
        new_code_cell(solution.format(RIGHT["shrink_solution"]), metadata=mark("shrink_solution", solution=True)),
        new_code_cell("# checked by autograder/checks", metadata=mark("shrink", points=8, **test)),
        new_code_cell(solution.format(RIGHT["scale_solution"]), metadata=mark("scale_solution", solution=True)),
        new_code_cell(
            "assert gap(scale(GRID), 2 * GRID) < 1e-9"
            + hidden.format("x = 34567.0 * GRID\nassert gap(scale(x), 2 * x) < 1e-9"),
            metadata=mark("scale", points=3, **test),
        ),
        new_code_cell(solution.format(RIGHT["mean_solution"]), metadata=mark("mean_solution", solution=True)),
        new_code_cell(
            "assert mean([1, 3]) == 2" + hidden.format("assert mean([8, 9, 76543]) == 25520"),
            metadata=mark("mean", points=2, **test),
        ),
        new_markdown_cell("Why?", metadata=mark("derive", grade=True, solution=True, points=4)),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def answered(notebook: dict[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    for grade_id, text in answers.items():
        find(notebook, grade_id)["source"] = text
    find(notebook, "derive")["source"] = "Because $a<b$."
    return notebook
