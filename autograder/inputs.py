"""Arrays of every kind that a function of arrays must take: hidden ones, and small ones for counter-examples."""

from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def every_kind(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, float]]:
    """Arrays of normal entries, each with its standard deviation, of every shape, layout, size and precision."""
    yield np.asarray(rng.normal()), 1.0
    yield np.empty(0), 1.0
    yield np.asfortranarray(rng.normal(size=(3, 4))), 1.0
    yield rng.normal(size=12)[::2], 1.0
    yield rng.normal(size=5).astype(np.float32), 1.0
    yield 1e8 * rng.normal(size=5), 1e8
    yield 1e-8 * rng.normal(size=5), 1e-8
    fixed = rng.normal(size=5)
    fixed.flags.writeable = False
    yield fixed, 1.0


# Small enough to be checked by hand.
halves = st.integers(-4, 4).map(lambda n: n / 2)
small_arrays = hnp.arrays(st.sampled_from([np.float64, np.float32]), st.integers(1, 3), elements=halves)
strengths = st.sampled_from([0.5, 1.0, 2.0, 0.0])


@st.composite
def small_regressions(draw):
    """`X, y` of at most three examples and two features, in whole numbers; some entry of X is not zero."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    whole = st.integers(-2, 2).map(float)
    kind = draw(st.sampled_from([np.float64, np.float32]))
    X = draw(hnp.arrays(kind, (rows, columns), elements=whole).filter(np.any))
    return X, draw(hnp.arrays(kind, rows, elements=whole))


def labelled_scores(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`scores` (N, K), `labels` (N,) of every layout, size and precision; some label has not the largest score."""
    for scores in (
        rng.normal(size=(1, 2)),
        np.asfortranarray(rng.normal(size=(5, 3))),
        rng.normal(size=(4, 4)),
        rng.normal(size=(6, 8))[::2, ::2],
        rng.normal(size=(4, 3)).astype(np.float32),
        1e4 * rng.normal(size=(4, 3)),
        1e-8 * rng.normal(size=(3, 5)),
    ):
        labels = rng.integers(scores.shape[1], size=len(scores))
        labels[0] = np.argmin(scores[0])
        yield scores, labels
    fixed, small = 3 * rng.normal(size=(5, 4)), rng.integers(4, size=10, dtype=np.int32)[::2]
    fixed.flags.writeable = small.flags.writeable = False
    yield fixed, small


@st.composite
def small_labelled_scores(draw):
    """`scores, labels` of at most two examples and three classes, in halves, some of them very large.

    Not in float32, where z - log sum exp z, which is right, is known to the rounding of thousands only.
    """
    rows, classes = draw(st.integers(1, 2)), draw(st.integers(2, 3))
    kind, size = draw(st.sampled_from([(np.float64, 1), (np.float32, 1), (np.float64, 2000)]))
    scores = size * draw(hnp.arrays(kind, (rows, classes), elements=halves))
    return scores, np.array(draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
