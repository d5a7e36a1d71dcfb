"""One submission judged: found, read, repaired, run where it can reach nothing, checked, and written down."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbgrader.utils import parse_utc

from autograder import inline, outputs, sanitise
from autograder.assignment import Assignment
from autograder.check import Judged, Verdict, environment, explain, judge
from autograder.conversation import Memory
from autograder.course import Cell, Notebook
from autograder.repair import LARGEST, Line, Repaired, Unreadable, read, repair

MEMORY = Memory()  # of this process: what was said by the submissions that it judged


@dataclass
class Found:
    """The files of a submission that count, and why others are missing; `said` is the text of timestamp.txt."""

    files: dict[str, Path]
    missing: dict[str, str]
    timestamp: datetime | None
    said: str
    notes: list[str]
    digest: str


@dataclass
class Graded:
    """What goes into the verdict file of a submission, and its notebooks as they go to `autograded/`."""

    record: dict[str, Any]
    notebooks: dict[str, str]
    timestamp: str


def find(folder: Path, notebooks: list[Notebook]) -> Found:
    """The submitted file of each notebook; a renamed one where only one can be meant."""
    notes: list[str] = []
    here = []
    for directory, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name != ".ipynb_checkpoints")
        for name in sorted(files):
            path = Path(directory, name)
            if name.lower().endswith(".ipynb"):
                if path.is_symlink() or not path.is_file():
                    notes.append(f"{sanitise.text(name)[:80]} is a link or a device, not a file; it was left out")
                else:
                    here.append(path)
    exact = {notebook.name: folder / f"{notebook.name}.ipynb" for notebook in notebooks}
    files_of = {name: path for name, path in exact.items() if path in here}
    rest = [path for path in here if path not in files_of.values()]
    missing = {}
    for notebook in notebooks:
        if notebook.name in files_of:
            continue
        others = [each for each in notebooks if each.name not in files_of and each is not notebook]
        fitting = rest if not others else [path for path in rest if _fits(path, notebook)]
        if len(rest) > 1 and not others:
            fitting = [path for path in rest if _fits(path, notebook)]
        if len(fitting) == 1:
            files_of[notebook.name] = fitting[0]
            name = sanitise.text(fitting[0].name)[:80]
            notes.append(f"{name} was taken for {notebook.name}.ipynb; please keep the name")
        elif fitting:
            missing[notebook.name] = f"{len(fitting)} files could be {notebook.name}.ipynb: hand in one of that name"
        else:
            missing[notebook.name] = f"there is no file {notebook.name}.ipynb in the submission"
    timestamp, said = _timestamp(folder / "timestamp.txt")
    digest = hashlib.sha256(said.encode())
    for name in sorted(files_of):
        size = files_of[name].stat().st_size
        digest.update(f"\0{name}\0{size}\0".encode())
        digest.update(files_of[name].read_bytes() if size <= LARGEST else b"")
    return Found(files_of, missing, timestamp, said, notes, digest.hexdigest())


def _fits(path: Path, notebook: Notebook) -> bool:
    """Whether at least half of the notebook's marked cells are in this file."""
    ids = {cell.grade_id for cell in notebook.cells if cell.grade_id}
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= LARGEST else ""
    except OSError:
        return False
    return 2 * sum(f'"{name}"' in text for name in ids) >= len(ids) > 0


def _timestamp(path: Path) -> tuple[datetime | None, str]:
    """As nbgrader reads it; None where there is none or none that can be read."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
            return None, ""
        said = path.read_text(encoding="utf-8").strip()
        return (parse_utc(said), said) if said else (None, "")
    except (OSError, ValueError, OverflowError, AttributeError):
        return None, ""


def grade(assignment: Assignment, student: str, found: Found, sandbox: Any) -> Graded:
    """Judge a submission. What cannot be judged is zero with its reason, never full marks."""
    started = time.monotonic()
    graded = _begin(assignment, student, found, unconfined=sandbox.unconfined)
    for notebook in assignment.notebooks:
        try:
            if (missing := found.missing.get(notebook.name)) is not None:
                raise Unreadable(missing)
            cells, notes = read(found.files[notebook.name])
            repaired = repair(cells, notebook)
            repaired.repairs[:0] = notes
            _put(graded, notebook, repaired, _judge(assignment, notebook, repaired, sandbox))
        except Unreadable as error:
            _put_nothing(graded, assignment, notebook, str(error))
    graded.record["seconds"] = round(time.monotonic() - started, 4)
    return graded


def refuse(assignment: Assignment, student: str, found: Found, reason: str) -> Graded:
    """Zero for every exercise, for a reason that is the grader's own: the next run judges it again."""
    graded = _begin(assignment, student, found, unconfined=False)
    graded.record["final"] = False
    for notebook in assignment.notebooks:
        _put_nothing(graded, assignment, notebook, reason)
    return graded


def _begin(assignment: Assignment, student: str, found: Found, *, unconfined: bool) -> Graded:
    record = {
        "student": student,
        "assignment": assignment.name,
        "timestamp": found.timestamp.isoformat() if found.timestamp else None,
        "digest": found.digest,
        "version": assignment.version,
        "seed": assignment.seed,
        "environment": environment(),
        "unconfined": unconfined,
        "final": True,
        "notes": found.notes,
        "notebooks": {},
    }
    return Graded(record, {}, found.said)


def _put(
    graded: Graded, notebook: Notebook, repaired: Repaired, verdicts: Mapping[str, Verdict], reason: str | None = None
) -> None:
    grades, comments = _grades(repaired, verdicts, reason is not None), _comments(repaired, reason is not None)
    if any(verdict.cause == "nursery" for verdict in verdicts.values()):  # the grader's own failure: judged again
        graded.record["final"] = False
    graded.notebooks[notebook.name] = text(notebook, repaired)
    graded.record["notebooks"][notebook.name] = {
        "reason": reason,
        "repairs": repaired.repairs,
        "stopped": repaired.stopped,
        "verdicts": [{**each.record(), "unconfined": graded.record["unconfined"]} for each in verdicts.values()],
        "grades": grades,
        "comments": comments,
    }


def _put_nothing(graded: Graded, assignment: Assignment, notebook: Notebook, reason: str) -> None:
    """The released notebook, headed by the reason why the submitted one got nothing."""
    lines = [Line(cell, cell.kind, cell.source, cell.id, cell.attachments, restored=True) for cell in notebook.cells]
    notice = f"**{notebook.name}.ipynb was not graded:** {reason}. What follows is the notebook as it was released."
    lines.insert(0, Line(None, "markdown", notice, "not-graded"))
    nothing = inline.Outcome(0.0, cause="unreadable")
    verdicts = {test.grade_id or "": _of_test(assignment, test, nothing) for test in notebook.tests}
    _put(graded, notebook, Repaired(lines, []), verdicts, reason)


def _judge(assignment: Assignment, notebook: Notebook, repaired: Repaired, sandbox: Any) -> dict[str, Verdict]:
    code = [line for line in repaired.lines if line.kind == "code" and not (line.origin and line.origin.is_test)]
    verdicts: dict[str, Verdict] = {}
    with sandbox.run([line.source for line in code], assignment.budget) as submission:
        for number, (line, result) in enumerate(zip(code, submission.cells, strict=True), 1):
            line.outputs = [shown for each in result.outputs if (shown := sanitise.output(each)) is not None]
            if result.cause:
                line.outputs.append(outputs.of_stop(result.cause))
                name = line.origin.grade_id if line.origin else line.id
                repaired.stopped.append(f"the cell {name} was stopped: {result.cause}")
            line.count = number
        for test in notebook.tests:
            last = test is notebook.tests[-1]
            verdicts[test.grade_id or ""] = _verdict(assignment, notebook, test, submission, last)
        submission.renew()
        for test in notebook.tests:
            name = test.grade_id or ""
            verdicts[name] = _explained(assignment, notebook, test, submission, verdicts[name])
    for line in repaired.lines:
        if line.origin and line.origin.is_test:
            line.outputs = [outputs.of_verdict(verdicts[line.origin.grade_id or ""])]
    return verdicts


def _verdict(assignment: Assignment, notebook: Notebook, test: Cell, submission: Any, last: bool) -> Verdict:
    exercise = assignment.exercises.get(test.grade_id or "")
    with submission.fork(assignment.budget, last=last and exercise is not None) as student:
        if exercise is not None:
            about = exercise, assignment.seed
            return MEMORY.outcome(about, student.line, lambda: judge(exercise, student, assignment.seed), _lasting)
        outcome = inline.run(test, student, assignment.known[notebook.name])
    if outcome.wrote:
        with submission.fork(assignment.budget) as student:
            outcome = inline.run(test, student, assignment.known[notebook.name], lend=False)
    return _of_test(assignment, test, outcome)


def _lasting(verdict: Verdict) -> bool:
    """Whether it follows from the answers alone."""
    return verdict.error is None and verdict.cause in (None, "missing", "unsteady")


def _explained(assignment: Assignment, notebook: Notebook, test: Cell, submission: Any, verdict: Verdict) -> Verdict:
    """The verdict with what its student may read of a failure.

    What is shown of public inputs comes from another run of the cells, whose processes saw nothing hidden: one that did
    could keep it in a file, a pipe, shared memory or a thread, and tell it here.
    """
    exercise = assignment.exercises.get(test.grade_id or "")
    if verdict.score >= verdict.max_score or verdict.cause or verdict.error:
        return verdict
    if exercise is not None and verdict.counter_example is not None:  # that of a known mistake
        return verdict
    if exercise is None and verdict.counter_example is None:  # a part of the points, given by a test that passed
        return verdict
    if any(result.cause for result in submission.cells):  # what a stopped cell had defined before is not there again
        return verdict
    with submission.fork(assignment.budget) as student:
        if exercise is not None:
            failed = tuple(each.name for each in verdict.properties if not each.passed)
            about = exercise, failed, verdict.mistakes[:1]
            said = MEMORY.outcome(about, student.line, lambda: explain(exercise, student, verdict), _lasting)
            return replace(verdict, counter_example=said.counter_example, error=said.error)
        return replace(verdict, counter_example=inline.explain(test, student, assignment.known[notebook.name]))


def _of_test(assignment: Assignment, test: Cell, outcome: inline.Outcome) -> Verdict:
    words = "The tests of this cell pass."
    return Verdict(
        exercise=test.grade_id or "",
        score=outcome.share * test.points,
        max_score=test.points,
        properties=(Judged("tests", words, test.points, outcome.share == 1.0),),
        seed=assignment.seed,
        check_version=hashlib.sha256(test.source.encode()).hexdigest()[:16],
        environment=environment(),
        counter_example=outcome.shown,
        cause=outcome.cause,
        error=outcome.error,
    )


def _grades(repaired: Repaired, verdicts: Mapping[str, Verdict], missing: bool) -> dict[str, float | None]:
    """By grade id, the score as nbgrader would save it; that of a test is the verdict's. None: a person grades it."""
    own = any(line.origin is None and line.source.strip() for line in repaired.lines)
    grades: dict[str, float | None] = {}
    for line in repaired.lines:
        cell = line.origin
        if cell is None or cell.grade_id is None:
            continue
        if cell.is_test:
            grades[cell.grade_id] = verdicts[cell.grade_id].score
        elif missing and cell.is_answer:
            grades[cell.grade_id] = 0.0
        elif cell.mark.get("grade"):
            # An answer that is not where it should be may stand in a cell of the student's own: a person looks.
            silent = cell.mark.get("solution") and line.source == cell.source and not (line.restored and own)
            grades[cell.grade_id] = 0.0 if silent else None
    return grades


def _comments(repaired: Repaired, missing: bool) -> dict[str, str | None]:
    """By grade id, nbgrader's own comment on a cell that was left as it was."""
    comments: dict[str, str | None] = {}
    for line in repaired.lines:
        cell = line.origin
        if cell is not None and cell.grade_id is not None and not missing:
            if cell.mark.get("task"):
                comments[cell.grade_id] = None
            elif cell.mark.get("solution"):
                comments[cell.grade_id] = "No response." if line.source == cell.source else None
    return comments


def text(notebook: Notebook, repaired: Repaired) -> str:
    """The notebook file for `autograded/`, as nbgrader would write it."""
    metadata = {key: notebook.metadata[key] for key in ("kernelspec",) if key in notebook.metadata}
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3"}
    rest = {
        "metadata": {**metadata, "language_info": {**language, "version": platform.python_version()}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    cells = ",".join(f"\n{_indented(_json(_cell(line)))}".replace("\n", "\n  ") for line in repaired.lines)
    return f'{{\n "cells": [{cells}\n ],{_written(rest)[1:]}\n'


# As nbformat writes it, so that what nbgrader graded with this grader in it is known here. That takes json long, which
# indents in Python alone; but most cells are the same in all submissions.
_written = json.JSONEncoder(ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")).encode
_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def _indented(cell: str) -> str:
    return _indented_once(cell) if len(cell) < 8192 else _written(json.loads(cell))


@lru_cache(maxsize=1024)
def _indented_once(cell: str) -> str:
    return _written(json.loads(cell))


@lru_cache(maxsize=1024)
def _left_alone(source: str) -> str:
    """A markdown cell as it was released, sanitised once for all submissions."""
    return sanitise.markdown(source)


def _cell(line: Line) -> dict[str, Any]:
    own = line.origin is None or not line.origin.locked
    source = line.source
    if line.kind == "markdown" and own:
        left = line.origin is not None and source == line.origin.source and not line.attachments
        source = _left_alone(source) if left else sanitise.markdown(source, line.attachments)
    if line.kind == "raw" and own:
        source = sanitise.html(source) if "<" in source else source
    cell: dict[str, Any] = {
        "cell_type": line.kind,
        "id": line.id,
        "metadata": line.origin.metadata if line.origin else {},
        "source": source.splitlines(keepends=True),
    }
    if line.attachments and line.kind != "code":
        cell["attachments"] = line.attachments
    if line.kind == "code":
        cell["execution_count"] = line.count
        cell["outputs"] = [_split(output) for output in line.outputs]
    return cell


def _split(output: dict[str, Any]) -> dict[str, Any]:
    """Texts as lists of lines, as nbformat writes them."""
    if "text" in output:
        return {**output, "text": output["text"].splitlines(keepends=True)}
    if "data" in output:
        lines = {
            m: v.splitlines(keepends=True) if m.startswith("text/") or m.endswith("xml") else v
            for m, v in output["data"].items()
        }
        return {**output, "data": lines}
    return output
