"""Where the sources disagree on gradient clipping (CURRICULUM.md section 2)."""

import numpy as np
import pytest
import torch

from regopt import adam, clip_by_norm, sgd


def test_item_24_torch_divides_by_norm_plus_1e_6_so_norms_just_below_the_bound_shrink_too():
    norm = 1 - 5e-7
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    parameter.grad = torch.tensor([norm], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([parameter], 1.0)
    shrunk = norm / (norm + 1e-6)
    assert shrunk < norm
    assert parameter.grad.item() == pytest.approx(shrunk, rel=1e-12)
    assert clip_by_norm(np.array([norm]), 1.0)[0] == pytest.approx(shrunk, rel=1e-12)
    assert clip_by_norm(np.array([norm]), 1.0, eps=0)[0] == norm


def test_item_24_torch_never_reaches_the_bound_the_formula_does():
    assert clip_by_norm(np.array([5.0]), 1.0)[0] == pytest.approx(5 / (5 + 1e-6), rel=1e-12)
    assert clip_by_norm(np.array([5.0]), 1.0, eps=0)[0] == 1.0


def test_item_24_clipping_does_not_bound_the_update_under_adam():
    """A constant rescaling of all gradients cancels in Adam, so a bound a million times lower changes nothing."""
    rng = np.random.default_rng(0)
    grads = rng.normal(size=(50, 6))
    grads /= np.linalg.norm(grads, axis=1, keepdims=True) / 10  # all of length 10: every one is clipped

    def distance(step, max_norm, **settings):
        w, state = np.zeros(6), None
        for grad in grads:
            w, state = step(w, clip_by_norm(grad, max_norm, eps=0), state, lr=0.1, **settings)
        return np.linalg.norm(w)

    assert distance(adam, 1e-6, eps=0) == pytest.approx(distance(adam, 1.0, eps=0), rel=1e-10)
    assert distance(sgd, 1e-6) == pytest.approx(1e-6 * distance(sgd, 1.0), rel=1e-10)
