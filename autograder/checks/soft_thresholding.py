"""Hidden checks of the assignment `soft_thresholding`."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import regopt
from autograder.asserts import close, same_type, unchanged
from autograder.exercise import Call, Exercise

vectors = hnp.arrays(
    st.sampled_from([np.float64, np.float32]), st.integers(1, 3), elements=st.integers(-4, 4).map(lambda n: n / 2)
)
strengths = st.sampled_from([0.5, 1.0, 2.0, 0.0])


def prox_inputs(rng):
    """Every shape and layout that a vector of parameters comes in; about half the entries lie within lam."""
    for shape in [(), (0,), (6,), (3, 4)]:
        yield Call(rng.normal(size=shape) * 2, rng.uniform(0.5, 1.5))
    yield Call(rng.normal(size=8)[::2], rng.uniform(0.5, 1.5))  # not contiguous
    yield Call(rng.normal(size=5).astype(np.float32), float(np.float32(rng.uniform(0.5, 1.5))))
    yield Call(rng.normal(size=5) * 1e8, 1e8 * rng.uniform(0.5, 1.5))
    yield Call(rng.normal(size=5) * 1e-8, 1e-8 * rng.uniform(0.5, 1.5))
    yield Call(rng.normal(size=5), 0.0)
    fixed = rng.normal(size=5)
    fixed.flags.writeable = False
    yield Call(fixed, rng.uniform(0.5, 1.5))


soft_threshold = Exercise("soft_threshold", inputs=prox_inputs, public=st.builds(Call, vectors, strengths))


@soft_threshold.property(points=3)
def is_the_prox(soft_threshold, x, lam):
    """What you return minimises 1/2 (u - x)^2 + lam |u|: no other u is lower."""
    close(soft_threshold(x, lam), regopt.soft_threshold(x, lam))


@soft_threshold.property(points=2)
def lands_on_zero(soft_threshold, x, lam):
    """Entries of x no farther from zero than lam become exactly zero, and only those."""
    close(np.asarray(soft_threshold(x, lam)) == 0, np.abs(x) <= lam)


@soft_threshold.property(points=2)
def moves_by_lam(soft_threshold, x, lam):
    """Entries farther from zero than lam move towards zero by lam, whatever their sign."""
    far = np.abs(x) > lam
    u = np.asarray(soft_threshold(x, lam))
    assert u.shape == np.shape(x)
    close(np.abs(x)[far] - np.abs(u[far]), np.full(np.shape(x[far]), lam), atol=1e-7 * np.max(np.abs(x), initial=0))
    close(np.sign(u[far]), np.sign(x[far]))


@soft_threshold.property(points=1)
def keeps_the_type(soft_threshold, x, lam):
    """float32 in gives float32 out, and float64 gives float64; the answer is right in both."""
    u = soft_threshold(x, lam)
    same_type(u, like=np.asarray(x))
    close(u, regopt.soft_threshold(x, lam))


@soft_threshold.property(points=1)
def leaves_x_alone(soft_threshold, x, lam):
    """x is the same after the call as before, and the answer is right."""
    close(unchanged(soft_threshold, x, lam), regopt.soft_threshold(x, lam))


@soft_threshold.property(points=1)
def is_odd(soft_threshold, x, lam):
    """Turning the sign of x turns the sign of the answer, which is no farther from zero than x."""
    u = np.asarray(soft_threshold(x, lam))
    close(np.asarray(soft_threshold(-x, lam)), -u)
    assert np.all(np.abs(u) <= np.abs(x) * (1 + 1e-6)), "the answer is farther from zero than x"


@soft_threshold.mistake
def hard_threshold(x, lam):
    """This is hard thresholding: what is beyond lam stays as it is, where it should move towards zero by lam."""
    return np.where(np.abs(x) > lam, x, np.zeros_like(x))


@soft_threshold.mistake
def subgradient_step(x, lam):
    """This is x - lam sign(x), a subgradient step: it steps over zero, where the prox stops at zero."""
    return x - lam * np.sign(x)


@soft_threshold.mistake
def forgets_the_sign(x, lam):
    """This is max(|x| - lam, 0) without the sign of x: negative entries come out positive."""
    return np.maximum(np.abs(x) - lam, 0)


@soft_threshold.mistake
def positive_side_only(x, lam):
    """This is max(x - lam, 0): right for positive x, but every negative entry becomes zero."""
    return np.maximum(x - lam, 0)


@soft_threshold.mistake
def l2_shrinkage(x, lam):
    """This is x / (1 + lam), the prox of lam/2 u^2: the L2 penalty shrinks everything and zeroes nothing."""
    return x / (1 + lam)


@soft_threshold.mistake
def twice_lam(x, lam):
    """This moves by 2 lam: it minimises (u - x)^2/4 + lam |u|; mind the 1/2 in the definition of the prox."""
    return np.sign(x) * np.maximum(np.abs(x) - 2 * lam, 0)


@soft_threshold.mistake
def half_lam(x, lam):
    """This moves by lam/2: it minimises (u - x)^2 + lam |u|; the definition of the prox has 1/2 (u - x)^2."""
    return np.sign(x) * np.maximum(np.abs(x) - lam / 2, 0)


@soft_threshold.mistake
def in_place(x, lam):
    """This writes into x: build a new array, for the caller still needs the old one."""
    if x.flags.writeable and x.ndim:
        x[...] = np.sign(x) * np.maximum(np.abs(x) - lam, 0)
        return x
    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)


@soft_threshold.mistake
def always_float64(x, lam):
    """This turns float32 into float64: an array made without dtype, or asarray(x, dtype=float), does that."""
    x = np.asarray(x, dtype=float)
    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)


soft_threshold.solution(regopt.soft_threshold)


@soft_threshold.solution
def by_clipping(x, lam):
    return x - np.clip(x, -lam, lam)


@soft_threshold.solution
def by_cases(x, lam):
    return np.where(x > lam, x - lam, np.where(x < -lam, x + lam, np.zeros_like(x))).astype(x.dtype)


@soft_threshold.solution
def by_relus(x, lam):
    return np.maximum(x - lam, 0) - np.maximum(-x - lam, 0)


@soft_threshold.solution
def by_loop(x, lam):
    u = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        if abs(x[i]) > lam:
            u[i] = x[i] - lam if x[i] > 0 else x[i] + lam
    return u
