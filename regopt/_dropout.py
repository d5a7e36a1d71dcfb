"""Dropout and its relatives: multiplicative noise on activations or weights, and the ensemble behind it.

Everywhere `p` is the probability of being DROPPED.
"""

import itertools
import math

import numpy as np

from regopt._arguments import as_float, as_floats, fraction, least, of_shape, refuse, require

__all__ = [
    "dropconnect",
    "dropconnect_backward",
    "dropout",
    "dropout_backward",
    "dropout_classic",
    "dropout_moments",
    "gaussian_dropout",
    "mask_ensemble",
    "variational_dropout",
    "variational_dropout_kl",
]

MOST_UNITS = 20  # 2^20 sub-networks are a million calls of `net`


def _keep(shape, p, rng, dtype):
    """Ones with probability 1 - p, else zeros."""
    return np.asarray(rng.random(shape) >= p, dtype=dtype)


def dropout(x, *, p, rng, training=True):
    """Inverted dropout: zero each entry of `x` with probability `p`, and scale the survivors up.

    y = x m / (1 - p),  m ~ Bernoulli(1 - p);  in evaluation y = x

    Convention: `p` is the probability of being dropped, and the scaling happens while training, as in torch. For the
    scaling at inference see `dropout_classic`. Returns `y` and the `cache` that `dropout_backward` needs.
    Shapes: `x` any; `y` the same.

    >>> y, cache = dropout(np.ones(6), p=0.5, rng=np.random.default_rng(0))
    >>> y
    array([2., 0., 0., 0., 2., 2.])
    >>> dropout_backward(np.full(6, 10.0), cache)
    array([20.,  0.,  0.,  0., 20., 20.])
    """
    (p,), x = fraction(p=p), as_float(x)
    noise = _keep(x.shape, p, rng, x.dtype) / (1 - p) if training else np.ones_like(x)
    return x * noise, noise


def dropout_classic(x, *, p, rng, training=True):
    """Dropout as first published: zero each entry with probability `p`; scale at inference instead.

    y = x m,  m ~ Bernoulli(1 - p);  in evaluation y = (1 - p) x

    Convention: Srivastava et al. 2014 (who call 1 - p what is `p` here). While training it is (1 - p) times `dropout`
    of the same mask. Returns `y` and the `cache` for `dropout_backward`.
    Shapes: `x` any; `y` the same.

    >>> dropout_classic(np.ones(6), p=0.5, rng=np.random.default_rng(0))[0]
    array([1., 0., 0., 0., 1., 1.])
    >>> dropout_classic(np.ones(6), p=0.2, rng=None, training=False)[0]
    array([0.8, 0.8, 0.8, 0.8, 0.8, 0.8])
    """
    (p,), x = fraction(p=p), as_float(x)
    noise = _keep(x.shape, p, rng, x.dtype) if training else np.full_like(x, 1 - p)
    return x * noise, noise


def gaussian_dropout(x, *, p, rng, training=True):
    """Multiply each entry of `x` by Gaussian noise of mean 1 and the variance that inverted dropout has.

    y = x n,  n ~ N(1, alpha),  alpha = p / (1 - p);  in evaluation y = x

    Convention: given as the drop probability `p` of the inverted dropout whose mean and variance it matches (the
    classic form's it does not match). From alpha: p = alpha / (1 + alpha). Returns `y` and the `cache` for
    `dropout_backward`.
    Shapes: `x` any; `y` the same.

    >>> gaussian_dropout(np.ones(3), p=0.5, rng=np.random.default_rng(0))[0].round(3)
    array([1.126, 0.868, 1.64 ])
    """
    (p,), x = fraction(p=p), as_float(x)
    if not training:
        return x.copy(), np.ones_like(x)
    noise = 1 + math.sqrt(p / (1 - p)) * np.asarray(rng.standard_normal(x.shape), dtype=x.dtype)
    return x * noise, noise


def dropout_backward(dy, cache):
    """Gradient of a loss with respect to `x`, from its gradient `dy` with respect to `y`.

    dx = dy * noise: what was dropped gets no gradient, what survived gets it scaled as it was itself.

    Convention: for `dropout`, `dropout_classic` and `gaussian_dropout`, each with the `cache` it returned.
    Shapes: `dy` and `dx` that of `x`.

    >>> y, cache = dropout(np.array([1.0, -1.0]), p=0.0, rng=np.random.default_rng(0))
    >>> dropout_backward(np.array([3.0, 4.0]), cache)
    array([3., 4.])
    """
    return of_shape(cache.shape, "dy", dy) * cache


def dropout_moments(mean, variance, *, p, inverted=True):
    """Mean and variance of an activation after dropout, from those before it.

    inverted:  mean,            variance / (1 - p) + mean^2 p / (1 - p)
    classic:   (1 - p) mean,    (1 - p) variance + p (1 - p) mean^2

    Convention: the whole variance, mask and activation both random; a constant activation has `variance` 0. What
    dropout adds in the inverted form is E[a^2] p / (1 - p), which is variance p / (1 - p) only where the mean is 0.
    Shapes: `mean` and `variance` any that broadcast; both results have the shape they broadcast to.

    >>> [float(moment) for moment in dropout_moments(3.0, 2.0, p=0.5)]
    [3.0, 13.0]
    """
    (p,), (mean, variance) = fraction(p=p), as_floats(mean, variance)
    require(not np.any(variance < 0), "variance", ">= 0", least(variance))
    try:
        mean, variance = np.broadcast_arrays(mean, variance)
    except ValueError:
        refuse("variance", f"of a shape that broadcasts with mean, {mean.shape}", variance.shape)
    after, spread = (1 - p) * mean, (1 - p) * (variance + p * mean**2)
    return (mean.copy()[()], spread / (1 - p) ** 2) if inverted else (after, spread)


def dropconnect(x, w, *, p, rng, training=True):
    """A linear layer whose single weights, not its inputs, are dropped with probability `p`.

    y = x (w * M) / (1 - p),  M_ij ~ Bernoulli(1 - p);  in evaluation y = x w

    Convention: inverted, one mask a call, which all rows of `x` share. Wan et al. 2013 draw one mask an example (call
    it once an example), scale nothing while training, and match a Gaussian's moments at inference. torch has none.
    Returns `y` and the `cache` that `dropconnect_backward` needs.
    Shapes: `x` (n, d), `w` (d, k), `y` (n, k).

    >>> dropconnect(np.ones((1, 4)), np.eye(4), p=0.5, rng=np.random.default_rng(1))[0]
    array([[2., 0., 2., 0.]])
    """
    (p,), (x, w) = fraction(p=p), _linear_layer(x, w)
    noise = _keep(w.shape, p, rng, w.dtype) / (1 - p) if training else np.ones_like(w)
    return x @ (w * noise), (x, w, noise)


def dropconnect_backward(dy, cache):
    """Gradients of a loss with respect to `x` and `w`, from its gradient `dy` with respect to `y` of `dropconnect`.

    dx = dy (w * noise)^T,  dw = (x^T dy) * noise

    Convention: the mask of the forward pass, scaling included; dropped weights get no gradient.
    Shapes: `dy` (n, k); `dx` (n, d), `dw` (d, k).

    >>> y, cache = dropconnect(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), p=0.0, rng=np.random.default_rng(0))
    >>> dropconnect_backward(np.array([[1.0]]), cache)
    (array([[3., 4.]]), array([[1.],
           [2.]]))
    """
    x, w, noise = cache
    dy = of_shape((x.shape[0], w.shape[1]), "dy", dy)
    return dy @ (w * noise).T, (x.T @ dy) * noise


def variational_dropout(x, w, *, alpha, rng, training=True):
    """A linear layer with Gaussian noise on its weights, sampled at its outputs (local reparameterisation).

    w_ij ~ N(w_ij, alpha w_ij^2) for each example gives
    y ~ N(x w, x^2 (alpha w^2)), every entry independent;  in evaluation y = x w

    Convention: Kingma et al. 2015. `alpha` is the variance of the noise relative to the weight, p / (1 - p) for the
    drop probability p; one for all weights, or one a weight (what is learnt, together with `variational_dropout_kl`).
    Shapes: `x` (n, d), `w` (d, k), `alpha` () or (d, k), `y` (n, k).

    >>> variational_dropout(np.eye(2), np.ones((2, 2)), alpha=0.0, rng=np.random.default_rng(0))
    array([[1., 1.],
           [1., 1.]])
    """
    x, w = _linear_layer(x, w)
    alpha = np.asarray(alpha, dtype=w.dtype)
    require(alpha >= 0, "alpha", ">= 0", least(alpha))
    require(alpha.shape in ((), w.shape), "alpha", f"of shape () or that of w, {w.shape}", alpha.shape)
    y = x @ w
    if not training:
        return y
    deviation = np.sqrt(x**2 @ (alpha * w**2))
    return y + deviation * np.asarray(rng.standard_normal(y.shape), dtype=y.dtype)


def _linear_layer(x, w):
    x, w = as_float(x), as_float(w)
    require(x.ndim == 2, "x", "of shape (n, d)", x.shape)
    require(w.ndim == 2 and w.shape[0] == x.shape[1], "w", f"of shape ({x.shape[1]}, k) to fit x", w.shape)
    return x, w


def variational_dropout_kl(alpha):
    """Kullback-Leibler divergence of N(w, alpha w^2) from the log-uniform prior, one weight, up to its constant.

    KL(alpha) = E log|1 + sqrt(alpha) z| - 1/2 log alpha + const = 2 integral_0^{1/sqrt(2 alpha)} Dawson(r) dr

    Convention: the constant (infinite for that improper prior) is left out so that KL falls to 0 as alpha grows.
    Exact. The usual fits are those of Molchanov et al. 2017 (off by up to 0.0094) and, for alpha <= 1 and with
    another constant, of Kingma et al. 2015. For a layer sum over its weights; alpha = 0 costs infinity.
    Shapes: `alpha` any; the result the same.

    >>> variational_dropout_kl(np.array([0.5, 1.0, 100.0])).round(6)
    array([0.739442, 0.426686, 0.004992])
    """
    alpha = as_float(alpha)
    require(alpha >= 0, "alpha", ">= 0", least(alpha))
    with np.errstate(divide="ignore", over="ignore"):
        half_precision = 1 / (2 * np.asarray(alpha, dtype=float))  # lam = 1 / (2 alpha)
    kl = np.empty_like(alpha)
    few = half_precision < 30
    kl[few], kl[~few] = _kl_series(half_precision[few]), _kl_asymptotic(half_precision[~few])
    return kl[()]


def _kl_series(lam):
    """E H(k) for k ~ Poisson(lam), H(k) = 1 + 1/3 + ... + 1/(2k - 1): all terms positive. For lam up to 30."""
    probability, odd_harmonic, kl = np.exp(-lam), 0.0, 0.0
    for k in range(1, 120):
        probability = probability * (lam / k)
        odd_harmonic += 1 / (2 * k - 1)
        kl = kl + probability * odd_harmonic
    return kl


def _kl_asymptotic(lam):
    """1/2 log(4 lam) + Euler/2 - sum_n (2n - 1)!! / (2n (2 lam)^n), whose terms fall to 1e-13 for lam from 30 on."""
    power, kl = 1.0, 0.5 * (np.log(4 * lam) + np.euler_gamma)
    for n in range(1, 26):
        power = power * ((2 * n - 1) / (2 * lam))
        kl = kl - power / (2 * n)
    return kl


def mask_ensemble(net, n, *, p, mean="arithmetic"):
    """Exact average of a network over all 2^n dropout masks of its `n` units.

    arithmetic:  sum_m P(m) net(m)
    geometric:   prod_m net(m)^P(m), divided by its sum over the last axis
    P(m) = (1 - p)^kept p^dropped

    Convention: `net(m)` gets a float64 mask of zeros and ones, shape (n,), and applies it itself, with 1 / (1 - p) for
    inverted dropout. The geometric mean is of probabilities (classes on the last axis) and needs them > 0.
    Shapes: `net(m)` any; the result the same.

    >>> w, h = np.array([1.0, -2.0]), np.array([3.0, 5.0])
    >>> float(mask_ensemble(lambda m: w @ (h * m / 0.5), 2, p=0.5))
    -7.0
    """
    (p,) = fraction(p=p)
    require(0 <= n <= MOST_UNITS, "n", f"in [0, {MOST_UNITS}], for 2^n masks are tried", n)
    require(mean in ("arithmetic", "geometric"), "mean", "'arithmetic' or 'geometric'", repr(mean))
    total = 0.0
    for bits in itertools.product((0.0, 1.0) if p else (1.0,), repeat=n):
        mask = np.array(bits)
        output = as_float(net(mask))
        if mean == "geometric":
            require(output > 0, "net(mask)", "> 0 for a geometric mean", least(output))
            output = np.log(output)
        kept = bits.count(1.0)
        total = total + (1 - p) ** kept * p ** (n - kept) * output
    if mean == "arithmetic":
        return total
    unnormalised = np.exp(total - np.max(total, axis=-1, keepdims=True))
    return unnormalised / unnormalised.sum(axis=-1, keepdims=True)
