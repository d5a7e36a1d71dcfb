import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regopt import fisher_penalty, l2_sp, nt_xent
from tests.evidence import agree

rng = np.random.default_rng(0)


def by_torch(value, *arrays):
    """The value of a torch function, and its gradients in each argument."""
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    result = value(*tensors)
    result.backward()
    return result.item(), [tensor.grad.numpy() for tensor in tensors]


class TestPenalties:
    @pytest.mark.parametrize("half", [True, False])
    @pytest.mark.parametrize("shape", [(), (3,), (2, 4)])
    def test_agree_with_torchs_gradient_of_the_sum(self, shape, half):
        w, w_pre, fisher = (np.asarray(rng.normal(size=shape)) for _ in range(3))
        fisher, factor = np.square(fisher, out=fisher), 0.35 if half else 0.7
        expected, (slope,) = by_torch(lambda x: factor * ((x - torch.from_numpy(w_pre)) ** 2).sum(), w)
        value, grad = l2_sp(w, w_pre, lam=0.7, half=half)
        agree("l2_sp", "torch.autograd", value, expected)
        agree("l2_sp", "torch.autograd", grad, slope)
        weight = torch.from_numpy(fisher)
        expected, (slope,) = by_torch(lambda x: factor * (weight * (x - torch.from_numpy(w_pre)) ** 2).sum(), w)
        value, grad = fisher_penalty(w, w_pre, fisher, lam=0.7, half=half)
        agree("fisher_penalty", "torch.autograd", value, expected)
        agree("fisher_penalty", "torch.autograd", grad, slope)

    def test_a_fisher_of_ones_is_l2_sp(self):
        w, w_pre = rng.normal(size=(2, 5))
        value, grad = fisher_penalty(w, w_pre, np.ones(5), lam=0.3)
        expected, slope = l2_sp(w, w_pre, lam=0.3)
        agree("fisher_penalty", "l2_sp", value, expected)
        agree("fisher_penalty", "l2_sp", grad, slope)

    def test_with_the_true_fisher_of_a_gaussian_it_is_the_divergence_of_the_models(self):
        """For y ~ N(Xw, 1) with orthogonal columns, half the Fisher-weighted distance is the mean KL, exactly."""
        X = np.linalg.qr(rng.normal(size=(50, 3)))[0] * [1.0, 4.0, 0.1]
        w, w_pre = rng.normal(size=(2, 3))
        value, _ = fisher_penalty(w, w_pre, np.mean(X**2, axis=0), lam=1.0)
        agree("fisher_penalty", "closed form: KL of two Gaussians", value, np.mean((X @ w - X @ w_pre) ** 2) / 2)

    def test_beyond_the_largest_number_they_are_infinite_without_a_warning(self):
        value, grad = l2_sp(np.array([1e200, 1.0]), np.zeros(2), lam=1.0)
        assert value == np.inf
        np.testing.assert_array_equal(grad, [1e200, 1.0])


def simclr(z1, z2, tau):
    """The loss in torch: normalised rows, the own similarity masked, cross-entropy against the partner."""
    z = torch.nn.functional.normalize(torch.cat([z1, z2]), eps=0.0)
    logits = (z @ z.T / tau).masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(z)).roll(len(z1)))


class TestNtXent:
    @pytest.mark.parametrize("tau", [0.01, 0.5, 10.0])
    @pytest.mark.parametrize("shape", [(1, 3), (2, 2), (7, 5), (4, 1)])
    def test_agrees_with_torch(self, shape, tau):
        z1, z2 = rng.normal(size=(2, *shape)) * 3
        expected, slopes = by_torch(lambda a, b: simclr(a, b, tau), z1, z2)
        loss, grads = nt_xent(z1, z2, tau=tau)
        agree("nt_xent", "torch.nn.functional.cross_entropy", loss, expected)
        for grad, slope in zip(grads, slopes, strict=True):
            agree("nt_xent", "torch.autograd", grad, slope)

    def test_agrees_with_the_loop_of_the_papers_algorithm(self):
        """Chen et al. 2020, algorithm 1: l(2k-1, 2k) + l(2k, 2k-1), one pair at a time."""
        z1, z2 = rng.normal(size=(2, 4, 3))
        views = [view for pair in zip(z1.tolist(), z2.tolist(), strict=True) for view in pair]

        def similarity(a, b):
            return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

        def pair_loss(i, j):
            others = [math.exp(similarity(views[i], views[k]) / 0.3) for k in range(8) if k != i]
            return -math.log(math.exp(similarity(views[i], views[j]) / 0.3) / sum(others))

        total = sum(pair_loss(2 * k, 2 * k + 1) + pair_loss(2 * k + 1, 2 * k) for k in range(4))
        agree("nt_xent", "Chen et al. 2020, algorithm 1", nt_xent(z1, z2, tau=0.3)[0], total / 8)

    def test_one_pair_has_nothing_to_tell_apart(self):
        loss, (grad1, grad2) = nt_xent(np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]]), tau=0.5)
        assert loss == 0
        assert not grad1.any()
        assert not grad2.any()

    def test_equal_views_that_are_orthogonal_to_all_others(self):
        for n, tau in ((2, 0.5), (5, 0.1)):
            expected = math.log(1 + (2 * n - 2) * math.exp(-1 / tau))
            agree("nt_xent", "closed form: orthogonal pairs", nt_xent(np.eye(n), np.eye(n), tau=tau)[0], expected)

    @given(st.integers(1, 6), st.integers(1, 4), st.floats(0.01, 100), st.integers(0, 10**6))
    def test_bounds_and_invariances(self, n, d, tau, seed):
        rng = np.random.default_rng(seed)
        z1, z2 = rng.normal(size=(2, n, d))
        loss, (grad1, grad2) = nt_xent(z1, z2, tau=tau)
        assert 0 <= loss <= math.log(2 * n - 1) + 2 / tau + 1e-9
        scaled, (scaled1, _) = nt_xent(z1 * rng.uniform(0.1, 9, size=(n, 1)), z2, tau=tau)
        assert scaled == pytest.approx(loss, abs=1e-9)
        assert nt_xent(z2, z1, tau=tau)[0] == pytest.approx(loss, abs=1e-9)
        for grad, z in ((grad1, z1), (grad2, z2), (scaled1, z1)):
            assert np.allclose(np.sum(grad * z, axis=1), 0, atol=1e-9 / tau)  # length does not matter to the loss

    @pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
    def test_length_neither_over_nor_underflows(self, scale):
        z1, z2 = rng.normal(size=(2, 4, 3))
        expected, (slope, _) = nt_xent(z1, z2, tau=0.5)
        loss, (grad, _) = nt_xent(scale * z1, scale * z2, tau=0.5)
        agree("nt_xent", "views of ordinary length", loss, expected)
        if scale > 1e-200:
            agree("nt_xent", "views of ordinary length", grad * scale, slope)

    def test_lengths_of_one_batch_may_be_far_apart(self):
        z1, z2 = rng.normal(size=(2, 4, 3))
        expected, _ = nt_xent(z1, z2, tau=0.5)
        loss, _ = nt_xent(z1 * [[1e-200], [1.0], [1e200], [1e-100]], z2, tau=0.5)
        agree("nt_xent", "views of ordinary length", loss, expected)

    def test_views_without_features_are_all_alike(self):
        loss, grads = nt_xent(np.ones((2, 0)), np.ones((2, 0)), tau=0.5)
        assert loss == pytest.approx(math.log(3))
        assert [grad.shape for grad in grads] == [(2, 0), (2, 0)]

    def test_lengths_near_the_smallest_number_give_infinite_gradients_without_a_warning(self):
        _, (grad, _) = nt_xent(np.array([[5e-324, 0.0], [0.0, 1.0]]), np.eye(2)[::-1], tau=0.5)
        assert np.isinf(grad[0]).any()

    def test_extreme_temperatures_are_safe(self):
        z1, z2 = rng.normal(size=(2, 4, 3))
        for tau in (1e-4, 1e4):
            loss, grads = nt_xent(z1, z2, tau=tau)
            assert np.isfinite(loss)
            assert np.isfinite(grads).all()

    def test_a_view_of_length_zero_has_no_direction(self):
        z1, z2 = np.eye(2), np.array([[1.0, 0.0], [0.0, 0.0]])
        loss, (_, grad2) = nt_xent(z1, z2, tau=1.0)
        e = math.e  # anchors: (1,0): e against e + 2, (0,1): 1 of 3, (1,0): e against e + 2, (0,0): 1 of 3
        agree("nt_xent", "closed form", loss, (2 * math.log((e + 2) / e) + 2 * math.log(3)) / 4)
        assert not grad2[1].any()
