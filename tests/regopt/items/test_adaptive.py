"""Where the sources disagree on Adam and RMSProp (CURRICULUM.md section 2)."""

import numpy as np
import pytest
import torch

from regopt import adam, adamw, momentum, rmsprop


def first_step(step, eps_inside):
    w, _ = step(np.array([1.0]), np.array([1e-3]), lr=0.1, beta2=0.9, eps=1e-8, eps_inside=eps_inside)
    return float(w[0])


def test_item_04_where_epsilon_stands_in_rmsprop():
    assert first_step(rmsprop, eps_inside=True) == pytest.approx(0.69849, abs=5e-6)
    assert first_step(rmsprop, eps_inside=False) == pytest.approx(0.68378, abs=5e-6)


def test_item_04_torch_has_epsilon_outside():
    parameter = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    parameter.grad = torch.tensor([1e-3], dtype=torch.float64)
    torch.optim.RMSprop([parameter], lr=0.1, alpha=0.9, eps=1e-8).step()
    assert parameter.item() == pytest.approx(first_step(rmsprop, eps_inside=False), rel=1e-12)


@pytest.mark.parametrize("step", [adam, adamw])
def test_item_04_an_epsilon_inside_is_the_square_of_one_outside_where_it_rules(step):
    """For gradients far below both, sqrt(eps) outside damps as eps does inside; for large ones neither is felt."""
    for grad, tolerance in ((1e-9, 1e-4), (1e3, 1e-6)):
        inside, _ = step(np.zeros(1), np.array([grad]), lr=1.0, eps=1e-8, eps_inside=True)
        outside, _ = step(np.zeros(1), np.array([grad]), lr=1.0, eps=1e-4)
        assert inside == pytest.approx(outside, rel=tolerance)


def test_item_31_adam_does_not_solve_all_issues_momentum_can_beat_it():
    """Reddi et al. 2018: v forgets the rare large gradient that decides the sum. Adam climbs, plain steps descend."""

    def end(step, **settings):
        w, state = np.array([0.0]), None
        for t in range(3000):
            grad = np.array([1010.0 if t % 101 == 1 else -10.0])  # sums to +10 over 101 steps: the minimum is at -1
            w, state = step(w, grad, state, lr=1e-3 / (1 + t / 100) ** 0.5, **settings)
            w = np.clip(w, -1, 1)
        return float(w[0])

    assert end(adam, beta1=0.0, beta2=1 / (1 + 10**2)) > 0.5
    assert end(momentum, gamma=0.0) < -0.5
