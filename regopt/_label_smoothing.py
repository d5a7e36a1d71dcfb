"""Label smoothing and its neighbours: soft targets, their loss and gradient, the entropy penalty, calibration."""

import math

import numpy as np

from regopt._arguments import class_labels, distributions, labelled, nonnegative, of_classes, require
from regopt._gradients import log_softmax, softmax

__all__ = [
    "entropy_penalty",
    "expected_calibration_error",
    "label_smoothing_gradient",
    "label_smoothing_loss",
    "smooth_labels",
]


def smooth_labels(labels, K, *, eps_smooth, spread="all"):
    """Turn integer labels into target distributions that keep some probability for other classes.

    spread="all":     1 - eps + eps/K for the label,  eps/K for every other class
    spread="others":  1 - eps for the label,          eps/(K - 1) for every other class

    Convention: "all" is the paper's and torch's, (1 - eps) one_hot + eps uniform; "others" keeps exactly 1 - eps for
    the label. eps of "all" = eps of "others" times K/(K - 1) gives the same targets.
    Shapes: `labels` any (...) of integers in [0, K); the targets (..., K), float64.

    >>> smooth_labels([2, 0], 4, eps_smooth=0.2)
    array([[0.05, 0.05, 0.85, 0.05],
           [0.85, 0.05, 0.05, 0.05]])
    >>> smooth_labels(2, 5, eps_smooth=0.2, spread="others")
    array([0.05, 0.05, 0.8 , 0.05, 0.05])
    """
    require(K >= 2, "K", ">= 2", K)
    labels = class_labels(labels, K)
    require(0 <= eps_smooth <= 1, "eps_smooth", "in [0, 1]", eps_smooth)
    require(spread in ("all", "others"), "spread", "'all' or 'others'", repr(spread))
    hot = labels[..., np.newaxis] == np.arange(K)
    if spread == "all":
        return np.where(hot, 1 - eps_smooth + eps_smooth / K, eps_smooth / K)
    return np.where(hot, 1 - eps_smooth, eps_smooth / (K - 1))


def label_smoothing_loss(logits, labels, *, eps_smooth, spread="all"):
    """Cross-entropy between smoothed labels and the softmax of `logits`, the mean over examples.

    L = -1/n sum_i sum_k y_ik log softmax(z_i)_k,  y = smooth_labels(labels, K)

    Convention: the mean, as in torch; `spread` as in `smooth_labels`, its "all" is torch's `label_smoothing`. The least
    reachable value is not 0 but the entropy of the targets.
    Shapes: `logits` (..., K), `labels` (...); the loss is a scalar.

    >>> float(label_smoothing_loss(np.log([[0.7, 0.2, 0.1]]), [0], eps_smooth=0.3).round(6))
    0.676542
    """
    logits, targets = _softened(logits, labels, eps_smooth, spread)
    with np.errstate(invalid="ignore"):  # a logit of -inf costs nothing where the target is 0
        return -np.sum(np.where(targets == 0, 0, targets * log_softmax(logits))) / _examples(logits)


def _softened(logits, labels, eps_smooth, spread):
    logits, labels = labelled("logits", logits, labels)
    targets = smooth_labels(labels, logits.shape[-1], eps_smooth=eps_smooth, spread=spread)
    return logits, targets.astype(logits.dtype)


def _examples(logits):
    return math.prod(logits.shape[:-1])


def label_smoothing_gradient(logits, labels, *, eps_smooth, spread="all"):
    """Gradient of `label_smoothing_loss` with respect to `logits`.

    dL/dz = (softmax(z) - y) / n,  y = smooth_labels(labels, K)

    Convention: of the mean over the n examples; times n it is the softmax(z) - y of each example by itself.
    Shapes: `logits` (..., K), `labels` (...); the gradient as `logits`.

    >>> label_smoothing_gradient(np.log([[0.7, 0.2, 0.1]]), [0], eps_smooth=0.1, spread="others").round(6)
    array([[-0.2 ,  0.15,  0.05]])
    """
    logits, targets = _softened(logits, labels, eps_smooth, spread)
    return (softmax(logits) - targets) / _examples(logits)


def entropy_penalty(logits, *, lam):
    """Penalty on confident predictions: minus `lam` times their entropy, and its gradient.

    R = -lam mean_i H(p_i),  H(p) = -sum_k p_k log p_k,  p = softmax(z)
    dR/dz_k = lam p_k (log p_k + H(p)) / n

    Convention: to be added to the mean loss (Pereyra et al. 2017, who call `lam` beta). It is lam KL(p, uniform) up to
    the constant lam log K; label smoothing has KL(uniform, p) in its place.
    Shapes: `logits` (..., K); the value is a scalar, the gradient as `logits`.

    >>> value, grad = entropy_penalty(np.zeros((1, 2)), lam=1.0)
    >>> float(value.round(6)), grad
    (-0.693147, array([[0., 0.]]))
    """
    (lam,), logits = nonnegative(lam=lam), of_classes("logits", logits)
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    with np.errstate(invalid="ignore"):  # p log p is 0 at p = 0, where log p is -inf
        p_log_p = np.where(p == 0, 0, p * log_p)
    entropy = -np.sum(p_log_p, axis=-1, keepdims=True)
    weight = lam / _examples(logits)
    return -weight * np.sum(entropy), weight * (p_log_p + p * entropy)


def expected_calibration_error(probs, labels, *, bins=15):
    """How far confidence is from accuracy, on average over bins of equal width.

    ECE = sum_b |B_b|/n |accuracy(B_b) - confidence(B_b)|,  confidence = max_k p_k

    Convention: Guo et al. 2017: bins ((b - 1)/B, b/B] of the largest probability, 15 of them by default; of equal
    classes the first is predicted. NaN is refused, as are rows that do not sum to 1 within 1e-4.
    Shapes: `probs` (n, K), `labels` (n,) of integers; the result is a float.

    >>> expected_calibration_error(np.array([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1]))
    0.25
    """
    probs, labels = labelled("probs", probs, labels)
    require(probs.ndim == 2, "probs", "of shape (n, K)", probs.shape)
    require(bins >= 1, "bins", ">= 1", bins)
    probs = distributions("probs", probs)
    confidence = np.asarray(probs.max(axis=1), dtype=float)
    correct = probs.argmax(axis=1) == labels
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)  # an edge belongs to the bin below it
    return float(np.abs(np.bincount(which, weights=correct - confidence)).sum() / len(probs))
