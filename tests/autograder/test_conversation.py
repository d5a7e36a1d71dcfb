"""Conversations that are known lead to the verdict that the check itself would give, and every question is asked."""

import contextlib
import socket
import threading

import numpy as np
import pytest

from autograder import conversation
from autograder.conversation import Memory
from autograder.line import Channel, HungUp, Line
from autograder.raised import student_error
from autograder.wire import frame


class Submission:
    """A line to a function in a thread; counts what it is asked."""

    def __init__(self, function, most=10**9):
        self.asked = 0
        ours, self.theirs = socket.socketpair()
        ours.settimeout(10)

        def counted(*args):
            self.asked += 1
            if self.asked > most:
                self.theirs.shutdown(socket.SHUT_RDWR)
            return function(*args)

        self.line = Line(Channel(ours), student_error, leads=True)
        other = Line(Channel(self.theirs), student_error, leads=False, lent=[counted])
        self.thread = threading.Thread(target=self.serve, args=(other,))
        self.thread.start()

    def serve(self, line):
        with contextlib.suppress(HungUp):  # it was to hang up
            line.serve()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.line.channel.connection.close()
        self.thread.join()
        self.theirs.close()

    def ask(self, *args):
        return self.line.call(0, args, {})


class Check:
    """Asks for f(1), f(2), ..., each of what came before; counts how often it is at work."""

    def __init__(self, questions=5):
        self.questions, self.worked = questions, 0
        self.memory = Memory()

    def __call__(self, submission, keep=lambda outcome: True, about="f"):
        def work():
            self.worked += 1
            got = [1.0]
            for _ in range(self.questions):
                got.append(submission.ask(np.array([got[-1]]))[0])
            return [float(number) for number in got]

        return self.memory.outcome(about, submission.line, work, keep)


def run(check, function, **options):
    """The outcome, and how often the function was asked."""
    with Submission(function) as submission:
        return check(submission, **options), submission.asked


def double(x):
    return 2 * x


def triples_the_fourth(x):
    return 3 * x if x[0] == 8 else 2 * x


def test_who_answers_the_same_is_asked_everything_and_the_check_does_not_work_again():
    check = Check()
    first = run(check, double)
    assert first == ([1, 2, 4, 8, 16, 32], 5)
    assert run(check, lambda x: x + x) == first
    assert check.worked == 1


def test_who_answers_otherwise_somewhere_gets_a_verdict_of_their_own():
    check = Check()
    run(check, double)
    other = run(check, triples_the_fourth)
    assert other == ([1, 2, 4, 8, 24, 48], 5)
    assert check.worked == 2
    assert run(check, triples_the_fourth) == other
    assert run(check, double) == ([1, 2, 4, 8, 16, 32], 5)
    assert check.worked == 2


@pytest.mark.parametrize(("change", "same"), [
    (lambda x: 0 + x, True),
    (lambda x: x * np.nextafter(1, 2), False),
    (lambda x: x.astype(np.float32), False),
    (lambda x: [float(x[0])], False),
])  # fmt: skip
def test_one_bit_or_another_type_is_another_answer(change, same):
    check = Check(questions=1)
    run(check, double)
    run(check, lambda x: change(2 * x))
    assert check.worked == (1 if same else 2)


def test_about_another_thing_nothing_is_known():
    check = Check()
    run(check, double)
    run(check, double, about="g")
    assert check.worked == 2


def test_what_is_not_to_be_kept_is_worked_out_again():
    check = Check()
    assert run(check, double, keep=lambda outcome: False) == run(check, double, keep=lambda outcome: False)
    assert check.worked == 2


def test_writing_into_an_argument_is_a_part_of_the_answer():
    def writes(x):
        answer = 2 * x
        x += 1
        return answer

    memory, saw = Memory(), []
    for function in (double, writes, double, writes):
        with Submission(function) as submission:

            def work(submission=submission):
                x = np.ones(3)
                submission.ask(x)
                return float(x[0])

            saw.append(memory.outcome("f", submission.line, work, lambda outcome: True))
    assert saw == [1, 2, 1, 2]


@pytest.mark.parametrize("most", range(5))
@pytest.mark.parametrize("before", [double, triples_the_fourth, None])
def test_a_process_that_is_lost_is_lost_where_it_was_and_that_is_not_remembered(before, most):
    check = Check()
    if before:
        run(check, before)
    worked = check.worked
    for _ in range(2):
        with Submission(double, most=most) as submission, pytest.raises(HungUp):
            check(submission)
        assert submission.asked == most + 1
    assert check.worked == worked + 2
    assert run(check, double) == ([1, 2, 4, 8, 16, 32], 5)


def test_functions_that_are_passed_and_returned():
    def gradient(f, x):
        def line(t):
            return f(x) + t * (f(x + 1) - f(x - 1)) / 2

        return line

    memory, worked, called = Memory(), [], []
    for _ in range(3):
        with Submission(gradient) as submission:

            def work(submission=submission):
                worked.append(1)

                def square(x):
                    called.append(1)
                    return x * x

                return submission.ask(square, 3.0)(2.0)

            assert memory.outcome("f", submission.line, work, lambda outcome: True) == 21
    assert len(worked) == 1
    assert len(called) == 3  # what a known conversation answers is known, too


def test_what_is_no_message_is_refused_at_the_same_place():
    check = Check()
    run(check, double)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(Channel(ours), student_error, leads=True)
        theirs.sendall(frame(["return", 7, 2.0, []]))
        with pytest.raises(Exception, match="where the answer to 1 was due"):
            check.memory.outcome("f", line, lambda: line.call(0, (np.array([1.0]),), {}), lambda outcome: True)


def test_a_memory_that_is_full_begins_anew(monkeypatch):
    monkeypatch.setattr(conversation, "MOST", 20_000)
    check = Check()
    for factor in range(50):
        run(check, lambda x, factor=factor: factor * x)
        assert check.memory.size < 30_000
    assert run(check, double) == ([1, 2, 4, 8, 16, 32], 5)


def test_who_has_no_line_is_judged_without(monkeypatch):
    assert Memory().outcome("f", None, lambda: "lost", lambda outcome: True) == "lost"
