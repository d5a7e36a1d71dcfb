"""Starting from weights that were learned elsewhere: penalties that stay near them, and the contrastive loss."""

import numpy as np

from regopt._arguments import alike, nonnegative, positive, require
from regopt._gradients import log_softmax

__all__ = ["fisher_penalty", "l2_sp", "nt_xent"]


def l2_sp(w, w_pre, *, lam, half=True):
    """Squared distance from the pretrained weights (the "starting point"), and its gradient.

    R = lam/2 sum_i (w_i - w_pre_i)^2,  dR/dw = lam (w - w_pre)

    Convention: with the half, as in the paper (Li et al. 2018); `half=False` gives lam sum (w - w_pre)^2. Weights that
    have no pretrained value, such as a new head, take `l2_penalty`.
    Shapes: `w` any, `w_pre` the same; the value a number, the gradient like `w`.

    >>> value, grad = l2_sp(np.array([1.0, 2.0]), np.array([1.0, 0.0]), lam=0.1)
    >>> float(value), grad
    (0.2, array([0. , 0.2]))
    """
    w, w_pre = alike(w=w, w_pre=w_pre)
    return _weighted(w - w_pre, 1.0, lam, half)


def fisher_penalty(w, w_pre, fisher, *, lam, half=True):
    """Squared distance from the pretrained weights, each direction weighted by what the old task would lose along it.

    R = lam/2 sum_i F_i (w_i - w_pre_i)^2,  dR/dw = lam F (w - w_pre)

    Convention: the diagonal, with the half, as in elastic weight consolidation (Kirkpatrick et al. 2017). F_i is the
    mean over examples of the squared derivative of the example's log-likelihood, at `w_pre`, its label drawn from the
    model; with the data's own label it is the "empirical" Fisher. F = 1 gives `l2_sp`. `half=False` drops the half.
    Shapes: `w` any, `w_pre` and `fisher` the same; the value a number, the gradient like `w`.

    >>> value, grad = fisher_penalty(np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array([10.0, 0.0]), lam=0.1)
    >>> float(value), grad
    (0.5, array([1., 0.]))
    """
    w, w_pre, fisher = alike(w=w, w_pre=w_pre, fisher=fisher)
    require(~(fisher < 0), "fisher", ">= 0", np.min(fisher, initial=np.inf))
    return _weighted(w - w_pre, fisher, lam, half)


def _weighted(distance, weight, lam, half):
    (lam,) = nonnegative(lam=lam)
    factor = lam if half else 2 * lam
    with np.errstate(all="ignore"):
        return factor / 2 * np.sum(weight * distance**2), np.asarray(factor * (weight * distance))


def nt_xent(z1, z2, *, tau):
    """SimCLR's contrastive loss: each view must pick out its partner among all others; and its gradients.

    L = -1/(2N) sum_i log( exp(c_ip / tau) / sum_{k != i} exp(c_ik / tau) ),  c_ik = z_i'z_k / (||z_i|| ||z_k||)

    Convention: the paper's (Chen et al. 2020): cosine similarity, all 2N views as anchors, and for each the 2N - 1
    other views, its partner p among them; the mean. The loss is never negative. A view of length zero has no direction:
    its similarities and its gradient are 0.
    Shapes: `z1` and `z2` (N, d), row n of each the two views of example n; the loss a number, the gradients like them.

    >>> loss, (grad1, grad2) = nt_xent(np.eye(2), np.eye(2), tau=0.5)
    >>> round(float(loss), 6)  # -log(e^2 / (e^2 + 2))
    0.239545
    """
    (tau,) = positive(tau=tau)
    shape = np.shape(z1)
    require(len(shape) == 2 and shape[0] > 0, "z1", "of shape (N, d) with N >= 1", shape)
    z1, z2 = alike(z1=z1, z2=z2)
    anchors = np.arange(2 * len(z1))
    partners = np.roll(anchors, len(z1))
    with np.errstate(all="ignore"):
        z, length = _unit_rows(np.concatenate([z1, z2]))
        logits = z @ z.T / tau
        logits[anchors, anchors] = -np.inf
        log_p = log_softmax(logits)
        loss = -np.sum(log_p[anchors, partners]) / len(anchors)
        pull = np.exp(log_p)
        pull[anchors, partners] -= 1
        dz = (pull + pull.T) @ z / (tau * len(anchors))
        dz -= np.sum(dz * z, axis=1, keepdims=True) * z
        return loss, tuple(np.split(np.where(length == 0, 0, dz / length), 2))


def _unit_rows(z):
    """The rows at length 1 and their lengths; a row of zeros stays."""
    peak = np.max(np.abs(z), axis=1, keepdims=True, initial=0)
    scaled = z / np.where(peak == 0, 1, peak)
    length = np.sqrt(np.sum(scaled**2, axis=1, keepdims=True))
    return scaled / np.where(length == 0, 1, length), peak * length
