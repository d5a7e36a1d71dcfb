import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, special

from regopt import (
    dropconnect,
    dropconnect_backward,
    dropout,
    dropout_backward,
    dropout_classic,
    dropout_moments,
    gaussian_dropout,
    mask_ensemble,
    variational_dropout,
    variational_dropout_kl,
)
from tests.evidence import agree
from tests.regopt.chance import DRAWS, Scripted, hoeffding, keeping

P = [0.1, 0.5, 0.8]


def all_masks(n):
    return [np.array(bits) for bits in itertools.product((0.0, 1.0), repeat=n)]


def chance(mask, p):
    return math.prod(1 - p if bit else p for bit in mask.ravel())


def torch_dropout(shape, p, seed=0):
    """A mask that torch drew, and a function that drops by this very mask."""
    torch.manual_seed(seed)
    mask = torch.nn.functional.dropout(torch.ones(shape, dtype=torch.float64), p).numpy() > 0

    def drop(x):
        torch.manual_seed(seed)
        return torch.nn.functional.dropout(x, p)

    return mask, drop


def normal_quadrature(points=8):
    """Nodes and weights that integrate polynomials up to degree 15 against N(0, 1) exactly."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return nodes, weights / weights.sum()


class TestDropout:
    @pytest.mark.parametrize("p", P)
    def test_agrees_with_torch_forward_and_backward(self, p):
        rng = np.random.default_rng(0)
        x, dy = rng.normal(size=(2, 30, 7))
        mask, drop = torch_dropout(x.shape, p)
        assert 0 < mask.mean() < 1
        theirs = torch.from_numpy(x.copy()).requires_grad_()
        out = drop(theirs)
        out.backward(torch.from_numpy(dy))
        y, cache = dropout(x, p=p, rng=keeping(mask))
        agree("dropout", "torch.nn.functional.dropout, its mask", y, out.detach().numpy())
        agree("dropout_backward", "torch autograd", dropout_backward(dy, cache), theirs.grad.numpy())

    @pytest.mark.parametrize("p", P)
    def test_expectation_is_the_input_over_all_masks(self, p):
        x = np.array([3.0, -1.0, 0.0, 7.0])
        mean = sum(chance(mask, p) * dropout(x, p=p, rng=keeping(mask))[0] for mask in all_masks(4))
        agree("dropout", "mean over all masks", mean, x)

    @pytest.mark.parametrize("p", P)
    def test_drops_with_probability_p(self, p):
        y, _ = dropout(np.ones(DRAWS), p=p, rng=np.random.default_rng(1))
        assert abs(np.mean(y == 0) - p) < hoeffding()

    def test_evaluation_changes_nothing_and_gives_no_alias(self):
        x = np.array([1.0, 2.0])
        y, cache = dropout(x, p=0.5, rng=None, training=False)
        np.testing.assert_array_equal(y, x)
        assert not np.shares_memory(x, y)
        np.testing.assert_array_equal(dropout_backward(x, cache), x)

    def test_p_zero_keeps_everything(self):
        x = np.arange(100.0)
        np.testing.assert_array_equal(dropout(x, p=0, rng=np.random.default_rng(0))[0], x)

    def test_a_draw_of_exactly_p_is_kept(self):
        assert dropout(np.ones(1), p=0.5, rng=Scripted([0.5]))[0] == 2

    def test_a_numpy_p_keeps_float32(self):
        y, cache = dropout(np.ones(3, np.float32), p=np.float64(0.3), rng=np.random.default_rng(0))
        assert y.dtype == cache.dtype == np.float32

    def test_refuses_a_gradient_of_another_shape(self):
        _, cache = dropout(np.ones((2, 3)), p=0.5, rng=np.random.default_rng(0))
        with pytest.raises(ValueError, match=r"dy must be of shape \(2, 3\), got \(3,\)"):
            dropout_backward(np.ones(3), cache)

    @pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, math.nan])
    def test_refuses_p(self, p):
        with pytest.raises(ValueError, match=rf"p must be a number in \[0, 1\), got {p}"):
            dropout(np.ones(3), p=p, rng=np.random.default_rng(0))


class TestDropoutClassic:
    @pytest.mark.parametrize("p", P)
    def test_is_the_kept_share_of_torch(self, p):
        x, dy = np.random.default_rng(0).normal(size=(2, 30, 7))
        mask, drop = torch_dropout(x.shape, p)
        theirs = torch.from_numpy(x.copy()).requires_grad_()
        out = drop(theirs) * (1 - p)
        out.backward(torch.from_numpy(dy))
        y, cache = dropout_classic(x, p=p, rng=keeping(mask))
        agree("dropout_classic", "(1 - p) torch.nn.functional.dropout, its mask", y, out.detach().numpy())
        agree("dropout_backward", "torch autograd", dropout_backward(dy, cache), theirs.grad.numpy())

    def test_the_mask_of_float32_is_float32(self):
        assert dropout_classic(np.ones(3, np.float32), p=0.5, rng=np.random.default_rng(0))[1].dtype == np.float32

    @pytest.mark.parametrize("p", P)
    def test_evaluation_is_the_mean_over_all_masks(self, p):
        x = np.array([3.0, -1.0, 0.0, 7.0])
        mean = sum(chance(mask, p) * dropout_classic(x, p=p, rng=keeping(mask))[0] for mask in all_masks(4))
        y, cache = dropout_classic(x, p=p, rng=None, training=False)
        agree("dropout_classic", "mean over all masks", y, mean)
        agree("dropout_backward", "the slope of classic evaluation", dropout_backward(x, cache), (1 - p) * x)


class TestGaussianDropout:
    @pytest.mark.parametrize("p", P)
    def test_mean_and_variance_are_those_of_inverted_dropout(self, p):
        x = np.array([3.0, -1.0, 0.0, 7.0])
        nodes, weights = normal_quadrature()
        ys = np.array([gaussian_dropout(x, p=p, rng=Scripted(np.full(4, z)))[0] for z in nodes])
        masks = all_masks(4)
        dropped = np.array([dropout(x, p=p, rng=keeping(mask))[0] for mask in masks])
        chances = np.array([chance(mask, p) for mask in masks])
        against = "inverted dropout over all masks"
        agree("gaussian_dropout", against, weights @ ys, chances @ dropped)
        agree("gaussian_dropout", against, weights @ (ys - x) ** 2, chances @ (dropped - x) ** 2)

    def test_the_noise_is_normal(self):
        y, _ = gaussian_dropout(np.ones(DRAWS), p=0.8, rng=np.random.default_rng(1))
        for z in (-1.5, 0.0, 0.7):  # P(y < 1 + 2 z), for the standard deviation is 2
            assert abs(np.mean(y < 1 + 2 * z) - special.ndtr(z)) < hoeffding()

    def test_backward_multiplies_by_the_same_noise(self):
        x, dy = np.array([2.0, -4.0, 0.5]), np.array([1.0, 10.0, 100.0])
        y, cache = gaussian_dropout(x, p=0.5, rng=np.random.default_rng(0))
        agree("dropout_backward", "the slope of a linear map", dropout_backward(dy, cache), dy * y / x)

    def test_evaluation_changes_nothing_and_gives_no_alias(self):
        x = np.array([1.0, 2.0])
        y, cache = gaussian_dropout(x, p=0.5, rng=None, training=False)
        np.testing.assert_array_equal(y, x)
        assert not np.shares_memory(x, y)
        np.testing.assert_array_equal(dropout_backward(x, cache), x)


class TestDropoutMoments:
    @pytest.mark.parametrize("p", [0.0, *P])
    @pytest.mark.parametrize("inverted", [True, False])
    def test_agrees_with_enumeration_of_activation_and_mask(self, p, inverted):
        values, chances = np.array([-1.0, 2.0, 5.0]), np.array([0.5, 0.2, 0.3])
        mean, variance = chances @ values, chances @ (values - chances @ values) ** 2
        drop = dropout if inverted else dropout_classic
        outcomes, weights = [], []
        for value, likely in zip(values, chances, strict=True):
            for kept, chance_kept in ((1, 1 - p), (0, p)):
                if chance_kept:
                    outcomes.append(drop(value, p=p, rng=keeping(kept))[0])
                    weights.append(likely * chance_kept)
        expected = np.average(outcomes, weights=weights)
        spread = np.average((np.array(outcomes) - expected) ** 2, weights=weights)
        got = dropout_moments(mean, variance, p=p, inverted=inverted)
        agree("dropout_moments", "enumeration of values and masks", got, [expected, spread])

    @pytest.mark.parametrize("inverted", [True, False])
    def test_broadcasts_both(self, inverted):
        mean, variance = dropout_moments(np.ones((3, 1)), np.zeros(2), p=0.5, inverted=inverted)
        assert mean.shape == variance.shape == (3, 2)

    @pytest.mark.parametrize("inverted", [True, False])
    def test_a_plain_number_keeps_float32(self, inverted):
        ones = np.ones(2, np.float32)
        for pair in ((ones, 0.0), (3.0, ones), (ones, 2), (ones, ones)):
            assert {moment.dtype.name for moment in dropout_moments(*pair, p=0.5, inverted=inverted)} == {"float32"}
        assert {moment.dtype.name for moment in dropout_moments(3, 2, p=0.5, inverted=inverted)} == {"float64"}

    @given(mean=st.floats(-100, 100), variance=st.floats(0, 100), p=st.floats(0, 0.99))
    def test_classic_is_inverted_times_the_kept_share(self, mean, variance, p):
        expected = np.array(dropout_moments(mean, variance, p=p)) * [1 - p, (1 - p) ** 2]
        np.testing.assert_allclose(dropout_moments(mean, variance, p=p, inverted=False), expected, rtol=1e-9)

    def test_refuses_a_negative_variance(self):
        with pytest.raises(ValueError, match=r"variance must be >= 0, got -1.0"):
            dropout_moments(0.0, np.array([1.0, -1.0]), p=0.5)

    def test_refuses_shapes_that_do_not_fit(self):
        with pytest.raises(
            ValueError, match=r"variance must be of a shape that broadcasts with mean, \(2,\), got \(3,\)"
        ):
            dropout_moments(np.ones(2), np.ones(3), p=0.5)


class TestDropConnect:
    @pytest.mark.parametrize("p", P)
    def test_agrees_with_torch_forward_and_backward(self, p):
        rng = np.random.default_rng(0)
        x, w, dy = rng.normal(size=(5, 7)), rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
        mask, drop = torch_dropout(w.shape, p)
        their_x = torch.from_numpy(x.copy()).requires_grad_()
        their_w = torch.from_numpy(w.copy()).requires_grad_()
        out = their_x @ drop(their_w)
        out.backward(torch.from_numpy(dy))
        y, cache = dropconnect(x, w, p=p, rng=keeping(mask))
        dx, dw = dropconnect_backward(dy, cache)
        agree("dropconnect", "torch, its mask on the weights", y, out.detach().numpy())
        agree("dropconnect_backward", "torch autograd", dx, their_x.grad.numpy())
        agree("dropconnect_backward", "torch autograd", dw, their_w.grad.numpy())

    @pytest.mark.parametrize("p", P)
    def test_mean_and_variance_over_all_masks(self, p):
        x, w = np.array([[1.0, -2.0]]), np.array([[3.0, 0.5], [-1.0, 4.0]])
        masks = all_masks(4)
        chances = np.array([chance(mask, p) for mask in masks])
        ys = np.array([dropconnect(x, w, p=p, rng=keeping(mask.reshape(2, 2)))[0] for mask in masks])
        mean = np.tensordot(chances, ys, 1)
        agree("dropconnect", "mean over all masks", mean, dropconnect(x, w, p=p, rng=None, training=False)[0])
        agree(
            "dropconnect",
            "variance over all masks",
            np.tensordot(chances, (ys - mean) ** 2, 1),
            x**2 @ w**2 * p / (1 - p),
        )

    def test_drops_weights_with_probability_p(self):
        y, _ = dropconnect(np.eye(1000), np.ones((1000, 1000)), p=0.3, rng=np.random.default_rng(1))
        assert abs(np.mean(y == 0) - 0.3) < hoeffding()

    def test_evaluation_has_the_gradient_of_the_whole_layer(self):
        x, w = np.array([[1.0, -2.0]]), np.array([[3.0], [4.0]])
        y, cache = dropconnect(x, w, p=0.5, rng=None, training=False)
        np.testing.assert_array_equal(y, [[-5.0]])
        assert y.dtype == np.float64
        dx, dw = dropconnect_backward(np.array([[2.0]]), cache)
        np.testing.assert_array_equal(dx, [[6.0, 8.0]])
        np.testing.assert_array_equal(dw, [[2.0], [-4.0]])

    @pytest.mark.parametrize(
        ("x", "w", "message"),
        [
            (np.ones(3), np.ones((3, 2)), r"x must be of shape \(n, d\), got \(3,\)"),
            (np.ones((4, 3)), np.ones((2, 2)), r"w must be of shape \(3, k\) to fit x, got \(2, 2\)"),
            (np.ones((4, 3)), np.ones(3), r"w must be of shape \(3, k\) to fit x, got \(3,\)"),
        ],
    )
    def test_refuses_shapes(self, x, w, message):
        with pytest.raises(ValueError, match=message):
            dropconnect(x, w, p=0.5, rng=np.random.default_rng(0))

    def test_refuses_a_gradient_of_another_shape(self):
        _, cache = dropconnect(np.ones((4, 3)), np.ones((3, 2)), p=0.5, rng=np.random.default_rng(0))
        with pytest.raises(ValueError, match=r"dy must be of shape \(4, 2\), got \(2,\)"):
            dropconnect_backward(np.ones(2), cache)


class TestVariationalDropout:
    @pytest.mark.parametrize("alpha", [0.3, np.array([[0.1, 2.0], [0.7, 0.0]])])
    def test_mean_and_variance_are_those_of_noise_on_the_weights(self, alpha):
        x, w = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[3.0, 0.5], [-1.0, 4.0]])
        nodes, weights = normal_quadrature()
        y = np.array([variational_dropout(x, w, alpha=alpha, rng=Scripted(np.full((2, 2), z))) for z in nodes])
        noisy, chances = [], []
        for i, j in itertools.product(range(8), repeat=2):  # the two weights that feed one output
            noise = 1 + np.sqrt(alpha) * np.array([[nodes[i]] * 2, [nodes[j]] * 2])
            noisy.append(x @ (w * noise))
            chances.append(weights[i] * weights[j])
        against = "quadrature over noisy weights"
        mean = np.average(noisy, axis=0, weights=chances)
        agree("variational_dropout", against, np.average(y, axis=0, weights=weights), mean)
        variance = np.average((np.array(noisy) - mean) ** 2, axis=0, weights=chances)
        agree("variational_dropout", against, np.average((y - mean) ** 2, axis=0, weights=weights), variance)

    def test_every_output_has_its_own_normal_noise(self):
        y = variational_dropout(np.ones((1000, 1)), np.ones((1, 1000)), alpha=4.0, rng=np.random.default_rng(1))
        for z in (-1.5, 0.0, 0.7):
            assert abs(np.mean(y < 1 + 2 * z) - special.ndtr(z)) < hoeffding()

    def test_evaluation_is_the_mean(self):
        x, w = np.ones((2, 3)), np.ones((3, 1))
        np.testing.assert_array_equal(variational_dropout(x, w, alpha=1.0, rng=None, training=False), [[3.0], [3.0]])

    @pytest.mark.parametrize("alpha", [-0.1, math.nan, np.array([[1.0], [-0.1]])])
    def test_refuses_alpha(self, alpha):
        with pytest.raises(ValueError, match=r"alpha must be >= 0, got (-0.1|nan)"):
            variational_dropout(np.ones((1, 2)), np.ones((2, 1)), alpha=alpha, rng=np.random.default_rng(0))

    def test_refuses_an_alpha_that_would_be_broadcast(self):
        with pytest.raises(ValueError, match=r"alpha must be of shape \(\) or that of w, \(2, 1\), got \(2,\)"):
            variational_dropout(np.ones((1, 2)), np.ones((2, 1)), alpha=np.ones(2), rng=np.random.default_rng(0))


class TestVariationalDropoutKl:
    ALPHAS = np.concatenate([np.logspace(-8, 8, 33), 1 / np.linspace(59.9, 60.1, 21)])  # the seam is at 1/60

    def test_agrees_with_scipys_dawson_integral(self):
        expected = [
            2 * integrate.quad(special.dawsn, 0, 1 / math.sqrt(2 * alpha), epsabs=1e-13, epsrel=1e-12, limit=9000)[0]
            for alpha in self.ALPHAS
        ]
        agree("variational_dropout_kl", "scipy: quad of dawsn", variational_dropout_kl(self.ALPHAS), expected)

    @pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 7.0])
    def test_is_the_expected_log_of_the_noise(self, alpha):
        def integrand(u, mean):
            return math.log(abs(u)) * math.exp(-((u - mean) ** 2) / 2) / math.sqrt(2 * math.pi)

        def expected_log(mean):
            return sum(
                integrate.quad(integrand, *ends, args=(mean,), epsabs=1e-13, limit=400)[0]
                for ends in ((mean - 40, 0), (0, mean + 40))
            )

        expected = expected_log(1 / math.sqrt(alpha)) - expected_log(0.0)
        agree("variational_dropout_kl", "scipy: E log|noise|", variational_dropout_kl(alpha), expected)

    def test_of_a_number_that_has_no_reciprocal_is_infinite_without_a_warning(self):
        assert variational_dropout_kl(1e-310) == np.inf

    def test_of_float32_is_that_of_the_same_float64_rounded(self):
        alpha = np.array([1e-39, 0.3, 7.0], np.float32)  # the first has no reciprocal in float32
        got = variational_dropout_kl(alpha)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, variational_dropout_kl(alpha.astype(float)).astype(np.float32))

    def test_falls_from_infinity_to_zero(self):
        kl = variational_dropout_kl(np.array([0.0, 1e-300, 1e-3, 1.0, 1e3, np.inf]))
        assert kl[0] == np.inf
        assert np.all(np.diff(kl[1:]) < 0)
        assert kl[-1] == 0

    def test_refuses_a_negative_alpha(self):
        with pytest.raises(ValueError, match=r"alpha must be >= 0, got -1.0"):
            variational_dropout_kl(np.array([1.0, -1.0]))


def softmax(z):
    return special.softmax(z, axis=-1)


class TestMaskEnsemble:
    @pytest.mark.parametrize("p", [0.0, *P])
    def test_agrees_with_a_loop_over_the_bits_of_a_counter(self, p):
        rng = np.random.default_rng(0)
        v, w, x = rng.normal(size=(4, 3)), rng.normal(size=(3, 4)), rng.normal(size=(5, 3))

        def net(mask):
            return softmax(np.tanh(x @ w) * mask @ v)

        arithmetic, geometric = np.zeros((5, 3)), np.ones((5, 3))
        for number in range(16):
            mask = [number >> unit & 1 for unit in range(4)]
            likely = (1 - p) ** sum(mask) * p ** (4 - sum(mask))
            arithmetic += likely * net(np.array(mask))
            geometric *= net(np.array(mask)) ** likely
        geometric /= geometric.sum(axis=1, keepdims=True)
        against = "loop over the bits of a counter"
        agree("mask_ensemble", against, mask_ensemble(net, 4, p=p), arithmetic)
        agree("mask_ensemble", against, mask_ensemble(net, 4, p=p, mean="geometric"), geometric)

    @given(
        arrays(float, 5, elements=st.floats(-10, 10)), arrays(float, 5, elements=st.floats(-10, 10)), st.floats(0, 0.9)
    )
    def test_expectation_linearity(self, w, h, p):
        mean = mask_ensemble(lambda mask: w @ (h * mask) / (1 - p), 5, p=p)
        np.testing.assert_allclose(mean, w @ h, atol=1e-8)

    def test_gives_the_moments_of_a_sum(self):
        w, p = np.array([1.0, -2.0, 3.0]), 0.3
        means, variances = dropout_moments(w, 0.0, p=p)
        mean = mask_ensemble(lambda mask: w @ mask / (1 - p), 3, p=p)
        square = mask_ensemble(lambda mask: (w @ mask / (1 - p)) ** 2, 3, p=p)
        agree("mask_ensemble", "sum of independent moments", [mean, square - mean**2], [means.sum(), variances.sum()])

    def test_each_mask_once_and_whole_at_p_zero(self):
        seen = []
        mask_ensemble(lambda mask: seen.append(tuple(mask)) or 0.0, 3, p=0.5)
        assert sorted(seen) == sorted(itertools.product((0.0, 1.0), repeat=3))
        seen.clear()
        mask_ensemble(lambda mask: seen.append(tuple(mask)) or 0.0, 3, p=0.0)
        assert seen == [(1.0, 1.0, 1.0)]

    def test_no_units_is_one_network(self):
        assert mask_ensemble(lambda mask: 7.0 + mask.size, 0, p=0.5) == 7

    def test_extreme_probabilities_do_not_underflow(self):
        net = lambda mask: np.array([1e-300, 1e-305])  # noqa: E731
        expected = np.array([1, 1e-5]) / (1 + 1e-5)
        agree("mask_ensemble", "a constant network", mask_ensemble(net, 2, p=0.5, mean="geometric"), expected)

    def test_each_distribution_has_its_own_size(self):
        net = lambda mask: np.array([[1e-300, 3e-300], [3e300, 1e300]])  # noqa: E731
        expected = [[0.25, 0.75], [0.75, 0.25]]
        agree("mask_ensemble", "a constant network", mask_ensemble(net, 2, p=0.5, mean="geometric"), expected)

    def test_twenty_units_are_legal_and_more_refused(self):
        with pytest.raises(ValueError, match=r"n must be in \[0, 20\], for 2\^n masks are tried, got 21"):
            mask_ensemble(lambda mask: 0.0, 21, p=0.5)
        with pytest.raises(ValueError, match=r"n must be in \[0, 20\], for 2\^n masks are tried, got -1"):
            mask_ensemble(lambda mask: 0.0, -1, p=0.5)
        calls = []
        mask_ensemble(lambda mask: calls.append(1) or 0.0, 20, p=0.0)
        assert len(calls) == 1

    def test_refuses_an_unknown_mean(self):
        with pytest.raises(ValueError, match="mean must be 'arithmetic' or 'geometric', got 'harmonic'"):
            mask_ensemble(lambda mask: 1.0, 2, p=0.5, mean="harmonic")

    def test_refuses_a_geometric_mean_of_what_is_no_probability(self):
        with pytest.raises(ValueError, match=r"net\(mask\) must be > 0 for a geometric mean, got 0.0"):
            mask_ensemble(lambda mask: mask, 2, p=0.5, mean="geometric")
