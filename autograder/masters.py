"""The master text `solutions/<name>.md` made into the notebook that nbgrader releases from.

One text gives solution and stub. Marks in it: `:solution: <name>` on a code cell that students write,
`:examples: <name>` on the visible examples of the exercise `<name>` (its hidden check gives the points),
`:locked: <name>` on a code cell that is given, such as the data of a plot,
`+++ {"answer": "<name>", "points": 5}` on a written answer.
"""

import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml

from autograder.check import exercises
from autograder.errors import GraderError

ROOT = Path(__file__).parents[1]
SOLUTIONS = ROOT / "solutions"

# nbgrader's stub raises NotImplementedError: this one is shown as one line, so that an untouched notebook can be read.
SETUP = '''\
import matplotlib.pyplot as plt
import numpy as np


class NotImplementedError(NotImplementedError):
    """An exercise that is not written yet is shown as one line."""

    def _render_traceback_(self):
        place = self.__traceback__
        while place.tb_next:
            place = place.tb_next
        name = place.tb_frame.f_code.co_name
        return [f"To do: write {name if name.isidentifier() else 'this cell'}"]
'''


def source(assignment: str, folder: Path = SOLUTIONS) -> nbformat.NotebookNode:
    """The notebook with solutions and nbgrader's metadata; the same text gives the same bytes."""
    path = folder / f"{assignment}.md"
    if not path.exists():
        raise GraderError(f"there is no {path}: write it, or name one of {', '.join(assignments(folder))}")
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    checks = exercises(assignment)
    text = jupytext.read(path)
    if not text.cells or "kernelspec" not in text.metadata:
        raise GraderError(f"{path} has no jupytext header, so it would become plain text: begin it as the others begin")
    notebook.cells = [
        *text.cells[:1],
        nbformat.v4.new_code_cell(SETUP.rstrip(), metadata={"locked": "setup"}),
        *text.cells[1:],
    ]
    promised = ""
    for cell in notebook.cells:
        promised = _promised(cell, promised)
        mark = _nbgrader(path, cell, {name: each.points for name, each in checks.items()})
        if mark.get("grade") and promised and promised != f"{mark['points']} points":
            raise GraderError(
                f"{path} promises {promised} for {mark['grade_id']}, which has {mark['points']}: correct the heading"
            )
        cell.metadata = _metadata(cell, mark)
        cell.source = cell.source.replace("(book:", f"({book_url()}")
    _name(notebook.cells)
    unasked = checks.keys() - {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells}
    if unasked:
        raise GraderError(f"{path} has no cell `:examples: {min(unasked)}`, but there are checks for it: add the cell")
    return notebook


def _promised(cell, before):
    """The points in the nearest heading above."""
    headings = re.findall(r"^#+ .*$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
    if not headings:
        return before
    said = re.search(r"\d+ points", headings[-1])
    return said.group() if said else ""


def _nbgrader(path: Path, cell: Any, points: dict[str, int]) -> dict[str, Any]:
    mark = {"schema_version": 3, "task": False, "cell_type": cell.cell_type}
    metadata = cell.metadata
    if "solution" in metadata:
        return {**mark, "grade_id": f"{metadata.solution}_solution", "solution": True, "grade": False, "locked": False}
    if "examples" in metadata:
        name = metadata.examples
        worth = points.get(name, metadata.get("points"))
        if worth is None:
            raise GraderError(f"{path}: `{name}` has neither checks nor `:points:`: write one of them")
        return {**mark, "grade_id": name, "solution": False, "grade": True, "locked": True, "points": worth}
    if "answer" in metadata:
        worth = metadata.get("points")
        if worth is None:
            raise GraderError(f"{path}: the answer `{metadata.answer}` has no points: add them beside its name")
        if not cell.source.rstrip().endswith("END SOLUTION"):
            raise GraderError(f"{path}: text follows the answer `{metadata.answer}` in its cell: put +++ between them")
        return {**mark, "grade_id": metadata.answer, "solution": True, "grade": True, "locked": False, "points": worth}
    if "locked" in metadata:
        return {**mark, "grade_id": metadata.locked, "solution": False, "grade": False, "locked": True}
    return {}


def _metadata(cell, mark):
    ours = {"solution", "examples", "answer", "locked", "points"}
    kept = {key: value for key, value in cell.metadata.items() if key not in ours}
    if cell.cell_type == "code" and mark.get("grade_id") != "setup":
        # What is not written yet raises; "Run all" goes on to the next exercise all the same.
        kept["tags"] = [*kept.get("tags", []), "raises-exception"]
    return {**kept, "nbgrader": mark} if mark else kept


def _name(cells):
    """Ids from names: of the cell, or of the heading or cell before it; the same at every conversion."""
    known: set[str] = set()
    name = "cell"
    for cell in cells:
        heading = re.match(r"#+ +(.*)", cell.source) if cell.cell_type == "markdown" else None
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or (heading and heading[1]) or name
        stem = re.sub(r"\W+", "-", name.lower()).strip("-")[:50]
        cell.id = next(each for each in (stem, *(f"{stem}-{n}" for n in range(2, len(cells) + 2))) if each not in known)
        known.add(cell.id)


def book_url() -> str:
    """Where the book can be read: `html: baseurl:` in _config.yml, or what `make serve` serves."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    return (config.get("html") or {}).get("baseurl") or "http://localhost:8000/"


def assignments(folder: Path = SOLUTIONS) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.md"))


def write_source(assignment: str, course: Path, folder: Path = SOLUTIONS) -> Path:
    """Write `source/<assignment>/<assignment>.ipynb` in the instructor's folder, where nbgrader looks for it."""
    path = course / "source" / assignment / f"{assignment}.ipynb"
    text = nbformat.writes(source(assignment, folder))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def solution_code(assignment: str, folder: Path = SOLUTIONS) -> dict[str, str]:
    """The solutions of an assignment: {name: code}, in their order."""
    return _code(assignment, folder, "solution")


def given_code(assignment: str, folder: Path = SOLUTIONS) -> dict[str, str]:
    """The cells that students are given and need not change: {name: code}."""
    return _code(assignment, folder, "locked")


def example_code(assignment: str, folder: Path = SOLUTIONS) -> dict[str, str]:
    """The visible examples of an assignment: {name: code}."""
    return _code(assignment, folder, "examples")


def _code(assignment, folder, mark):
    cells = jupytext.read(folder / f"{assignment}.md").cells
    return {cell.metadata[mark]: cell.source for cell in cells if cell.cell_type == "code" and mark in cell.metadata}
