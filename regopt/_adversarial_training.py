"""Adversarial perturbations: the small change of the input that raises the loss most, in one step or in many."""

import math

import numpy as np

from regopt._arguments import as_float, nonnegative, of_shape, require

__all__ = ["fgsm", "pgd"]


def fgsm(x, grad, *, radius, low=None, high=None):
    """Fast gradient sign method: move every entry by `radius` in the direction that raises the loss.

    x_adv = clip(x + radius sign(grad), low, high)

    Convention: Goodfellow et al. 2015; `radius` is their epsilon, the largest change of an entry (the L-infinity ball).
    `grad` is the gradient of the loss with respect to `x`; the mean over a batch will do, as only signs count. Entries
    of gradient 0 stay. `low` and `high` are the range of the data, None for no bound. Against a linear model,
    f = w x + b, no perturbation in the ball does better: the margin y f falls by radius ||w||_1.
    Shapes: `x` any; `grad` and the result like `x`.

    >>> fgsm(np.array([0.5, 0.95, 0.2]), np.array([-3.0, 0.1, 0.0]), radius=0.1, low=0.0, high=1.0)
    array([0.4, 1. , 0.2])
    """
    x, (radius,) = as_float(x), nonnegative(radius=radius)
    _check_range(x, low, high)
    return np.clip(x + radius * np.sign(of_shape(x.shape, "grad", grad)), low, high)


def pgd(x, gradient, *, radius, step, steps, rng=None, low=None, high=None):
    """Projected gradient ascent: many small sign steps, after each of which the point is put back into the ball.

    z_0 = x + uniform noise in the ball,  z_{k+1} = clip(z_k + step sign(gradient(z_k)), x - radius, x + radius)

    Convention: Madry et al. 2018, the L-infinity ball, then the range of the data as in `fgsm`. `gradient` maps a point
    to the gradient of the loss there. The start is random with `rng`, and `x` itself without. `fgsm` is the case of one
    step of length `radius` from `x`. A corner can be reached only if steps * step >= radius (twice that from a random
    start).
    Shapes: `x` any; `gradient(z)` and the result like `x`.

    >>> pgd(np.zeros(2), lambda z: z - np.array([0.25, 9.0]), radius=1.0, step=0.5, steps=4)
    array([-1., -1.])
    """
    x, (radius, step) = as_float(x), nonnegative(radius=radius, step=step)
    require(steps >= 1, "steps", ">= 1", steps)
    _check_range(x, low, high)
    z = x
    if rng is not None:
        z = np.clip(x + np.asarray(rng.uniform(-radius, radius, x.shape), dtype=x.dtype), low, high)
    for _ in range(steps):
        grad = of_shape(x.shape, "gradient(z)", gradient(z.copy()))
        z = np.clip(z + step * np.sign(grad), x - radius, x + radius)
        z = np.clip(z, low, high)
    return z


def _check_range(x, low, high):
    """`x` must lie in the range of the data, or clipping would move it further than `radius`; NaN passes, as data."""
    if low is not None:
        require(not (math.isnan(low) or np.any(x < low)), "low", "<= every entry of x", low)
    if high is not None:
        require(not (math.isnan(high) or np.any(x > high)), "high", ">= every entry of x", high)
