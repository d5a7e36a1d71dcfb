"""Each question is asked once, many in one turn, and some of them once more at the end."""

import socket
import threading
import warnings
from contextlib import contextmanager

import numpy as np
import pytest

from autograder.asserts import close, not_written_into
from autograder.check import ask, judge
from autograder.errors import Stopped
from autograder.exercise import Call, Exercise
from autograder.line import Channel, Line
from autograder.questions import Raised, Student, as_student, first_questions
from autograder.raised import student_error


def exercise_of(*properties, inputs, right):
    """An exercise with these properties of one point each."""
    made = Exercise("f", inputs=inputs, public=None)
    for check in properties:
        made.property(points=1)(check)
    made.solution(right)
    return made


def vectors(rng):
    for _ in range(3):
        yield Call(rng.normal(size=4))


def double(x):
    return 2 * x


def is_double(f, x):
    close(f(x), 2 * x)


def is_odd(f, x):
    close(f(-x), -np.asarray(f(x)))


def leaves_x_alone(f, x):
    close(not_written_into(f.lending(), x), 2 * x)


def counted(function):
    calls = []

    def counting(*args, **kwargs):
        calls.append((args, kwargs))
        return function(*args, **kwargs)

    return counting, calls


class TestOnce:
    def test_three_properties_ask_six_questions_and_all_again(self):
        exercise = exercise_of(is_double, is_odd, leaves_x_alone, inputs=vectors, right=double)
        function, calls = counted(double)
        assert judge(exercise, {"f": function}, 1).score == 3
        asked = [args[0].tobytes() for args, _ in calls]
        assert len(asked) == 12
        assert sorted(asked[:6]) == sorted(asked[6:])
        assert len(set(asked)) == 6

    def test_who_writes_is_seen_to_write_though_the_answer_was_known(self):
        def writes(x):
            answer = 2 * x
            x[...] = 7
            return answer

        exercise = exercise_of(is_double, leaves_x_alone, inputs=vectors, right=double)
        passed, cause, _ = ask(exercise, {"f": writes}, 1)
        assert (passed, cause) == ({"is_double"}, None)

    def test_a_layout_is_another_question(self):
        function, calls = counted(double)
        student = Student("f", function)
        x = np.arange(8.0)
        for each in (x[:4], x[:4].copy(), np.repeat(x[:4], 2)[::2]):
            student(each)
        assert len(calls) == 2

    def test_a_generator_and_a_function_are_asked_about_each_time(self):
        function, calls = counted(lambda x: 1.0)
        student = Student("f", function)
        for _ in range(3):
            student(np.random.default_rng(0))
            student(abs)
            student([1.0])  # which it could change in more ways than can be kept
        assert len(calls) == 9

    def test_what_was_raised_is_raised_again(self):
        function, calls = counted(lambda x: 1 / 0)
        student = Student("f", function)
        for _ in range(2):
            with pytest.raises(Raised):
                student(1.0)
        assert len(calls) == 1

    def test_an_answer_cannot_be_changed_by_who_got_it(self):
        student = Student("f", double)
        student(np.ones(2))[...] = 9
        assert student(np.ones(2)).tolist() == [2, 2]

    def test_a_warning_is_nothing_wherever_it_comes(self):
        def warns(x):
            warnings.warn("not me", stacklevel=1)
            return 2 * x

        exercise = exercise_of(is_double, is_odd, leaves_x_alone, inputs=vectors, right=double)
        assert judge(exercise, {"f": warns}, 1).score == 3


class TestAgain:
    @pytest.mark.parametrize("turn", range(6, 12))
    def test_one_other_answer_is_caught_wherever_it_is(self, turn):
        function, calls = counted(lambda x: 2 * x + (len(calls) == turn + 1))
        exercise = exercise_of(is_double, is_odd, leaves_x_alone, inputs=vectors, right=double)
        verdict = judge(exercise, {"f": function}, 1)
        assert (verdict.score, verdict.cause) == (0, "unsteady")

    def test_who_stops_then_keeps_what_held(self):
        def function(x):
            if len(calls) > 3:
                raise Stopped("time")
            return 2 * x

        function, calls = counted(function)
        verdict = judge(exercise_of(is_double, inputs=vectors, right=double), {"f": function}, 1)
        assert (verdict.score, verdict.cause) == (1, "time")


class TestFirstQuestions:
    def test_they_follow_from_the_inputs_alone(self):
        exercise = exercise_of(is_odd, leaves_x_alone, inputs=vectors, right=double)
        found = first_questions(exercise, 1)
        inputs = [call.args[0].tolist() for call in exercise.hidden(1)]
        assert [call.args[0].tolist() for _, _, call, _ in found["is_odd"]] == [[-x for x in row] for row in inputs]
        assert [lend for _, lend, *_ in found["leaves_x_alone"]] == [True] * 3

    @pytest.mark.parametrize("sign", [1, -1])
    def test_no_right_answer_stands_in_what_is_asked_before_it_is_given(self, sign):
        """Whoever reads all questions at once could give it without having worked it out."""

        def twice(f, x):
            close(f(sign * 2 * x), sign * 4 * x)

        exercise = exercise_of(is_double, twice, inputs=vectors, right=double)
        assert first_questions(exercise, 1)["twice"] == []
        assert len(first_questions(exercise, 1)["is_double"]) == 3
        assert judge(exercise, {"f": double}, 1).score == 2

    def test_an_answer_that_is_the_argument_itself_tells_nothing(self):
        exercise = exercise_of(is_double, is_odd, inputs=lambda rng: [Call(np.full(3, np.inf))], right=double)
        assert [len(some) for some in first_questions(exercise, 1).values()] == [1, 1]

    def test_of_a_property_that_asks_nothing_there_is_none(self):
        def asks_nothing(f, x):
            pass

        assert first_questions(exercise_of(asks_nothing, inputs=vectors, right=double), 1) == {"asks_nothing": []}


@contextmanager
def over_the_wire(function, turns):
    """The function over a line; `turns` gets an entry each time that something is sent to it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(20)
        other = Line(Channel(theirs), student_error, leads=False, lent=[function])
        thread = threading.Thread(target=other.serve)
        thread.start()

        class Counting(Channel):
            def send(self, *args, **kwargs):
                turns.append(1)
                super().send(*args, **kwargs)

        yield Line(Counting(ours), student_error, leads=True).borrow(0, "f")
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()


class TestTurns:
    def test_twelve_questions_take_three_turns(self):
        exercise = exercise_of(is_double, leaves_x_alone, is_odd, inputs=vectors, right=double)
        turns = []
        with over_the_wire(double, turns) as function:
            assert judge(exercise, {"f": function}, 1).score == 3
        assert len(turns) == 3

    def test_the_verdict_is_that_of_the_function_here(self):
        def raises_sometimes(x):
            if x[0] > 0:
                raise ValueError("positive")
            x[...] = 3
            return np.float32(2) * x

        exercise = exercise_of(is_double, leaves_x_alone, is_odd, inputs=vectors, right=double)
        with over_the_wire(raises_sometimes, []) as function:
            there = as_student(exercise, {"f": function})[0]
            here = as_student(exercise, {"f": raises_sometimes})[0]
            for one in (there, here):
                one.ask_each([one.question(call, one.key(call)) for call in exercise.hidden(1)])
            for one, other in zip(there.answers.kept.values(), here.answers.kept.values(), strict=True):
                assert one.key == other.key
                assert np.array_equal(one.result, other.result)
                assert str(one.error) == str(other.error)
                assert [*map(str, one.wrote.items())] == [*map(str, other.wrote.items())]
