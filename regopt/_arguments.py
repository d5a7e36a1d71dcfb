"""What several modules ask of their arguments."""

import numpy as np

from regopt._require import require

__all__: list[str] = []


def as_float(x):
    """`x` as a floating-point array: float32 stays float32, integers become float64."""
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.inexact) else x.astype(np.float64)


def as_floats(*values):
    """The values as arrays of one floating dtype; a Python number takes that of the others."""
    dtype = np.result_type(*(value if type(value) in (int, float) else np.asarray(value) for value in values))
    dtype = np.result_type(dtype, np.float16)  # integers become float64, floats stay
    return tuple(np.asarray(value, dtype=dtype) for value in values)


def drop_probability(p):
    """`p` as a plain float (a numpy scalar would turn float32 into float64), in [0, 1)."""
    require(0 <= p < 1, "p", "in [0, 1)", p)
    return float(p)


def of_shape(shape, name, array):
    """`array` as floats, of exactly this shape: never broadcast in silence."""
    array = as_float(array)
    require(array.shape == shape, name, f"of shape {shape}", array.shape)
    return array


def least(x):
    """The smallest entry, NaN if there is one: what an error message shows of an array."""
    return np.min(x, initial=np.inf)
