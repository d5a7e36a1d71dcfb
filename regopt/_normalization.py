"""Batch and layer normalisation, forward and backward, and what weight decay does underneath them."""

import math
from typing import Any, NamedTuple

import numpy as np

from regopt._arguments import as_float, as_floats, nonnegative, of_shape, require

__all__ = [
    "RunningStatistics",
    "batch_norm",
    "batch_norm_backward",
    "effective_learning_rate",
    "layer_norm",
    "layer_norm_backward",
]


class RunningStatistics(NamedTuple):
    """What `batch_norm` remembers for evaluation, each of shape (d,)."""

    mean: Any
    variance: Any


class _Normalised(NamedTuple):
    """What a backward pass needs; the normalised values themselves are centred * inverse."""

    centred: np.ndarray  # two axes: examples, features
    inverse: np.ndarray  # 1 / sqrt(variance + eps), one a feature (batch norm) or one an example (layer norm)
    scale: np.ndarray
    shape: tuple[int, ...]


def batch_norm(x, scale, shift, state=None, *, training=True, momentum=0.1, eps=1e-5):
    """Normalise each feature over the batch, then scale and shift it; remember the statistics for evaluation.

    y = gamma (x - mean) / sqrt(variance + eps) + beta,  gamma = `scale`, beta = `shift`
    running = (1 - momentum) running + momentum batch

    Convention: torch's. While training it normalises with the biased variance (divided by m) and remembers the
    unbiased one (by m - 1); `momentum` is the weight of the new batch, the first `state` is mean 0, variance 1. In
    evaluation the statistics of `state` are used. `eps = 0` is legal, though not in torch: a feature of variance 0
    becomes `shift` and has no gradient. Returns `y`, the new `state`, and the `cache` that `batch_norm_backward` needs.
    Shapes: `x` (n, d, ...), features on axis 1, of at least two values each while training; `scale`, `shift` (d,).

    >>> y, state, cache = batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), eps=0.0)
    >>> y.ravel(), state
    (array([-1.,  1.]), RunningStatistics(mean=array([0.2]), variance=array([1.1])))
    """
    x, scale, shift = as_floats(x, scale, shift)
    require(x.ndim >= 2 and x.shape[1] > 0, "x", "of shape (n, d, ...)", x.shape)
    d, rows = x.shape[1], _rows(x)
    scale, shift = of_shape((d,), "scale", scale), of_shape((d,), "shift", shift)
    require(0 <= momentum <= 1, "momentum", "in [0, 1]", momentum)
    momentum, (eps,) = float(momentum), nonnegative(eps=eps)  # plain floats leave float32 as it is
    if state is None:
        state = RunningStatistics(np.zeros(d, x.dtype), np.ones(d, x.dtype))
    old = RunningStatistics(of_shape((d,), "state.mean", state.mean), of_shape((d,), "state.variance", state.variance))
    if training:
        m = len(rows)
        require(m >= 2, "x", "at least 2 values a feature while training", x.shape)
        mean = _column_sums(rows) / m
        centred = _by_rows(np.subtract, rows, mean)
        variance = np.einsum("ij,ij->j", centred, centred) / m
        unbiased = variance * (m / (m - 1))
        new_mean = (1 - momentum) * old.mean + momentum * mean
        new = RunningStatistics(new_mean, (1 - momentum) * old.variance + momentum * unbiased)
    else:
        centred, variance, new = rows - old.mean, old.variance, old
    inverse = _inverse_root(variance + eps)
    y = _by_rows(np.multiply, centred, scale * inverse)
    y = _by_rows(np.add, y, shift, out=y)
    return _unrows(y, x.shape), new, (_Normalised(centred, inverse, scale, x.shape), training)


def batch_norm_backward(dy, cache):
    """Gradients of a loss with respect to `x`, `scale` and `shift` of `batch_norm`, from the one with respect to `y`.

    dshift = sum dy,  dscale = sum dy x_hat,  dx = gamma / sqrt(variance + eps) (dy - dshift / m - x_hat dscale / m)

    Convention: through the batch's own mean and variance; in evaluation they are constants and dx is its first term
    alone. Nothing flows into the running statistics.
    Shapes: `dy` and `dx` that of `x`; `dscale`, `dshift` (d,).

    >>> _, _, cache = batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), eps=0.0)
    >>> dx, dscale, dshift = batch_norm_backward(np.array([[1.0], [0.0]]), cache)
    >>> dx.ravel(), dscale, dshift
    (array([0., 0.]), array([-1.]), array([1.]))
    """
    (centred, inverse, scale, shape), of_batch = cache  # if so the statistics have a gradient too
    dy = _rows(of_shape(shape, "dy", dy))
    dshift = _column_sums(dy)
    dscale = inverse * np.einsum("ij,ij->j", dy, centred)
    if not of_batch:
        return _unrows(dy * (scale * inverse), shape), dscale, dshift
    dx = _by_rows(np.multiply, centred, -inverse * dscale / len(dy))
    dx += dy
    dx = _by_rows(np.subtract, dx, dshift / len(dy), out=dx)
    dx = _by_rows(np.multiply, dx, scale * inverse, out=dx)
    return _unrows(dx, shape), dscale, dshift


def layer_norm(x, scale, shift, *, eps=1e-5):
    """Normalise each example over its features (the last axis), then scale and shift every feature.

    y = gamma (x - mean) / sqrt(variance + eps) + beta,  mean and variance over the d features of one example

    Convention: torch's LayerNorm(d): the biased variance, `eps` under the root, and gamma (`scale`) and beta (`shift`)
    d-vectors, not a pair of numbers. Training and evaluation are the same. `eps = 0` is legal: an example of
    variance 0 becomes `shift` and has no gradient. Returns `y` and the `cache` that `layer_norm_backward` needs.
    Shapes: `x` (..., d); `scale`, `shift` (d,).

    >>> layer_norm(np.array([[1.0, 3.0]]), np.array([1.0, 2.0]), np.array([0.0, 10.0]), eps=0.0)[0]
    array([[-1., 12.]])
    """
    x, scale, shift = as_floats(x, scale, shift)
    require(x.ndim >= 1 and x.shape[-1] > 0, "x", "of shape (..., d)", x.shape)
    d, rows = x.shape[-1], x.reshape(-1, x.shape[-1])
    scale, shift = of_shape((d,), "scale", scale), of_shape((d,), "shift", shift)
    (eps,) = nonnegative(eps=eps)
    centred = rows - _row_means(rows)[:, np.newaxis]
    inverse = _inverse_root(np.vecdot(centred, centred) / d + eps)
    y = centred * inverse[:, np.newaxis]
    y = _by_rows(np.multiply, y, scale, out=y)
    y = _by_rows(np.add, y, shift, out=y)
    return y.reshape(x.shape), _Normalised(centred, inverse, scale, x.shape)


def layer_norm_backward(dy, cache):
    """Gradients of a loss with respect to `x`, `scale` and `shift` of `layer_norm`, from the one with respect to `y`.

    dshift = sum dy,  dscale = sum dy x_hat  (over examples);  with g = gamma dy and means over the features
    dx = (g - mean(g) - x_hat mean(g x_hat)) / sqrt(variance + eps)

    Convention: through each example's own mean and variance.
    Shapes: `dy` and `dx` that of `x`; `dscale`, `dshift` (d,).

    >>> _, cache = layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), eps=0.0)
    >>> layer_norm_backward(np.array([[1.0, 0.0]]), cache)
    (array([[0., 0.]]), array([-1.,  0.]), array([1., 0.]))
    """
    centred, inverse, scale, shape = cache
    dy = of_shape(shape, "dy", dy).reshape(centred.shape)
    product = dy * centred
    dshift, dscale = _column_sums(dy), inverse @ product
    along = inverse**2 * (product @ scale) / len(scale)
    dx = _by_rows(np.multiply, dy, scale, out=product)
    dx -= (dy @ scale / len(scale))[:, np.newaxis]
    dx -= centred * along[:, np.newaxis]
    dx *= inverse[:, np.newaxis]
    return dx.reshape(shape), dscale, dshift


def effective_learning_rate(w, *, lr, axis=None):
    """The rate at which the direction of weights moves that stand in front of a batch norm.

    lr_eff = lr / ||w||^2: the step w - lr g(w) turns w exactly as w/||w|| - lr_eff g(w/||w||) turns w/||w||

    Convention: van Laarhoven 2017, for SGD. The output does not feel ||w||, so the gradient goes as 1/||w||; weight
    decay, which only shrinks w, multiplies the effective rate by 1 / (1 - lr lam)^2 a step. Each output unit has its
    own norm: `axis` is the axis of the inputs, None for one unit.
    Shapes: `w` any; the result () or `w` without `axis`.

    >>> effective_learning_rate(np.array([[3.0, 1.0], [4.0, 0.0]]), lr=0.5, axis=0)
    array([0.02, 0.5 ])
    """
    w = as_float(w)
    (lr,) = nonnegative(lr=lr)
    require(axis is None or -w.ndim <= axis < w.ndim, "axis", f"None or an axis of w, shape {w.shape}", axis)
    square = np.sum(np.square(w), axis=axis)
    require(square != 0, "w", "of a norm other than 0", w.shape)
    return lr / square


def _rows(x):
    """(n, d, ...) as (m, d): one row for each place at which every feature has a value."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def _unrows(rows, shape):
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def _by_rows(ufunc, rows, vector, out=None):
    """ufunc(rows, vector), sixteen rows at a time: numpy pays 0.1 us for every row that a vector is broadcast to."""
    blocks = (-1, math.gcd(len(rows), 16), rows.shape[1])
    out = None if out is None else out.reshape(blocks)
    return ufunc(rows.reshape(blocks), np.tile(vector, (blocks[1], 1)), out=out).reshape(rows.shape)


def _column_sums(rows):
    return np.ones(len(rows), rows.dtype) @ rows  # a product with ones takes half the time of a sum


def _row_means(rows):
    return rows @ np.ones(rows.shape[1], rows.dtype) / rows.shape[1]


def _inverse_root(variance):
    """1 / sqrt(variance), and 0 where that is 1/0: what does not vary has nothing to be normalised."""
    with np.errstate(divide="ignore"):
        return np.where(variance == 0, 0, 1 / np.sqrt(variance))
