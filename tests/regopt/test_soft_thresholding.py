import numpy as np
import torch

from regopt import soft_threshold


class TestSoftThreshold:
    def test_agrees_with_torch(self):
        x = np.random.default_rng(0).normal(size=(5, 7))
        expected = torch.nn.functional.softshrink(torch.from_numpy(x), 0.3).numpy()
        np.testing.assert_allclose(soft_threshold(x, 0.3), expected, rtol=1e-12)
