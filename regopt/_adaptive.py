"""Step sizes per coordinate, from the gradients seen so far: AdaGrad, RMSProp, Adam, AMSGrad."""

from typing import NamedTuple

import numpy as np

from regopt._arguments import fraction, nonnegative
from regopt._step import average, average_square, descend, over_root, prepare

__all__ = ["adagrad", "adam", "amsgrad", "rmsprop"]


class AdagradState(NamedTuple):
    """The sum of the squared gradients."""

    v: np.ndarray


class RMSpropState(NamedTuple):
    """The average of the squared gradients."""

    v: np.ndarray


class AdamState(NamedTuple):
    """Steps taken, the average gradient and the average squared gradient, neither corrected for its start at zero."""

    step: int
    m: np.ndarray
    v: np.ndarray


class AmsgradState(NamedTuple):
    """As Adam's, and the largest `v` that each coordinate has had."""

    step: int
    m: np.ndarray
    v: np.ndarray
    v_max: np.ndarray


def adagrad(w, grad, state=None, *, lr, eps=1e-10, out=None):
    """One step of AdaGrad: each coordinate's rate falls with the sum of its squared gradients.

        v = v + grad**2
        w = w - lr * grad / (sqrt(v) + eps)

    Convention: eps outside of the root, as in torch and in the paper (Duchi et al. 2011).
    `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adagrad(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w
    array([0.5, 0.5])
    """
    lr, eps = nonnegative(lr=lr, eps=eps)
    w, grad, state, (new_w, v) = prepare(AdagradState, w, grad, state, out)
    spare = np.empty_like(w)
    with np.errstate(all="ignore"):
        np.multiply(grad, grad, out=spare)
        np.add(state.v, spare, out=v)
        over_root(grad, v, eps, 1.0, spare)
        descend(w, lr, spare, new_w)
    return new_w, AdagradState(v)


def rmsprop(w, grad, state=None, *, lr, beta2=0.99, eps=1e-8, eps_inside=False, out=None):
    """One step of RMSProp: each coordinate's rate is divided by the recent size of its gradient.

        v = beta2 * v + (1 - beta2) * grad**2
        w = w - lr * grad / (sqrt(v) + eps)

    Convention: eps outside of the root and beta2 = 0.99, as in torch (its `alpha`). The texts write rho = 0.9 and put
    eps inside: `eps_inside=True` gives `sqrt(v + eps)`. The average starts at zero and is not corrected for it.
    `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = rmsprop(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w.round(6)
    array([-3.999995, -4.      ])
    """
    (lr, eps), (beta2,) = nonnegative(lr=lr, eps=eps), fraction(beta2=beta2)
    w, grad, state, (new_w, v) = prepare(RMSpropState, w, grad, state, out)
    spare = np.empty_like(w)
    with np.errstate(all="ignore"):
        average_square(state.v, grad, beta2, v, spare)
        over_root(grad, v, eps, 1.0, spare, eps_inside)
        descend(w, lr, spare, new_w)
    return new_w, RMSpropState(v)


def adam(
    w, grad, state=None, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False, bias_correction=True, out=None
):
    """One step of Adam: the average gradient over the root of the average squared gradient.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Convention: eps outside of the root, as in torch and in the paper (Kingma and Ba 2015); `eps_inside=True` gives
    `sqrt(v_hat + eps)`, as one of the texts has it. `bias_correction=False` leaves out the two corrections.
    `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adam(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w.round(6)
    array([0.5, 0.5])
    """
    return adam_step(w, grad, state, lr, beta1, beta2, eps, eps_inside, bias_correction, out)


def adam_step(w, grad, state, lr, beta1, beta2, eps, eps_inside, bias_correction, out, keep=None):
    """Adam's step on `keep * w`: what `adam`, `adam_l2` and `adamw` share."""
    (lr,) = nonnegative(lr=lr)
    w, new_w, direction, correction, state = adam_direction(
        w, grad, state, beta1, beta2, eps, bias_correction, out, eps_inside
    )
    with np.errstate(all="ignore"):
        descend(w, lr / correction, direction, new_w, keep)
    return new_w, state


def adam_direction(w, grad, state, beta1, beta2, eps, bias_correction, out, eps_inside=False):
    """Everything of Adam's step but the step: `w`, its receiver, m / (sqrt(v_hat) + eps), m's correction, the state."""
    (eps,), (beta1, beta2) = nonnegative(eps=eps), fraction(beta1=beta1, beta2=beta2)
    w, grad, state, (new_w, m, v) = prepare(AdamState, w, grad, state, out)
    t = state.step + 1
    correction1, correction2 = corrections(beta1, beta2, t, bias_correction)
    direction = np.empty_like(w)
    with np.errstate(all="ignore"):
        average(state.m, grad, beta1, m, direction)
        average_square(state.v, grad, beta2, v, direction)
        over_root(m, v, eps, correction2, direction, eps_inside)
    return w, new_w, direction, correction1, AdamState(t, m, v)


def corrections(beta1, beta2, t, wanted):
    """By what the averages of `t` gradients fall short because they started at zero."""
    return (1 - beta1**t, 1 - beta2**t) if wanted else (1.0, 1.0)


def amsgrad(w, grad, state=None, *, lr, beta1=0.9, beta2=0.999, eps=1e-8, bias_correction=True, out=None):
    """One step of AMSGrad: Adam with the largest `v` seen, so that no coordinate's rate ever grows.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        v_max = maximum(v_max, v)
        m_hat = m / (1 - beta1**t)
        v_hat = v_max / (1 - beta2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Convention: torch's, the largest `v` is taken before the correction. The paper (Reddi et al. 2018) corrects nothing:
    `bias_correction=False`. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = amsgrad(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w.round(6)
    array([0.5, 0.5])
    """
    (lr, eps), (beta1, beta2) = nonnegative(lr=lr, eps=eps), fraction(beta1=beta1, beta2=beta2)
    w, grad, state, (new_w, m, v, v_max) = prepare(AmsgradState, w, grad, state, out)
    t = state.step + 1
    correction1, correction2 = corrections(beta1, beta2, t, bias_correction)
    spare = np.empty_like(w)
    with np.errstate(all="ignore"):
        average(state.m, grad, beta1, m, spare)
        average_square(state.v, grad, beta2, v, spare)
        np.maximum(state.v_max, v, out=v_max)
        over_root(m, v_max, eps, correction2, spare)
        descend(w, lr / correction1, spare, new_w)
    return new_w, AmsgradState(t, m, v, v_max)
