"""What the submissions of an assignment are judged by, and where they run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

from autograder import examples, inline
from autograder.check import check_version, exercises
from autograder.course import Course, Notebook, released
from autograder.errors import GraderError
from autograder.exercise import Exercise
from autograder.gradebook import Book
from autograder.launch import Nursery
from autograder.sandbox import Budget, Sandbox
from autograder.settings import Autograder


@dataclass(frozen=True)
class Assignment:
    name: str
    notebooks: list[Notebook]
    exercises: Mapping[str, Exercise]
    seed: int
    budget: Budget

    @cached_property
    def version(self) -> str:
        """Of everything that a verdict depends on besides the submission and the seed."""
        digest = hashlib.sha256(repr(self.budget).encode())
        for exercise in self.exercises.values():
            digest.update(check_version(exercise.inputs.__module__).encode())
        for notebook in self.notebooks:
            digest.update(repr(notebook).encode())
        return digest.hexdigest()[:16]

    @cached_property
    def known(self) -> dict[str, inline.Known]:
        """By notebook, what its plain nbgrader tests may use of the course's own cells."""
        return {notebook.name: inline.known(notebook) for notebook in self.notebooks}


def load(course: Course, book: Book, name: str) -> Assignment:
    """The assignment as it was released, with the checks there are for it."""
    notebooks = released(course, name, book.sources(name))
    checks = exercises(name) if name.isidentifier() and find_spec(f"autograder.checks.{name}") else {}
    for notebook in notebooks:
        for test in notebook.tests:
            exercise = checks.get(test.grade_id or "")
            if exercise is not None and exercise.points != test.points:
                raise GraderError(
                    f"{test.grade_id} has {test.points:g} points in the release and {exercise.points} in its checks: "
                    f"run `autograder release {name}` again"
                )
    examples.load(course, name, checks)
    return Assignment(name, notebooks, checks, course.seed, Budget(**Autograder(config=course.config).budget(name)))


def open_sandbox(course: Course, name: str, begun: Nursery | None = None, *, unconfined: bool = False) -> Sandbox:
    """Where the submissions of an assignment run; in a nursery that was begun before, if it is the right one."""
    capability = Autograder(config=course.config).capability(name)
    if begun and (begun.capability, begun.unconfined) != (capability, unconfined):
        begun.close()
        begun = None
    return Sandbox(capability, unconfined, begun)
