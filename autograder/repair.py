"""A submitted notebook put back into the shape in which it was released, with a sentence for whatever was not.

Nothing but the text that a student may edit is taken from the submission: marks, types, ids, tests and read-only cells
are the course's own. Cells of their own stay, after the cell that they followed.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import sanitise
from autograder.course import Cell, Notebook
from autograder.inline import visible

LARGEST = 32 * 2**20  # bytes of a notebook file; a year's plots fit, and twice of it in memory does no harm
MOST_CELLS = 500
MOST_PARTS = 1_000_000  # brackets and commas in it: what makes JSON large in memory


class Unreadable(Exception):
    """The file is no notebook that could be graded; the message says why, to its student."""


@dataclass
class Line:
    """A cell of the repaired notebook; `origin` is None for a cell of the student's own."""

    origin: Cell | None
    kind: str
    source: str
    id: str
    attachments: dict[str, Any] = field(default_factory=dict)
    claim: str | None = None  # the grade id that the submission gives it
    restored: bool = False
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None


@dataclass
class Repaired:
    """A notebook to run; `stopped` are the cells that could not be run to their end."""

    lines: list[Line]
    repairs: list[str]
    stopped: list[str] = field(default_factory=list)


def read(path: Path) -> tuple[list[Any], list[str]]:
    """The cells of a notebook file, which may hold anything, and what is to be said about the file."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Unreadable("it is not a file")
        if size > LARGEST:
            raise Unreadable(
                f"it is {size / 2**20:.0f} MB large and at most {LARGEST // 2**20} MB are read: clear its outputs"
            )
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from None
    if sum(data.count(mark) for mark in (b"{", b"[", b",")) > MOST_PARTS:
        raise Unreadable(f"it has more than {MOST_PARTS} parts: clear its outputs")
    try:
        content = json.loads(data)
    except UnicodeDecodeError:
        raise Unreadable("it is not text in UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON: it may have been cut off, or saved by another program") from None
    if not isinstance(content, dict):
        raise Unreadable("it is JSON, but no notebook")
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("it is JSON, but holds no cells")
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"it has {len(cells)} cells and at most {MOST_CELLS} are read")
    return cells, _of_kernel(content.get("metadata"))


def _of_kernel(metadata: Any) -> list[str]:
    """A sentence where the notebook was written for another language than Python."""
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    if not isinstance(language, str) or language.lower() == "python":
        return []
    return [f"the notebook says that it is written in {sanitise.text(language)[:40]}; it was run as Python"]


def repair(submitted: list[Any], notebook: Notebook) -> Repaired:
    """`submitted` cells in the shape of `notebook`."""
    repairs: list[str] = []
    lines = [line for number, cell in enumerate(submitted, 1) if (line := _line(number, cell, repairs)) is not None]
    _match_marks(lines, notebook, repairs)
    _match_others(lines, notebook, repairs)
    strange = {line.claim for line in lines if line.claim and line.origin is None}
    for name in sorted(strange - {cell.grade_id or "" for cell in notebook.cells}):
        repairs.append(f"there is no cell {name} in this assignment; it was taken as one of your own")
    lines = _ordered(lines, notebook, repairs)
    lines = _completed(lines, notebook, repairs)
    _name(lines)
    return Repaired(lines, repairs)


def _line(number: int, cell: Any, repairs: list[str]) -> Line | None:
    if not isinstance(cell, dict) or not isinstance(cell.get("source"), str | list):
        repairs.append(f"cell {number} is not a cell; it was left out")
        return None
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        repairs.append(f"cell {number} has no known type; it was taken as text")
        kind = "raw"
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    claim = sanitise.text(mark.get("grade_id"))[:40] if isinstance(mark, dict) else ""
    return Line(
        origin=None,
        kind=kind,
        source=sanitise.text(cell["source"]),
        id=sanitise.text(cell.get("id")),
        attachments=sanitise.attachments(cell.get("attachments")),
        claim=claim or None,
    )


def _match_marks(lines: list[Line], notebook: Notebook, repairs: list[str]) -> None:
    """Give cells their origin by the mark that they carry; of two with one mark the last is it, as in nbgrader."""
    for cell in notebook.cells:
        marked = [line for line in lines if line.claim is not None and line.claim == cell.grade_id]
        if len(marked) > 1:
            repairs.append(f"the cell {cell.grade_id} was there {len(marked)} times; the last one counts, all were run")
        if marked:
            _take(marked[-1], cell, repairs)


def _match_others(lines: list[Line], notebook: Notebook, repairs: list[str]) -> None:
    """Give cells their origin that lost their mark, or never had one: by their id, else by what stands in them."""
    found = {id(line.origin) for line in lines}
    known = {cell.grade_id for cell in notebook.cells if cell.grade_id is not None}
    for cell in notebook.cells:
        if id(cell) in found:
            continue
        free = [line for line in lines if line.origin is None and line.claim not in known]
        chosen = [line for line in free if line.id == cell.id][-1:] or _alike(cell, free)
        if len(chosen) == 1:
            if cell.grade_id is not None:
                called = f" and was called {chosen[0].claim}" if chosen[0].claim else ""
                repairs.append(f"the cell {cell.grade_id} had lost its mark{called}; it was recognised all the same")
            _take(chosen[0], cell, repairs)


def _alike(cell: Cell, lines: list[Line]) -> list[Line]:
    """The lines that can be this cell: the same text, or a definition of the same functions."""
    texts = {cell.source.strip(), visible(cell.source).strip()}
    same = [line for line in lines if line.source.strip() in texts]
    names = _defined(cell.source) if cell.kind == "code" and not cell.locked else set()
    return same or [line for line in lines if names and names <= _defined(line.source)]


def _defined(source: str) -> set[str]:
    return set(re.findall(r"^def (\w+)", source, re.MULTILINE))


def _take(line: Line, cell: Cell, repairs: list[str]) -> None:
    if line.kind != cell.kind:
        repairs.append(
            f"the cell {cell.grade_id or cell.id} had become a {line.kind} cell; it is a {cell.kind} cell again"
        )
    if cell.locked and line.source != cell.source and line.source != visible(cell.source):
        repairs.append(f"the cell {cell.grade_id} is read-only and had been changed; it is the course's own again")
    line.origin, line.kind, line.id = cell, cell.kind, cell.id
    if cell.locked:
        line.source, line.attachments = cell.source, cell.attachments


def _ordered(lines: list[Line], notebook: Notebook, repairs: list[str]) -> list[Line]:
    """The notebook's cells in its order, each with the student's own that followed it."""
    place = {id(cell): number for number, cell in enumerate(notebook.cells)}
    blocks: list[tuple[int, list[Line]]] = [(-1, [])]
    for line in lines:
        if line.origin is not None:
            blocks.append((place[id(line.origin)], []))
        blocks[-1][1].append(line)
    if [number for number, _ in blocks] != sorted(number for number, _ in blocks):
        repairs.append("cells had changed their order; they stand in the assignment's order again")
        blocks.sort(key=lambda block: block[0])
    return [line for _, block in blocks for line in block]


def _completed(lines: list[Line], notebook: Notebook, repairs: list[str]) -> list[Line]:
    """With every cell that carries a mark; a deleted plain cell stays deleted."""
    here = {id(line.origin) for line in lines}
    after: Cell | None = None
    for cell in notebook.cells:
        if id(cell) not in here and cell.grade_id is not None:
            repairs.append(f"the cell {cell.grade_id} was missing; it was put back as it was released")
            where = next(
                (number for number, line in enumerate(lines, 1) if after is not None and line.origin is after), 0
            )
            lines.insert(where, Line(cell, cell.kind, cell.source, cell.id, cell.attachments, restored=True))
            here.add(id(cell))
        if id(cell) in here:
            after = cell
    return lines


def _name(lines: list[Line]) -> None:
    """Cell ids that are the course's own, or new ones for the student's."""
    taken = {line.id for line in lines if line.origin}
    number = 0
    for line in lines:
        if line.origin is None:
            while f"own-{number}" in taken:
                number += 1
            line.id = f"own-{number}"
            taken.add(line.id)
