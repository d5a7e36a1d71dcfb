"""A verdict does not depend on where the functions run: named mistakes and solutions, sent into the sandbox as text."""

import ast
import inspect
from importlib import import_module

import pytest

from autograder.check import exercises, explain, judge
from autograder.masters import SETUP, assignments
from autograder.sandbox import Budget, Sandbox

BUDGET = Budget(cpu_seconds=20, wall_seconds=120, memory_mb=1024, processes=8, file_mb=4, output_kb=64)
FOREIGN = {"regopt", "Call", "Exercise", "close", "every_kind"}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def helpers(module):
    """The functions and classes of a checks module that need nothing of ours, without their decorators, as text."""
    kept = []
    for node in ast.parse(inspect.getsource(module)).body:
        used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not used & FOREIGN:
            node.decorator_list = []
            kept.append(ast.unparse(node))
    return kept


def own_answers(exercise, module):
    """Mistakes and solutions that stand in the module under their own name, with the text that names each function."""
    for answer in (*exercise.mistakes, *exercise.solutions):
        written = getattr(module, answer.name, None)
        texts = {
            name: answer.name if inspect.isfunction(written) else f"{answer.name}.{name}" for name in exercise.names
        }
        found = [getattr(written, name, None) if inspect.isclass(written) else written for name in exercise.names]
        if found == [answer.functions[name] for name in exercise.names]:
            yield exercise, answer, texts


@pytest.mark.parametrize("assignment", assignments())
def test_the_verdict_is_that_of_plain_functions(assignment, sandbox):
    module = import_module(f"autograder.checks.{assignment}")
    answers = [each for exercise in exercises(assignment).values() for each in own_answers(exercise, module)]
    renamed = [
        f"{name}_{number} = {text}" for number, (*_, texts) in enumerate(answers) for name, text in texts.items()
    ]
    compared = 0
    with sandbox.run([SETUP, *helpers(module), *renamed], BUDGET) as submission:
        for number, (exercise, answer, texts) in enumerate(answers):
            with submission.fork(BUDGET) as student:
                functions = {name: student.get(f"{name}_{number}") for name in texts}
                if None in functions.values():
                    continue  # it needs the library, which a student cannot have
                verdict = explain(exercise, functions, judge(exercise, functions, 4))
                here = explain(exercise, answer.functions, judge(exercise, answer.functions, 4))
                assert verdict == here, answer.name
                compared += 1
    assert compared > 5 * len(exercises(assignment))


KEEPS = """
import numpy as np
kept = []
def soft_threshold(x, lam):
    kept.extend(np.ravel(x).tolist())
    return np.full(np.shape(x), kept[0]) if kept else np.asarray(x)
"""


def test_what_a_function_kept_of_hidden_inputs_is_not_shown(sandbox):
    exercise = exercises("soft_thresholding")["soft_threshold"]
    examples = []
    for seed in (1, 2):
        with sandbox.run([KEEPS], BUDGET) as submission:
            with submission.fork(BUDGET) as student:
                verdict = judge(exercise, student, seed)
            with submission.fork(BUDGET) as student:
                examples.append(explain(exercise, student, verdict).counter_example)
    assert examples[0] == examples[1] is not None
