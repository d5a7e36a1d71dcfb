"""A stand-in for a Generator whose draws the test chooses, to put a known mask or noise through a function."""

import numpy as np


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
