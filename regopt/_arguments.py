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


def class_labels(labels, K):
    """`labels` as an array of integers in [0, K)."""
    labels = np.asarray(labels)
    require(labels.dtype.kind in "iu", "labels", "integers", f"dtype {labels.dtype}")
    outside = labels[(labels < 0) | (labels >= K)]
    require(outside.size == 0, "labels", f"in [0, {K})", outside[:1].tolist())
    return labels


def labelled(name, scores, labels):
    """`scores` as floats, (..., K), and the labels, (...): one example at least, of two classes at least."""
    scores = as_float(scores)
    require(scores.ndim > 0 and scores.shape[-1] >= 2, name, "of shape (..., K) with K >= 2", scores.shape)
    require(scores.size > 0, name, "of at least one example", f"shape {scores.shape}")
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
