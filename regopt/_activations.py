"""The nonlinearities between layers, each with its derivative; the softmax itself stands with `gradients`."""

import numpy as np

from regopt._arguments import as_float, nonnegative, require
from regopt._gradients import softmax

__all__ = [
    "leaky_relu",
    "leaky_relu_derivative",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softmax_derivative",
    "tanh",
    "tanh_derivative",
]


def sigmoid(x):
    """Squash every entry into (0, 1).

    s(x) = 1 / (1 + exp(-x))

    Convention: computed from the side where exp does not overflow, so that small values keep all their digits.
    Shapes: `x` any; the result the same.

    >>> sigmoid(np.array([-1e4, 0.0, np.log(3.0)]))
    array([0.  , 0.5 , 0.75])
    """
    with np.errstate(invalid="ignore"):  # logaddexp warns of NaN
        return np.exp(-np.logaddexp(0, -as_float(x)))


def sigmoid_derivative(x):
    """Slope of the sigmoid.

    s'(x) = s(x) (1 - s(x)) = s(x) s(-x)

    Convention: a function of `x`, not of s(x); at most 1/4, at 0.
    Shapes: `x` any; the result the same.

    >>> sigmoid_derivative(np.array([0.0, np.log(3.0)]))
    array([0.25  , 0.1875])
    """
    x = as_float(x)
    return sigmoid(x) * sigmoid(-x)  # 1 - s(x) would lose the digits of a small slope


def tanh(x):
    """Squash every entry into (-1, 1), around zero.

    tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x)) = 2 s(2x) - 1

    Convention: numpy's own.
    Shapes: `x` any; the result the same.

    >>> tanh(np.array([-1e4, 0.0, np.log(2.0)]))
    array([-1. ,  0. ,  0.6])
    """
    return np.tanh(as_float(x))


def tanh_derivative(x):
    """Slope of the hyperbolic tangent.

    tanh'(x) = 1 - tanh(x)^2 = 4 s'(2x)

    Convention: a function of `x`, not of tanh(x); at most 1, at 0.
    Shapes: `x` any; the result the same.

    >>> tanh_derivative(np.array([0.0, np.log(2.0)]))
    array([1.  , 0.64])
    """
    return 4 * sigmoid_derivative(2 * as_float(x))


def relu(x):
    """Keep what is positive.

    relu(x) = max(0, x)

    Convention: none needed; it is not differentiable at 0.
    Shapes: `x` any; the result the same.

    >>> relu(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 3.])
    """
    return np.maximum(as_float(x), 0)


def relu_derivative(x):
    """Slope of the ReLU.

    relu'(x) = 1 for x > 0, 0 for x < 0

    Convention: 0 at the kink, as torch; any value in [0, 1] is a subgradient there.
    Shapes: `x` any; the result the same.

    >>> relu_derivative(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    return np.heaviside(as_float(x), 0)


def leaky_relu(x, *, alpha=0.01):
    """Keep what is positive, and a small part of the rest.

    leaky(x) = x for x > 0, alpha x for x <= 0

    Convention: `alpha` is the slope on the left, torch's negative_slope, with its 0.01. For alpha != 1 it is as little
    differentiable at 0 as the ReLU.
    Shapes: `x` any; the result the same.

    >>> leaky_relu(np.array([-2.0, 0.0, 3.0]), alpha=0.1)
    array([-0.2,  0. ,  3. ])
    """
    (alpha,) = nonnegative(alpha=alpha)
    x = as_float(x)
    return np.where(x > 0, x, alpha * x)


def leaky_relu_derivative(x, *, alpha=0.01):
    """Slope of the leaky ReLU.

    leaky'(x) = 1 for x > 0, alpha for x < 0

    Convention: alpha at the kink, as torch; any value between alpha and 1 is a subgradient there.
    Shapes: `x` any; the result the same.

    >>> leaky_relu_derivative(np.array([-2.0, 0.0, 3.0]), alpha=0.1)
    array([0.1, 0.1, 1. ])
    """
    (alpha,) = nonnegative(alpha=alpha)
    x = as_float(x)
    return np.where(np.isnan(x), x, np.where(x > 0, 1, alpha)).astype(x.dtype)


def softmax_derivative(logits):
    """Every probability's slope in every logit.

    dp_i / dz_j = p_i (delta_ij - p_j)

    Convention: along the last axis; symmetric, and each row sums to zero.
    Shapes: `logits` (..., K); the result (..., K, K).

    >>> softmax_derivative(np.log([1.0, 3.0]))
    array([[ 0.1875, -0.1875],
           [-0.1875,  0.1875]])
    """
    require(np.ndim(logits) > 0, "logits", "of shape (..., K)", ())
    p = softmax(logits)
    return p[..., :, np.newaxis] * (np.eye(p.shape[-1], dtype=p.dtype) - p[..., np.newaxis, :])
