"""The L1 penalty: its subgradient, the proximal step, and the solvers of the lasso built on it.

The lasso here is argmin_w 1/2 ||y - X w||^2 + lam ||w||_1, the sum over examples. scikit-learn's Lasso takes the mean:
its alpha is lam / N. An elastic net with the term l2/2 ||w||^2 is the lasso of `X` with sqrt(l2) I below it, and of `y`
with zeros below it.
"""

import functools

import numpy as np

from regopt._arguments import as_float, as_floats, nonnegative, refuse, require

__all__ = ["elastic_net_prox", "fista", "ista", "l1_subgradient", "lasso_path", "soft_threshold"]

ROUNDS = 100  # of `_lasso`, for each weight; of 400 hard problems none took more than two
ROUNDING = 100 * np.finfo(float).eps
DEPENDENT = 1e-13  # what singular values of columns of length 1 are above, unless these depend on each other


def l1_subgradient(w, *, lam):
    """A subgradient of the L1 penalty: its slope, and 0 at the kink.

    d lam |w| = lam sign(w), of the subdifferential [-lam, lam] at w = 0

    Convention: sign(0) = 0, as torch. Steps against it do not land on zero, but chatter about it in a band of width
    2 lr lam; for exact zeros see `soft_threshold`.
    Shapes: `w` any; the result the same.

    >>> l1_subgradient(np.array([-3.0, 0.0, 0.1]), lam=0.5)
    array([-0.5,  0. ,  0.5])
    """
    (lam,) = nonnegative(lam=lam)
    return lam * np.sign(as_float(w))


def soft_threshold(x, lam):
    """Shrink every entry of `x` towards zero by `lam`; what is closer than `lam` becomes exactly zero.

    prox(x) = argmin_u 1/2 (u - x)^2 + lam |u| = sign(x) max(|x| - lam, 0)

    Convention: `lam` already contains the step size (ISTA passes step * lam).
    Shapes: `x` any; `lam` a number, or an array that broadcasts to `x`; the result like `x`.

    >>> soft_threshold(np.array([-3.0, 0.5, 2.0]), 1.0)
    array([-2.,  0.,  1.])
    """
    x = as_float(x)
    lam = np.asarray(lam, dtype=x.dtype)
    require((lam >= 0) & (lam < np.inf), "lam", ">= 0 and finite", lam)
    try:
        np.broadcast_to(lam, x.shape)
    except ValueError:
        refuse("lam", f"a number, or of a shape that broadcasts to {x.shape}", lam.shape)
    nearest = np.clip(x, -lam, lam)  # in [-lam, lam]; what remains is the formula's, without its negative zeros
    return np.subtract(x, nearest, out=nearest if x.ndim else None)


def elastic_net_prox(x, *, l1, l2):
    """Soft-threshold, then shrink by a factor: the proximal step of both penalties at once.

    prox(x) = argmin_u 1/2 (u - x)^2 + l1 |u| + l2/2 u^2 = soft_threshold(x, l1) / (1 + l2)

    Convention: the half on the square, as in `l2_penalty`; for l2 u^2 pass twice. `l1` and `l2` already contain the
    step size. With scikit-learn's ElasticNet for N examples, l1 = N alpha l1_ratio and l2 = N alpha (1 - l1_ratio).
    Shapes: `x` any; the result the same.

    >>> elastic_net_prox(np.array([-3.0, 0.5, 2.0]), l1=1.0, l2=1.0)
    array([-1. ,  0. ,  0.5])
    """
    l1, l2 = nonnegative(l1=l1, l2=l2)
    return soft_threshold(x, l1) / (1 + l2)


def ista(X, y, *, lam, steps, lr=None, w=None):
    """Every point of proximal gradient descent on the lasso, the start included.

    w_{k+1} = soft_threshold(w_k - lr X'(X w_k - y), lr lam)

    Convention: the sum over examples (see the module). Without `lr` the step is 1/L, L = ||X||_2^2, the largest
    curvature; then F(w_k) - F* <= L ||w_0 - w*||^2 / (2k). Without `w` it starts at zero.
    Shapes: `X` (N, d); `y` (N,); `w` (d,); the path (steps + 1, d).

    >>> ista(np.eye(2), np.array([3.0, 0.5]), lam=1.0, steps=1)
    array([[0., 0.],
           [2., 0.]])
    """
    X, y, lam, lr, path = _lasso_problem(X, y, lam, steps, lr, w)
    for k in range(len(path) - 1):
        path[k + 1] = _proximal_step(X, y, path[k], lr, lam)
    return path


def fista(X, y, *, lam, steps, lr=None, w=None):
    """Every point of accelerated proximal gradient descent on the lasso, the start included.

    w_k = soft_threshold(v_k - lr X'(X v_k - y), lr lam),  v_{k+1} = w_k + (t_k - 1) / t_{k+1} (w_k - w_{k-1}),
    t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2,  t_1 = 1,  v_1 = w_0

    Convention: Beck and Teboulle 2009, without restarts; the sum over examples (see the module). Without `lr` the step
    is 1/L, L = ||X||_2^2; then F(w_k) - F* <= 2 L ||w_0 - w*||^2 / (k + 1)^2. The loss may rise on its way.
    Shapes: `X` (N, d); `y` (N,); `w` (d,); the path (steps + 1, d).

    >>> fista(np.eye(2), np.array([3.0, 0.5]), lam=1.0, steps=1)
    array([[0., 0.],
           [2., 0.]])
    """
    X, y, lam, lr, path = _lasso_problem(X, y, lam, steps, lr, w)
    v, t = path[0], 1.0
    for k in range(len(path) - 1):
        path[k + 1] = _proximal_step(X, y, v, lr, lam)
        t_next = (1 + (1 + 4 * t**2) ** 0.5) / 2
        v = path[k + 1] + (t - 1) / t_next * (path[k + 1] - path[k])
        t = t_next
    return path


def _proximal_step(X, y, w, lr, lam):
    return soft_threshold(w - lr * (X.T @ (X @ w - y)), lr * lam)


def _lasso_problem(X, y, lam, steps, lr, w):
    """The checked arguments of a solver, and a path that holds only its start."""
    (lam,) = nonnegative(lam=lam)
    X, y = _data(X, y)
    require(isinstance(steps, int | np.integer) and steps >= 0, "steps", "a whole number >= 0", steps)
    if lr is None:
        largest = np.linalg.norm(X, 2) ** 2 if X.size and np.isfinite(X).all() else 0
        lr = 1 / largest if largest > 0 else 1.0
    (lr,) = nonnegative(lr=lr)
    w = np.zeros(X.shape[1]) if w is None else as_float(w)
    require(w.shape == X.shape[1:], "w", f"of shape {X.shape[1:]}", w.shape)
    path = np.empty((int(steps) + 1, *w.shape), dtype=X.dtype)
    path[0] = w
    return X, y, lam, lr, path


def _data(X, y):
    X, y = as_floats(X, y)
    require(X.ndim == 2, "X", "of shape (N, d)", X.shape)
    require(y.shape == X.shape[:1], "y", f"of shape {X.shape[:1]}", y.shape)
    return X, y


def lasso_path(X, y, *, lams):
    """The lasso's solution at each of several strengths, exact up to rounding.

    w(lam) = argmin_w 1/2 ||y - X w||^2 + lam ||w||_1

    Convention: the sum over examples; scikit-learn's alphas are lams / N. All weights are zero from lam = max |X'y| up.
    On weights of known signs the problem is a linear system: solve it, drop a weight that would change its sign, add
    the one whose correlation with the residual most exceeds lam, until none does. Where the solution is not unique
    (equal columns) it is one of them. NaN or infinity in the data gives NaN.
    Shapes: `X` (N, d); `y` (N,); `lams` (k,), fastest if sorted; the path (k, d).

    >>> lasso_path(np.eye(2), np.array([3.0, 0.5]), lams=np.array([4.0, 1.0, 0.0]))
    array([[0. , 0. ],
           [2. , 0. ],
           [3. , 0.5]])
    """
    X, y = _data(X, y)
    lams = as_float(lams)
    require(lams.ndim == 1, "lams", "of shape (k,)", lams.shape)
    require((lams >= 0) & (lams < np.inf), "lams", ">= 0 and finite", lams)
    path = np.full((lams.size, X.shape[1]), np.nan, dtype=X.dtype)
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        return path
    Q, R = np.linalg.qr(np.asarray(X, dtype=float))  # R has the curvature of X, in at most d rows
    length = np.linalg.norm(R, axis=0)
    length[length == 0] = 1
    X = R / length  # columns of length 1, or the longest drowns the others in rounding
    y, w = Q.T @ y, np.zeros(len(length))
    directions = functools.lru_cache(maxsize=1)(functools.partial(_directions, X))  # the next strength begins with them
    for k, lam in enumerate(lams):
        w = _lasso(X, y, lam / length, w, directions)
        path[k] = w / length
    return path


def _directions(X, active):
    """The directions in which the loss curves while only these weights move, and how much it does."""
    _, s, V = np.linalg.svd(X[:, active], full_matrices=False)
    curved = s > DEPENDENT
    return V[curved], s[curved] ** 2


def _lasso(X, y, lam, w, directions):
    """The solution for one strength a weight, from any start."""
    w, signs = w.copy(), np.sign(w)
    for _ in range(ROUNDS * len(w) + 1):
        _solve_for_signs(X, y, lam, w, signs, directions)
        slope = X.T @ (y - X @ w)
        excess = np.where(signs == 0, np.abs(slope) - lam, 0)
        if np.max(excess, initial=0) <= _rounding(X, y, w):
            return w  # else the loss falls by more than rounding, so that no signs come twice
        worst = np.argmax(excess)
        signs[worst] = np.sign(slope[worst])
    raise ArithmeticError(f"lasso_path has not settled on the signs of {len(w)} weights: please report these data")


def _rounding(X, y, w):
    """How far from its true value a computed X'(y - X w) may be."""
    size = np.abs(X)
    return ROUNDING * np.max(size.T @ (np.abs(y) + size @ np.abs(w)), initial=0)


def _solve_for_signs(X, y, lam, w, signs, directions):
    """Minimise over the weights that have a sign; one that reaches zero on the way loses it. Changes w and signs."""
    for _ in range(np.count_nonzero(signs)):
        active = np.flatnonzero(signs)
        downhill = X[:, active].T @ (y - X @ w) - np.copysign(lam[active], signs[active])
        V, curvature = directions(tuple(active.tolist()))
        flat = downhill - V.T @ (V @ downhill)  # where columns depend on each other: no curvature, only the penalty
        bounded = not np.any(np.sign(flat) == -signs[active]) or np.linalg.norm(flat) <= _rounding(X, y, w)
        step = V.T @ (V @ downhill / curvature) if bounded else flat
        against = np.flatnonzero(np.sign(step) == -signs[active])
        reach = -w[active][against] / step[against]
        share = np.min(reach, initial=1.0 if bounded else np.inf)
        w[active] += share * step
        if np.all(reach > share):
            return
        first = active[against[np.argmin(reach)]]
        w[first] = signs[first] = 0
