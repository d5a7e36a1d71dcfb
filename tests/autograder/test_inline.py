"""Plain nbgrader tests: what of the course's cells they may use, and that honest functions pass as they would there."""

from dataclasses import replace

import numpy as np
import pytest

from autograder import inline
from autograder.course import Cell, Notebook
from autograder.inline import FAILED, HIDDEN, Outcome
from tests.autograder.small_course import mark

LOCKED, STUB = mark("given", locked=True), mark("stub", solution=True)


def judged(test, student, *given, stub="import numpy as np"):
    """The outcome of a test cell, with what read-only cells and a stub give to it; and what the student reads."""
    cells = [Cell(str(number), "code", text, LOCKED, {}) for number, text in enumerate(given)]
    cell = Cell("test", "code", test, mark("test", grade=True, locked=True, points=2), {})
    known = inline.known(Notebook("n", (Cell("stub", "code", stub, STUB, {}), *cells, cell), {}))
    outcome = inline.run(cell, student, known)
    if outcome.wrote:
        outcome = inline.run(cell, student, known, lend=False)
    return replace(outcome, shown=outcome.shown and inline.explain(cell, student, known))


def doubled(x):
    return 2 * x


def zeroed(x):
    x[...] = 0
    return x


def doubles(x):
    x *= 2


class TestWhatTheCourseGives:
    def test_imports_of_any_cell(self):
        assert judged("assert np.all(f(np.ones(2)) == 2)", {"f": doubled}) == Outcome(1.0)

    def test_helpers_and_data_of_read_only_cells_are_not_the_students(self):
        given = "def near(a, b):\n    return np.max(np.abs(a - b)) < 1e-9\nGRID = np.ones(3)"
        cheat = {"f": lambda x: x, "near": lambda *a: True, "GRID": np.zeros(3)}
        assert judged("assert near(f(GRID), 2 * GRID)", cheat, given).share == 0
        assert judged("assert near(f(GRID), 2 * GRID)", {**cheat, "f": doubled}, given).share == 1

    def test_a_helper_calls_the_students_functions_and_data_may_come_from_them(self):
        given = ("def twice(x):\n    return f(f(x))", "START = f(3)")
        assert judged("assert twice(START) == 24", {"f": doubled, "START": 6}, *given).share == 1

    def test_a_placeholder_is_not_data(self):
        assert judged("assert answer == 42", {"answer": 42}, "answer = None").share == 1

    def test_what_one_submission_writes_into_the_data_no_other_sees(self):
        given = "CASES = {'x': np.ones(2)}"
        cell = Cell(
            "test", "code", "assert np.all(f(CASES['x']) == 2)", mark("test", grade=True, locked=True, points=2), {}
        )
        known = inline.known(Notebook("n", (Cell("0", "code", "import numpy as np\n" + given, LOCKED, {}), cell), {}))
        assert inline.run(cell, {"f": zeroed}, known).share == 0
        assert inline.run(cell, {"f": doubled}, known).share == 1


class TestWriting:
    @pytest.mark.parametrize(
        "test", ["x = np.ones(2)\nassert np.all(f(x) == 2 * x)", "x = np.ones(2)\ny = f(x)\nassert np.all(y == 2 * x)"]
    )
    def test_into_an_argument_passes_no_test_of_the_result(self, test):
        assert judged(test, {"f": zeroed}).share == 0
        assert judged(test, {"f": doubled}).share == 1

    def test_nor_by_a_function_that_is_returned(self):
        test = "g = make()\nx = np.ones(2)\nassert np.all(g(x) == 2 * x)"
        assert judged(test, {"make": lambda: zeroed}).share == 0
        assert judged(test, {"make": lambda: doubled}).share == 1

    def test_is_what_a_test_may_ask_for(self):
        assert judged("x = np.ones(2)\nf(x)\nassert np.all(x == 2)", {"f": doubles}).share == 1

    def test_is_what_a_test_may_forbid(self):
        test = "x = np.ones(2)\ny = f(x)\nassert np.all(x == 1)"
        assert judged(test, {"f": zeroed}).share == 0
        assert judged(test, {"f": doubled}).share == 1

    def test_drawing_from_a_generator_is_no_writing(self):
        test = "rng = np.random.default_rng(1)\nassert f(rng) != f(rng)"
        assert judged(test, {"f": lambda rng: rng.random()}).share == 1


class TestWhatIsShown:
    TEST = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(7) == 14\n### END HIDDEN TESTS"

    def test_of_a_visible_line(self):
        assert "assert f(1) == 2" in judged(self.TEST, {"f": lambda x: 5}).shown

    def test_of_a_hidden_line(self):
        assert judged(self.TEST, {"f": lambda x: 2}).shown == HIDDEN
        assert FAILED != HIDDEN

    def test_an_error_in_a_helper_shows_the_line_of_the_test(self):
        given = "\n" * 30 + "def check(x):\n    assert f(x) == 2 * x"
        assert "check(1)" in judged("check(1)\nassert True", {"f": lambda x: 5}, given).shown
