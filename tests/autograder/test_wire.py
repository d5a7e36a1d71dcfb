"""Values over the wire: what is sent arrives as it was, and nothing else arrives, whatever is sent."""

import contextlib
import json
import math
import struct
import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.line import Channel, HungUp
from autograder.wire import DTYPES, MAX_DATA, MAX_TEXT, Decoder, Encoder, Unsendable, WireError, decoding

EXACT = {type(None), bool, int, float, complex, str, bytes, tuple, list, dict, np.ndarray, np.random.Generator}
EXACT |= {torch.Tensor, *(dtype.type for dtype in DTYPES.values())}


class Pipe:
    """A socket to read from, whose other end sent these bytes and hung up."""

    def __init__(self, data):
        self.data, self.given = data, 0

    def recv(self, count):
        part = self.data[self.given : self.given + count]
        self.given += len(part)
        return part


def send(value):
    encoder = Encoder(lambda function: ["f", 7, function.__name__])
    return encoder.frame([encoder.encode(value)])


def receive(data, as_sent=True):
    """What the reader of these bytes gets; only ever a value or a WireError."""
    (node,), raw = Channel(Pipe(data)).receive()
    return decode(node, raw, as_sent)


def decode(node, raw=b"", as_sent=True):
    def function(number, name):
        def proxy():
            return number

        proxy.__name__ = name
        return proxy

    decoder = Decoder(raw, function, {0: len}.__getitem__, (), as_sent)
    with decoding:
        value = decoder.decode(node)
        decoder.finish()
    return value


def same(got, sent):
    """Equal in every respect that the wire promises."""
    assert type(got) is type(sent)
    if isinstance(sent, (tuple, list)):
        return len(got) == len(sent) and all(map(same, got, sent))
    if isinstance(sent, dict):
        return list(got) == list(sent) and all(same(got[key], sent[key]) for key in sent)
    if isinstance(sent, np.ndarray):
        assert got.shape == sent.shape
        assert got.dtype == sent.dtype
        flags = "c_contiguous", "f_contiguous", "writeable"
        assert [getattr(got.flags, flag) for flag in flags] == [getattr(sent.flags, flag) for flag in flags]
        return got.tobytes() == sent.tobytes()
    if isinstance(sent, np.generic):
        return got.tobytes() == sent.tobytes()
    if isinstance(sent, (float, complex)):
        return repr(got) == repr(sent)
    return got == sent


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**64, max_value=2**2000),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    hnp.arrays(hnp.scalar_dtypes().filter(lambda dtype: dtype.newbyteorder("=").str in DTYPES and dtype.isnative),
               hnp.array_shapes(min_dims=0, min_side=0)),
    st.sampled_from([np.float64(0.1), np.float32(0.1), np.int8(-1), np.bool_(True), np.complex64(1j), np.uint64(2**63)])
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(-(2**59), 2**59)), inner, max_size=4),
    ),
    max_leaves=12,
)


class TestRoundTrip:
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(values)
    def test_a_value_arrives_as_it_was_sent(self, value):
        assert same(receive(send(value)), value)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1, 2**63, -(10**300), "\x00é😀"])
    def test_to_the_last_bit(self, value):
        assert same(receive(send(value)), value)

    @pytest.mark.parametrize(
        "array",
        [
            np.array(3.0),
            np.zeros((0, 3)),
            np.arange(6.0).reshape(2, 3).T,
            np.arange(10)[::2],
            np.arange(10)[::-3],
            np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
            np.arange(12.0).reshape(3, 4)[:, 1:2],
            np.broadcast_to(1.0, (2, 3)),
        ],
        ids=["0-d", "empty", "Fortran", "strided", "reversed", "transposed", "column", "broadcast"],
    )
    @pytest.mark.parametrize("read_only", [False, True])
    def test_the_layout_of_an_array_and_whether_it_is_read_only(self, array, read_only):
        array = array.view()
        array.flags.writeable = array.flags.writeable and not read_only
        assert same(receive(send(array)), array)

    def test_the_checker_receives_plain_arrays(self):
        got = receive(send(np.broadcast_to(np.arange(3.0), (2, 3)).T), as_sent=False)
        assert got.flags.c_contiguous
        assert got.flags.writeable
        got = receive(send(torch.ones(2, requires_grad=True)), as_sent=False)
        assert not got.requires_grad

    def test_bytes_in_the_other_order_arrive_in_ours(self):
        got = receive(send(np.array([1.5, 2.5], ">f8")))
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, [1.5, 2.5])

    def test_a_named_tuple_arrives_as_a_tuple(self):
        class State(NamedTuple):
            m: float
            t: int

        assert same(receive(send(State(1.0, 2))), (1.0, 2))

    def test_a_generator_draws_on_where_it_was(self):
        sent = np.random.default_rng(3)
        sent.integers(10, dtype=np.uint8)  # leaves half a draw in the buffer
        got = receive(send(sent))
        assert got.bit_generator.state == sent.bit_generator.state
        np.testing.assert_array_equal(got.normal(size=5), sent.normal(size=5))

    def test_the_children_of_a_generator_do_not_change_from_run_to_run(self):
        sent = np.random.default_rng(3)
        draws = {receive(send(sent)).spawn(1)[0].random() for _ in range(3)}
        assert len(draws) == 1

    @pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "int64", "bool", "complex64"])
    def test_tensors(self, dtype):
        sent = torch.tensor([[0.0, 1.0, 2.5]]).to(getattr(torch, dtype)).T
        got = receive(send(sent))
        assert type(got) is torch.Tensor
        assert got.dtype == sent.dtype
        assert torch.equal(got, sent)
        assert receive(send(torch.ones(2, requires_grad=True))).requires_grad

    def test_the_same_array_twice_arrives_as_the_same_array_twice(self):
        array = np.arange(3.0)
        first, (second,) = receive(send([array, (array,)]))
        assert first is second

    def test_a_function_is_a_handle(self):
        got = receive(send({"f": max}))["f"]
        assert got() == 7
        assert got.__name__ == "max"


class TestUnsendable:
    """What the wire does not carry is said on the side where it comes from."""

    @pytest.mark.parametrize(
        ("value", "named"),
        [
            ({1, 2}, "a set"),
            (object(), "a object"),
            ((i for i in range(3)), "a generator"),
            (range(3), "a range"),
            (np.array([None]), "dtype object"),
            (np.array(["a"]), "dtype <U1"),
            (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "dtype [('a'"),
            (np.ma.array([1.0], mask=[True]), "a MaskedArray"),
            (np.random.Generator(np.random.MT19937(0)), "Generator over MT19937"),
            (np.random.RandomState(0), "a RandomState"),
            ({1.5: 2}, "a key that is a float"),
            ({2**70: 2}, "a key that is a int"),
            (2**9000, "an int of 9001 bits"),
            ("\ud800", "half of a surrogate pair"),
            (torch.eye(2).to_sparse(), "layout torch.sparse_coo"),
            (dict.fromkeys(range(2000)), "a dict of 2000 keys"),
            ("x" * (MAX_TEXT + 1), "bytes at once"),
            (np.zeros(MAX_DATA + 1, np.uint8), "bytes at once"),
        ],
    )
    def test_it_is_named(self, value, named):
        with pytest.raises(Unsendable, match=named.replace("[", r"\[").replace("(", r"\(")):
            send(value)

    def test_a_container_within_itself(self):
        value = []
        value.append(value)
        with pytest.raises(Unsendable, match="within themselves"):
            send(value)


class TestDecoder:
    """Whatever comes, the reader gets a value of an exact type, or a WireError."""

    nodes = st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
            st.sampled_from([*"tldcbsaTgfomr", "C", "Fr", "S", "float64"]),
            st.sampled_from([*DTYPES, "<O8", "|V8", "<U4"]),
        ),
        lambda inner: st.lists(inner, max_size=6),
        max_leaves=20,
    )  # fmt: skip

    def believe(self, node, data):
        try:
            value = decode(node, data)
        except WireError:
            return
        todo = [value]
        while todo:
            value = todo.pop()
            assert type(value) in EXACT or callable(value)
            if type(value) in (tuple, list):
                todo += value
            elif type(value) is dict:
                todo += value.values()

    @settings(max_examples=400, deadline=None)
    @given(nodes, st.binary(max_size=40))
    def test_of_any_json(self, node, data):
        self.believe(node, data)

    @settings(max_examples=400, deadline=None)
    @given(st.sampled_from("tldcbsaTgfomr"), st.lists(nodes, max_size=5), st.binary(max_size=40))
    def test_of_any_arguments_of_a_tag(self, tag, rest, data):
        self.believe([tag, *rest], data)

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(values, st.data())
    def test_of_a_true_message_with_a_few_bytes_changed(self, value, data):
        message = bytearray(send(value))
        for place in data.draw(st.lists(st.integers(0, len(message) - 1), min_size=1, max_size=4)):
            message[place] = data.draw(st.integers(0, 255))
        try:
            node, raw = Channel(Pipe(bytes(message))).receive()
        except WireError:
            return
        self.believe(node[0], raw)

    @pytest.mark.parametrize(
        ("node", "data"),
        [
            (["a", "<f8", [1 << 40], "C"], b""),
            (["a", "<f8", [-1], "C"], b""),
            (["a", "<f8", [1 << 40, 0], "C"], b""),  # empty, yet whoever makes another of its first axis is lost
            (["a", "<f8", [True], "C"], bytes(8)),
            (["a", "<f8", [2], "C"], bytes(8)),
            (["a", "<f8", [1], "C"], bytes(16)),
            (["a", "|O", [1], "C"], bytes(8)),
            (["a", "<f8", [1] * 65, "C"], bytes(8)),
            (["b", -1], b""),
            (["b", 1 << 60], b""),
            (["s", "<U4"], bytes(16)),
            (["c", "1", 2.0], b""),
            (["d", [[1], 2]], b""),
            (["d", [1.5, 2]], b""),
            (["d", ["a"]], b""),
            (["d", *([k, 0] for k in range(1025))], b""),
            (["g", 1, 2, 0, 0], b""),  # an even increment
            (["g", 1 << 128, 1, 0, 0], b""),
            (["g", 1, 1, 2, 0], b""),
            (["g", 1, 1, 0, 1 << 32], b""),
            (["g", True, 1, 0, 0], b""),
            (["m", 0], b""),
            (["r", 0], b""),
            (["l", ["l"], ["m", 1]], b""),  # a list cannot be repeated: it would unfold
            (["o", 2], b""),
            (["o", -1], b""),
            (["f", -1, "f"], b""),
            (["f", 1 << 31, "f"], b""),
            (["T", "float64", [1], 1], bytes(8)),
            (["T", "numpy", [1], False], bytes(8)),
            (["x"], b""),
            ([["t"]], b""),
            ([], b""),
            ({}, b""),
            ("\ud800", b""),
            (1, b"left over"),
        ],
        ids=lambda value: str(value)[:30] if isinstance(value, (list, dict)) else "",
    )
    def test_of_forged_nodes(self, node, data):
        with pytest.raises(WireError):
            decode(node, data)

    def test_of_a_bool_array_with_other_bytes_than_0_and_1(self):
        got = decode(["a", "|b1", [2], "C"], b"\x00\x07")
        assert got.tobytes() == b"\x00\x01"

    def test_of_a_name_that_is_none(self):
        assert decode(["f", 1, "<script>"]).__name__ == "function"

    @pytest.mark.parametrize("depth", [34, 500, 100_000])
    def test_of_deep_nesting(self, depth):
        text = b'["t",' * depth + b"1" + b"]" * depth
        with pytest.raises(WireError):
            receive(struct.pack("<II", len(text) + 2, 0) + b"[" + text + b"]")

    def test_of_an_int_without_end(self):
        text = b"[" + b"9" * 100_000 + b"]"
        with pytest.raises(WireError):
            receive(struct.pack("<II", len(text), 0) + text)


BOMBS = {
    "lists": ["l", *[["l"]] * 20_000],
    "arrays": ["l", *[["a", "|b1", [0], "C"]] * 20_000],
    "huge empty arrays": ["l", *[["a", "<f8", [0, 1 << 20], "S"]] * 20_000],
    "one array again and again": ["l", ["a", "<f8", [10_000], "C"], *[["m", 1]] * 20_000],
    "generators": ["l", *[["g", 1, 1, 0, 0]] * 2_000],
    "strings": ["l", *["\x00"] * 20_000],
}


class TestFrames:
    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=200))
    def test_any_bytes(self, data):
        channel = Channel(Pipe(data))
        with contextlib.suppress(WireError):
            for _ in range(100):
                assert type(channel.receive()[0]) is list
            pytest.fail("more messages than there are bytes")

    @pytest.mark.parametrize("data", [b"", b"\x01", struct.pack("<II", 2, 0), struct.pack("<II", 2, 9) + b"[]"])
    def test_a_frame_cut_short(self, data):
        with pytest.raises(HungUp):
            Channel(Pipe(data)).receive()

    @pytest.mark.parametrize("sizes", [(MAX_TEXT + 1, 0), (2, MAX_DATA + 1), (0xFFFFFFFF, 0xFFFFFFFF)])
    def test_a_frame_too_large(self, sizes):
        with pytest.raises(WireError, match="a message of"):
            Channel(Pipe(struct.pack("<II", *sizes) + b"[]")).receive()

    def test_a_claim_allocates_nothing(self):
        tracemalloc.start()
        with pytest.raises(HungUp):
            Channel(Pipe(struct.pack("<II", MAX_TEXT, MAX_DATA) + b"[" * 1000)).receive()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20

    @pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
    def test_what_a_message_allocates_is_no_more_than_its_size_allows(self, bomb):
        text = json.dumps([bomb]).encode()
        data = bytes(80_000 if "m" in str(bomb[2]) else 0)
        message = struct.pack("<II", len(text), len(data)) + text + data
        tracemalloc.start()
        with contextlib.suppress(WireError):
            receive(message)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100 * len(message)
