"""Steps with a memory of the steps before: a velocity that gradients push and friction slows."""

from typing import NamedTuple

import numpy as np

from regopt._arguments import fraction, nonnegative
from regopt._step import prepare

__all__ = ["momentum", "nesterov"]


class MomentumState(NamedTuple):
    """The velocity: the sum of the gradients (with `lr_inside`, times their rates), each times gamma to its age."""

    v: np.ndarray


def momentum(w, grad, state=None, *, lr, gamma=0.9, lr_inside=False, out=None):
    """One step of gradient descent with momentum, Polyak's heavy ball.

        v = gamma * v + grad
        w = w - lr * v

    Convention: the rate outside of the velocity, as in torch. `lr_inside=True` gives the texts' v = gamma v + lr grad,
    w = w - v: the same path at a constant rate, another one as soon as the rate changes. Text 002's velocity has the
    opposite sign. The velocity is a sum of gain 1 / (1 - gamma), not an average: the averaging form
    v = gamma v + (1 - gamma) grad takes the same path with its rate divided by 1 - gamma.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = momentum(np.array([1.0]), np.array([2.0]), lr=0.1)
    >>> w, state = momentum(w, np.array([2.0]), state, lr=0.1)
    >>> w  # 1 - 0.1 * 2 - 0.1 * (0.9 * 2 + 2)
    array([0.42])
    """
    (lr,), (gamma,) = nonnegative(lr=lr), fraction(gamma=gamma)
    w, grad, state, (new_w, v) = prepare(MomentumState, w, grad, state, out)
    with np.errstate(all="ignore"):
        _, rate = _push(state.v, grad, lr, gamma, lr_inside, v)
        step = np.multiply(v, rate, out=new_w if out is None else None)
        np.subtract(w, step, out=new_w)
    return new_w, MomentumState(v)


def nesterov(w, grad, state=None, *, lr, gamma=0.9, lr_inside=False, out=None):
    """One step of Nesterov's momentum: the velocity looks one step of its own ahead.

        v = gamma * v + grad
        w = w - lr * (grad + gamma * v)

    Convention: torch's, where `grad` belongs to `w`. Nesterov's own form takes the gradient at the look-ahead point
    x - lr gamma v and steps x = x - lr v; at a constant rate this `w` is that look-ahead point of his `x`.
    `lr_inside=True`: v = gamma v + lr grad, w = w - (lr grad + gamma v), as in `momentum`.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = nesterov(np.array([1.0]), np.array([2.0]), lr=0.1)
    >>> w  # 1 - 0.1 * (2 + 0.9 * 2)
    array([0.62])
    """
    (lr,), (gamma,) = nonnegative(lr=lr), fraction(gamma=gamma)
    w, grad, state, (new_w, v) = prepare(MomentumState, w, grad, state, out)
    with np.errstate(all="ignore"):
        push, rate = _push(state.v, grad, lr, gamma, lr_inside, v)
        step = np.multiply(v, gamma, out=new_w if out is None else None)
        np.add(step, push, out=step)
        np.multiply(step, rate, out=step)
        np.subtract(w, step, out=new_w)
    return new_w, MomentumState(v)


def _push(old, grad, lr, gamma, lr_inside, v):
    """Set `v` to the new velocity; return what was added to it, and the rate that is left to multiply by."""
    push, rate = (grad * lr, 1.0) if lr_inside else (grad, lr)
    np.multiply(old, gamma, out=v)
    np.add(v, push, out=v)
    return push, rate
