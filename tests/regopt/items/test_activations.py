"""Where the sources disagree about activations: the numbered item of the curriculum, proved."""

import numpy as np
import pytest

from regopt import leaky_relu, numerical_gradient


@pytest.mark.parametrize(("alpha", "differentiable"), [(0.0, False), (0.01, False), (0.5, False), (1.0, True)])
def test_item_19_leaky_relu_has_a_kink_unless_alpha_is_one(alpha, differentiable):
    def slope(h):
        return (leaky_relu(np.array(h), alpha=alpha) - leaky_relu(np.array(0.0), alpha=alpha)) / h

    assert (slope(1e-9), slope(-1e-9)) == (1.0, pytest.approx(alpha))
    central = numerical_gradient(lambda x: leaky_relu(x, alpha=alpha), np.array(0.0), h=1e-6)
    assert central == pytest.approx((1 + alpha) / 2)  # of neither side
    assert bool(slope(1e-9) == slope(-1e-9)) is differentiable
