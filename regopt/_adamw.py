"""Weight decay with Adam: inside the gradient, where it is rescaled, or beside it, where it is not."""

import numpy as np

from regopt._adaptive import adam_step
from regopt._arguments import alike, nonnegative, one_of

__all__ = ["adam_l2", "adamw"]


def adam_l2(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False, out=None):
    """One step of Adam on the loss with the penalty lam/2 ||w||^2: the penalty's gradient is averaged and rescaled too.

        t = t + 1
        grad = grad + lam * w
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Convention: `weight_decay` of torch.optim.Adam, whose penalty has the half; for lam ||w||^2 pass `2 * lam`.
    eps as in `adam`. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adam_l2(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5, lam=0.1)
    >>> w.round(6)  # the size of the penalty's gradient is lost: both coordinates move by lr
    array([0.5, 0.5])
    """
    (lam,) = nonnegative(lam=lam)
    w, grad = alike(w=w, grad=grad)
    with np.errstate(all="ignore"):
        penalised = np.multiply(w, lam, out=np.empty_like(w))
        np.add(penalised, grad, out=penalised)
    return adam_step(w, penalised, state, lr, beta1, beta2, eps, eps_inside, True, out)


def adamw(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False,
    decay="lr", schedule=1.0, out=None,
):  # fmt: skip
    """One step of AdamW: Adam, and a decay of the old weights that Adam's denominator never sees.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = (1 - schedule * lr * lam) * w - schedule * lr * m_hat / (sqrt(v_hat) + eps)

    Convention: `decay="lr"` as in torch: the factor is 1 - lr lam. `decay="schedule"` is the paper's (Loshchilov and
    Hutter 2019): `lr` is the base rate, `schedule` the multiplier of this step, the factor 1 - schedule lam.
    `decay="plain"`: 1 - lam, whatever the rate. All decay the old weight; `schedule` multiplies Adam's part in all.
    To convert at a constant rate: lam of "schedule" and "plain" is lr times lam of "lr".
    eps as in `adam`. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adamw(np.array([1.0, -2.0]), np.array([0.1, 10.0]), lr=0.5, lam=0.1)
    >>> w.round(6)  # 1 - 0.5 * 0.1 times the old weight, then a step of 0.5
    array([ 0.45, -2.4 ])
    """
    one_of(("lr", "schedule", "plain"), decay=decay)
    lr, lam, schedule = nonnegative(lr=lr, lam=lam, schedule=schedule)
    rate = {"lr": schedule * lr, "schedule": schedule, "plain": 1.0}[decay]
    return adam_step(w, grad, state, schedule * lr, beta1, beta2, eps, eps_inside, True, out, keep=1 - rate * lam)
