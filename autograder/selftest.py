"""Proof, before anything is released, that the checks of an assignment can be trusted: a list of what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from autograder.check import ask, behaviour, exercises, explain, judge, recognise
from autograder.exercise import Exercise
from autograder.masters import SETUP, SOLUTIONS, example_code, given_code, solution_code
from autograder.questions import as_student, failure
from autograder.values import copied

SEEDS = (1, 2, 3)
FEWEST_PROPERTIES = 5
FEWEST_MISTAKES = 3
FEWEST_SOLUTIONS = 3


def selftest(assignment: str, seeds: tuple[int, ...] = SEEDS, folder: Path = SOLUTIONS) -> list[str]:
    """What is wrong with the checks and the master text of an assignment, one line each."""
    checks = exercises(assignment)
    found = [f"{name}: {line}" for name, each in checks.items() for line in problems(each, seeds)]
    return [*found, *master_problems(assignment, checks, seeds, folder)]


def problems(exercise: Exercise, seeds: tuple[int, ...] = SEEDS) -> Iterator[str]:
    """What is wrong with the checks of one exercise."""
    yield from _form(exercise)
    if not exercise.solutions or not exercise.properties:
        return
    try:
        exercise.hidden(seeds[0])
    except Exception as error:
        yield f"inputs(rng) fails: {type(error).__name__}: {error}"
        return
    yield from _inputs(exercise, seeds)
    for seed in seeds:
        yield from (f"seed {seed}: {line}" for line in _judgements(exercise, seed))
    yield from _examples(exercise, seeds[0])


def _form(exercise):
    for kind, members, fewest in (
        ("properties", exercise.properties, FEWEST_PROPERTIES),
        ("mistakes", exercise.mistakes, FEWEST_MISTAKES),
        ("right solutions", exercise.solutions, FEWEST_SOLUTIONS),
    ):
        if len(members) < fewest:
            yield f"it has {len(members)} {kind}; write {fewest} or more"
        names = [each.name for each in members]
        yield from (f"two {kind} are called {name}" for name in sorted(set(names)) if names.count(name) > 1)
    for each in (*exercise.properties, *exercise.mistakes):
        if not each.words:
            yield f"{each.name} has no docstring, and a student would read nothing"


def _inputs(exercise, seeds):
    first, second = exercise.hidden(seeds[0]), exercise.hidden(seeds[0] + 1)
    if all(a.text("f") == b.text("f") for a, b in zip(first, second, strict=False)):
        yield "inputs(rng) gives every seed the same hidden inputs: draw them from rng"


def _judgements(exercise, seed):
    for solution in exercise.solutions:
        if len(ask(exercise, solution.functions, seed)[0]) < len(exercise.properties):
            verdict = _explained(exercise, solution.functions, seed)
            lost = ", ".join(each.name for each in verdict.properties if not each.passed)
            yield f"the right solution {solution.name} loses {lost} ({_reason(verdict)})"
    caught = set()
    for mistake in exercise.mistakes:
        passed, cause, students = ask(exercise, mistake.functions, seed)
        caught |= {each.name for each in exercise.properties} - passed
        names = [each.name for each in recognise(exercise, students, seed)[0]]
        if cause:
            yield f"the mistake {mistake.name} comes to nothing: {cause}"
        elif all(isinstance(each, str) for each in behaviour(exercise, students, seed)["values"]):
            yield f"the mistake {mistake.name} raises on every hidden input"
        elif len(passed) == len(exercise.properties):
            yield f"the mistake {mistake.name} has full marks"
        elif names != [mistake.name]:
            yield f"the mistake {mistake.name} is recognised as {', '.join(names) or 'nothing'}"
    yield from (f"no mistake fails {each.name}" for each in exercise.properties if each.name not in caught)
    yield from _vacuous(exercise, seed)
    for name, function in LAZY.items():
        passed, *_ = ask(exercise, dict.fromkeys(exercise.names, function), seed)
        points = sum(each.points for each in exercise.properties if each.name in passed)
        if 3 * points >= exercise.points:
            yield f"a function that {name} has {points} of {exercise.points} points ({', '.join(sorted(passed))})"


def _examples(exercise, seed):
    """A student who made the mistake must be shown an example of it."""
    for mistake in exercise.mistakes:
        verdict = _explained(exercise, mistake.functions, seed)
        if verdict.score < verdict.max_score and (verdict.error or not verdict.counter_example):
            why = verdict.error or "the public strategy has none"
            yield f"the mistake {mistake.name} gets no counter-example: {why}"


def _explained(exercise, functions, seed):
    return explain(exercise, functions, judge(exercise, functions, seed))


def _reason(verdict):
    return verdict.error or verdict.cause or verdict.counter_example or "no public input shows why"


def _vacuous(exercise, seed):
    """Properties that hold for functions that only raise, and so hardly ask anything."""
    for check in exercise.properties:
        students = as_student(exercise, dict.fromkeys(exercise.names, _unwritten))
        if all(failure(check, students, call) is None for call in exercise.hidden(seed)):
            yield f"{check.name} holds for a function that is not written"


def _unwritten(*args, **kwargs):
    raise NotImplementedError


def _first(args, kwargs):
    return next((each for each in (*args, *kwargs.values()) if isinstance(each, np.ndarray | float | int)), 0.0)


LAZY: dict[str, Callable] = {
    "returns nothing": lambda *args, **kwargs: None,
    "returns its first argument": lambda *args, **kwargs: copied(_first(args, kwargs)),
    "returns zeros": lambda *args, **kwargs: np.zeros_like(_first(args, kwargs)),
    "returns nan": lambda *args, **kwargs: np.full_like(_first(args, kwargs), np.nan, dtype=float),
}


def master_problems(
    assignment: str, checks: Mapping[str, Exercise], seeds: tuple[int, ...], folder: Path
) -> Iterator[str]:
    """What is wrong with the master text: solutions need full marks, examples must tell right from wrong."""
    solved = solved_names(assignment, folder)
    for name, exercise in checks.items():
        for seed in seeds:
            verdict = _explained(exercise, solved, seed)
            if verdict.score < verdict.max_score:
                yield f"{name}: the solution in the master text has {verdict.score:g} points ({_reason(verdict)})"
        examples = example_code(assignment, folder).get(name)
        if examples is None:
            yield f"{name}: the master text has no `:examples: {name}`"
        elif (error := _run(examples, solved)) is not None:
            yield f"{name}: the visible examples fail for the solution: {error}"
        elif all(_run(examples, {**solved, **each.functions}) is None for each in exercise.mistakes):
            yield f"{name}: the visible examples pass for every named mistake"


@lru_cache
def solved_names(assignment: str, folder: Path = SOLUTIONS) -> dict[str, Any]:
    """What the solutions of the master text define."""
    names: dict[str, Any] = {}
    for code in (SETUP, *given_code(assignment, folder).values(), *solution_code(assignment, folder).values()):
        exec(compile(code, f"{assignment}.md", "exec"), names)
    return names


def _run(code, names):
    try:
        exec(compile(code, "examples", "exec"), dict(names))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
