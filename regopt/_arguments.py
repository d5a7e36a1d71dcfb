"""What several modules ask of their arguments, and how the library refuses a bad value: the same way everywhere."""

from numbers import Real
from typing import Any

import numpy as np

__all__: list[str] = []


def require(holds, name, rule, value):
    """Refuse the argument unless `holds` throughout.

    Write the condition that is wanted (`lam >= 0`), not the one that is feared (`lam < 0`): NaN then fails it.
    """
    if holds is not True and not np.all(holds):  # np.all takes 3 us, and a step of an optimizer asks twenty times
        refuse(name, rule, value)


def refuse(name, rule, value):
    """Raise the ValueError that names the argument, its rule and its value."""
    raise ValueError(f"{name} must be {rule}, got {value}")


def nonnegative(**values: Any) -> list[float]:
    """The given numbers as Python floats, which leave float32 arrays in float32; each must be finite and >= 0."""
    return [_number(name, value, ">= 0 and finite", lambda x: 0 <= x < np.inf) for name, value in values.items()]


def positive(**values: Any) -> list[float]:
    """The given numbers as Python floats; each must be finite and > 0."""
    return [_number(name, value, "> 0 and finite", lambda x: 0 < x < np.inf) for name, value in values.items()]


def fraction(**values: Any) -> list[float]:
    """The given numbers as Python floats; each must lie in [0, 1)."""
    return [_number(name, value, "in [0, 1)", lambda x: 0 <= x < 1) for name, value in values.items()]


def _number(name, value, rule, holds):
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    require(isinstance(value, Real) and bool(holds(value)), name, f"a number {rule}", value)
    return float(value)


def one_of(allowed: tuple[str, ...], **named: str) -> None:
    """The given argument must be one of the allowed words."""
    ((name, value),) = named.items()
    require(value in allowed, name, " or ".join(map(repr, allowed)), repr(value))


def alike(**arrays: Any) -> list[np.ndarray]:
    """The given arrays in one floating dtype, float64 for integers; all must be real and of one shape."""
    found = {name: real(name, array) for name, array in arrays.items()}
    first, model = next(iter(found.items()))
    for name, array in found.items():
        require(array.shape == model.shape, name, f"of the shape of {first}, {model.shape}", array.shape)
    dtype = np.result_type(*found.values())
    return [np.asarray(array, dtype=dtype if dtype.kind == "f" else float) for array in found.values()]


def real(name, x):
    """`x` as an array, which must be of real numbers."""
    x = np.asarray(x)
    require(x.dtype.kind in "biuf", name, "real numbers", x.dtype)
    return x


def as_float(x):
    """`x` as a floating-point array: float32 stays float32, integers become float64."""
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.inexact) else np.asarray(x, dtype=float)


def as_floats(*values):
    """The values as arrays of one floating dtype; a Python number takes that of the others."""
    dtype = np.result_type(*(value if type(value) in (int, float) else np.asarray(value) for value in values))
    return tuple(np.asarray(value, dtype=dtype if np.issubdtype(dtype, np.inexact) else float) for value in values)


def of_shape(shape, name, array):
    """`array` as floats, of exactly this shape: never broadcast in silence."""
    array = as_float(array)
    require(array.shape == shape, name, f"of shape {shape}", array.shape)
    return array


def class_labels(labels, K):
    """`labels` as an array of integers in [0, K)."""
    labels = np.asarray(labels)
    require(labels.dtype.kind in "iu", "labels", "integers", f"dtype {labels.dtype}")
    outside = labels[(labels < 0) | (labels >= K)]
    require(outside.size == 0, "labels", f"in [0, {K})", outside[:1].tolist())
    return labels


def of_classes(name, scores):
    """`scores` as floats, (..., K): one example at least, of two classes at least."""
    scores = as_float(scores)
    require(scores.ndim > 0 and scores.shape[-1] >= 2, name, "of shape (..., K) with K >= 2", scores.shape)
    require(scores.size > 0, name, "of at least one example", f"shape {scores.shape}")
    return scores


def labelled(name, scores, labels):
    """`scores` as floats, (..., K), and the labels, (...)."""
    scores = of_classes(name, scores)
    labels = class_labels(labels, scores.shape[-1])
    require(labels.shape == scores.shape[:-1], "labels", f"of shape {scores.shape[:-1]}", labels.shape)
    return scores, labels


def distributions(name, probs):
    """`probs` as floats whose rows (last axis) are probabilities and sum to 1 within 1e-4; NaN is refused."""
    probs = as_float(probs)
    require(probs.ndim >= 1 and probs.size > 0, name, "of shape (..., K), not empty", probs.shape)
    require(probs >= 0, name, ">= 0", least(probs))
    sums = probs.sum(axis=-1)
    require(np.abs(sums - 1) <= 1e-4, name, "rows that sum to 1", f"sums from {sums.min()} to {sums.max()}")
    return probs


def least(x):
    """The smallest entry, NaN if there is one: what an error message shows of an array."""
    return np.min(x, initial=np.inf)
