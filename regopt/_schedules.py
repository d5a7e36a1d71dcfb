"""The learning rate as a function of the step `t`, which counts from 0."""

import numpy as np

from regopt._arguments import as_float, fraction, nonnegative, one_of, positive, require

__all__ = [
    "cosine_annealing",
    "exponential_decay",
    "inverse_sqrt",
    "linear_decay",
    "polynomial_decay",
    "scale_learning_rate",
    "step_decay",
    "triangular_cycle",
    "warmup",
]


def _time(t):
    time = np.asarray(t)
    require(time.dtype.kind in "biuf", "t", "a number or an array of numbers", t)
    require(time >= 0, "t", ">= 0", t)
    return as_float(time)


def _rate(rate):
    """A Python float for one `t`, which leaves float32 weights in float32; an array for an array."""
    return float(rate) if np.ndim(rate) == 0 else rate


def _descending(high_name, high, low_name, low):
    high, low = nonnegative(**{high_name: high, low_name: low})
    require(low <= high, low_name, f"<= {high_name}, {high}", low)
    return high, low


def step_decay(t, *, lr, every, factor=0.1):
    """The rate falls by a factor at once, every so many steps.

    lr * factor^floor(t / every)

    Convention: as torch's StepLR(step_size=every, gamma=factor).
    Shapes: `t` a number or an array; the rate the same.

    >>> step_decay(np.array([0, 9, 10, 20]), lr=1.0, every=10, factor=0.5)
    array([1.  , 1.  , 0.5 , 0.25])
    """
    (lr,), (every, factor) = nonnegative(lr=lr), positive(every=every, factor=factor)
    return _rate(lr * factor ** (_time(t) // every))


def exponential_decay(t, *, lr, factor):
    """The rate falls by the same factor in every step.

    lr * factor^t

    Convention: as torch's ExponentialLR(gamma=factor). For lr exp(-k t) pass `factor=exp(-k)`.
    Shapes: `t` a number or an array; the rate the same.

    >>> exponential_decay(3, lr=1.0, factor=0.5)
    0.125
    """
    (lr,), (factor,) = nonnegative(lr=lr), positive(factor=factor)
    return _rate(lr * factor ** _time(t))


def polynomial_decay(t, *, lr, steps, power=1.0, lr_end=0.0):
    """The rate falls from `lr` to `lr_end` in `steps` steps along a power of the time that is left, and stays there.

    lr_end + (lr - lr_end) * (1 - t / steps)^power

    Convention: as torch's PolynomialLR(total_iters=steps), which knows `lr_end = 0` only.
    Shapes: `t` a number or an array; the rate the same.

    >>> polynomial_decay(np.array([0, 5, 10, 99]), lr=1.0, steps=10, power=2.0)
    array([1.  , 0.25, 0.  , 0.  ])
    """
    lr, lr_end = _descending("lr", lr, "lr_end", lr_end)
    steps, power = positive(steps=steps, power=power)
    left = 1 - np.minimum(_time(t), steps) / steps
    return _rate(lr_end + (lr - lr_end) * left**power)


def linear_decay(t, *, lr, steps, lr_end=0.0):
    """The rate falls from `lr` to `lr_end` in `steps` equal steps, and stays there.

    lr_end + (lr - lr_end) * (1 - t / steps)

    Convention: as torch's LinearLR(start_factor=1, end_factor=lr_end / lr, total_iters=steps).
    Shapes: `t` a number or an array; the rate the same.

    >>> linear_decay(np.array([0, 5, 10, 99]), lr=1.0, steps=10)
    array([1. , 0.5, 0. , 0. ])
    """
    return polynomial_decay(t, lr=lr, steps=steps, lr_end=lr_end)


def cosine_annealing(t, *, lr, steps, lr_min=0.0, hold=False):
    """The rate falls from `lr` to `lr_min` in `steps` steps along half a cosine: flat, steep, flat.

    lr_min + (lr - lr_min) * (1 + cos(pi * t / steps)) / 2

    Convention: as torch's CosineAnnealingLR(T_max=steps), which climbs again after `steps`; `hold=True` stays at
    `lr_min`. After a warm-up, `steps` are the steps that are left.
    Shapes: `t` a number or an array; the rate the same.

    >>> cosine_annealing(np.array([0.0, 5.0, 10.0, 20.0]), lr=1.0, steps=10)
    array([1. , 0.5, 0. , 1. ])
    >>> cosine_annealing(20, lr=1.0, steps=10, hold=True)
    0.0
    """
    lr, lr_min = _descending("lr", lr, "lr_min", lr_min)
    (steps,) = positive(steps=steps)
    t = np.minimum(_time(t), steps) if hold else _time(t)
    return _rate(lr_min + (lr - lr_min) * ((1 + np.cos(np.pi * t / steps)) / 2))


def triangular_cycle(t, *, lr_min, lr_max, up, down=None):
    """The rate climbs from `lr_min` to `lr_max` in `up` steps, falls back in `down` steps, and so on.

    lr_min + (lr_max - lr_min) * (s / up, or after the peak (up + down - s) / down),  s = t mod (up + down)

    Convention: as torch's CyclicLR(mode="triangular", step_size_up=up, step_size_down=down); `down=None` means `up`.
    Shapes: `t` a number or an array; the rate the same.

    >>> triangular_cycle(np.array([0, 2, 4, 6, 8]), lr_min=0.0, lr_max=1.0, up=4)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    lr_max, lr_min = _descending("lr_max", lr_max, "lr_min", lr_min)
    up, down = positive(up=up, down=up if down is None else down)
    s = _time(t) % (up + down)
    return _rate(lr_min + (lr_max - lr_min) * np.minimum(s / up, (up + down - s) / down))


def inverse_sqrt(t, *, lr, shift):
    """The rate falls as one over the root of the time.

    lr * sqrt(shift / (shift + t))

    Convention: `t` counts from the end of the warm-up, and the rate starts at `lr`; t^(-1/2) itself has no value at 0.
    After a warm-up of `shift` steps this is lr sqrt(shift / T) of the whole time T, the schedule of the Transformer
    (Vaswani et al. 2017), whose peak `lr` is 1 / sqrt(width * shift).
    Shapes: `t` a number or an array; the rate the same.

    >>> inverse_sqrt(np.array([0, 30, 80]), lr=1.0, shift=10)
    array([1.        , 0.5       , 0.33333333])
    """
    (lr,), (shift,) = nonnegative(lr=lr), positive(shift=shift)
    return _rate(lr * np.sqrt(shift / (shift + _time(t))))


def warmup(schedule, *, steps, start=0.0):
    """Put a straight climb of `steps` steps before a schedule; what comes back is again a schedule.

    target * (start + (1 - start) * t / steps) for t < steps, then schedule(t - steps),  target = schedule(0)

    Convention: the climb ends where the schedule begins, so nothing jumps, and the schedule's clock starts after it.
    It starts at zero as in the texts; torch's LinearLR(start_factor=start) needs `start > 0`.
    Shapes: `schedule` takes a number; the new schedule a number or an array.

    >>> schedule = warmup(lambda t: cosine_annealing(t, lr=1.0, steps=10), steps=4)
    >>> schedule(np.array([0, 2, 4, 9, 14]))
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    require(callable(schedule), "schedule", "a function of t", schedule)
    (steps,), (start,) = nonnegative(steps=steps), fraction(start=start)

    def rate(t):
        t = _time(t)
        if t.ndim > 0:
            return np.array([rate(one) for one in t.ravel()], dtype=t.dtype).reshape(t.shape)
        return float(schedule(0) * (start + (1 - start) * t / steps) if t < steps else schedule(float(t - steps)))

    return rate


def scale_learning_rate(lr, *, batch, base_batch, rule="linear"):
    """The rate for another batch size than the one that it was tuned for.

    linear: lr * batch / base_batch;  sqrt: lr * sqrt(batch / base_batch)

    Convention: the linear rule is for SGD (Goyal et al. 2017), as long as lr times the curvature stays far below 2; the
    root is for Adam where noise rules the gradients (Malladi et al. 2022).
    Shapes: all are numbers.

    >>> scale_learning_rate(0.1, batch=1024, base_batch=256)
    0.4
    >>> scale_learning_rate(0.1, batch=1024, base_batch=256, rule="sqrt")
    0.2
    """
    one_of(("linear", "sqrt"), rule=rule)
    (lr,), (batch, base_batch) = nonnegative(lr=lr), positive(batch=batch, base_batch=base_batch)
    return lr * (batch / base_batch) ** (1.0 if rule == "linear" else 0.5)
