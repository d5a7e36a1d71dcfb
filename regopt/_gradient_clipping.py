"""Bounds on the gradient before a step: on its length, or on each entry."""

import math

import numpy as np

from regopt._arguments import as_float, nonnegative, real, require

__all__ = ["clip_by_norm", "clip_by_value"]


def clip_by_norm(grads, max_norm, *, eps=1e-6):
    """Shorten all gradients by one factor, so that together they are at most `max_norm` long.

    grads * min(1, max_norm / (||grads|| + eps)),  ||grads||^2 = sum of the squares of all entries of all arrays

    Convention: torch's clip_grad_norm_ with its eps = 1e-6, which also shrinks norms less than eps below the bound;
    `eps=0` gives the formula of the papers (Pascanu et al. 2013). The norm is global: one factor for all arrays, so the
    direction stays. It neither over- nor underflows. NaN and infinite gradients are refused; torch would spread them.
    Shapes: one array, or a list or tuple of arrays of any shapes; the same comes back.

    >>> clip_by_norm([np.array([3.0]), np.array([[4.0]])], 1.0, eps=0)
    [array([0.6]), array([[0.8]])]
    """
    max_norm, eps = nonnegative(max_norm=max_norm, eps=eps)
    arrays = _arrays(grads)
    peak = max((_peak(array) for array in arrays), default=0.0)
    if peak == 0:
        return _like(grads, [array.copy() for array in arrays])
    length = math.sqrt(sum(_square((array / peak).ravel()) for array in arrays))  # in units of the largest entry
    excess = length * (peak / max_norm) + eps / max_norm if max_norm else math.inf
    with np.errstate(over="ignore"):  # of an `excess` beyond float32, which leaves zeros
        return _like(grads, [np.asarray(array / max(1.0, excess)) for array in arrays])


def clip_by_value(grads, max_value):
    """Move each entry beyond -max_value or max_value to that bound.

    max(-max_value, min(max_value, grads))

    Convention: torch's clip_grad_value_, one bound for both signs. Entries shrink by different factors, so the
    direction changes: (1, 100) becomes (1, 1) at `max_value` 1. NaN stays NaN.
    Shapes: one array, or a list or tuple of arrays of any shapes; the same comes back.

    >>> clip_by_value(np.array([-3.0, 0.5, 2.0]), 1.0)
    array([-1. ,  0.5,  1. ])
    """
    (max_value,) = nonnegative(max_value=max_value)
    return _like(grads, [np.asarray(np.clip(array, -max_value, max_value)) for array in _arrays(grads)])


def _arrays(grads):
    """A list of floating-point arrays, of one array or of several."""
    return [as_float(real("grads", grad)) for grad in (grads if isinstance(grads, list | tuple) else [grads])]


def _like(grads, arrays):
    """The arrays in the form that `grads` came in."""
    if isinstance(grads, list | tuple):
        return arrays if isinstance(grads, list) else tuple(arrays)
    return arrays[0]


def _peak(array):
    """The largest absolute entry."""
    peak = float(max(np.max(array, initial=0), -np.min(array, initial=0)))
    require(math.isfinite(peak), "grads", "finite", peak)
    return peak


def _square(flat):
    return float(np.dot(flat, flat))
