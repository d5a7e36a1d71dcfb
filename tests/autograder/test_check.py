"""The judge: what a submission does can cost it points, and can neither raise, nor earn, nor reveal anything else."""

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.asserts import close, on_average
from autograder.check import Verdict, ask, check_version, explain, judge
from autograder.errors import Stopped, StudentError
from autograder.exercise import Call, Exercise
from autograder.feedback import words
from tests.autograder.sample import shrink

RIGHT = shrink.solutions[0].functions["shrink"]


def verdict_on(function: Callable, seed=1, exercise=shrink) -> Verdict:
    student = {exercise.name: function}
    return explain(exercise, student, judge(exercise, student, seed))


def passed(verdict):
    return {each.name for each in verdict.properties if each.passed}


class TestScore:
    def test_is_the_sum_of_what_holds(self):
        verdict = verdict_on(lambda x, lam: np.where(np.abs(x) > lam, x, np.zeros_like(x)))
        assert passed(verdict) == {"lands_on_zero", "is_odd"}
        assert verdict.score == 3
        assert verdict.max_score == sum(each.points for each in shrink.properties)

    @pytest.mark.parametrize("student", [{}, {"shrink": None}, {"shrink": 3}])
    def test_nothing_that_can_be_called_is_zero(self, student):
        verdict = judge(shrink, student, 1)
        assert (verdict.score, verdict.cause, verdict.error) == (0, "missing", None)

    def test_other_seeds_have_other_inputs(self):
        seen = [[], []]
        for seed, calls in enumerate(seen):
            verdict_on(lambda x, lam, calls=calls: calls.append(np.asarray(x).tobytes()) or RIGHT(x, lam), seed)
        assert not {*seen[0]} & {*seen[1]} - {b""}


class TestStudentRaises:
    @pytest.mark.parametrize(
        "error", [ValueError, AssertionError, SystemExit, GeneratorExit, StopIteration, MemoryError, RecursionError]
    )
    def test_is_zero_and_not_the_checkers_fault(self, error):
        class Remote(StudentError, error):
            pass

        def function(x, lam):
            raise Remote("text")

        verdict = verdict_on(function)
        assert (verdict.score, verdict.cause, verdict.error) == (0, None, None)
        assert f"raised    {error.__name__}: text" in verdict.counter_example

    def test_a_students_interrupt_is_an_error_like_another(self):
        class Remote(StudentError, KeyboardInterrupt):
            pass

        def function(x, lam):
            raise Remote("stop")

        assert verdict_on(function).score == 0

    def test_the_instructors_interrupt_stops_the_grader(self):
        def function(x, lam):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verdict_on(function)

    def test_a_lost_process_names_its_cause_and_keeps_what_held_before(self):
        calls = []

        def function(x, lam):
            calls.append(x)
            if len(calls) > len(shrink.hidden(1)):
                raise Stopped("time")
            return RIGHT(x, lam)

        verdict = verdict_on(function)
        assert passed(verdict) == {"is_right", "lands_on_zero"}  # which asks the same
        assert (verdict.cause, verdict.error, verdict.counter_example) == ("time", None, None)
        assert "too much time" in words(verdict)

    def test_a_process_lost_while_an_example_is_sought_costs_nothing_more(self):
        calls = []

        def function(x, lam):
            calls.append(x)
            if len(calls) > asked:
                raise Stopped("time")
            return np.asarray(x)

        asked = 10**6
        ask(shrink, {"shrink": function}, 1)
        asked = len(calls)
        calls.clear()
        verdict = verdict_on(function)
        assert (passed(verdict), verdict.cause, verdict.counter_example) == ({"is_odd"}, None, None)


class TestCheating:
    def test_writing_into_an_argument_does_not_change_what_it_is_compared_with(self):
        def function(x, lam):
            if isinstance(x, np.ndarray) and x.flags.writeable:
                x[...] = 0
            return np.zeros_like(x)

        assert passed(verdict_on(function)) == passed(verdict_on(lambda x, lam: np.zeros_like(x))) == {"is_odd"}

    def test_another_answer_the_second_time_is_caught(self):
        seen = {}

        def function(x, lam):
            key = (np.asarray(x).tobytes(), np.shape(x))
            seen[key] = seen.get(key, 0) + 1
            return RIGHT(x, lam) if seen[key] < 2 else np.asarray(x)

        verdict = verdict_on(function)
        assert (verdict.score, verdict.cause) == (0, "unsteady")
        assert "two different answers" in words(verdict)

    def test_raising_only_the_second_time_is_caught(self):
        seen = []

        def function(x, lam):
            seen.append(x)
            if len(seen) > 2 * len(shrink.hidden(1)):
                raise ValueError
            return RIGHT(x, lam)

        verdict = verdict_on(function)
        assert (verdict.score, verdict.cause) == (0, "unsteady")

    def test_long_arguments_that_look_alike_are_told_apart(self):
        """Two calls that a text for a student would show alike are not the same call."""
        exercise = Exercise(
            "schedule",
            inputs=lambda rng: [Call(np.arange(100.0) + rng.normal()), Call(1 + 1e-9 * rng.normal())],
            public=st.builds(Call, st.just(1.0)),
        )

        @exercise.property(points=1)
        def is_right(schedule, x):
            """It is right."""
            for i in range(3):
                there = np.array(x) if np.ndim(x) == 0 else np.where(np.arange(100) == 50 + i, -7 * i, x)
                close(schedule(there)(2), there * 2)

        exercise.solution(lambda x: lambda t: x * t)
        assert verdict_on(exercise.solutions[0].functions["schedule"], exercise=exercise).cause is None

    def test_last_digits_may_differ(self):
        rng = np.random.default_rng(0)
        verdict = verdict_on(lambda x, lam: RIGHT(x, lam) * x.dtype.type(1 + 1e-12 * rng.random()))
        assert verdict.score == verdict.max_score

    def test_keeping_the_first_answers_buffer_changes_nothing(self):
        buffer = {}

        def function(x, lam):
            out = buffer.setdefault((np.shape(x), np.asarray(x).dtype), np.empty_like(x))
            out[...] = RIGHT(x, lam)
            return out

        assert verdict_on(function).score == shrink.points


numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary())
odd_arrays = st.sampled_from(
    [
        np.array(["a", "b"]),
        np.array([None, 1], dtype=object),
        np.zeros(2, dtype=[("a", float)]),
        np.array("2020-01-01", dtype="datetime64"),
        np.full((0, 3), 1.0),
        np.float16(1),
        np.array([np.nan, np.inf]),
        10**400,
        len,
        np.random.default_rng(0),
    ]
)
results = st.recursive(
    st.one_of(numbers, odd_arrays),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.tuples(inner), st.dictionaries(st.text(max_size=2), inner)),
    max_leaves=4,
)


class TestOddResults:
    @settings(max_examples=60, deadline=None)
    @given(results)
    def test_are_wrong_and_nothing_worse(self, result):
        verdict = verdict_on(lambda x, lam: result)
        assert verdict.error is None
        assert 3 * verdict.score < verdict.max_score
        assert Verdict.from_json(verdict.to_json()) == verdict

    @pytest.mark.parametrize(
        "result",
        [np.zeros(3 << 20), "x" * (17 << 20), list(range(10_001)), 1 << (17 << 23)],
        ids=["array", "text", "list", "int"],
    )
    def test_too_large_to_be_looked_at_is_wrong(self, result):
        verdict = verdict_on(lambda x, lam: result)
        assert (verdict.score, verdict.error) == (0, None)
        assert "raised    ValueError: the result has more than" in verdict.counter_example

    def test_all_results_together_must_not_fill_the_checkers_memory(self):
        kept = []
        verdict = verdict_on(lambda x, lam: kept.append(1) or np.zeros((15 << 20) // 8))
        assert (verdict.score, verdict.error) == (0, None)

    def test_a_nest_of_lists_is_wrong(self):
        nest: list = []
        for _ in range(30):
            nest = [nest, nest]
        assert verdict_on(lambda x, lam: nest).score == 0


class TestRecognition:
    def test_of_the_same_mistake_written_otherwise(self):
        def mask(x, lam):
            u = np.array(x, copy=True)
            u[np.abs(u) <= lam] = 0
            return u

        verdict = verdict_on(mask)
        assert [each.name for each in verdict.mistakes] == ["keeps_what_is_far"]
        assert verdict.mistakes[0].words in words(verdict)

    def test_of_two_mistakes_at_once(self):
        def both(x, lam):
            u = np.where(np.abs(x) > lam, x, np.zeros_like(x))
            if x.ndim and x.flags.writeable:
                x[...] = 0
            return u

        assert {each.name for each in verdict_on(both).mistakes} == {"keeps_what_is_far", "writes_into_its_arguments"}

    def test_not_of_a_right_answer(self):
        assert verdict_on(RIGHT).mistakes == ()

    def test_not_of_some_other_wrong_answer(self):
        assert verdict_on(lambda x, lam: RIGHT(x, 1.5 * lam)).mistakes == ()


class TestVerdict:
    def test_is_the_same_in_another_process(self):
        code = (
            "from autograder.check import explain, judge\n"
            "from tests.autograder.sample import shrink as ex\n"
            "for a in [*ex.mistakes, *ex.solutions]:\n"
            "    print(explain(ex, a.functions, judge(ex, a.functions, 5)).to_json())\n"
        )
        runs = [
            subprocess.run(
                [sys.executable, *extra, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env={"PYTHONHASHSEED": hash_},
            ).stdout
            for hash_, extra in (("1", []), ("2", ["-X", "importtime"]))
        ]
        here = [verdict_on(each.functions["shrink"], 5).to_json() for each in (*shrink.mistakes, *shrink.solutions)]
        assert runs[0] == runs[1] == "\n".join(here) + "\n"

    def test_survives_json(self):
        verdict = verdict_on(lambda x, lam: x)
        assert Verdict.from_json(verdict.to_json()) == verdict
        assert json.loads(verdict.to_json())["unconfined"] is False
        assert json.loads(verdict.to_json())["seed"] == 1

    def test_names_what_it_depends_on(self):
        verdict = verdict_on(RIGHT)
        assert {"python", "numpy", "torch", "hypothesis"} <= verdict.environment.keys()
        assert verdict.check_version == check_version("tests.autograder.sample")


class TestCheckerFails:
    """An error of the checks is said to the instructor, and is never full marks."""

    def exercise(self, inputs=lambda rng: [Call(1.0), Call(2.0)], check=lambda f, x: close(f(x), x)):
        check.__doc__ = "It is right."
        exercise = Exercise("same", inputs=inputs, public=st.builds(Call, st.sampled_from([1.0, 2.0])))
        exercise.solution(lambda x: x)
        exercise.property(points=1)(check)
        return exercise

    def test_in_its_inputs(self):
        def inputs(rng):
            raise RuntimeError("no inputs")

        verdict = verdict_on(lambda x: x, exercise=self.exercise(inputs))
        assert (verdict.score, verdict.error) == (0, "RuntimeError: no inputs")
        assert "not your fault" in words(verdict)
        assert "RuntimeError" not in words(verdict)

    def test_by_asking_nothing(self):
        verdict = verdict_on(lambda x: 7, exercise=self.exercise(lambda rng: []))
        assert (verdict.score, verdict.error) == (
            0,
            "ValueError: inputs(rng) yields no call: every property would hold",
        )

    def test_in_a_property(self):
        def broken(f, x):
            f(x)
            raise NameError("y")

        verdict = verdict_on(lambda x: x, exercise=self.exercise(check=broken))
        assert verdict.score == 0
        assert "own solution fails broken" in verdict.error

    def test_in_finding_an_example(self, monkeypatch):
        monkeypatch.setattr("autograder.feedback.counter_example", lambda *_: 1 / 0)
        verdict = verdict_on(lambda x, lam: np.where(np.abs(x) > lam, 3 * x, np.zeros_like(x)))
        assert (verdict.score, verdict.error) == (3, "ZeroDivisionError: division by zero")

    def test_not_where_only_the_students_result_trips_it(self):
        verdict = verdict_on(lambda x: None, exercise=self.exercise(check=lambda f, x: close(f(x) + 0, x)))
        assert (verdict.score, verdict.error) == (0, None)


def noise(function, x, rng):
    y = np.asarray(function(x, rng=rng))
    return [np.mean(y), np.var(y)]


class TestRandom:
    """Functions that draw: two right answers differ, and what counts are moments."""

    @pytest.fixture
    def exercise(self):
        exercise = Exercise(
            "noisy",
            inputs=lambda rng: [Call(rng.normal(size=20_000), rng=np.random.default_rng(rng.integers(2**32)))],
            public=st.builds(lambda seed: Call(np.zeros(500), rng=np.random.default_rng(seed)), st.integers(0, 9)),
            random=True,
            tolerance=0.05,
        )
        exercise.use(noise)

        @exercise.property(points=2)
        def has_variance_one(noisy, x, rng):
            """What you add has variance 1."""
            # The variance of the square of a standard normal is 2.
            on_average(np.mean((noisy(x, rng=rng) - x) ** 2), 1, np.sqrt(2 / x.size))

        @exercise.property(points=1)
        def uses_rng(noisy, x, rng):
            """The same Generator gives the same noise, and a used one other noise."""
            first, second = noisy(x, rng=np.random.default_rng(7)), noisy(x, rng=np.random.default_rng(7))
            close(first, second)
            noisy(x, rng=rng)
            assert not np.array_equal(noisy(x, rng=rng), first)

        exercise.solution(lambda x, *, rng: x + rng.normal(size=x.shape))

        @exercise.mistake
        def double(x, *, rng):
            """This is noise of variance 2."""
            return x + np.sqrt(2) * rng.normal(size=x.shape)

        return exercise

    def test_order_and_kind_of_draws_do_not_matter(self, exercise):
        def one_by_one(x, *, rng):
            return x + np.array([rng.standard_normal() for _ in x][::-1])

        assert verdict_on(one_by_one, exercise=exercise).score == 3

    def test_a_mistake_is_recognised_by_what_is_measured(self, exercise):
        verdict = verdict_on(lambda x, *, rng: x + rng.normal(size=x.size) - rng.normal(size=x.size), exercise=exercise)
        assert [each.name for each in verdict.mistakes] == ["double"]
        assert "on average, expected a value within" in verdict.counter_example
        assert "rng=np.random.default_rng(0)" in verdict.counter_example

    def test_a_generator_of_its_own_loses_only_what_asks_for_ours(self, exercise):
        own = np.random.default_rng(3)
        verdict = verdict_on(lambda x, *, rng: x + own.normal(size=x.shape), exercise=exercise)
        assert (verdict.score, verdict.cause) == (2, None)
