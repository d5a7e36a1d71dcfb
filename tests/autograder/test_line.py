"""Calls over the wire, both ways, as if they were local."""

import builtins
import json
import socket
import struct
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import StudentError
from autograder.line import MAX_CALLS, MAX_FUNCTIONS, Channel, HungUp, Line
from autograder.raised import student_error
from autograder.wire import WireError, frame


def raised(names, text):
    return getattr(builtins, names[0])(text)


@pytest.fixture
def ends():
    """The checker's end, and the socket of the other one, for whom a test speaks."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield Line(Channel(ours), raised, leads=True), theirs


@pytest.fixture
def student(ends):
    """`student(f)` is the function f, called over the wire."""
    line, theirs = ends
    functions = []
    other = Line(Channel(theirs), raised, leads=False, lent=[functions.__getitem__])
    thread = threading.Thread(target=other.serve)
    thread.start()

    def over_the_wire(function):
        functions.append(function)
        return line.call(0, (len(functions) - 1,), {})

    yield over_the_wire
    line.channel.connection.shutdown(socket.SHUT_RDWR)
    thread.join()


class TestCalls:
    def test_arguments_and_result(self, student):
        assert student(lambda a, *b, c=0, **d: (a, b, c, d))(1, 2.5, "x", c=[None], e={"f": b"g"}) == (
            1, (2.5, "x"), [None], {"e": {"f": b"g"}},
        )  # fmt: skip

    def test_a_function_is_passed(self, student):
        def numerical_gradient(f, x, h=1e-6):
            return (f(x + h) - f(x - h)) / (2 * h)

        assert student(numerical_gradient)(lambda x: x**2, 3.0) == pytest.approx(6.0)

    def test_a_function_is_returned(self, student):
        def warmup(schedule, steps):
            return lambda t: schedule(t) * min(1.0, t / steps)

        warm = student(warmup)(lambda t: 0.1, 10)
        assert warm(5) == 0.05
        assert warm(20) == 0.1

    def test_a_function_comes_home_as_itself(self, student):
        def mine(x):
            return x

        assert student(lambda f: f)(mine) is mine
        theirs = student(len)
        assert student(lambda f: f is len)(theirs) is True

    def test_an_object_that_can_be_called(self, student):
        class Schedule:
            def __call__(self, t):
                return 2 * t

        assert student(lambda: Schedule())()(3) == 6

    def test_calls_within_calls(self, student):
        def countdown(n, f):
            return 0 if n == 0 else 1 + f(n - 1)

        remote = student(countdown)

        def local(n):
            return remote(n, local)

        assert local(9) == 9
        with pytest.raises(RecursionError, match=f"deeper than {MAX_CALLS}"):
            local(10 * MAX_CALLS)

    def test_exceptions_have_their_builtin_type(self, student):
        class Own(ValueError):
            pass

        def fail(x):
            raise Own(f"lam must be >= 0, got {x}")

        with pytest.raises(ValueError, match="lam must be >= 0, got -1"):
            student(fail)(-1)

    def test_exceptions_of_a_passed_function_arrive_in_the_student_and_back(self, student):
        def fail(x):
            raise KeyError(x)

        def catches(f):
            try:
                f(1)
            except KeyError:
                return "caught"

        assert student(catches)(fail) == "caught"
        with pytest.raises(KeyError):
            student(lambda f: f(1))(fail)

    def test_what_cannot_be_returned_is_a_type_error_that_names_it(self, student):
        def soft_threshold(x):
            yield x

        with pytest.raises(TypeError, match="soft_threshold returned a generator; it can return"):
            student(soft_threshold)(1)

    @pytest.mark.parametrize("text", [pytest.param(lambda self: 1 / 0, id="raises"), lambda self: 7])
    def test_an_exception_whose_text_fails(self, student, text):
        kind = type("Evil", (ValueError,), {"__str__": text})

        def fail():
            raise kind

        with pytest.raises(ValueError):
            student(fail)()


class TestCopyRestore:
    """What the callee writes into is written into on the caller's side, too."""

    def test_arrays(self, student):
        def write(x, y, state):
            x *= 2
            state["m"] += 1
            return x

        x, y, m = np.ones(3), np.ones(3), np.arange(4.0)[::2]
        got = student(write)(x, y, {"m": m})
        assert got is x
        np.testing.assert_array_equal(x, [2.0, 2.0, 2.0])
        np.testing.assert_array_equal(y, [1.0, 1.0, 1.0])
        np.testing.assert_array_equal(m, [1.0, 3.0])

    def test_also_when_it_then_raises(self, student):
        def write(x):
            x[0] = 5
            raise ValueError

        x = np.zeros(2)
        with pytest.raises(ValueError):
            student(write)(x)
        assert x[0] == 5

    def test_a_read_only_array_cannot_be_written_into(self, student):
        def write(x):
            x[0] = 5

        x = np.zeros(2)
        x.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            student(write)(x)

    def test_lists_and_dicts(self, student):
        def write(history, state):
            history.append(history[0] + 1)
            state["t"] = (state.pop("old"), history[0])

        array = np.zeros(1)
        history, state = [array], {"old": array}
        student(write)(history, state)
        assert history[0] is array
        assert history == [array, np.ones(1)]
        assert state == {"t": (array, array)}

    def test_a_generator_is_drawn_from(self, student):
        rng, local = np.random.default_rng(0), np.random.default_rng(0)
        got = student(lambda rng: rng.normal(size=3))(rng)
        np.testing.assert_array_equal(got, local.normal(size=3))
        assert rng.normal() == local.normal()

    def test_a_tensor(self, student):
        def write(x):
            x.mul_(2)

        x = torch.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="leaf Variable"):
            student(write)(x)
        x = torch.ones(2)
        student(write)(x)
        assert torch.equal(x, torch.full((2,), 2.0))

    def test_the_other_way_round(self, student):
        def write(x):
            x += 1

        def calls(f):
            x = np.zeros(2)
            f(x)
            return x

        np.testing.assert_array_equal(student(calls)(write), [1.0, 1.0])

    def test_an_array_that_changed_its_shape(self, student):
        def reshape(x):
            x.resize(4, refcheck=False)
            x += 1

        with pytest.raises(TypeError, match="shape"):
            student(reshape)(np.zeros(2))


class TestThreads:
    def test_a_thread_may_call_back_while_its_function_waits(self, student):
        def threaded(f, x):
            got = []
            thread = threading.Thread(target=lambda: got.append(f(x)))
            thread.start()
            thread.join()
            return got[0]

        assert student(threaded)(lambda x: x + 1, 1) == 2

    def test_not_when_it_has_returned(self, student):
        late, outcome = threading.Event(), []

        def threaded(f):
            def call_late():
                late.wait()
                try:
                    f(1)
                except RuntimeError as error:
                    outcome.append(str(error))

            threading.Thread(target=call_late).start()

        student(threaded)(lambda x: pytest.fail("called too late"))
        late.set()
        for thread in threading.enumerate():
            if "call_late" in thread.name:
                thread.join()
        assert outcome == ["called when the function that it was passed to had returned"]


NODES = st.recursive(
    st.one_of(
        st.none(), st.integers(-2, 9), st.floats(), st.sampled_from(["", "x", "ValueError", "\ud800", 1 << 80, True])
    ),
    lambda inner: st.one_of(
        st.builds(lambda tag, rest: [tag, *rest], st.sampled_from([*"tldcbsaTgfomr"]), st.lists(inner, max_size=4)),
        st.builds(
            lambda dtype, n, how: ["a", dtype, [n], how], st.sampled_from(["<f8", "|b1"]), st.integers(0, 2), inner
        ),
        st.just(["a", "<f8", [2], "C"]),
        st.just(["g", 1, 3, 0, 0]),
        st.just(["f", 1, "f"]),
        st.just(["o", 0]),
    ),
    max_leaves=8,
)
DATA = st.one_of(st.just(b""), st.just(bytes(16)), st.binary(max_size=16))
CHANGES = st.one_of(st.just([]), NODES, st.lists(st.tuples(st.integers(-1, 5), NODES).map(list), max_size=3))
SERIALS = st.one_of(st.just(1), st.just(1), NODES)
ANSWERS = st.one_of(
    st.builds(lambda serial, value, changes: ["return", serial, value, changes], SERIALS, NODES, CHANGES),
    st.builds(
        lambda serial, value, changes: ["raise", serial, ["l", "ValueError"], value, changes], SERIALS, NODES, CHANGES
    ),
)
CALLS = st.builds(
    lambda serial, number, args, pairs: ["call", serial, number, ["t", *args], ["d", *pairs]],
    SERIALS,
    st.one_of(st.just(0), NODES),
    st.lists(NODES, max_size=3),
    st.lists(st.tuples(NODES, NODES).map(list), max_size=2),
)


def said(line, theirs, *messages):
    """What comes of a call that is answered with these messages."""
    theirs.sendall(b"".join(map(frame, messages)))
    return line.call(0, (), {})


class TestForgery:
    """What may come from a student who writes to the socket himself: never more than the end of the conversation."""

    def test_an_answer_is_an_answer(self, ends):
        assert said(*ends, ["return", 1, 5.0, []]) == 5.0

    @pytest.mark.parametrize(
        "message",
        [
            ["return", 2, 5.0, []],  # the answer to a call that was not made
            ["return", 0, 5.0, []],
            ["return", True, 5.0, []],
            ["return", 1, 5.0],
            ["return", 1, 5.0, [], 0],
            ["return", 1, 5.0, [[0, 1]]],  # a change of what was not passed
            ["return", 1, 5.0, [[-1, ["l"]]]],
            ["return", 1, 5.0, 7],
            ["return", 1, ["r", 9], []],
            ["raise", 1, "ValueError", "text", []],
            ["raise", 1, ["l", 1], "text", []],
            ["raise", 1, ["l"], 7, []],
            ["call", 1, 0, ["t"], ["d"]],  # of a function that was not lent
            ["call", 1, -1, ["t"], ["d"]],
            ["call", "1", 0, ["t"], ["d"]],
            ["call", 1],
            ["exit"],
            [None],
            [["return"]],
            b"\x01\x00\x00\x00\x00\x00\x00\x00{",
            b"\xff" * 100,
            b"",
        ],
        ids=str,
    )
    def test_any_other_is_none(self, ends, message):
        ends[1].sendall(message if isinstance(message, bytes) else frame(message))
        ends[1].shutdown(socket.SHUT_WR)
        with pytest.raises(WireError):
            ends[0].call(0, (), {})

    def test_a_second_answer_is_not_taken_for_the_next_one(self, ends):
        assert said(*ends, ["return", 1, 5.0, []], ["return", 1, 6.0, []]) == 5.0
        with pytest.raises(WireError, match="where the answer to 2 was due"):
            ends[0].call(0, (), {})

    @pytest.mark.parametrize(
        "content",
        [
            ["a", "<f8", [3], "C"],  # another shape
            ["a", "<i8", [2], "C"],
            ["l", 1.0, 2.0],
            ["g", 1, 1, 0, 0],
            None,
        ],
        ids=str,
    )
    def test_a_change_into_something_else(self, ends, content):
        line, theirs = ends
        x = np.zeros(2)
        size = 8 * content[2][0] if content and content[0] == "a" else 0
        theirs.sendall(frame(["return", 1, None, [[0, content]]], [bytes(size)]))
        with pytest.raises(WireError):
            line.call(0, (x,), {})
        np.testing.assert_array_equal(x, [0.0, 0.0])

    def test_a_change_of_a_read_only_array(self, ends):
        line, theirs = ends
        x = np.zeros(1)
        x.flags.writeable = False
        theirs.sendall(frame(["return", 1, None, [[0, ["a", "<f8", [1], "C"]]]], [np.ones(1).tobytes()]))
        with pytest.raises(WireError, match="read-only"):
            line.call(0, (x,), {})
        assert x[0] == 0

    def test_a_list_that_would_contain_itself(self, ends):
        ends[1].sendall(frame(["return", 1, None, [[0, ["l", ["r", 0]]]]]))
        with pytest.raises(WireError):
            ends[0].call(0, ([1],), {})

    def test_functions_without_end(self, ends):
        functions = [["f", number, "f"] for number in range(MAX_FUNCTIONS + 1)]
        with pytest.raises(WireError, match="functions"):
            said(*ends, ["return", 1, ["l", *functions], []])

    def test_an_argument_that_breaks_the_checkers_function_breaks_nothing_else(self, ends):
        line, theirs = ends

        def checkers(x):
            return x.shape

        theirs.sendall(frame(["call", 1, 0, ["t", "no array"], ["d"]]))
        theirs.sendall(frame(["return", 1, 5.0, []]))
        assert line.call(0, (checkers,), {}) == 5.0

    @settings(max_examples=300)
    @given(st.lists(st.one_of(ANSWERS, CALLS, NODES.map(lambda node: [node])), max_size=6), DATA)
    def test_any_conversation_ends_in_a_value_an_error_of_the_student_or_of_the_wire(self, messages, data):
        """Messages of every kind in every order, with bytes that may be those of arrays."""
        ours, theirs = socket.socketpair()
        asked = []

        def lent(*args, **kwargs):
            asked.append((args, kwargs))
            return args

        x, fixed, rng = np.zeros(2), np.ones(2), np.random.default_rng(1)
        fixed.flags.writeable = False
        line = Line(Channel(ours), student_error, leads=True)
        with ours, theirs:
            texts = [json.dumps(message).encode() for message in messages]
            theirs.sendall(b"".join(struct.pack("<II", len(text), len(data)) + text + data for text in texts))
            theirs.shutdown(socket.SHUT_WR)
            try:
                value = line.call(0, (lent, x, fixed, rng, [x]), {})
            except (WireError, StudentError):
                value = None
        assert type(value).__module__ in ("builtins", "numpy", "numpy.random._generator")
        assert all(type(args) is tuple and type(kwargs) is dict for args, kwargs in asked)
        assert (x.shape, x.dtype, fixed.tolist()) == ((2,), float, [1.0, 1.0])
        rng.random()

    def test_hanging_up(self, ends):
        ends[1].close()
        with pytest.raises(HungUp):
            ends[0].call(0, (), {})


class TestTogether:
    def test_values_errors_and_writing_in_the_order_of_the_calls(self, student):
        def function(x):
            if x[0] == 1:
                raise ValueError("one")
            x += 10
            return 2 * x

        arrays = [np.array([float(number)]) for number in range(4)]
        outcomes = student(function).each([((x,), {}) for x in arrays])
        assert [value if value is None else value.tolist() for value, _ in outcomes] == [[20], None, [24], [26]]
        assert [str(error) for _, error in outcomes] == ["None", "one", "None", "None"]
        assert [x.tolist() for x in arrays] == [[10], [1], [12], [13]]

    def test_more_than_fits_into_both_directions(self, student):
        calls = [((np.full(20_000, float(number)),), {}) for number in range(40)]
        outcomes = student(lambda x: np.tile(x, 5)).each(calls)
        assert [value[-1] for value, _ in outcomes] == list(range(40))

    def test_no_call_is_no_turn(self, student):
        assert student(abs).each([]) == []

    def test_answers_that_are_too_large_together_are_refused(self, ends, monkeypatch):
        monkeypatch.setattr("autograder.line.MAX_DATA", 100_000)
        line, theirs = ends
        answer = ["return", 1, ["b", 90_000], []]
        theirs.setblocking(False)
        for serial in range(1, 3):
            answer[1] = serial
            theirs.send(frame(answer, [bytes(90_000)], max_text=200))
        line.channel.max_text = 200
        with pytest.raises(WireError, match="2 messages of more than"):
            line.call_each(0, [((1.0,), {}), ((2.0,), {})])

    def test_who_is_asked_many_things_may_not_ask_back(self, ends):
        line, theirs = ends
        theirs.sendall(frame(["call", 1, 0, ["t"], ["d"]]))
        with pytest.raises(WireError, match="where the answer to 1 was due"):
            line.call_each(0, [((1.0,), {})])

    @pytest.mark.parametrize("order", [[2, 1], [1, 1], [1, 3]])
    def test_answers_in_another_order_are_refused(self, ends, order):
        line, theirs = ends
        for serial in order:
            theirs.sendall(frame(["return", serial, 2.0, []]))
        with pytest.raises(WireError, match="where the answer to"):
            line.call_each(0, [((1.0,), {}), ((2.0,), {})])

    def test_answers_come_together_when_the_questions_did(self, ends):
        line, theirs = ends
        sent = []

        class Counting(Channel):
            def send(self, frame, more=False):
                sent.append(more)
                super().send(frame, more)

        other = Line(Counting(theirs), raised, leads=False, lent=[abs])
        thread = threading.Thread(target=other.serve)
        thread.start()
        assert line.call_each(0, [((-1.0,), {})] * 3) == [(1.0, None)] * 3
        line.channel.connection.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert sent == [True, True, False]
