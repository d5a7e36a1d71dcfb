"""The benchmark gives both graders the same work: its plain hidden tests tell right from wrong, too."""

import itertools
import json
import warnings

import pytest

from autograder import made_up
from bench import grader as bench


@pytest.fixture(scope="module")
def tests():
    marked = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in bench.source().cells}
    return {name: marked[name] for name in bench.HIDDEN}


def failed(tests, code):
    names = {}
    exec("import numpy as np", names)
    for name in tests:
        exec(code.get(name, ""), names)
    found = []
    for name, test in tests.items():
        try:
            with warnings.catch_warnings(action="ignore"):
                exec(test, names)
        except Exception:
            found.append(name)
    return found


def test_four_exercises_with_hidden_tests(tests):
    assert len(tests) == 4
    assert all("BEGIN HIDDEN TESTS" in test for test in tests.values())


@pytest.mark.parametrize("variant", range(4))
def test_right_submissions_pass(tests, variant):
    assert failed(tests, made_up.right(bench.ASSIGNMENT, variant)) == []


def test_submissions_with_mistakes_fail(tests):
    for mistakes, code in made_up.wrong(bench.ASSIGNMENT):
        unseen = mistakes[0] == "turns_float32_into_float64"  # plain tests of the numbers pass it
        assert bool(failed(tests, code)) != unseen, mistakes


def test_two_of_three_honest_ones_are_right_and_every_attack_comes():
    written = {kind: list(itertools.islice(codes, 12)) for kind, codes in bench.codes().items()}
    wrong = [code for _, code in made_up.wrong(bench.ASSIGNMENT)]
    assert [code in wrong for code in written["h"]] == [False, False, True] * 4
    assert len({json.dumps(code) for code in written["x"]}) == len(bench.ATTACKS)
