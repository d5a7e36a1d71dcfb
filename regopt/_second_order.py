"""Steps that know the curvature: Newton's method, and L-BFGS, which learns it from the gradients it has seen."""

from typing import NamedTuple

import numpy as np

from regopt._arguments import alike, nonnegative, real, require
from regopt._step import expect_array, expect_state

__all__ = ["lbfgs", "newton"]


class LbfgsState(NamedTuple):
    """The last moves of `w` and changes of the gradient that each caused, oldest first; the last move and gradient."""

    moves: tuple[np.ndarray, ...]
    changes: tuple[np.ndarray, ...]
    move: np.ndarray
    grad: np.ndarray


def newton(w, grad, state=None, *, hessian, lr=1.0):
    """One step of Newton's method: to where the quadratic with this gradient and curvature is flat.

        w = w - lr * solve(hessian, grad)

    Convention: `hessian` is that of the loss at `w`, and `lr = 1` the full step. It goes to the flat point of the
    quadratic, be it a minimum, a saddle or a maximum. It solves and never inverts: n^2 numbers, about 2 n^3 / 3
    operations. Nothing is remembered: the state is always None.

    Shapes: `grad` like `w`, of any shape with n entries; `hessian` (n, n), its rows in the order of `w.ravel()`.

    >>> w, state = newton(np.array([3.0, 1.0]), np.array([6.0, 20.0]), hessian=np.diag([2.0, 20.0]))
    >>> w  # the minimum of w1^2 + 10 w2^2, in one step
    array([0., 0.])
    """
    (lr,) = nonnegative(lr=lr)
    require(state is None, "state", "None", type(state).__name__)
    w, grad = alike(w=w, grad=grad)
    hessian = real("hessian", hessian)
    require(hessian.shape == (w.size, w.size), "hessian", f"of shape {(w.size, w.size)}", hessian.shape)
    try:  # in float64, as numpy's solver works in any case; handed float16 it gives up
        direction = np.linalg.solve(np.asarray(hessian, dtype=float), np.asarray(grad.ravel(), dtype=float))
    except np.linalg.LinAlgError:
        raise ValueError(f"hessian must be invertible, got a singular one of shape {hessian.shape}") from None
    with np.errstate(all="ignore"):
        return np.asarray(w - lr * direction.reshape(w.shape).astype(w.dtype)), None


def lbfgs(w, grad, state=None, *, lr=1.0, memory=10):
    """One step of L-BFGS: Newton's step, the curvature taken from the last moves and what they changed in the gradient.

    q = grad;  newest to oldest: a_i = r_i s_i'q, q = q - a_i y_i;  q = (s'y / y'y) q;  oldest to newest:
    q = q + (a_i - r_i y_i'q) s_i;  w = w - lr q,  with moves s_i, changes of the gradient y_i, and r_i = 1 / s_i'y_i

    Convention: torch's LBFGS with `max_iter=1` and no line search (its `history_size` is our `memory`). The first step
    goes along the gradient, by lr min(1, 1 / sum |grad|); a pair with s'y <= 1e-10 is not learned from. `grad` is that
    of the full batch: on mini-batches the changes are mostly noise.

    Shapes: `grad` like `w`, of any shape. The state holds at most 2 * memory + 2 arrays like `w`.

    >>> w, state = np.array([3.0, 1.0]), None
    >>> for _ in range(12):
    ...     w, state = lbfgs(w, np.array([2.0, 20.0]) * w, state)
    >>> np.abs(w).max() < 1e-6
    np.True_
    """
    (lr,) = nonnegative(lr=lr)
    whole = isinstance(memory, int | np.integer) and memory >= 1
    require(whole, "memory", "a whole number >= 1", memory)
    w, grad = alike(w=w, grad=grad)
    with np.errstate(all="ignore"):
        if state is None:
            moves, changes = (), ()
            total = float(np.sum(np.abs(grad)))
            length = lr / max(total, 1.0)
        else:
            moves, changes = _learned(_checked(state, w), grad, memory)
            length = lr
        move = _towards_minimum(grad, moves, changes)
        move *= -length
        return np.asarray(w + move), LbfgsState(moves, changes, move, grad.copy())


def _checked(state, w):
    moves, changes, move, grad = expect_state(LbfgsState, state)
    require(len(moves) == len(changes), "state", "of as many moves as changes", f"{len(moves)} and {len(changes)}")
    for array in (move, grad, *moves, *changes):
        expect_array("each array of state", array, w.dtype, w.shape)
    return state


def _learned(state, grad, memory):
    """The moves and changes of the state and, if the curvature along it is positive, its last move."""
    change = np.asarray(grad - state.grad)
    moves, changes = state.moves, state.changes
    if _dot(state.move, change) > 1e-10:
        moves, changes = (*moves, state.move), (*changes, change)
    return moves[-memory:], changes[-memory:]


def _towards_minimum(grad, moves, changes):
    """The inverse of the learned curvature times `grad`, by two loops over the memory."""
    q, count = np.array(grad), len(moves)
    curvatures = [_dot(moves[i], changes[i]) for i in range(count)]
    shares = {}
    for i in reversed(range(count)):
        shares[i] = _dot(moves[i], q) / curvatures[i]
        q -= shares[i] * changes[i]
    if moves:
        q *= curvatures[-1] / _dot(changes[-1], changes[-1])
    for i in range(count):
        q += (shares[i] - _dot(changes[i], q) / curvatures[i]) * moves[i]
    return q


def _dot(a, b):
    return float(np.vdot(a, b))
