"""Where the sources disagree about normalisation: the numbered items of the curriculum, each proved."""

import numpy as np
import torch

from regopt import batch_norm, layer_norm

rng = np.random.default_rng(15)
x, w = rng.normal(size=(10, 4)), rng.normal(size=(4, 3))
ones, zeros = np.ones(3), np.zeros(3)


def normalised(values, **kwargs):
    return batch_norm(values, ones, zeros, **kwargs)[0]


def test_item_15_normalises_with_the_biased_variance_and_remembers_the_unbiased_one():
    values = x @ w
    np.testing.assert_allclose(normalised(values, eps=0.0).var(axis=0), 1, rtol=1e-12)  # and not 10/9
    state = batch_norm(values, ones, zeros, momentum=1)[1]
    np.testing.assert_allclose(state.variance, values.var(axis=0, ddof=1), rtol=1e-12)
    module = torch.nn.BatchNorm1d(3, momentum=1.0, dtype=torch.float64)
    out = module(torch.from_numpy(values)).detach().numpy()
    np.testing.assert_allclose(module.running_var.numpy(), values.var(axis=0, ddof=1), rtol=1e-12)
    assert np.all(np.abs(out.var(axis=0) - 1) < 1e-4)


def test_item_15_scale_invariance_needs_a_positive_factor_and_no_eps():
    y = normalised(x @ w, eps=0.0)
    np.testing.assert_allclose(normalised(x @ (7 * w), eps=0.0), y, atol=1e-13)
    np.testing.assert_allclose(normalised(x @ (-7 * w), eps=0.0), -y, atol=1e-13)
    assert np.abs(normalised(x @ (0.01 * w), eps=1e-5) - y).max() > 0.01


def test_item_15_two_machines_with_half_a_batch_each_do_not_get_the_statistics_of_the_whole():
    values = x @ w
    halves = np.concatenate([normalised(values[:5]), normalised(values[5:])])
    assert np.abs(halves - normalised(values)).max() > 0.1


def test_item_15_the_affine_parameters_of_layer_norm_are_vectors():
    scale = np.array([1.0, -2.0, 0.5])
    y = layer_norm(x @ w, scale, zeros)[0]
    fits = [np.linalg.lstsq(layer_norm(x @ w, ones, zeros)[0].reshape(-1, 1), y.ravel(), rcond=None)[1]]
    assert fits[0] > 1  # no single number does what the vector does
    assert torch.nn.LayerNorm(3).weight.shape == torch.nn.LayerNorm(3).bias.shape == (3,)
