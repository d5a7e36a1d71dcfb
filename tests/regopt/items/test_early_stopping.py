"""Where the sources disagree about early stopping: the numbered items of the curriculum, each proved."""

import numpy as np
import pytest

from regopt import gd_shrinkage, gradient_descent, ridge, ridge_shrinkage


def difference(curvature, lr, steps):
    """Gradient descent's factor less ridge's, with lam = 1 / (lr t)."""
    return gd_shrinkage(curvature, lr=lr, steps=steps) - ridge_shrinkage(curvature, lam=1 / (lr * steps))


class TestItem12:
    @pytest.mark.parametrize("steps", [1, 2, 10, 1000])
    def test_item_12_begins_as_a_square(self, steps):
        x = 1e-3
        expected = (1 + 1 / steps) * x**2 / 2
        assert difference(np.array(x / (0.1 * steps)), 0.1, steps) == pytest.approx(expected, abs=3 * x**3)

    @pytest.mark.parametrize("steps", [1, 2, 3, 10, 1000])
    def test_item_12_is_never_negative(self, steps):
        assert np.all(difference(np.linspace(0, 10, 2001), 0.1, steps) >= -1e-15)

    def test_item_12_can_be_negative_where_descent_oscillates(self):
        assert difference(np.array(19.0), 0.1, 2) < 0

    def test_item_12_is_at_most_a_fifth_for_small_rates(self):
        x, steps = np.linspace(0, 10, 10_001), 10**7
        gap = difference(x / steps, 1.0, steps)
        assert gap.max() == pytest.approx(0.204, abs=5e-4)
        assert x[np.argmax(gap)] == pytest.approx(2.51, abs=5e-3)

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), rng.normal(size=20)

    def descend(self, slope, w, lr, steps):
        return gradient_descent(slope, w, lr=lr, steps=steps)[-1]

    def test_item_12_the_right_form_of_problem_4(self):
        X, y, lr, t = self.X, self.y, 0.2, 17
        least_squares = np.linalg.lstsq(X, y)[0]
        left = np.linalg.matrix_power(np.eye(4) - lr * X.T @ X / len(y), t)
        reached = self.descend(lambda w: X.T @ (X @ w - y) / len(y), np.zeros(4), lr, t)
        np.testing.assert_allclose(reached, (np.eye(4) - left) @ least_squares, rtol=1e-10)

    def test_item_12_needs_a_start_at_zero(self):
        X, y = self.X, self.y
        slope = lambda w: X.T @ (X @ w - y) / len(y)  # noqa: E731
        directions = np.linalg.eigh(X.T @ X / len(y))[1]
        factors = [
            directions.T @ self.descend(slope, start, 0.2, 5) / (directions.T @ np.linalg.lstsq(X, y)[0])
            for start in (np.zeros(4), np.full(4, 3.0))
        ]
        curvature = np.linalg.eigvalsh(X.T @ X / len(y))
        np.testing.assert_allclose(factors[0], gd_shrinkage(curvature, lr=0.2, steps=5), rtol=1e-9)
        assert np.max(np.abs(factors[1] - gd_shrinkage(curvature, lr=0.2, steps=5))) > 1

    def test_item_12_a_summed_loss_needs_n_times_the_strength(self):
        """Descent on the mean with rate lr, to first order in lr t: ridge on the sum with lam = N / (lr t)."""
        X, y, lr, t = self.X, self.y, 1e-6, 10
        reached = self.descend(lambda w: X.T @ (X @ w - y) / len(y), np.zeros(4), lr, t)
        np.testing.assert_allclose(reached, ridge(X, y, lam=len(y) / (lr * t)), rtol=1e-3)
        assert np.max(np.abs(reached)) < 0.1 * np.max(np.abs(ridge(X, y, lam=1 / (lr * t))))
