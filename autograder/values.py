"""Copies, comparisons and short texts of what goes into a student's function and what comes out."""

import math
import re
from copy import deepcopy
from typing import Any

import numpy as np

MOST_PARTS = 10_000  # of lists and dicts in a result; arrays count as one
MOST_BYTES = 16 * 2**20  # of arrays and text in a result
MOST_SHOWN = 24  # entries of one list or dict in a text for a student
LONGEST = 400  # characters of one value in a text for a student
UNCHANGING = {type(None), bool, int, float, complex, str, bytes}
NUMBERS = (bool, int, float, complex, np.generic, np.ndarray)


def copied(value: Any, unlock: bool = False) -> Any:
    """A copy that shares no memory; arrays keep their layout, and stay read-only unless `unlock`."""
    kind = type(value)
    if kind in UNCHANGING:
        return value
    if kind is tuple:
        return tuple([copied(entry, unlock) for entry in value])
    if isinstance(value, np.ndarray):
        return _copied_array(value, unlock)
    if isinstance(value, np.random.Generator):
        return deepcopy(value)
    if isinstance(value, dict):
        return {key: copied(entry, unlock) for key, entry in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(copied(entry, unlock) for entry in value))
    if isinstance(value, list | tuple):
        return type(value)(copied(entry, unlock) for entry in value)
    if is_tensor(value):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return value


def _copied_array(array, unlock):
    if array.flags.c_contiguous:
        copy = array.copy()
    else:
        copy = np.empty((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)[..., ::2]
        copy[...] = array
    copy.flags.writeable = unlock or array.flags.writeable
    return copy


def size_of(value: Any) -> int:
    """Bytes of a result; ValueError if it is too large to be looked at: 30 lists, each twice in the next, hold 2^30."""
    todo, parts, size = [value], 0, 0
    while todo:
        part = todo.pop()
        parts += 1
        size += _bytes(part)
        if parts + len(todo) > MOST_PARTS or size > MOST_BYTES:
            raise ValueError(f"the result has more than {MOST_PARTS} parts or {MOST_BYTES // 2**20} MB")
        if isinstance(part, list | tuple):
            todo.extend(part)
        elif isinstance(part, dict):
            todo.extend((*part, *part.values()))
    return size


def _bytes(part):
    if is_tensor(part):
        return part.numel() * part.element_size()
    if isinstance(part, np.ndarray):
        return part.nbytes
    if isinstance(part, int):
        return part.bit_length() // 8
    return len(part) if isinstance(part, str | bytes) else 8


def is_tensor(value: Any) -> bool:
    """Whether it is a torch tensor; asked without importing torch."""
    return type(value).__module__ == "torch" and hasattr(value, "detach")


def is_number(value: Any) -> bool:
    """Whether it is a number or an array of them."""
    return is_tensor(value) or (isinstance(value, NUMBERS) and np.asarray(value).dtype.kind in "biufc")


def array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if is_tensor(value) else np.asarray(value)


def difference(
    got: Any, expected: Any, *, rtol: float | None = None, atol: float = 0.0, equal_nan: bool = True
) -> str | None:
    """What is different, in words, or None.

    Numbers may differ by `rtol` of their own size plus `rtol` of the largest entry, plus `atol`: rounding in a sum goes
    with its largest term. Unless given, `rtol` goes with the precision of `expected`: 1e-9 for float64, 1e-5 for
    float32, which is a few hundred roundings and far below what any wrong formula makes.
    """
    if is_number(expected):
        if not is_number(got):
            return f"got {shown(got)}, expected {shown(expected)}"
        return _difference_of_numbers(array(got), array(expected), rtol, atol, equal_nan)
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return f"got {shown(got)}, expected {len(expected)} values: {shown(expected)}"
        pairs = [
            difference(g, e, rtol=rtol, atol=atol, equal_nan=equal_nan) for g, e in zip(got, expected, strict=True)
        ]
        return next((f"value {i + 1} of {len(pairs)}: {text}" for i, text in enumerate(pairs) if text), None)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or got.keys() != expected.keys():
            return f"got {shown(got)}, expected the keys {', '.join(map(str, expected))}"
        entries = [
            (key, difference(got[key], expected[key], rtol=rtol, atol=atol, equal_nan=equal_nan)) for key in expected
        ]
        return next((f"{key}: {text}" for key, text in entries if text), None)
    if isinstance(expected, np.random.Generator) or callable(expected):
        return None if type(got) is type(expected) or callable(got) else f"got {shown(got)}"
    # An array of strings or objects is nobody's answer, but it must not trip the comparison.
    odd = isinstance(expected, np.ndarray) or isinstance(got, np.ndarray)
    same = type(got) is type(expected) and (repr(got) == repr(expected) if odd else got == expected)
    return None if same else f"got {shown(got)}, expected {shown(expected)}"


def _difference_of_numbers(got, expected, rtol, atol, equal_nan):
    if got.shape != expected.shape:
        return f"got shape {got.shape}, expected shape {expected.shape}"
    same = got.dtype == expected.dtype and got.tobytes() == expected.tobytes()
    if same and (equal_nan or not np.isnan(got).any()):
        return None
    if rtol is None:
        rtol = 1e-5 if expected.dtype in (np.float32, np.complex64) else 1e-9
    wide = np.complex128 if "c" in (got.dtype.kind, expected.dtype.kind) else np.float64
    got, expected = got.astype(wide, copy=False), expected.astype(wide, copy=False)
    with np.errstate(all="ignore"):
        size, gap = np.abs(expected), np.abs(got - expected)
        largest = float(np.max(size, initial=0.0, where=np.isfinite(size)))
        if np.all(gap <= rtol * largest + atol):  # nearly always: then the rest need not be worked out
            return None
        close = gap <= rtol * np.where(np.isfinite(size), size, 0.0) + rtol * largest + atol
    close |= (got == expected) | (np.isnan(got) & np.isnan(expected) & equal_nan)
    if close.all():
        return None
    return f"got {shown(got[()])}, expected {shown(expected[()])}"


def form(value: Any) -> Any:
    """The number type of every array in it: what is left of a result when its numbers are taken away."""
    if isinstance(value, list | tuple):
        return [form(entry) for entry in value]
    if isinstance(value, dict):
        return {key: form(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray) and value.ndim:
        return value.dtype.str
    return str(value.dtype) if is_tensor(value) else ""


def shown(value: Any) -> str:
    """One line that a student can paste into a cell, as far as that is possible."""
    if isinstance(value, np.random.Generator):
        text = _shown_generator(value)
    elif callable(value):
        text = getattr(value, "__name__", "a function")
    elif isinstance(value, list | tuple):
        inner = ", ".join([*map(shown, value[:MOST_SHOWN]), *["..."] * (len(value) > MOST_SHOWN)])
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{shown(key)}: {shown(entry)}" for key, entry in [*value.items()][:MOST_SHOWN]) + "}"
    elif isinstance(value, np.generic | float | int) and not isinstance(value, bool | np.bool_):
        text = _shown_number(value)
    else:
        with np.printoptions(precision=6, threshold=24, edgeitems=3, linewidth=10**6):
            text = repr(value)
        text = re.sub(r"\b(array|tensor)\(", r"np.array(", text) if isinstance(value, np.ndarray) else text
        text = re.sub(r"dtype=(\w)", r"dtype=np.\1", text) if isinstance(value, np.ndarray) else text
    return one_line(text)


def _shown_generator(rng):
    seed = getattr(rng.bit_generator.seed_seq, "entropy", None)
    fresh = isinstance(seed, int) and np.random.default_rng(seed).bit_generator.state == rng.bit_generator.state
    return f"np.random.default_rng({seed})" if fresh else "a Generator"


def _shown_number(value):
    number = value.item() if isinstance(value, np.generic) else value
    text = f"{number:.6g}" if isinstance(number, float) else repr(number)
    if isinstance(number, float) and math.isfinite(number) and not re.search(r"[.e]", text):
        text += ".0"
    return f"np.float32({text})" if isinstance(value, np.float32) else text


def one_line(text: str) -> str:
    """Without control characters and line ends, and not longer than LONGEST."""
    text = text[: 10 * LONGEST]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
