"""The instructor's folder, and an assignment as it was released: what submissions are repaired from."""

import json
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.errors import GraderError

RELEASED = "run `autograder release {}` first"


class Course:
    """The folder in which nbgrader keeps a course, as `nbgrader_config.py` names it."""

    def __init__(
        self, root: str | Path, db_url: str | None = None, course_id: str = "default_course", config: Any = None
    ):
        self.root = Path(root).resolve()
        self.db_url = db_url or f"sqlite:///{self.root / 'gradebook.db'}"
        self.course_id = course_id
        self.config = config

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """`autograded/<student>/<assignment>`, for one; `step` may also be verdicts, which nbgrader does not know."""
        return self.root / step / student / assignment

    def verdict(self, student: str, assignment: str) -> Path:
        return self.root / "verdicts" / assignment / f"{student}.json"

    @cached_property
    def seed(self) -> int:
        """The secret from which hidden inputs come; made on first use, readable by its owner alone."""
        path = self.root / "secret_seed"
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{secrets.randbits(63)}\n")
        except FileExistsError:
            pass
        try:
            return int(path.read_text())
        except ValueError:
            raise GraderError(
                f"{path} holds no whole number: delete it and a new one is made, with other hidden inputs"
            ) from None


@dataclass(frozen=True)
class Cell:
    """A cell of a released notebook; `source` has the hidden tests in it."""

    id: str
    kind: str
    source: str
    metadata: dict[str, Any]
    attachments: dict[str, Any]

    @cached_property
    def mark(self) -> dict[str, Any]:
        return self.metadata.get("nbgrader", {})

    @cached_property
    def grade_id(self) -> str | None:
        return self.mark.get("grade_id")

    @property
    def points(self) -> float:
        return float(self.mark.get("points", 0))

    @cached_property
    def locked(self) -> bool:
        """Whether the source is the course's: a test, or text and code that students read only (as nbgrader has it)."""
        return not self.mark.get("solution") and bool(self.mark.get("grade") or self.mark.get("locked"))

    @cached_property
    def is_test(self) -> bool:
        return bool(self.mark.get("grade")) and not self.mark.get("solution") and self.kind == "code"

    @property
    def is_answer(self) -> bool:
        """Whether a person grades it."""
        return bool(self.mark.get("grade") or self.mark.get("task")) and not self.is_test


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was released."""

    name: str
    cells: tuple[Cell, ...]
    metadata: dict[str, Any]

    @property
    def tests(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_test]


def released(course: Course, assignment: str, sources: dict[str, dict[str, tuple[str, str]]]) -> list[Notebook]:
    """The notebooks of `release/`, with the sources and checksums that the gradebook keeps."""
    notebooks = []
    for name, kept in sorted(sources.items()):
        path = course.root / "release" / assignment / f"{name}.ipynb"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise GraderError(f"{path} cannot be read: {RELEASED.format(assignment)}") from None
        cells = tuple(_cell(number, cell, kept) for number, cell in enumerate(content["cells"]))
        missing = kept.keys() - {cell.grade_id for cell in cells}
        if missing:
            raise GraderError(f"{path} lacks the cell {min(missing)} of the gradebook: {RELEASED.format(assignment)}")
        notebooks.append(Notebook(name, cells, content["metadata"]))
    if not notebooks:
        raise GraderError(f"the gradebook knows no assignment {assignment}: {RELEASED.format(assignment)}")
    return notebooks


def _cell(number: int, cell: dict[str, Any], kept: dict[str, tuple[str, str]]) -> Cell:
    source, metadata = "".join(cell["source"]), cell["metadata"]
    grade_id = metadata.get("nbgrader", {}).get("grade_id")
    if grade_id in kept:
        source, checksum = kept[grade_id]
        metadata = {**metadata, "nbgrader": {**metadata["nbgrader"], "checksum": checksum}}
    return Cell(cell.get("id", f"cell-{number}"), cell["cell_type"], source, metadata, cell.get("attachments", {}))
