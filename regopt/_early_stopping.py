"""When to stop, and what stopping does to a linear model: it shrinks, nearly as ridge does."""

import copy
from typing import Any, NamedTuple

import numpy as np

from regopt._arguments import as_float, least, nonnegative, require

__all__ = ["early_stopping", "gd_shrinkage"]


class EarlyStoppingState(NamedTuple):
    """The best weights so far, their validation loss, and how many evaluations ago that was."""

    w: Any
    loss: float
    waited: int


def early_stopping(w, loss, state=None, *, patience, min_delta=0.0):
    """Tell after each evaluation whether to stop, and keep the best weights.

    better: loss < best - min_delta;  stop: `patience` evaluations in a row were not better

    Convention: a tie is not better. `patience` counts evaluations without improvement: with 1 the first of them stops.
    Whether or not it stops, `state.w` is a copy of the best weights. A loss of NaN is never better; where all were, the
    first weights are kept.
    Shapes: `w` an array, or lists and dicts of arrays; `loss` a number; gives `stop, state`.

    >>> state = None
    >>> for epoch, loss in enumerate([0.9, 0.5, 0.6, 0.7]):
    ...     stop, state = early_stopping(np.array([epoch]), loss, state, patience=2)
    >>> stop, state
    (True, EarlyStoppingState(w=array([1]), loss=np.float64(0.5), waited=2))
    """
    require(isinstance(patience, int | np.integer) and patience >= 1, "patience", "a whole number >= 1", patience)
    (min_delta,) = nonnegative(min_delta=min_delta)
    require(np.shape(loss) == (), "loss", "one number", f"shape {np.shape(loss)}")
    require(state is None or isinstance(state, EarlyStoppingState), "state", "None or the one before", state)
    loss = np.asarray(loss)[()]
    if state is None:
        state = EarlyStoppingState(copy.deepcopy(w), np.inf, 0)
    if loss < state.loss - min_delta:
        state = EarlyStoppingState(copy.deepcopy(w), loss, 0)
    else:
        state = state._replace(waited=state.waited + 1)
    return bool(state.waited >= patience), state


def gd_shrinkage(curvature, *, lr, steps):
    """What gradient descent from zero has reached of the least-squares solution, along each eigenvector.

    factor = 1 - (1 - lr h)^t

    Convention: `curvature` h is the eigenvalue of the loss's Hessian: of X'X / N for the mean of 1/2 (y - x'w)^2, of
    X'X for the sum. w_0 = 0, full batches. Ridge's h / (h + lam) with lam = 1 / (lr t) comes close (`ridge_shrinkage`).
    Shapes: `curvature` any; the factors the same, in [0, 1] for lr h <= 1; from lr h > 2 on they diverge.

    >>> gd_shrinkage(np.array([0.0, 0.5, 1.0]), lr=1.0, steps=2)
    array([0.  , 0.75, 1.  ])
    """
    (lr,) = nonnegative(lr=lr)
    require(isinstance(steps, int | np.integer) and steps >= 0, "steps", "a whole number >= 0", steps)
    steps, curvature = int(steps), as_float(curvature)
    require(~(curvature < 0), "curvature", ">= 0", least(curvature))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        left = 1 - lr * curvature
        exactly = -np.expm1(steps * np.log1p(-lr * curvature))  # where 1 - lr h rounds to 1
        return np.where(left > 0.5, exactly, 1 - left**steps)
