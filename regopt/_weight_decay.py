"""The squared penalty: its value and gradient, ridge regression, and SGD with the penalty or with decay."""

from typing import NamedTuple

import numpy as np

from regopt._arguments import alike, as_float, as_floats, fraction, least, nonnegative, require
from regopt._step import prepare, receivers

__all__ = ["l2_penalty", "ridge", "ridge_shrinkage", "sgd_l2", "sgd_weight_decay", "sgdw"]


def l2_penalty(w, *, lam, half=True):
    """Squared penalty on the weights, and its gradient.

    R = lam/2 sum_i w_i^2,  dR/dw = lam w

    Convention: with the half, so that `lam` is torch's `weight_decay`. `half=False` gives lam sum w^2 with gradient
    2 lam w: the same as `half=True` with 2 lam. Leave biases and the scales of norms out of `w`.
    Shapes: `w` any; the value a number, the gradient like `w`.

    >>> l2_penalty(np.array([3.0, 4.0]), lam=0.1)
    (np.float64(1.25), array([0.3, 0.4]))
    """
    (lam,) = nonnegative(lam=lam)
    w = as_float(w)
    factor = lam if half else 2 * lam
    with np.errstate(over="ignore"):
        return factor / 2 * np.sum(w**2), factor * w


def ridge(X, y, *, lam):
    """Least squares with a squared penalty, in closed form.

    argmin_w 1/2 ||y - X w||^2 + lam/2 ||w||^2 = (X'X + lam I)^-1 X'y = V diag(s / (s^2 + lam)) U'y,  X = U diag(s) V'

    Convention: the sum over examples, as scikit-learn's Ridge (its `alpha`); for the mean 1/(2N) pass N lam. With a
    Gaussian likelihood of variance v and the prior N(0, t) it is the MAP estimate at lam = v / t.
    For an intercept that is not penalised take the means off `X` and `y` first. `lam = 0` is least squares, of smallest
    norm where it is not unique. NaN or infinity in `X` gives NaN.
    Shapes: `X` (N, d); `y` (N,) or (N, k); `w` (d,) or (d, k).

    >>> ridge(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 1.0]), lam=1.0)
    array([0.5, 0.4])
    """
    (lam,) = nonnegative(lam=lam)
    X, y = as_floats(X, y)
    require(X.ndim == 2, "X", "of shape (N, d)", X.shape)
    require(y.ndim in (1, 2) and len(y) == len(X), "y", f"of shape ({len(X)},) or ({len(X)}, k)", y.shape)
    if not np.isfinite(X).all():
        return np.full((X.shape[1], *y.shape[1:]), np.nan, dtype=X.dtype)
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    rounding = np.finfo(X.dtype).eps * max(X.shape) * np.max(s, initial=0)
    seen = s > rounding
    with np.errstate(invalid="ignore", over="ignore"):  # infinity in y
        inverse = np.zeros_like(s)
        inverse[seen] = 1 / (s[seen] + lam / s[seen])  # s / (s^2 + lam) would overflow earlier
        return Vt.T @ (inverse * (U.T @ y).T).T


def ridge_shrinkage(curvature, *, lam):
    """What ridge leaves of the least-squares solution, along each eigenvector of X'X.

    factor = h / (h + lam),  h = s^2

    Convention: `curvature` h is the eigenvalue of X'X, the square of the singular value s of X; with the mean loss it
    is s^2 / N, and `lam` the one of the mean. 0/0 is 0: a direction without data stays at zero.
    Shapes: `curvature` any; the factors the same, in [0, 1].

    >>> ridge_shrinkage(np.array([0.0, 1.0, 9.0]), lam=1.0)
    array([0. , 0.5, 0.9])
    """
    (lam,) = nonnegative(lam=lam)
    curvature = as_float(curvature)
    require(~(curvature < 0), "curvature", ">= 0", least(curvature))
    total = curvature + lam
    return np.divide(curvature, total, out=np.zeros_like(curvature), where=total != 0)


def sgd_l2(w, grad, state=None, *, lr, lam, out=None):
    """One step of SGD on the loss plus the squared penalty.

        w = w - lr * (grad + lam * w)

    Convention: the penalty lam/2 ||w||^2, as torch's SGD with weight_decay; for lam ||w||^2 pass 2 lam. It equals
    `sgd_weight_decay` with `order="decay_first"`. The state is always None.

    Shapes: `grad` like `w`, of any shape. `out=(w, state)` receives the result; it may be what goes in.

    >>> w, state = sgd_l2(np.array([1.0, 2.0]), np.array([0.5, -0.5]), lr=0.1, lam=0.5)
    >>> w
    array([0.9 , 1.95])
    """
    lr, lam = nonnegative(lr=lr, lam=lam)
    w, grad, new_w = _stateless(w, grad, state, out)
    with np.errstate(all="ignore"):
        step = np.multiply(w, lam, out=new_w if out is None else None)
        step += grad
        step *= lr
        np.subtract(w, step, out=new_w)
    return new_w, None


def sgd_weight_decay(w, grad, state=None, *, lr, lam, order="decay_first", out=None):
    """One step of SGD that also shrinks the weights.

        w = (1 - lr * lam) * w - lr * grad

    Convention: the decay is of the OLD weights, as in torch and the paper of AdamW; that is L2 exactly.
    `order="step_first"` decays after the step, as some texts have it: w = (1 - lr * lam) * (w - lr * grad), which
    differs by lr^2 lam grad. `grad` is that of the old weights in both. The state is always None.

    Shapes: `grad` like `w`, of any shape. `out=(w, state)` receives the result; it may be what goes in.

    >>> w, grad = np.array([1.0]), np.array([2.0])
    >>> sgd_weight_decay(w, grad, lr=0.1, lam=0.5)[0], sgd_weight_decay(w, grad, lr=0.1, lam=0.5, order="step_first")[0]
    (array([0.75]), array([0.76]))
    """
    lr, lam = nonnegative(lr=lr, lam=lam)
    require(order in ("decay_first", "step_first"), "order", "'decay_first' or 'step_first'", repr(order))
    w, grad, new_w = _stateless(w, grad, state, out)
    keep = 1 - lr * lam
    with np.errstate(all="ignore"):
        step = np.multiply(grad, lr if order == "decay_first" else lr * keep)
        np.multiply(w, keep, out=new_w)
        new_w -= step
    return new_w, None


def _stateless(w, grad, state, out):
    require(state is None, "state", "None", state)
    w, grad = alike(w=w, grad=grad)
    (new_w,) = receivers(w, grad, [], out)
    return w, grad, new_w


class SGDWState(NamedTuple):
    """The velocity: the sum of the gradients, each gamma times weaker a step."""

    velocity: np.ndarray


def sgdw(w, grad, state=None, *, lr, lam, gamma=0.9, out=None):
    """One step of SGD with momentum, and with a decay of the weights that the momentum does not see.

        velocity = gamma * velocity + grad
        w = (1 - lr * lam) * w - lr * velocity

    Convention: the rate outside of the velocity and in the decay, as in torch's AdamW. The paper (Loshchilov and Hutter
    2019) has the rate inside of the velocity and only the schedule's multiplier in the decay. With L2 the term lam w
    would enter the velocity, and be gained up by 1 / (1 - gamma): this settles as L2 with (1 - gamma) lam does.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = sgdw(np.array([1.0]), np.array([2.0]), lr=0.1, lam=0.5)
    >>> sgdw(w, np.array([2.0]), state, lr=0.1, lam=0.5)
    (array([0.3325]), SGDWState(velocity=array([3.8])))
    """
    lr, lam = nonnegative(lr=lr, lam=lam)
    (gamma,) = fraction(gamma=gamma)
    w, grad, state, (new_w, velocity) = prepare(SGDWState, w, grad, state, out)
    with np.errstate(all="ignore"):
        np.multiply(state.velocity, gamma, out=velocity)
        velocity += grad
        step = lr * velocity
        np.multiply(w, 1 - lr * lam, out=new_w)
        new_w -= step
    return new_w, SGDWState(velocity)
