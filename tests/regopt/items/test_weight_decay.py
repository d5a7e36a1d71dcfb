"""Where the sources disagree about weight decay: the numbered items of the curriculum, each proved."""

import itertools

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from sklearn.linear_model import Ridge

from regopt import l2_penalty, ridge, sgd_l2, sgd_weight_decay, sgdw
from tests.regopt.steps import follow, follow_torch

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(12, 3)), RNG.normal(size=12)


def settle(step, **settings):
    """Where (w - 1)^2 / 2 and the decay come to rest, from w = 1."""
    w, state = np.array(1.0), None
    for _ in range(4000):
        w, state = step(w, w - 1, state, lr=0.1, lam=0.5, **settings)
    return w


def test_item_01_without_the_half_lam_counts_twice():
    w = RNG.normal(size=5)
    for whole, halved in zip(l2_penalty(w, lam=0.3, half=False), l2_penalty(w, lam=0.6), strict=True):
        np.testing.assert_array_equal(whole, halved)


def test_item_01_weight_decay_of_torch_is_the_form_with_the_half():
    w, zero = RNG.normal(size=(3,)), np.zeros((10, 3))
    torch_path = follow_torch(lambda p: torch.optim.SGD(p, weight_decay=0.3), w, zero, [0.1] * 10)
    ours = follow(lambda w, grad, state, lr: (w - lr * l2_penalty(w, lam=0.3)[1], state), w, zero, [0.1] * 10)
    np.testing.assert_allclose(ours, torch_path, rtol=1e-14)


class TestItem02:
    def test_item_02_decay_of_the_old_weights_is_l2(self):
        w, grad = RNG.normal(size=(2, 50))
        l2, _ = sgd_l2(w, grad, lr=0.1, lam=0.5)
        np.testing.assert_allclose(sgd_weight_decay(w, grad, lr=0.1, lam=0.5)[0], l2, rtol=1e-14)

    def test_item_02_decay_after_the_step_leaves_a_term_over(self):
        w, grad = RNG.normal(size=(2, 50))
        first, _ = sgd_weight_decay(w, grad, lr=0.1, lam=0.5)
        after, _ = sgd_weight_decay(w, grad, lr=0.1, lam=0.5, order="step_first")
        np.testing.assert_allclose(after - first, 0.1**2 * 0.5 * grad, rtol=1e-10, atol=1e-15)

    def test_item_02_the_two_orders_settle_apart(self):
        assert settle(sgd_weight_decay, order="step_first") == pytest.approx(0.095 / 0.145)  # 0.655
        assert settle(sgd_weight_decay) == pytest.approx(2 / 3)
        assert settle(sgd_l2) == pytest.approx(2 / 3)

    @pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
    def test_item_02_with_momentum_decoupled_decay_is_weaker(self, gamma):
        assert settle(sgdw, gamma=gamma) == pytest.approx(1 / (1 + (1 - gamma) * 0.5))  # 0.952 at 0.9

    def test_item_02_with_momentum_l2_settles_where_it_does_without(self):
        parameter = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9, weight_decay=0.5)
        for _ in range(4000):
            optimizer.zero_grad()
            ((parameter - 1) ** 2 / 2).backward()
            optimizer.step()
        assert parameter.item() == pytest.approx(2 / 3)


class TestItem13:
    """Noise of variance s^2 on the inputs is L2 with lam = s^2 (mean loss); no rate has a part in it."""

    def test_item_13_expected_loss_by_enumeration(self):
        X, y, w, s = RNG.normal(size=(2, 3)), RNG.normal(size=2), RNG.normal(size=3), 0.7
        losses = [
            np.sum((y - (X + s * np.reshape(signs, X.shape)) @ w) ** 2) / (2 * len(y))
            for signs in itertools.product([-1, 1], repeat=X.size)
        ]
        penalty, _ = l2_penalty(w, lam=s**2)
        np.testing.assert_allclose(np.mean(losses), np.sum((y - X @ w) ** 2) / (2 * len(y)) + penalty, rtol=1e-12)

    def test_item_13_scikit_learn_calls_it_n_times_the_variance(self):
        s = 0.7
        noisy = np.concatenate([X, s * np.sqrt(len(y)) * np.eye(3)])  # rows whose squares add up to the penalty
        by_least_squares = np.linalg.lstsq(noisy, np.concatenate([y, np.zeros(3)]))[0]
        np.testing.assert_allclose(ridge(X, y, lam=len(y) * s**2), by_least_squares, rtol=1e-10)
        np.testing.assert_allclose(Ridge(alpha=len(y) * s**2, fit_intercept=False).fit(X, y).coef_, by_least_squares)


class TestItem29:
    """The prior N(0, 1/lam) goes with the summed negative log-likelihood, N(0, 1/(N lam)) with the mean."""

    def map_estimate(self, prior_variance):
        def negative_log_posterior(w):
            likelihood = np.sum(stats.norm.logpdf(y, loc=X @ w, scale=1))
            return -likelihood - np.sum(stats.norm.logpdf(w, loc=0, scale=np.sqrt(prior_variance)))

        return optimize.minimize(negative_log_posterior, np.zeros(3), method="BFGS", options={"gtol": 1e-7}).x

    def test_item_29_summed_loss(self):
        np.testing.assert_allclose(self.map_estimate(1 / 2.5), ridge(X, y, lam=2.5), atol=1e-6)

    def test_item_29_mean_loss(self):
        lam, n = 2.5, len(y)
        minimiser = np.linalg.solve(
            X.T @ X / n + lam * np.eye(3), X.T @ y / n
        )  # of 1/(2N) ||y - X w||^2 + lam/2 ||w||^2
        np.testing.assert_allclose(self.map_estimate(1 / (n * lam)), minimiser, atol=1e-6)
        np.testing.assert_allclose(minimiser, ridge(X, y, lam=n * lam), rtol=1e-10)


class TestItem31:
    """A penalised bias ties the fit to the origin of the targets; a free one does not."""

    def test_item_31_predictions_follow_a_shift_of_the_targets_only_with_a_free_bias(self):
        centred = X - X.mean(axis=0)
        np.testing.assert_allclose(
            ridge(centred, y - y.mean(), lam=5.0), ridge(centred, (y + 100) - (y + 100).mean(), lam=5.0), rtol=1e-9
        )
        with_ones = np.column_stack([X, np.ones(len(y))])
        shift = with_ones @ (ridge(with_ones, y + 100, lam=5.0) - ridge(with_ones, y, lam=5.0))
        assert np.all(shift < 90)  # where it should be 100
