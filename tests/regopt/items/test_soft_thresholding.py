"""Where the sources disagree about L1: the numbered items of the curriculum, each proved."""

import numpy as np
import pytest
from scipy import integrate
from sklearn.linear_model import ElasticNet

from regopt import elastic_net_prox, ista, l1_subgradient, numerical_gradient, soft_threshold

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4))
y = X @ [2.0, -1.0, 0.0, 0.0] + RNG.normal(size=20)


class TestItem10:
    """Steps against the subgradient do not land on zero; they chatter within -lr (lam - |g|) ... lr (lam + |g|)."""

    def chatter(self, slope, lr, lam, w=0.713):
        path = [w]
        for _ in range(5000):
            path.append(path[-1] - lr * (slope + l1_subgradient(path[-1], lam=lam)))
        return np.array(path[2500:], dtype=float)

    @pytest.mark.parametrize(("slope", "lr", "lam"), [(0.3, 0.1, 0.5), (-0.3, 0.1, 0.5), (0.05, 0.037, 1.0)])
    def test_item_10_subgradient_steps_stay_in_a_band_and_never_on_zero(self, slope, lr, lam):
        path = self.chatter(slope, lr, lam) * -np.sign(slope)  # the push of the slope towards positive values
        assert np.all(path != 0)
        assert np.all((path >= -lr * (lam - abs(slope)) - 1e-12) & (path <= lr * (lam + abs(slope)) + 1e-12))
        assert np.ptp(path) > 0.7 * 2 * lr * lam

    @pytest.mark.parametrize(("slope", "lr", "lam"), [(0.3, 0.1, 0.5), (-0.3, 0.1, 0.5), (0.05, 0.037, 1.0)])
    def test_item_10_proximal_steps_land_on_zero_and_stay(self, slope, lr, lam):
        w, path = np.array(0.713), []
        for _ in range(200):
            w = soft_threshold(w - lr * slope, lr * lam)
            path.append(float(w))
        assert path[-100:] == [0.0] * 100

    def test_item_10_on_data(self):
        lam = 0.6 * np.max(np.abs(X.T @ y))
        lr = 1 / np.linalg.norm(X, 2) ** 2
        w = np.zeros(4)
        for _ in range(2000):
            w = w - lr * (X.T @ (X @ w - y) + l1_subgradient(w, lam=lam))
        assert np.count_nonzero(w) == 4
        assert np.count_nonzero(ista(X, y, lam=lam, steps=2000)[-1]) < 4


def test_item_11_the_subdifferential_at_zero_reaches_from_minus_four_to_zero():
    def loss(w):
        return (w - 1) ** 2 + 2 * np.abs(w)

    right = float(numerical_gradient(loss, np.array(1e-9), h=1e-10, method="forward"))
    left = float(numerical_gradient(loss, np.array(-1e-9), h=1e-10, method="forward"))
    assert (left, right) == (pytest.approx(-4, abs=1e-4), pytest.approx(0, abs=1e-4))
    around = np.linspace(-1, 2, 30_001)
    assert abs(around[np.argmin(loss(around))]) < 1e-9  # 004's answer survives
    assert soft_threshold(np.array(1.0), 2 / 2) == 0  # the loss is twice 1/2 (w - 1)^2 + |w|


class TestItem23:
    """Elastic net: three ways to write its two strengths."""

    l1, l2 = 0.3, 0.2

    def minimise(self, slope, l1, l2):
        """Proximal gradient descent on a smooth loss plus l1 ||w||_1 + l2 ||w||^2, without the half."""
        w, lr = np.zeros(4), 0.1
        for _ in range(3000):
            w = elastic_net_prox(w - lr * slope(w), l1=lr * l1, l2=lr * 2 * l2)
        return w

    def scikit_learn(self, alpha, l1_ratio):
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, fit_intercept=False, tol=1e-14, max_iter=100_000)
        return model.fit(X, y).coef_

    def test_item_23_mean_loss_without_the_half(self):
        ours = self.minimise(lambda w: 2 / len(y) * X.T @ (X @ w - y), self.l1, self.l2)
        theirs = self.scikit_learn(self.l1 / 2 + self.l2, self.l1 / (self.l1 + 2 * self.l2))
        assert 0 < np.count_nonzero(theirs) < 4
        np.testing.assert_allclose(ours, theirs, atol=1e-10)

    def test_item_23_halved_mean_loss(self):
        ours = self.minimise(lambda w: 1 / len(y) * X.T @ (X @ w - y), self.l1 / 2, self.l2 / 2)
        theirs = self.scikit_learn(self.l1 / 2 + self.l2, self.l1 / (self.l1 + 2 * self.l2))
        np.testing.assert_allclose(ours, theirs, atol=1e-10)

    def test_item_23_a_mixing_weight_is_not_the_l1_ratio(self):
        strength, mixing = 0.25, 0.6  # of 002: strength (a |w|_1 + (1 - a) |w|^2)
        ours = self.minimise(lambda w: 1 / len(y) * X.T @ (X @ w - y), strength * mixing, strength * (1 - mixing))
        l1_ratio = mixing / (2 - mixing)
        theirs = self.scikit_learn(strength * (2 - mixing), l1_ratio)
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


class TestItem29:
    """Under a Laplace prior the mode of the posterior is exactly zero where its mean and its draws are not."""

    x, lam = 0.8, 1.0

    def moment(self, power):
        value = integrate.quad(
            lambda u: u**power * np.exp(-((u - self.x) ** 2) / 2 - self.lam * abs(u)), -12, 12, points=[0]
        )
        return value[0]

    def test_item_29_only_the_mode_is_zero(self):
        assert soft_threshold(np.array(self.x), self.lam) == 0
        assert self.moment(1) / self.moment(0) > 0.2

    def test_item_29_the_mode_is_the_prox(self):
        around = np.linspace(-3, 3, 600_001)
        for x in (-2.0, 0.8, 1.7):
            density = -((around - x) ** 2) / 2 - self.lam * np.abs(around)
            assert around[np.argmax(density)] == pytest.approx(float(soft_threshold(x, self.lam)), abs=1e-5)


def test_item_31_the_l1_penalty_has_no_curvature():
    for w in (-2.0, 0.5):
        here = l1_subgradient(np.array(w), lam=0.7)
        assert l1_subgradient(np.array(w + 0.25), lam=0.7) == here
