"""Losses with their gradients, gradients without formulas, and the plain gradient step."""

import numpy as np

from regopt._arguments import alike, as_float, labelled, nonnegative, require
from regopt._step import receivers

__all__ = [
    "cross_entropy",
    "gradient_check",
    "gradient_descent",
    "hinge_loss",
    "log_softmax",
    "numerical_gradient",
    "sgd",
    "softmax",
]


def numerical_gradient(f, x, *, h=None, method="central"):
    """Gradient of a function of an array, from differences of its values alone.

    forward: (f(x + h e_i) - f(x)) / h, error O(h);  central: (f(x + h e_i) - f(x - h e_i)) / 2h, error O(h^2)

    Convention: `h` is the step itself. Without it the step is where truncation and round-off balance, for the precision
    eps of `x`: eps^(1/2) (forward) or eps^(1/3) (central), 1.5e-8 and 6e-6 in float64, times max(1, |x_i|).
    The division is by the distance that was really stepped, as x + h is rounded.
    Shapes: `x` any, `f(x)` one number; the gradient like `x`. Costs two evaluations of `f` an entry (forward: one).

    >>> numerical_gradient(lambda x: np.sum(x**3), np.array([1.0, 2.0])).round(6)
    array([ 3., 12.])
    """
    x = as_float(x)
    require(method in ("forward", "central"), "method", "'forward' or 'central'", repr(method))
    if h is None:
        root = 1 / 2 if method == "forward" else 1 / 3
        h = float(np.finfo(x.dtype).eps) ** root * np.maximum(1, np.abs(x))
    else:
        require(0 < h < np.inf, "h", "> 0 and finite", h)
    h = np.broadcast_to(h, x.shape)
    here = _value(f, x.copy()) if method == "forward" else None
    grad = np.empty_like(x)
    for i in np.ndindex(x.shape):
        right, left = x.copy(), x.copy()
        right[i] += h[i]
        if method == "central":
            left[i] -= h[i]
        distance = right[i] - left[i]
        require(distance != 0, "h", f"large enough to change x = {x[i]}", h[i])
        below = here if method == "forward" else _value(f, left)
        grad[i] = (_value(f, right) - below) / distance
    return grad


def _value(f, x):
    value = f(x)
    require(np.shape(value) == (), "f(x)", "one number", f"shape {np.shape(value)}")
    return value


def gradient_check(f, x, grad, *, h=None):
    """Relative error of a gradient that somebody derived, against central differences.

    error = ||grad - numerical|| / (||grad|| + ||numerical||), 0 where both are zero

    Convention: one number for the whole gradient, between 0 and 1: 1/3 for a factor of two, 1 for a wrong sign. Right
    gradients of smooth functions give less than 1e-7 in float64; above 1e-4 something is wrong, or `f` has a kink
    within `h` of `x`. Entry by entry, as some do it, an entry that is zero has relative error 1. NaN is refused.
    Shapes: `x` any; `grad` like `x`; a float.

    >>> x = np.array([1.0, 2.0])
    >>> gradient_check(lambda x: np.sum(x**2), x, 2 * x) < 1e-7
    True
    >>> round(gradient_check(lambda x: np.sum(x**2), x, x), 6)
    0.333333
    """
    x, grad = as_float(x), as_float(grad)
    require(grad.shape == x.shape, "grad", f"of the shape of x, {x.shape}", grad.shape)
    numerical = numerical_gradient(f, x, h=h) if np.isfinite(x).all() else x
    for name, array in (("x", x), ("grad", grad), ("the numerical gradient of f", numerical)):
        require(np.isfinite(array), name, "finite", array[~np.isfinite(array)][:1])
    scale = max(np.max(np.abs(grad), initial=0.0), np.max(np.abs(numerical), initial=0.0))
    if scale == 0:
        return 0.0
    grad, numerical = grad / scale, numerical / scale  # squares of 1e200 would overflow
    return float(np.linalg.norm(grad - numerical) / (np.linalg.norm(grad) + np.linalg.norm(numerical)))


def log_softmax(logits, *, axis=-1):
    """Logarithm of the softmax, exact where the softmax itself would round to zero.

    log p_k = z_k - m - log sum_j exp(z_j - m),  m = max_j z_j

    Convention: natural logarithm. The shift by m changes nothing and keeps exp from overflowing. A logit of -inf is
    probability zero; +inf gives NaN, as in torch.
    Shapes: `logits` any but (); the result the same.

    >>> log_softmax(np.array([0.0, 1e4]))
    array([-10000.,      0.])
    """
    shifted, _, total = _exponentials(as_float(logits), axis)
    with np.errstate(divide="ignore"):  # of an axis without entries
        return shifted - np.log(total)


def softmax(logits, *, axis=-1):
    """Probabilities proportional to the exponentials of the logits.

    p_k = exp(z_k - m) / sum_j exp(z_j - m),  m = max_j z_j

    Convention: temperature 1; divide the logits by another. The shift by m changes nothing and keeps exp from
    overflowing. A logit of -inf is probability zero; +inf gives NaN, as in torch.
    Shapes: `logits` any but (); the result the same, and sums to 1 along `axis`.

    >>> softmax(np.array([0.0, np.log(3.0), -np.inf]))
    array([0.25, 0.75, 0.  ])
    """
    _, unscaled, total = _exponentials(as_float(logits), axis)
    return unscaled / total


def _exponentials(logits, axis):
    """The logits less their largest, the exponentials of these, and their sum."""
    with np.errstate(invalid="ignore"):  # of infinite logits
        shifted = logits - np.max(logits, axis=axis, keepdims=True, initial=-np.inf)
    unscaled = np.exp(shifted)
    return shifted, unscaled, np.sum(unscaled, axis=axis, keepdims=True)


def cross_entropy(logits, labels):
    """Mean cross-entropy of integer labels, and its gradient in the logits.

    L = -1/N sum_n log softmax(z_n)[y_n],  dL/dz_n = (softmax(z_n) - onehot(y_n)) / N

    Convention: the mean over the N examples, as torch's default; for the sum multiply both by N. No label is ignored
    (torch skips -100). For targets that are distributions see `label_smoothing_loss`.
    Shapes: `logits` (..., K) with K >= 2; `labels` integers (...); the loss a number, the gradient like `logits`.

    >>> loss, grad = cross_entropy(np.log([[0.7, 0.2, 0.1]]), np.array([0]))
    >>> round(float(loss), 6), grad.round(6)
    (0.356675, array([[-0.3,  0.2,  0.1]]))
    """
    logits, labels = labelled("logits", logits, labels)
    own = labels[..., np.newaxis]
    shifted, grad, total = _exponentials(logits, -1)
    log_p = np.take_along_axis(shifted, own) - np.log(total)
    grad /= total
    np.put_along_axis(grad, own, np.take_along_axis(grad, own) - 1, -1)
    grad /= own.size
    return -np.sum(log_p) / own.size, grad


def hinge_loss(scores, labels, *, margin=1.0):
    """Mean multi-class hinge loss: every wrong class must stay `margin` below the right one; and its gradient.

    L = 1/N sum_n sum_{k != y_n} max(0, s_nk - s_n,y_n + margin)

    Convention: the sum over wrong classes (Weston and Watkins), the mean over examples. torch's MultiMarginLoss also
    divides by K. On the kink the gradient is that of the flat side, 0.
    Shapes: `scores` (..., K) with K >= 2; `labels` integers (...); the loss a number, the gradient like `scores`.

    >>> loss, grad = hinge_loss(np.array([[3.0, 2.5, 0.0]]), np.array([0]))
    >>> float(loss), grad
    (0.5, array([[-1.,  1.,  0.]]))
    """
    (margin,) = nonnegative(margin=margin)
    scores, labels = labelled("scores", scores, labels)
    own = labels[..., np.newaxis]
    excess = scores - np.take_along_axis(scores, own) + margin
    np.put_along_axis(excess, own, 0, -1)
    grad = (excess > 0).astype(scores.dtype)
    np.put_along_axis(grad, own, -np.sum(grad, axis=-1, keepdims=True), -1)
    return np.sum(np.maximum(excess, 0)) / own.size, grad / own.size


def gradient_descent(grad, w, *, lr, steps):
    """Every point that gradient descent visits, the start included.

    w_{t+1} = w_t - lr grad(w_t)

    Convention: a constant rate. `grad` is a function of `w`; with the gradient on a fresh mini-batch it is SGD.
    On a quadratic of curvature h it converges for 0 < lr < 2/h, without oscillation for lr <= 1/h.
    Shapes: `w` any; the path (steps + 1, *w.shape).

    >>> gradient_descent(lambda w: w, np.array([1.0]), lr=0.5, steps=3).ravel()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    nonnegative(lr=lr)
    require(isinstance(steps, int | np.integer) and steps >= 0, "steps", "a whole number >= 0", steps)
    w = as_float(w)
    path = np.empty((steps + 1, *w.shape), dtype=w.dtype)
    path[0] = w
    for t in range(steps):
        path[t + 1], _ = sgd(path[t], grad(path[t].copy()), lr=lr)
    return path


def sgd(w, grad, state=None, *, lr, out=None):
    """One step of stochastic gradient descent: against the gradient, by the rate.

        w = w - lr * grad

    Convention: `grad` is the mean over the mini-batch. Nothing is remembered: the state is always None, and is there so
    that optimizers can be exchanged. With weight decay see `sgd_l2` and `sgd_weight_decay`, with velocity `momentum`.

    Shapes: `grad` like `w`, of any shape. `out=(w, state)` receives the result; it may be what goes in.

    >>> w, state = sgd(np.array([1.0, 2.0]), np.array([0.5, -0.5]), lr=0.1)
    >>> w
    array([0.95, 2.05])
    """
    (lr,) = nonnegative(lr=lr)
    require(state is None, "state", "None", state)
    w, grad = alike(w=w, grad=grad)
    (new_w,) = receivers(w, grad, [], out)
    with np.errstate(all="ignore"):
        step = np.multiply(grad, lr, out=new_w if out is None else None)
        np.subtract(w, step, out=new_w)
    return new_w, None
