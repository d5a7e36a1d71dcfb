"""What is asked of an exercise, and the verdict on a student's functions."""

import hashlib
import json
import platform
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder import feedback
from autograder.errors import Stopped
from autograder.exercise import Answer, Exercise, Property
from autograder.questions import Student, as_student, failure, foresee, unsteady
from autograder.values import copied, difference, form, one_line

ROOT = Path(__file__).parents[1]
JUDGING = ("asserts", "check", "exercise", "feedback", "inputs", "manners", "questions", "values")


@dataclass(frozen=True)
class Judged:
    """A property and whether it held."""

    name: str
    words: str
    points: float
    passed: bool


@dataclass(frozen=True)
class Recognised:
    """A named mistake that the submission behaves like."""

    name: str
    words: str


@dataclass(frozen=True)
class Verdict:
    """All that is known about one exercise of one submission; `error` tells the instructor that the check failed."""

    exercise: str
    score: float
    max_score: float
    properties: tuple[Judged, ...]
    seed: int
    check_version: str
    environment: dict[str, str]
    mistakes: tuple[Recognised, ...] = ()
    counter_example: str | None = None
    cause: str | None = None
    error: str | None = None
    unconfined: bool = False

    def record(self) -> dict[str, Any]:
        """As a verdict file has it."""
        # By hand: dataclasses.asdict takes ten times as long, and there is one for each exercise of each submission.
        parts = {"properties": self.properties, "mistakes": self.mistakes}
        return vars(self) | {name: [vars(each) for each in part] for name, part in parts.items()}

    def to_json(self) -> str:
        return json.dumps(self.record(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        fields = json.loads(text)
        fields["properties"] = tuple(Judged(**each) for each in fields["properties"])
        fields["mistakes"] = tuple(Recognised(**each) for each in fields["mistakes"])
        return cls(**fields)


def exercises(assignment: str) -> dict[str, Exercise]:
    """The exercises of an assignment by name, in the order in which they are written; none if it has no checks."""
    name = f"autograder.checks.{assignment}"
    if name not in sys.modules and not (assignment.isidentifier() and find_spec(name)):
        return {}
    module = import_module(name)
    return {each.name: each for each in vars(module).values() if isinstance(each, Exercise)}


def judge(exercise: Exercise, student: Mapping[str, Any], seed: int) -> Verdict:
    """The verdict on a student's functions. Never raises for what they do; the same seed gives the same verdict.

    `student` gives the functions by name. They are asked what the properties want to know, and some of it twice.
    """
    passed: set[str] = set()
    cause = None
    try:
        passed, cause, students = ask(exercise, student, seed)
        failed = [each for each in exercise.properties if each.name not in passed]
        wrong = [each.name for each in failed if not holds(exercise, each, seed)]
        if wrong:
            error = f"the course's own solution fails {', '.join(wrong)} at this seed"
            return _verdict(exercise, seed, passed, cause=cause, error=error)
        mistakes, alike = recognise(exercise, students, seed) if failed and not cause else ([], False)
        example = feedback.example_of(exercise, mistakes[0], tuple(failed)) if alike else None
        return _verdict(exercise, seed, passed, mistakes=mistakes, cause=cause, counter_example=example)
    except Exception as error:  # the checker's own: what is passed stands, the rest is not, and the instructor is told
        return _verdict(exercise, seed, passed, cause=cause, error=_described(error))


def explain(exercise: Exercise, student: Mapping[str, Any], verdict: Verdict) -> Verdict:
    """The verdict with the smallest public counter-example, if points were lost.

    `student` must be another copy than the one that was judged: a function that has seen hidden inputs could return
    them for a public one, and what it returns there is shown.
    """
    if verdict.score >= verdict.max_score or verdict.cause or verdict.error or verdict.counter_example:
        return verdict
    failed = [each for each, judged in zip(exercise.properties, verdict.properties, strict=True) if not judged.passed]
    mistake = next((each for each in exercise.mistakes if verdict.mistakes[:1] == (_recognised(each),)), None)
    try:
        functions = {name: student[name] for name in exercise.names}
        return replace(verdict, counter_example=feedback.counter_example(exercise, functions, failed, mistake))
    except Stopped:  # the points are given already; there is no example then
        return verdict
    except Exception as error:
        return replace(verdict, error=_described(error))


def _described(error):
    return one_line(f"{type(error).__name__}: {error}")


def _recognised(mistake):
    return Recognised(mistake.name, mistake.words)


def ask(exercise: Exercise, student: Mapping[str, Any], seed: int) -> tuple[set[str], str | None, list[Student]]:
    """The names of the properties that hold on every hidden input; the cause if it came to nothing; what was asked.

    What passed before the process was lost stays passed.
    """
    passed: set[str] = set()
    students: list[Student] = []
    try:
        functions = {}
        for name in exercise.names:
            with suppress(KeyError):
                functions[name] = student[name]
        if not all(callable(functions.get(name)) for name in exercise.names):
            return passed, "missing", students
        students = as_student(exercise, functions)
        for check in exercise.properties:
            foresee(exercise, check, students, seed)
            if all(failure(check, students, call) is None for call in exercise.hidden(seed)):
                passed.add(check.name)
        if not exercise.random and unsteady(students):
            return set(), "unsteady", students
    except Stopped as stopped:
        return passed, stopped.cause, students
    return passed, None, students


@lru_cache(maxsize=1024)
def holds(exercise: Exercise, check: Property, seed: int) -> bool:
    """Whether the property holds for the reference: if not, no failure of it is the student's."""
    students = as_student(exercise, exercise.solutions[0].functions)
    return all(failure(check, students, call) is None for call in exercise.hidden(seed))


def behaviour(exercise: Exercise, students: list[Student], seed: int) -> dict[str, list]:
    """What the functions do with the hidden inputs, as values, as number types, and as writing into arguments."""
    lending = [each.lending() for each in students]
    seen: dict[str, list] = {"values": [], "form": [], "writes": [False]}
    for call in exercise.hidden(seed):
        given = call.copy(unlock=True)
        try:
            with warnings.catch_warnings(action="ignore"):
                result = copied(exercise.run(lending, given))
        except Stopped:
            raise
        except Exception:  # an input that it raises on is part of how it behaves
            result = "raises"
        seen["values"].append(result)
        seen["form"].append(form(result))
        if difference([*given.args, *given.kwargs.values()], [*call.args, *call.kwargs.values()], rtol=0.0):
            seen["writes"] = [True]
    return seen


@lru_cache(maxsize=256)
def known_mistakes(exercise: Exercise, seed: int) -> list[tuple[Answer, dict[str, list], set[str]]]:
    """Each mistake with its behaviour, and those aspects of it that depart from the reference's."""
    right = behaviour(exercise, as_student(exercise, exercise.solutions[0].functions), seed)
    known = []
    for mistake in exercise.mistakes:
        seen = behaviour(exercise, as_student(exercise, mistake.functions), seed)
        known.append((mistake, seen, {key for key in seen if not _same(exercise, seen[key], right[key])}))
    return known


def recognise(exercise: Exercise, students: list[Student], seed: int) -> tuple[list[Answer], bool]:
    """The mistakes that the functions behave like, wherever those depart from what is right.

    And whether they behave like the first of them in everything that an example shows: not where they draw numbers of
    their own, nor where they write into arguments, whatever that is.
    """
    try:
        seen = behaviour(exercise, students, seed)
    except Stopped:
        return [], False
    found = [
        (mistake, {key for key in seen if not _same(exercise, seen[key], known[key])})
        for mistake, known, departs in known_mistakes(exercise, seed)
        if departs and all(_same(exercise, seen[key], known[key]) for key in departs)
    ]
    alike = bool(found) and not found[0][1] and not exercise.random and seen["writes"] == [False]
    return [mistake for mistake, _ in found], alike


def _same(exercise, got, expected):
    # Two ways to write one mistake differ by rounding, at most by what an ill-conditioned input makes of it.
    return all(
        difference(g, e, rtol=exercise.tolerance or _loose(e)) is None for g, e in zip(got, expected, strict=True)
    )


def _loose(value):
    return 1e-3 if "f4" in str(form(value)) or "float32" in str(form(value)) else 1e-6


def _verdict(exercise, seed, passed, mistakes=(), **rest) -> Verdict:
    properties = tuple(Judged(each.name, each.words, each.points, each.name in passed) for each in exercise.properties)
    return Verdict(
        exercise=exercise.name,
        score=sum(each.points for each in properties if each.passed),
        max_score=exercise.points,
        properties=properties,
        seed=seed,
        check_version=check_version(exercise.inputs.__module__),
        environment=environment(),
        mistakes=tuple(map(_recognised, mistakes)),
        **rest,
    )


@lru_cache
def check_version(module: str) -> str:
    """A hash of the check's source, of the judge's and of the library's: what a verdict depends on besides the seed."""
    judging = [ROOT / "autograder" / f"{name}.py" for name in JUDGING]
    files = [Path(str(import_module(module).__file__)), *judging, *sorted((ROOT / "regopt").glob("*.py"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache
def environment() -> dict[str, str]:
    packages = {name: version(name) for name in ("numpy", "torch", "hypothesis")}
    return {"python": platform.python_version(), "machine": platform.machine(), **packages}
