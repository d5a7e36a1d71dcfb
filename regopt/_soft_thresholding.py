"""L1 penalties: subgradients, the proximal step, and the solvers built on it."""

import numpy as np

from regopt._require import require

__all__ = ["soft_threshold"]


def soft_threshold(x, lam):
    """Shrink every entry of `x` towards zero by `lam`; what is closer than `lam` becomes exactly zero.

    prox(x) = argmin_u 1/2 (u - x)^2 + lam |u| = sign(x) max(|x| - lam, 0)

    Convention: `lam` already contains the step size (ISTA passes step * lam).
    Shapes: `x` any; `lam` a number, or an array that broadcasts to `x`.

    >>> soft_threshold(np.array([-3.0, 0.5, 2.0]), 1.0)
    array([-2.,  0.,  1.])
    """
    require(np.asarray(lam) >= 0, "lam", ">= 0", lam)
    return np.sign(x) * np.maximum(np.abs(x) - lam, 0.0)
