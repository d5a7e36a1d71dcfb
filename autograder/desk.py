"""What a worker does with one submission: judge it or keep its verdict, write `autograded/` and the verdict file.

A verdict file is first written under a name that ends in .new; it gets its own when the gradebook has it.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from autograder import sanitise
from autograder.course import Course
from autograder.errors import GraderError
from autograder.grade import Assignment, Found, Graded, find, grade, refuse

SECRET = "submission_secret.txt"
LARGEST_PICTURE = 8 * 2**20  # bytes
MOST_PICTURES = 50


class Desk:
    """Where the submissions of one assignment are judged."""

    def __init__(self, course: Course, assignment: Assignment, sandbox: Any, force: bool = False):
        self.course, self.assignment, self.sandbox, self.force = course, assignment, sandbox, force

    def judge(self, student: str) -> tuple[dict[str, Any], bool]:
        """The verdict file's content, and whether it was made just now."""
        found = self._find(student)
        if not self.force and (known := self._kept(student, found)) is not None:
            return known, False
        return self._keep(student, grade(self.assignment, student, found, self.sandbox)), True

    def refuse(self, student: str, reason: str) -> dict[str, Any]:
        """Zero for all of it, for a reason that is not the student's; the next run judges it again."""
        return self._keep(student, refuse(self.assignment, student, self._find(student), reason))

    def _find(self, student: str) -> Found:
        return find(self.course.folder("submitted", student, self.assignment.name), self.assignment.notebooks)

    def _kept(self, student: str, found: Found) -> dict[str, Any] | None:
        path = self.course.verdict(student, self.assignment.name)
        wanted = (found.digest, self.assignment.version, self.assignment.seed)
        for candidate in (path.with_suffix(".new"), path):
            try:
                record = json.loads(candidate.read_text(encoding="utf-8"))
                same = (record["digest"], record["version"], record["seed"]) == wanted
                if same and record["final"] and self._is_written(student, record):
                    return record
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None

    def _is_written(self, student: str, record: dict[str, Any]) -> bool:
        folder = self.course.folder("autograded", student, self.assignment.name)
        return all(_digest(folder / f"{name}.ipynb") == each["written"] for name, each in record["notebooks"].items())

    def _keep(self, student: str, graded: Graded) -> dict[str, Any]:
        try:
            self._write_folder(student, graded)
            self._write_verdict(student, graded.record)
        except OSError as error:
            cure = "make room on the disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
            raise GraderError(
                f"{error.filename} cannot be written ({error.strerror}): {cure}, and run the same command again"
            ) from None
        return graded.record

    def _write_folder(self, student: str, graded: Graded) -> None:
        """`autograded/<student>/<assignment>`, whole or not at all."""
        folder = self.course.folder("autograded", student, self.assignment.name)
        new, old = (folder.parent / f".{folder.name}.{end}" for end in ("new", "old"))
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        submitted = self.course.folder("submitted", student, self.assignment.name)
        copy_pictures(submitted, new)
        source = self.course.root / "source" / self.assignment.name
        if source.is_dir():
            shutil.copytree(
                source, new, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints")
            )
        if graded.timestamp:
            (new / "timestamp.txt").write_text(graded.timestamp + "\n", encoding="utf-8")
        if secret := submission_secret(submitted):
            (new / SECRET).write_text(secret, encoding="ascii")
        for name, text in graded.notebooks.items():
            data = text.encode()
            (new / f"{name}.ipynb").write_bytes(data)
            graded.record["notebooks"][name]["written"] = hashlib.sha256(data).hexdigest()
        for directory, _, files in os.walk(new):
            for file in files:
                os.chmod(Path(directory, file), 0o444)  # as nbgrader leaves them
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    def _write_verdict(self, student: str, record: dict[str, Any]) -> None:
        path = self.course.verdict(student, self.assignment.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(record))
        temporary.rename(path.with_suffix(".new"))


def submission_secret(submitted: Path) -> str | None:
    """By what nbgrader names the feedback of a submission in the exchange, where students cannot list it."""
    path = submitted / SECRET
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
        return None
    secret = path.read_text(encoding="ascii", errors="replace")
    return secret if re.fullmatch(r"[\w-]+\s*", secret) else None


def copy_pictures(submitted: Path, folder: Path) -> None:
    """The pictures that a notebook may show; of a student's other files nothing reaches the instructor's browser."""
    left = MOST_PICTURES
    for directory, names, files in os.walk(submitted):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(directory, name)
            if Path(name).suffix.lower() not in sanitise.PICTURE_FILES or path.is_symlink() or not path.is_file():
                continue
            if left and path.stat().st_size <= LARGEST_PICTURE:
                data = path.read_bytes()
                if data.startswith(sanitise.PICTURE_FILES[path.suffix.lower()]):
                    target = folder / path.relative_to(submitted)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(data)
                    left -= 1


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
