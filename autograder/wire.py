"""Values and calls between the checker and a submission: JSON and raw buffers, both ways, never pickle.

A frame is two lengths, a JSON text, and the bytes of all its arrays one after the other. In the JSON a bare null, bool,
number or string is itself; everything else is a list with a tag in front:

    ["t", *items] ["l", *items] ["d", *[key, value]]      tuple, list, dict with keys str or int
    ["c", real, imag] ["b", count] ["s", dtype]           complex, bytes, numpy scalar
    ["a", dtype, shape, layout]                           array; layout C, F or S (strided), then r if it is read-only
    ["T", dtype, shape, requires_grad]                    torch tensor
    ["g", state, inc, has_uint32, uinteger]               numpy Generator over PCG64
    ["f", number, name] ["o", number]                     a function of the sender, of the receiver
    ["m", k] ["r", k]                                     the k-th object of this message, of the call being answered

What arrives is of exactly these types. A message is judged before it is believed: arrays take their bytes one after the
other from what really came, so no message can make its reader allocate much more than was sent.
"""

import json
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MAX_TEXT = 2 << 20  # bytes of JSON in a frame
MAX_DATA = 64 << 20  # bytes of arrays in a frame
MAX_DEPTH = 32  # of containers in containers
MAX_KEYS = 1024  # of a dict: int keys can be made to collide
# json.dumps makes an encoder for each message, and json.loads guesses the encoding of each.
json_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
json_value = json.JSONDecoder().raw_decode

SENDABLE = (
    "None, bool, int, float, complex, str, bytes, tuple, list, dict, numpy array or scalar, Generator, tensor, function"
)
PLAIN = [np.dtype(letter) for letter in "qQ?bBhHiIlLefdgFDG"]  # q is another name of l: the later one is meant
DTYPES = {dtype.str: dtype for dtype in PLAIN}
SCALARS = {dtype.type for dtype in PLAIN}
TORCH_BITS = {"bfloat16": "int16"}  # numpy has no such type: these travel as the integer with the same bits
TORCH_DTYPES = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"}
TORCH_DTYPES |= {"complex64", "complex128"}


class WireError(Exception):
    """What arrived is not a message that the other side may send now."""


class Unsendable(TypeError):
    """A value that the wire does not carry."""


def tensor_type() -> Any:
    """torch.Tensor if torch is loaded, else a type that nothing is an instance of."""
    torch = sys.modules.get("torch")
    return torch.Tensor if torch else ()


def tensor_dtype(value):
    return str(value.dtype).removeprefix("torch.")


def tensor_bytes(value):
    plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    if tensor_dtype(value) in TORCH_BITS:
        plain = plain.view(getattr(sys.modules["torch"], TORCH_BITS[tensor_dtype(value)]))
    return plain.numpy().tobytes()


def generator_state(rng):
    state = rng.bit_generator.state
    return state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]


def set_generator_state(rng, state, inc, has_uint32, uinteger):
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }


class Encoder:
    """One outgoing message: `objects` are what the receiver may write into, in the order in which it will meet them."""

    def __init__(self, function: Callable[[Callable], list], answered: Sequence[Any] = ()):
        self.function = function
        self.answered = {id(value): k for k, value in enumerate(answered) if not isinstance(value, (list, dict))}
        self.objects: list[Any] = []
        self.known: dict[int, int] = {}
        self.buffers: list[bytes] = []

    def encode(self, value, depth=0):
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            if value.bit_length() > 8192:
                raise Unsendable(f"an int of {value.bit_length()} bits (at most 8192)")
            return value
        if kind is str:
            return value
        if depth > MAX_DEPTH:
            raise Unsendable(f"containers nested deeper than {MAX_DEPTH}, or within themselves")
        if id(value) in self.answered:
            return ["r", self.answered[id(value)]]
        if id(value) in self.known:
            return ["m", self.known[id(value)]]
        if kind is complex:
            return ["c", value.real, value.imag]
        if kind is bytes:
            self.buffers.append(value)
            return ["b", len(value)]
        if isinstance(value, tuple):
            return ["t", *[self.encode(item, depth + 1) for item in tuple(value)]]
        if kind is list:
            self.objects.append(value)
            return ["l", *[self.encode(item, depth + 1) for item in value]]
        if kind is dict:
            return self.dictionary(value, depth)
        return self.leaf(value, kind)

    def dictionary(self, value, depth):
        self.objects.append(value)
        if len(value) > MAX_KEYS:
            raise Unsendable(f"a dict of {len(value)} keys (at most {MAX_KEYS})")
        for key in value:
            if type(key) is not str and (type(key) is not int or abs(key) >= 2**60):
                raise Unsendable(f"a dict with a key that is a {type(key).__name__} (str and int can)")
        return ["d", *([key, self.encode(item, depth + 1)] for key, item in value.items())]

    def leaf(self, value, kind):
        if kind in SCALARS:
            self.buffers.append(value.tobytes())
            return ["s", value.dtype.str]
        if kind is np.ndarray:
            self.remember(value)
            return self.array(value)
        if isinstance(value, tensor_type()):
            self.remember(value)
            return self.tensor(value)
        if kind is np.random.Generator:
            if type(value.bit_generator) is not np.random.PCG64:
                raise Unsendable(
                    f"a Generator over {type(value.bit_generator).__name__} (use numpy.random.default_rng)"
                )
            self.remember(value)
            return ["g", *generator_state(value)]
        if callable(value) and not isinstance(value, np.ndarray):
            return self.function(value)
        raise Unsendable(f"a {kind.__name__}")

    def content(self, value):
        """An argument's content, where `encode` would only name the argument."""
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, np.random.Generator):
            return ["g", *generator_state(value)]
        return self.encode(value) if isinstance(value, (list, dict)) else self.tensor(value)

    def remember(self, value):
        self.known[id(value)] = len(self.objects)
        self.objects.append(value)

    def array(self, value):
        native = value.dtype.newbyteorder("=")
        if native.str not in DTYPES:
            raise Unsendable(f"an array of dtype {value.dtype}")
        layout = "C" if value.flags.c_contiguous else "F" if value.flags.f_contiguous else "S"
        self.buffers.append(value.astype(native, copy=False).tobytes())
        return ["a", native.str, list(value.shape), layout + "r" * (not value.flags.writeable)]

    def tensor(self, value):
        dtype = tensor_dtype(value)
        if dtype not in TORCH_DTYPES or value.layout is not sys.modules["torch"].strided:
            raise Unsendable(f"a tensor of dtype {dtype} and layout {value.layout}")
        self.buffers.append(tensor_bytes(value))
        return ["T", dtype, list(value.shape), bool(value.requires_grad)]

    def frame(self, message) -> bytes:
        return frame(message, self.buffers)


def frame(message: list, buffers: Sequence[bytes] = (), max_text=MAX_TEXT) -> bytes:
    """What is sent for a message whose values are encoded."""
    try:
        text = json_text(message).encode()
    except RecursionError:
        raise Unsendable("containers nested too deep") from None
    except UnicodeEncodeError:
        raise Unsendable("a str with half of a surrogate pair") from None
    size = sum(map(len, buffers))
    if len(text) > max_text or size > MAX_DATA:
        raise Unsendable(f"{len(text) + size} bytes at once (at most {max_text} outside arrays, {MAX_DATA} in them)")
    return b"".join([struct.pack("<II", len(text), size), text, *buffers])


def outputs_text(output_kb: int) -> int:
    """Bytes of JSON that so many KB of a cell's outputs may become: up to six for a character."""
    return MAX_TEXT + 6 * (output_kb << 10)


class Decoding:
    """Whatever goes wrong while a message is read is a WireError: nothing else may come of what a stranger sent."""

    def __enter__(self):
        pass

    def __exit__(self, kind, error, _):
        if isinstance(error, Exception) and not isinstance(error, WireError):
            raise WireError(f"{kind.__name__}: {error}"[:200]) from None


decoding = Decoding()


class Decoder:
    """One incoming message. `objects` are what can be written into, and `before` what is needed to see whether it was.

    `as_sent` keeps an array's layout and its being read-only, and a tensor's requires_grad; without it they are plain.
    """

    def __init__(
        self, data, function: Callable[[int, str], Callable], own: Callable[[int], Callable], answered, as_sent
    ):
        self.data, self.position, self.as_sent = data, 0, as_sent
        self.function, self.own, self.answered = function, own, answered
        self.repeated = 0
        self.objects: list[Any] = []
        self.before: list[Any] = []

    def take(self, count):
        start = self.position
        if type(count) is not int or not 0 <= count <= len(self.data) - start:
            raise WireError(f"wants {count!r:.40} bytes where {len(self.data) - start} are left")
        self.position += count
        return self.data[start : start + count]

    def finish(self):
        if self.position != len(self.data):
            raise WireError(f"{len(self.data) - self.position} bytes too many")

    def decode(self, node, depth=0):
        kind = type(node)
        if node is None or kind is bool or kind is int or kind is float:
            return node
        if kind is str:
            node.encode()  # a lone surrogate would break whoever writes the text to a file
            return node
        if kind is not list or not node or depth > MAX_DEPTH:
            raise WireError(f"no value, or nested deeper than {MAX_DEPTH}")
        tag, *rest = node
        if tag == "t":
            return tuple([self.decode(item, depth + 1) for item in rest])
        if tag == "l":
            return self.container([], rest, depth)
        if tag == "d":
            return self.container({}, rest, depth)
        return LEAVES[tag](self, *rest)

    def container(self, value, rest, depth):
        place = len(self.objects)
        self.objects.append(value)
        self.before.append(None)
        if type(value) is list:
            value.extend([self.decode(item, depth + 1) for item in rest])
            self.before[place] = list(value)
            return value
        if len(rest) > MAX_KEYS:
            raise WireError(f"a dict of {len(rest)} keys")
        for key, item in rest:
            if type(key) is not str and (type(key) is not int or abs(key) >= 2**60):
                raise WireError("a dict key that is neither str nor int")
            value[self.decode(key)] = self.decode(item, depth + 1)
        self.before[place] = dict(value)
        return value

    def remember(self, value, before):
        self.objects.append(value)
        self.before.append(before)
        return value

    def complex(self, real, imag):
        if type(real) is not float or type(imag) is not float:
            raise WireError("a complex number not made of floats")
        return complex(real, imag)

    def bytes(self, count):
        return self.take(count)

    def plain(self, dtype, shape):
        """A fresh array from the next bytes; its bytes as they came."""
        if len(shape) > 32:
            raise WireError("no shape")
        count = claimed = 1
        for size in shape:
            if type(size) is not int or not 0 <= size <= MAX_DATA:
                raise WireError("no shape")
            count, claimed = count * size, claimed * max(size, 1)
        if claimed > MAX_DATA:
            raise WireError("a shape too large")  # an empty array may still claim a huge other axis
        raw = self.take(count * dtype.itemsize)
        if dtype.kind == "b":
            return (np.frombuffer(raw, np.uint8) != 0).reshape(shape), raw
        return np.frombuffer(raw, dtype).reshape(shape).copy(), raw

    def scalar(self, dtype):
        return self.plain(DTYPES[dtype], [])[0][()]

    def array(self, dtype, shape, layout):
        value, raw = self.plain(DTYPES[dtype], shape)
        if not self.as_sent:
            return self.remember(value, (value.shape, raw))
        if layout[0] == "F":
            value = np.asfortranarray(value)
        elif layout[0] == "S":
            wide = np.zeros([*shape[:-1], 2 * shape[-1]], value.dtype)[..., ::2]
            wide[...] = value
            value = wide
        value.flags.writeable = layout in ("C", "F", "S")
        return self.remember(value, (value.shape, raw))

    def tensor(self, dtype, shape, requires_grad):
        torch = sys.modules.get("torch")
        if torch is None or dtype not in TORCH_DTYPES or type(requires_grad) is not bool:
            raise WireError("a tensor that cannot be")
        value, raw = self.plain(np.dtype(TORCH_BITS.get(dtype, dtype)), shape)
        tensor = torch.from_numpy(value).view(getattr(torch, dtype)).requires_grad_(requires_grad and self.as_sent)
        return self.remember(tensor, (tensor.shape, raw))

    def generator(self, state, inc, has_uint32, uinteger):
        numbers = state, inc, has_uint32, uinteger
        limits = zip(numbers, (128, 128, 1, 32), strict=True)
        if not all(type(number) is int and 0 <= number < 1 << bits for number, bits in limits) or inc % 2 == 0:
            raise WireError("no state of PCG64")
        # Seeded from its state, so that rng.spawn() gives the same children each time and no seed travels.
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(state)))
        set_generator_state(rng, *numbers)
        return self.remember(rng, numbers)

    def lent(self, number, name):
        if type(number) is not int or not 0 <= number < 1 << 31 or type(name) is not str:
            raise WireError("no function")
        return self.function(number, name if name.isidentifier() and len(name) <= 100 else "function")

    def returned(self, number):
        if type(number) is not int:
            raise WireError("no function of mine")
        return self.own(number)

    def repeat(self, objects, k):
        """An object met before; no container, and counted, so that no message unfolds into much more than itself."""
        if type(k) is not int or not 0 <= k < len(objects) or isinstance(objects[k], (list, dict)):
            raise WireError("no object to repeat")
        self.repeated += getattr(objects[k], "nbytes", 0)
        if self.repeated > MAX_DATA:
            raise WireError("repeats too much")
        return objects[k]

    def same(self, k):
        return self.repeat(self.objects, k)

    def answering(self, k):
        return self.repeat(self.answered, k)


LEAVES: dict[str, Callable[..., Any]] = {
    "c": Decoder.complex,
    "b": Decoder.bytes,
    "s": Decoder.scalar,
    "a": Decoder.array,
    "T": Decoder.tensor,
    "g": Decoder.generator,
    "f": Decoder.lent,
    "o": Decoder.returned,
    "m": Decoder.same,
    "r": Decoder.answering,
}


def was_written(value, before):
    if isinstance(value, np.ndarray):
        return value.flags.writeable and was_filled(value, before, value.tobytes())
    if isinstance(value, np.random.Generator):
        return generator_state(value) != before
    if isinstance(value, list):
        return len(value) != len(before) or any(new is not old for new, old in zip(value, before, strict=True))
    if isinstance(value, dict):
        return value.keys() != before.keys() or any(new is not before[key] for key, new in value.items())
    return was_filled(value, before, tensor_bytes(value))


def was_filled(value, before, raw):
    shape, raw_before = before
    if value.shape != shape:
        raise Unsendable(f"an argument whose shape it changed from {shape} to {value.shape}")
    return raw != raw_before


def changes(decoder, encoder):
    """[place, content] of each argument that was written into."""
    return [
        [place, encoder.content(value)]
        for place, (value, before) in enumerate(zip(decoder.objects, decoder.before, strict=True))
        if was_written(value, before)
    ]


def restore(objects, changes):
    """Write into the caller's own `objects` what the callee wrote into its copies of them."""
    for place, content in changes:
        if type(place) is not int or not 0 <= place < len(objects):
            raise WireError("a change to what was not passed")
        target = objects[place]
        if type(content) is not type(target) and not isinstance(target, tensor_type()):
            raise WireError(f"a {type(target).__name__} changed into a {type(content).__name__}")
        if isinstance(target, np.ndarray):
            if (
                content.shape != target.shape
                or content.dtype != target.dtype.newbyteorder("=")
                or not target.flags.writeable
            ):
                raise WireError("a change of shape, dtype, or of a read-only array")
            target[...] = content
        elif isinstance(target, np.random.Generator):
            set_generator_state(target, *generator_state(content))
        elif isinstance(target, list):
            target[:] = content
        elif isinstance(target, dict):
            target.clear()
            target.update(content)
        else:
            if content.shape != target.shape or content.dtype != target.dtype:
                raise WireError("a change of shape or dtype")
            with sys.modules["torch"].no_grad():
                target.copy_(content)
