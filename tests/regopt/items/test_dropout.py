"""Where the sources disagree about dropout: the numbered items of the curriculum, each proved."""

import numpy as np
from scipy import special

from regopt import dropout, dropout_classic, dropout_moments, gaussian_dropout, mask_ensemble, variational_dropout_kl
from tests.regopt.chance import Scripted, keeping


def softmax(z):
    return special.softmax(z, axis=-1)


def difference(a, b):
    return np.max(np.abs(a - b))


def test_item_08_the_excess_variance_is_of_the_second_moment():
    mean, variance, p = 3.0, 2.0, 0.5
    total = dropout_moments(mean, variance, p=p)[1]
    second_moment = variance + mean**2
    assert total - variance == second_moment * p / (1 - p) == 11
    assert variance * p / (1 - p) == 2  # what 004 calls the variance is neither the whole nor, here, the excess
    centred = dropout_moments(0.0, variance, p=p)[1]
    assert centred - variance == variance * p / (1 - p)  # the excess, where the mean is 0
    assert centred == variance / (1 - p)


class TestItem09:
    """Scaled weights against the renormalised geometric mean of the sub-networks, p = 0.3 and p = 0.5."""

    rng = np.random.default_rng(9)
    x, w1, b1 = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    w2, b2, mixed = rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=(4, 4))

    def gap(self, net, p, n=4):
        """Between the network with its mask replaced by its mean, and the ensemble of all masks."""
        return difference(net(np.full(n, 1 - p)), mask_ensemble(net, n, p=p, mean="geometric"))

    def test_item_09_exact_for_dropout_before_the_final_linear_layer(self):
        hidden = np.tanh(self.x @ self.w1 + self.b1)  # any net below
        for p in (0.3, 0.5):
            assert self.gap(lambda mask: softmax((hidden * mask) @ self.w2 + self.b2), p) < 1e-14

    def test_item_09_exact_for_a_linear_net_with_independent_masks(self):
        def net(mask):  # of 7 units: 3 inputs and 4 hidden ones
            return softmax(((self.x * mask[:3]) @ self.w1 * mask[3:]) @ self.w2)

        assert self.gap(net, 0.3, n=7) < 1e-14

    def test_item_09_not_with_one_mask_used_twice(self):
        def net(mask):
            return softmax(((self.x @ self.w1 * mask) @ self.mixed * mask) @ self.w2)

        assert self.gap(net, 0.3) > 0.01

    def test_item_09_an_approximation_with_a_nonlinearity_above_the_mask(self):
        def net(mask):
            return softmax(np.tanh((self.x @ self.w1 * mask) @ self.mixed) @ self.w2)

        assert 0.01 < self.gap(net, 0.5) < 0.5

    def test_item_09_the_arithmetic_mean_is_another_one(self):
        def net(mask):
            return softmax(self.x @ self.w1 * mask @ self.w2)

        assert difference(net(np.full(4, 0.5)), mask_ensemble(net, 4, p=0.5)) > 0.01


class TestItem27:
    def test_item_27_the_mask_varies_most_at_one_half_but_inverted_noise_grows_without_bound(self):
        p = np.linspace(0.01, 0.99, 99)
        inverted = [dropout_moments(1.0, 0.0, p=each)[1] for each in p]
        classic = [dropout_moments(1.0, 0.0, p=each, inverted=False)[1] for each in p]
        assert p[np.argmax(classic)] == 0.5
        assert np.all(np.diff(inverted) > 0)
        assert dropout_moments(1.0, 0.0, p=1 - 1e-9)[1] > 1e8

    def test_item_27_gaussian_dropout_has_the_moments_of_the_inverted_form_only(self):
        x, p = np.array([2.0]), 0.3
        nodes, weights = np.polynomial.hermite_e.hermegauss(4)
        weights = weights / weights.sum()
        gaussian = np.array([gaussian_dropout(x, p=p, rng=Scripted([z]))[0][0] for z in nodes])
        gaussian_variance = weights @ (gaussian - 2) ** 2

        def moments(drop):
            kept, dropped = (drop(x, p=p, rng=keeping([bit]))[0][0] for bit in (1, 0))
            mean = (1 - p) * kept + p * dropped
            return mean, (1 - p) * (kept - mean) ** 2 + p * (dropped - mean) ** 2

        np.testing.assert_allclose([weights @ gaussian, gaussian_variance], moments(dropout), rtol=1e-12)
        assert difference(np.array([weights @ gaussian, gaussian_variance]), np.array(moments(dropout_classic))) > 0.5


class TestItem30:
    alpha = np.logspace(-6, 6, 5001)

    def test_item_30_the_fit_of_molchanov_errs_by_up_to_nine_thousandths(self):
        fit = 0.63576 * (1 - special.expit(1.87320 + 1.48695 * np.log(self.alpha))) + 0.5 * np.log1p(1 / self.alpha)
        assert 0.009 < difference(fit, variational_dropout_kl(self.alpha)) < 0.0095

    def test_item_30_the_cubic_of_kingma_holds_up_to_one_and_fails_beyond(self):
        def cubic(alpha):
            return -(0.5 * np.log(alpha) + 1.16145124 * alpha - 1.50204118 * alpha**2 + 0.58629921 * alpha**3)

        small = self.alpha[self.alpha <= 1]
        offset = cubic(small) - variational_dropout_kl(small)
        assert np.ptp(offset) < 0.05  # a constant, nearly
        assert cubic(10.0) - variational_dropout_kl(10.0) < offset.min() - 100

    def test_item_30_pruning_lies_at_alpha_to_infinity_where_the_kl_falls_to_zero(self):
        kl = variational_dropout_kl(self.alpha)
        assert np.all(np.diff(kl) < 0)
        assert kl[-1] < 1e-6
