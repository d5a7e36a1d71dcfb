"""Chance made testable: Generators whose draws the test chooses, and how far a frequency may stray."""

import math

import numpy as np

DRAWS = 1_000_000  # of most statistical tests; hoeffding(DRAWS) is 0.0033


def hoeffding(draws=DRAWS):
    """A frequency is further than this from its probability for fewer than one seed in 1e9: 2 exp(-2 draws t^2)."""
    return math.sqrt(math.log(2e9) / (2 * draws))


def assert_follows(values, cdf, points):
    """At each of the points the share of the values up to it is what `cdf` says, as far as so many values can show."""
    for point in points:
        assert abs(np.mean(np.array(values) <= point) - cdf(point)) < hoeffding(len(values)), f"up to {point}"


class Scripted:
    """Gives out the `draws` in order, one whole array a call, whatever the method; each must have the asked shape."""

    def __init__(self, *draws):
        self.draws = [np.asarray(draw) for draw in draws]

    def random(self, shape=()):
        draw = self.draws.pop(0)
        shape = (shape,) if isinstance(shape, int) else shape
        assert draw.shape == shape, f"asked for {shape}, scripted {draw.shape}"
        return draw

    standard_normal = random


def keeping(mask):
    """Uniform draws that keep where `mask` is 1 and drop where it is 0, for any p in (0, 1)."""
    return Scripted(np.where(np.asarray(mask) == 1, 1 - 1e-12, 0.0))


class Steered(np.random.Generator):
    """A Generator of which some methods answer as told: `Steered(beta=0.3, integers=[2, 0])`, a list one by one."""

    def __init__(self, seed=0, **answers):
        super().__init__(np.random.PCG64(seed))
        for method, answer in answers.items():
            queue = list(answer) if isinstance(answer, list) else None
            setattr(self, method, lambda *_, _queue=queue, _answer=answer, **__: _queue.pop(0) if _queue else _answer)
