"""Where the sources disagree about stochastic depth: the numbered item of the curriculum, proved."""

import numpy as np
import pytest
import torch

from regopt import drop_path
from tests.regopt.chance import keeping

h, branch, survival = np.array([[1.0, 2.0]]), np.array([[10.0, -4.0]]), 0.8


def mean_over_draws(x, keep, **convention):
    alive, dead = (drop_path(x, survival=keep, rng=keeping([[bit]]), **convention)[0] for bit in (1, 0))
    return keep * alive + (1 - keep) * dead


def evaluated(**convention):
    return drop_path(branch, survival=survival, rng=None, training=False, **convention)[0]


def test_item_14_survival_and_skip_probability_are_complements():
    np.testing.assert_allclose(mean_over_draws(branch, survival, inverted=False), survival * branch, rtol=1e-14)
    mistaken = mean_over_draws(branch, 1 - survival, inverted=False)  # 0.8 read as the probability to skip
    np.testing.assert_allclose(mistaken, (1 - survival) * branch, rtol=1e-14)


def test_item_14_scaling_nowhere_leaves_training_and_inference_apart():
    training = h + mean_over_draws(branch, survival, inverted=False)
    nowhere = h + branch  # 000: all blocks whole at inference
    assert np.abs(training - nowhere).max() == pytest.approx((1 - survival) * 10)


def test_item_14_the_paper_scales_at_inference_and_timm_while_training():
    for inverted in (True, False):
        training = h + mean_over_draws(branch, survival, inverted=inverted)
        np.testing.assert_allclose(training, h + evaluated(inverted=inverted), rtol=1e-14)
    np.testing.assert_allclose(evaluated(inverted=False), survival * evaluated(), rtol=1e-14)


def test_item_14_timm_draws_an_example_and_the_paper_a_mini_batch():
    batch = np.repeat(branch, 2000, axis=0)
    rng = np.random.default_rng(14)
    each = drop_path(batch, survival=survival, rng=rng)[0][:, 0] != 0
    assert 0.7 < each.mean() < 0.9
    for _ in range(20):
        together = drop_path(batch[np.newaxis], survival=survival, rng=rng)[0][0][:, 0] != 0
        assert together.all() or not together.any()


def test_item_20_a_forward_defined_inside_init_is_never_called():
    class AsPrinted(torch.nn.Module):
        def __init__(self):
            super().__init__()

            def forward(self, x):
                return x

    with pytest.raises(NotImplementedError):
        AsPrinted()(torch.ones(1))


def test_item_20_the_working_form_needs_no_library():
    class DropPath(torch.nn.Module):
        def forward(self, x):
            alive = torch.rand(len(x), *(1,) * (x.ndim - 1)) < survival
            return x * alive / survival if self.training else x

    layer, x = DropPath(), torch.arange(1.0, 41.0, dtype=torch.float64).reshape(20, 2)
    torch.manual_seed(20)
    got = layer(x).numpy()
    alive = got[:, :1] != 0
    assert 0 < alive.sum() < 20
    np.testing.assert_allclose(got, drop_path(x.numpy(), survival=survival, rng=keeping(alive))[0], rtol=1e-14)
    np.testing.assert_array_equal(layer.eval()(x), x)
