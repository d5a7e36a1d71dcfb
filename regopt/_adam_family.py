"""Adam's relatives: another second moment, a factored one, and steps scaled to the length of a layer's weights."""

from typing import Any, NamedTuple

import numpy as np

from regopt._adaptive import adam_direction, corrections
from regopt._arguments import alike, fraction, nonnegative, positive, require
from regopt._momentum import momentum
from regopt._step import (
    arrays_of,
    average,
    average_square,
    descend,
    divide,
    expect_array,
    expect_state,
    over_root,
    prepare,
    receivers,
)

__all__ = ["adabelief", "adafactor", "lamb", "lars", "yogi"]


class AdabeliefState(NamedTuple):
    """Steps taken, the average gradient, and the average squared distance of the gradient from it."""

    step: int
    m: np.ndarray
    v: np.ndarray


class YogiState(NamedTuple):
    """Steps taken, the average gradient, and Yogi's estimate of its square."""

    step: int
    m: np.ndarray
    v: np.ndarray


class AdafactorState(NamedTuple):
    """Steps taken, and averages of the squared gradient: by row and by column; for vectors and numbers each entry's."""

    step: int
    row: np.ndarray | None
    col: np.ndarray | None
    v: np.ndarray | None


def adabelief(w, grad, state=None, *, lr, beta1=0.9, beta2=0.999, eps=1e-16, out=None):
    """One step of AdaBelief: Adam, divided by how far gradients stray from their average and not by how large they are.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * (grad - m)**2 + eps
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Convention: the paper's (Zhuang et al. 2020), as in its authors' code and in pytorch-optimizer: eps enters twice,
    added to `v` in every step and outside of the root. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adabelief(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w.round(6)  # the first gradient is 0.9 of itself away from the average
    array([0.444444, 0.444444])
    """
    (lr, eps), (beta1, beta2) = nonnegative(lr=lr, eps=eps), fraction(beta1=beta1, beta2=beta2)
    w, grad, state, (new_w, m, v) = prepare(AdabeliefState, w, grad, state, out)
    t = state.step + 1
    correction1, correction2 = corrections(beta1, beta2, t, True)
    spare, stray = np.empty_like(w), np.empty_like(w)
    with np.errstate(all="ignore"):
        average(state.m, grad, beta1, m, spare)
        np.subtract(grad, m, out=stray)
        average_square(state.v, stray, beta2, v, spare)
        np.add(v, eps, out=v)
        over_root(m, v, eps, correction2, spare)
        descend(w, lr / correction1, spare, new_w)
    return new_w, AdabeliefState(t, m, v)


def yogi(w, grad, state=None, *, lr, beta1=0.9, beta2=0.999, eps=1e-3, v0=1e-6, bias_correction=True, out=None):
    """One step of Yogi: Adam whose second moment goes up or down by (1 - beta2) grad^2, and so never falls fast.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = v - (1 - beta2) * sign(v - grad**2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (sqrt(v_hat) + eps)

    Convention: eps = 1e-3 outside of the root, as in the paper (Zaheer et al. 2018). `v` starts at `v0` and both
    averages are corrected, as in pytorch-optimizer and optax, which start `m` at `v0` too; here it starts at zero. The
    paper's algorithm corrects neither: `bias_correction=False`. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = yogi(np.array([1.0, 1.0]), np.array([0.1, 10.0]), lr=0.5)
    >>> w.round(6)
    array([0.527771, 0.500052])
    """
    lr, eps, v0 = nonnegative(lr=lr, eps=eps, v0=v0)
    beta1, beta2 = fraction(beta1=beta1, beta2=beta2)
    first = state is None
    w, grad, state, (new_w, m, v) = prepare(YogiState, w, grad, state, out)
    if first:
        state.v[...] = v0
    t = state.step + 1
    correction1, correction2 = corrections(beta1, beta2, t, bias_correction)
    square, step = np.empty_like(w), np.empty_like(w)
    with np.errstate(all="ignore"):
        average(state.m, grad, beta1, m, step)
        np.multiply(grad, grad, out=square)
        np.subtract(state.v, square, out=step)
        np.sign(step, out=step)
        np.multiply(step, square, out=step)
        np.multiply(step, 1 - beta2, out=step)
        np.subtract(state.v, step, out=v)
        over_root(m, v, eps, correction2, step)
        descend(w, lr / correction1, step, new_w)
    return new_w, YogiState(t, m, v)


def lars(w, grad, state=None, *, lr, gamma=0.9, lam=0.0, trust=1e-3, lr_inside=False, out=None):
    """One step of LARS: momentum, with the gradient of a layer scaled to the length of the layer's weights.

        size = norm(grad) + lam * norm(w)
        rate = trust * norm(w) / size if norm(w) > 0 and size > 0 else 1
        v = gamma * v + rate * (grad + lam * w)
        w = w - lr * v

    Convention: one array is one layer; where `w` or `size` is zero the layer's rate is 1. `lr` stands outside of the
    velocity, as in `momentum` and pytorch-optimizer; the paper (You et al. 2017) has it inside: `lr_inside=True`.
    Vectors are treated as layers too; pytorch-optimizer steps them by `momentum`, without decay.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = lars(np.array([3.0, 4.0]), np.array([0.0, 1e6]), lr=1.0, trust=0.1)
    >>> w  # a tenth of the length of w, whatever the size of the gradient
    array([3. , 3.5])
    """
    lam, trust = nonnegative(lam=lam, trust=trust)
    w, grad = alike(w=w, grad=grad)
    with np.errstate(all="ignore"):
        length = _norm(w)
        size = _norm(grad) + lam * length
        scaled = np.multiply(w, lam, out=np.empty_like(w))
        np.add(scaled, grad, out=scaled)
        np.multiply(scaled, trust * length / size if length > 0 and size > 0 else 1.0, out=scaled)
    return momentum(w, scaled, state, lr=lr, gamma=gamma, lr_inside=lr_inside, out=out)


def lamb(
    w, grad, state=None, *, lr, lam=0.0, beta1=0.9, beta2=0.999, eps=1e-6, phi=None, bias_correction=True, out=None
):
    """One step of LAMB: Adam with decay, its length set to that of the layer's weights.

        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        u = m_hat / (sqrt(v_hat) + eps) + lam * w
        rate = norm(w) / norm(u) if norm(w) and norm(u) else 1
        w = w - lr * rate * u

    Convention: the paper's (You et al. 2020); one array is one layer, and where `w` or `u` is zero the rate is 1.
    `phi`, a function of a number, replaces norm(w) by phi(norm(w)), as the paper allows. pytorch-optimizer has
    `lambda z: min(z, 10.0)` there and leaves out the corrections (`bias_correction=False`); unless told
    `weight_decouple=False` it decays as `adamw` does, and unless told `adam_debias=True` it divides the rate by
    1 - beta1^t. `eps = 0` is legal; 0/0 is then no step.

    Shapes: `grad` and the state like `w`, of any shape. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = lamb(np.array([3.0, 4.0]), np.array([0.1, 10.0]), lr=0.1)
    >>> round(float(np.linalg.norm(w - np.array([3.0, 4.0]))), 6)  # lr times the length of w
    0.5
    """
    lr, lam = nonnegative(lr=lr, lam=lam)
    require(phi is None or callable(phi), "phi", "None or a function of a number", phi)
    w, new_w, update, correction, state = adam_direction(w, grad, state, beta1, beta2, eps, bias_correction, out)
    with np.errstate(all="ignore"):
        np.divide(update, correction, out=update)
        np.add(update, np.multiply(w, lam), out=update)
        length, size = _norm(w), _norm(update)
        length = length if phi is None else float(phi(length))
        descend(w, lr * (length / size if length and size else 1.0), update, new_w)
    return new_w, state


def adafactor(w, grad, state=None, *, lr, lam=0.0, power=0.8, eps=None, eps_scale=1e-3, clip=1.0, out=None):
    """One step of Adafactor: Adam's second moment of a matrix from the averages of its rows and columns alone.

        t = t + 1
        scale = maximum(eps_scale, norm(w) / w.size**0.5)
        row = row + t**-power * (mean(grad**2, axis=-1, keepdims=True) - row)
        col = col + t**-power * (mean(grad**2, axis=-2, keepdims=True) - col)
        v = row * col / maximum(mean(row, axis=-2, keepdims=True), eps)
        u = grad / maximum(sqrt(v), eps)
        u = u / maximum(1, norm(u) / u.size**0.5 / clip)
        w = (1 - lr * lam) * w - scale * minimum(lr, t**-0.5) * u

    Convention: torch's: `lr` is the largest relative step, decay as in `adamw`, and `eps` (`None`: that of the dtype)
    bounds the denominators. The paper (Shazeer and Stern 2018) adds its eps1 to grad^2 instead, and has lr = 0.01.
    torch's names: `beta2_decay = -power`, `eps = (eps, eps_scale)`, `d = clip`. `eps = 0` is legal; 0/0 is no step.

    Shapes: `grad` like `w`, of any shape. For `w` of shape (..., n, k) the state holds `row` (..., n, 1) and `col`
    (..., 1, k); vectors and numbers have a full `v`. `out=(w, state)` receives the results; it may be what goes in.

    >>> w, state = adafactor(np.ones((300, 200)), np.ones((300, 200)), lr=0.01)
    >>> state.row.size + state.col.size  # where Adam keeps 2 x 60000 numbers
    500
    """
    (clip,) = positive(clip=clip)
    lr, lam, power, eps_scale = nonnegative(lr=lr, lam=lam, power=power, eps_scale=eps_scale)
    w, grad = alike(w=w, grad=grad)
    (eps,) = nonnegative(eps=float(np.finfo(w.dtype).eps) if eps is None else eps)
    state = _adafactor_state(w, state)
    t = state.step + 1
    new_w, *averages = receivers(w, grad, arrays_of(state), out)
    u = np.empty_like(w)
    with np.errstate(all="ignore"):
        np.multiply(grad, grad, out=u)
        _average_factors(state, u, t**-power, eps, averages)
        np.sqrt(u, out=u)
        np.maximum(u, eps, out=u)
        divide(grad, u, eps)
        shrink = max(1.0, _norm(u) / max(u.size, 1) ** 0.5 / clip)
        scale = max(eps_scale, _norm(w) / max(w.size, 1) ** 0.5)
        descend(w, scale * min(lr, t**-0.5) / shrink, u, new_w, keep=1 - lr * lam)
    return new_w, AdafactorState(t, *([*averages, None] if w.ndim > 1 else [None, None, *averages]))


def _adafactor_state(w, state):
    """The state, checked, or the first one: `row` and `col` for a matrix or several, else `v`; the others are None."""
    factored = w.ndim > 1
    shapes: dict[str, Any] = {
        "row": (*w.shape[:-1], 1) if factored else None,
        "col": (*w.shape[:-2], 1, w.shape[-1]) if factored else None,
        "v": None if factored else w.shape,
    }
    if state is None:
        return AdafactorState(0, *(None if shape is None else np.zeros(shape, w.dtype) for shape in shapes.values()))
    expect_state(AdafactorState, state)
    for field, shape in shapes.items():
        array = getattr(state, field)
        if shape is None:
            require(array is None, f"state.{field}", "None", type(array).__name__)
        else:
            expect_array(f"state.{field}", array, w.dtype, shape)
    return state


def _average_factors(state, square, weight, eps, averages):
    """Set the new averages, and `square` to the second moment that they stand for."""
    if state.v is None:
        row, col = averages
        _approach(state.row, _mean(square, -1), weight, row)
        _approach(state.col, _mean(square, -2), weight, col)
        share = np.repeat(np.maximum(_mean(row, -2), eps), row.shape[-2], axis=-2)
        divide(row, share, eps)
        np.multiply(share, col, out=square)
    else:
        (v,) = averages
        _approach(state.v, square, weight, v)
        np.copyto(square, v)


def _approach(old, new, weight, out):
    """out = old + weight (new - old); `new` is used up."""
    np.subtract(new, old, out=new)
    np.multiply(new, weight, out=new)
    np.add(old, new, out=out)


def _mean(array, axis):
    """The mean along one axis, which stays; zero where the axis is empty."""
    return np.sum(array, axis=axis, keepdims=True) / max(array.shape[axis], 1)


def _norm(array):
    return float(np.linalg.norm(array))
