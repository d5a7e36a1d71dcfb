"""A small exercise, so that tests of the judge do not hang on what the real ones ask."""

import numpy as np
from hypothesis import strategies as st

from autograder.asserts import close
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind, small_arrays
from autograder.manners import ask_for_manners

shrink = Exercise(
    "shrink",
    inputs=lambda rng: (Call(2 * x, size * rng.uniform(0.5, 1.5)) for x, size in every_kind(rng)),
    public=st.builds(Call, small_arrays, st.sampled_from([0.5, 1.0])),
)


@shrink.solution
def right(x, lam):
    return x - np.clip(x, -lam, lam)


@shrink.property(points=3)
def is_right(shrink, x, lam):
    """Entries move towards zero by lam, and stop there."""
    close(shrink(x, lam), right(x, lam))


@shrink.property(points=2)
def lands_on_zero(shrink, x, lam):
    """Entries within lam become zero."""
    close(np.asarray(shrink(x, lam)) == 0, np.abs(x) <= lam)


@shrink.property(points=1)
def is_odd(shrink, x, lam):
    """Turning the sign of x turns that of the answer."""
    close(shrink(-x, lam), -np.asarray(shrink(x, lam)))


ask_for_manners(shrink)


@shrink.mistake
def keeps_what_is_far(x, lam):
    """This keeps what is farther than lam as it is."""
    return np.where(np.abs(x) > lam, x, np.zeros_like(x))


@shrink.mistake
def forgets_the_sign(x, lam):
    """This is positive everywhere."""
    return np.abs(right(x, lam))
