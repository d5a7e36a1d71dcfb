"""The examples of known mistakes: found when an assignment is released, so that grading need not search for them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from autograder import feedback
from autograder.check import check_version, judge
from autograder.course import Course
from autograder.exercise import Exercise


def find(course: Course, assignment: str, exercises: Mapping[str, Exercise]) -> None:
    """For each mistake the example that a student gets who makes it."""
    found = []
    for exercise in exercises.values():
        for mistake in exercise.mistakes:
            judge(exercise, mistake.functions, course.seed)
        found += [[exercise.name, *key, text] for key, text in feedback.FOUND.get(exercise, {}).items()]
    path = _path(course, assignment)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(json.dumps({"version": _version(exercises), "examples": found}), encoding="utf-8")


def load(course: Course, assignment: str, exercises: Mapping[str, Exercise]) -> None:
    """Those that were found for the same checks, if any were."""
    with suppress(OSError, ValueError, KeyError, TypeError):  # without them grading searches for its own
        kept = json.loads(_path(course, assignment).read_text(encoding="utf-8"))
        for name, mistake, failed, text in kept["examples"] if kept["version"] == _version(exercises) else ():
            feedback.FOUND.setdefault(exercises[name], {})[mistake, tuple(failed)] = text


def _path(course: Course, assignment: str) -> Path:
    return course.root / "examples" / f"{assignment}.json"


def _version(exercises: Mapping[str, Exercise]) -> list[str]:
    return [check_version(exercise.inputs.__module__) for exercise in exercises.values()]
