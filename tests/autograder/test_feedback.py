"""What a student reads: true, in words, small, and nothing that is hidden."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from autograder import outputs, sandbox
from autograder.asserts import close, refuses, unchanged
from autograder.check import exercises, explain, judge
from autograder.errors import Stopped
from autograder.exercise import Call, Exercise
from autograder.feedback import CAUSES, words
from autograder.masters import assignments
from autograder.selftest import LAZY
from autograder.values import LONGEST, shown
from tests.autograder.sample import shrink
from tests.given_away import given_away

RIGHT = shrink.solutions[0].functions["shrink"]


def read(function, seed=1, exercise=shrink):
    student = {exercise.name: function}
    return words(explain(exercise, student, judge(exercise, student, seed)))


class TestWords:
    def test_of_a_right_answer(self):
        assert read(RIGHT).splitlines() == [
            "shrink: 8 of 8 points",
            "  + 3 of 3  Entries move towards zero by lam, and stop there.",
            "  + 2 of 2  Entries within lam become zero.",
            "  + 1 of 1  Turning the sign of x turns that of the answer.",
            "  + 1 of 1  float32 in gives float32 out, with the right numbers.",
            "  + 1 of 1  What the function is given is the same after the call as before, and the answer is right.",
        ]

    def test_of_a_mistake(self):
        assert read(lambda x, lam: np.where(np.abs(x) > lam, x, np.zeros_like(x))).splitlines() == [
            "shrink: 3 of 8 points",
            "  - 0 of 3  Entries move towards zero by lam, and stop there.",
            "  + 2 of 2  Entries within lam become zero.",
            "  + 1 of 1  Turning the sign of x turns that of the answer.",
            "  - 0 of 1  float32 in gives float32 out, with the right numbers.",
            "  - 0 of 1  What the function is given is the same after the call as before, and the answer is right.",
            "",
            "This keeps what is farther than lam as it is.",
            "",
            "The smallest example that shows it:",
            "",
            "shrink(np.array([1.]), 0.5)",
            "  returned  np.array([1.])",
            "  expected  np.array([0.5])",
        ]

    def test_of_writing_into_an_argument(self):
        def function(x, lam):
            answer = RIGHT(x, lam)
            x[...] = 7
            return answer

        assert "an argument was np.array([0.]) before, and is np.array([7.]) after" in read(function)

    def test_every_cause_that_the_sandbox_names_has_words(self):
        source = inspect.getsource(sandbox) + inspect.getsource(sandbox).replace("'", '"')
        named = {"time", "memory", "nursery", "wire", "exit", "killed", "file", "crash"}
        assert all(f'"{cause}"' in source for cause in named - {"memory"})
        assert named <= CAUSES.keys()

    def test_an_unknown_cause_is_named(self):
        def function(x, lam):
            raise Stopped("frost")

        assert "It was stopped (frost)." in read(function)


class TestCounterExample:
    def test_is_the_smallest(self):
        def wrong_only_beyond_one(x, lam):
            return RIGHT(x, lam) + (np.asarray(x) > 1)

        assert "shrink(np.array([1.5]), 0.5)" in read(wrong_only_beyond_one)

    def test_is_the_students_own_where_that_of_the_mistake_shows_nothing(self):
        def steps_in_place(x, lam):
            x -= np.clip(x, -lam, lam)  # a zero stays what it is
            return x

        text = read(steps_in_place)
        assert "This writes into what it was given" in text
        assert "an argument was np.array([0.5]) before, and is np.array([0.]) after" in text

    @pytest.mark.parametrize("mistake", [each for each in shrink.mistakes if each.name != "writes_into_its_arguments"])
    def test_of_a_known_mistake_is_that_of_who_is_asked(self, mistake):
        """Who behaves like it in everything need not be asked; the example is the same."""

        def like_it(x, lam):
            calls.append(x)
            return mistake.functions["shrink"](x, lam)

        calls = []
        verdict = judge(shrink, {"shrink": like_it}, 1)
        assert [each.name for each in verdict.mistakes] == [mistake.name]
        assert verdict.counter_example is not None
        calls.clear()
        assert explain(shrink, {"shrink": like_it}, verdict) == verdict
        assert not calls
        assert explain(shrink, {"shrink": like_it}, replace(verdict, counter_example=None)) == verdict
        assert calls

    def test_of_a_known_mistake_and_another_one_is_the_students_own(self):
        def wide_and_wrong(x, lam):
            return np.asarray(RIGHT(x, lam) * (1 + 5 * (x.size == 12)), dtype=float)

        assert any(call.args[0].size == 12 for call in shrink.hidden(1))
        verdict = judge(shrink, {"shrink": wide_and_wrong}, 1)
        assert [each.name for each in verdict.mistakes] == ["turns_float32_into_float64"]
        assert verdict.counter_example is None

    def test_of_a_mistake_that_raises_is_the_students_own(self):
        @st.composite
        def calls(draw):
            return Call(np.array([draw(st.sampled_from([0.5, 1.0]))]))

        exercise = Exercise("inverse", inputs=lambda rng: [Call(rng.normal(size=2)), Call(np.ones(1))], public=calls())

        @exercise.property(points=1)
        def is_inverse(inverse, x):
            """It is one over x."""
            close(inverse(x), 1 / x)

        exercise.solution(lambda x: 1 / x)

        @exercise.mistake
        def refuses_vectors(x):
            """This raises."""
            raise TypeError("not mine")

        def own(x):
            raise TypeError("my own words")

        assert "raised    TypeError: my own words" in read(own, exercise=exercise)

    def test_is_of_float32_where_only_that_is_wrong(self):
        text = read(lambda x, lam: np.asarray(RIGHT(x, lam), dtype=float))
        assert "shrink(np.array([0.], dtype=np.float32), 0.5)" in text
        assert "got float64, expected float32" in text

    def test_shows_what_was_raised(self):
        def function(x, lam):
            raise IndexError(f"no room for {list(x)}")

        assert "  raised    IndexError: no room for [np.float64(0.0)]" in read(function)

    def test_of_a_returned_function_shows_both_calls(self):
        exercise = Exercise(
            "schedule",
            inputs=lambda rng: [Call(float(rng.integers(1, 9)))],
            public=st.builds(Call, st.sampled_from([1.0, 2.0])),
        )

        @exercise.property(points=1)
        def halves(schedule, lr):
            """The rate halves with every step."""
            close(schedule(lr)(2), lr / 4)

        exercise.solution(lambda lr: lambda t: lr / 2**t)
        text = read(lambda lr: lambda t: lr / 2, exercise=exercise)
        assert "schedule(1.0)(2)\n  returned  0.5\n  got 0.5, expected 0.25" in text

    def test_is_missing_where_the_right_answer_fails_too(self):
        exercise = Exercise("same", inputs=lambda rng: [Call(rng.uniform(1, 2))], public=st.just(Call(0.0)))
        exercise.solution(lambda x: x)

        @exercise.property(points=1)
        def is_positive(same, x):
            """It is x, above 0."""
            assert same(x) > 0
            close(same(x), x)

        verdict = judge(exercise, {"same": lambda x: 2 * x}, 1)
        assert verdict.score == 0
        assert explain(exercise, {"same": lambda x: 2 * x}, verdict).counter_example is None

    def test_is_missing_where_public_inputs_show_nothing(self):
        text = read(lambda x, lam: RIGHT(x, lam) * (1 + (np.size(x) > 3)))
        assert "example" not in text
        assert text.startswith("shrink: 3 of 8")


class TestNothingHiddenIsShown:
    @pytest.mark.parametrize("assignment", assignments())
    def test_no_line_of_the_checks_or_the_solutions(self, assignment):
        for exercise in exercises(assignment).values():
            nothing = dict.fromkeys(exercise.names, LAZY["returns zeros"])
            for functions in (nothing, exercise.mistakes[0].functions):
                verdict = explain(exercise, functions, judge(exercise, functions, 1))
                assert given_away(assignment, outputs.of_verdict(verdict)["data"]["text/html"]) == []

    @pytest.mark.parametrize("mistake", shrink.mistakes, ids=lambda each: each.name)
    def test_other_hidden_inputs_change_no_word(self, mistake):
        assert len({read(mistake.functions["shrink"], seed) for seed in range(5)}) == 1

    def test_what_a_student_raises_about_hidden_inputs_is_not_shown(self):
        def function(x, lam):
            if np.size(x) > 3:
                raise ValueError(f"{x!r} {lam!r}")
            return RIGHT(x, lam)

        text = read(function)
        assert "raised" not in text
        assert "ValueError" not in text

    def test_what_a_student_returns_for_hidden_inputs_is_not_shown(self):
        def function(x, lam):
            return repr(x) if np.size(x) > 3 else RIGHT(x, lam)

        assert "array" not in read(function)

    def test_a_message_of_a_property_is_shown_for_public_inputs_only(self):
        exercise = Exercise("f", inputs=lambda rng: [Call(rng.normal())], public=st.builds(Call, st.just(1.0)))

        @exercise.property(points=1)
        def is_right(f, x):
            """It is right."""
            assert f(x) == x, f"hidden {x}"

        exercise.solution(lambda x: x)
        assert "hidden" not in read(lambda x: x if x == 1 else 0, exercise=exercise)


class TestHostileText:
    @pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m", "a\nb\r\nc", "x" * 10**6, "\u202egnp", "\ud800", "\0"])
    def test_of_an_exception_is_one_short_line(self, text):
        def function(x, lam):
            raise ValueError(text)

        raised = next(line for line in read(function).splitlines() if "raised" in line)
        assert len(raised) < LONGEST + 40
        assert raised.isprintable()

    def test_of_a_result_is_one_short_line(self):
        line = next(line for line in read(lambda x, lam: "\n" * 10**6 + "<b>").splitlines() if "returned" in line)
        assert len(line) < LONGEST + 40

    def test_cannot_forge_lines_of_the_verdict(self):
        def function(x, lam):
            raise ValueError("\nshrink: 8 of 8 points")

        assert [line for line in read(function).splitlines() if line.startswith("shrink: 8")] == []


class TestShown:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (np.array([1.0, 2.5]), "np.array([1. , 2.5])"),
            (np.array([1], np.float32), "np.array([1.], dtype=np.float32)"),
            (np.zeros((0, 2)), "np.array([], shape=(0, 2), dtype=np.float64)"),
            (np.float64(0.1), "0.1"),
            (np.float32(0.5), "np.float32(0.5)"),
            (2.0, "2.0"),
            (1e-8, "1e-08"),
            (float("nan"), "nan"),
            (3, "3"),
            (True, "True"),
            (None, "None"),
            ("a", "'a'"),
            ((1.0,), "(1.0,)"),
            ([1, {"a": None}], "[1, {'a': None}]"),
            (np.random.default_rng(3), "np.random.default_rng(3)"),
            (len, "len"),
        ],
    )
    def test_can_be_pasted_into_a_cell(self, value, text):
        assert shown(value) == text

    def test_a_used_generator_is_not_called_fresh(self):
        rng = np.random.default_rng(3)
        rng.random()
        assert shown(rng) == "a Generator"

    def test_large_arrays_are_cut(self):
        assert len(shown(np.random.default_rng(0).normal(size=(50, 50)))) <= LONGEST


class TestAsserts:
    """What the helpers of authors let through, and what not."""

    def exercise(self, check, reference):
        exercise = Exercise("f", inputs=lambda rng: [Call(np.ones(2))], public=st.builds(lambda: Call(np.ones(2))))
        exercise.property(points=1)(check)
        exercise.solution(reference)
        return exercise

    def test_refuses(self):
        def check(f, x):
            """-1 is refused."""
            refuses("lam", f, -1)

        def names_it(lam):
            raise ValueError(f"lam must be >= 0, got {lam}")

        def names_nothing(lam):
            raise ValueError("no")

        def raises_another(lam):
            raise TypeError("lam")

        exercise = self.exercise(check, names_it)
        assert "1 of 1" in read(names_it, exercise=exercise)
        assert "raised    ValueError: no" not in read(names_nothing, exercise=exercise)
        assert "the message of the ValueError does not name lam" in read(names_nothing, exercise=exercise)
        assert "raised TypeError, expected a ValueError" in read(raises_another, exercise=exercise)
        assert "returned -1, expected a ValueError that names lam" in read(lambda lam: lam, exercise=exercise)

    def test_unchanged_sees_lists_and_keywords(self):
        def check(f, x):
            """Nothing is written."""
            unchanged(f, [x, x + 1], last=x)

        def writes_into_list(parts, last):
            parts[1] += 1

        def writes_into_keyword(parts, last):
            last[0] = 5

        exercise = self.exercise(check, lambda parts, last: None)
        assert "1 of 1" in read(lambda parts, last: None, exercise=exercise)
        assert "0 of 1" in read(writes_into_list, exercise=exercise)
        assert "0 of 1" in read(writes_into_keyword, exercise=exercise)

    @pytest.mark.parametrize(
        ("got", "expected", "same"),
        [
            (1.0, 1.0 + 1e-10, True),
            (1.0, 1.0 + 1e-8, False),
            (np.float32(1), np.float32(1 + 1e-6), True),
            (np.float32(1), 1 + 1e-6, False),
            (np.array([1e-10, 1.0]), np.array([0.0, 1.0]), True),
            (np.array([1e-10]), np.array([0.0]), False),
            (np.ones((1, 2)), np.ones(2), False),
            ([1.0], np.array([1.0]), False),
            ((1.0, 2.0), [1.0, 2.0], True),
            (np.nan, np.nan, False),
            (np.inf, np.inf, True),
            (np.inf, -np.inf, False),
            (1e308, np.inf, False),
            (np.inf, 1e308, False),
            (True, 1.0, True),
            (None, 1.0, False),
            (1.0, None, False),
            ("1.0", 1.0, False),
            ({"a": 1}, {"a": 1, "b": 2}, False),
            (1 + 0j, 1.0, True),
            (1 + 1e-3j, 1.0, False),
        ],
    )
    def test_close(self, got, expected, same):
        if same:
            close(got, expected)
        else:
            with pytest.raises(AssertionError):
                close(got, expected)
