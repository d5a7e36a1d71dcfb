"""Where the sources disagree on momentum (CURRICULUM.md section 2)."""

import numpy as np
import pytest

from regopt import momentum
from tests.regopt.steps import follow


def path(rates, **settings):
    return follow(momentum, np.zeros(1), np.ones((len(rates), 1)), rates, **settings).ravel()


def test_item_05_the_rate_inside_or_outside_of_the_velocity_is_one_path_at_a_constant_rate():
    np.testing.assert_allclose(path([0.1] * 50, lr_inside=True), path([0.1] * 50), rtol=1e-12)


def test_item_05_they_part_as_soon_as_the_rate_changes():
    """With the rate outside a drop acts at once; inside, the velocity gathered at the old rate goes on."""
    rates = [0.1, 0.01]
    assert path(rates)[-1] == pytest.approx(-0.1 - 0.01 * 1.9)
    assert path(rates, lr_inside=True)[-1] == pytest.approx(-0.1 - (0.9 * 0.1 + 0.01))


def test_item_05_the_conversion_is_to_rescale_the_velocity_when_the_rate_changes():
    w, state = momentum(np.zeros(1), np.ones(1), lr=0.1)
    w, _ = momentum(w, np.ones(1), state._replace(v=state.v * 0.1 / 0.01), lr=0.01)
    assert w[0] == pytest.approx(path([0.1, 0.01], lr_inside=True)[-1])


def test_item_05_the_velocity_is_a_sum_of_gain_one_over_one_minus_gamma():
    state = None
    for _ in range(400):
        _, state = momentum(np.zeros(1), np.ones(1), state, lr=0.1, gamma=0.9)
    assert state.v[0] == pytest.approx(10.0)  # an average of ones would be 1


def test_item_05_the_opposite_sign_of_text_002_is_the_same_path():
    """v = rho v - lr grad, then w + v."""
    w, velocity, rates = 0.0, 0.0, [0.1, 0.1, 0.02, 0.3]
    for lr in rates:
        velocity = 0.9 * velocity - lr * 1.0
        w += velocity
    assert path(rates, lr_inside=True)[-1] == pytest.approx(w)
