import numpy as np
import pytest
import pytorch_optimizer
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg
from sklearn.linear_model import Ridge

from regopt import l2_penalty, ridge, ridge_shrinkage, sgd_l2, sgd_weight_decay, sgdw
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

SHAPE = (3, 4)
RATES = changing_rates()
GRADS = hard_gradients(SHAPE)


def design(rows, columns, seed=0, outputs=()):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)), rng.normal(size=(rows, *outputs))


class TestL2Penalty:
    @pytest.mark.parametrize(("half", "factor"), [(True, 0.5), (False, 1.0)])
    @pytest.mark.parametrize("lam", [0.0, 0.3, 1e5])
    def test_agrees_with_torch(self, half, factor, lam):
        w = torch.from_numpy(start(SHAPE)).requires_grad_()
        expected = factor * lam * torch.linalg.vector_norm(w) ** 2
        expected.backward()
        value, grad = l2_penalty(start(SHAPE), lam=lam, half=half)
        agree("l2_penalty", "torch.linalg.vector_norm, squared", value, expected.item())
        agree("l2_penalty", "torch autograd", grad, w.grad)

    def test_overflows_to_infinity(self):
        value, grad = l2_penalty(np.array([1e200]), lam=1.0)
        assert value == np.inf
        assert grad == 1e200


class TestRidge:
    @pytest.mark.parametrize("size", [(20, 5), (5, 20), (6, 6), (1, 3), (3, 1)], ids=str)
    @pytest.mark.parametrize("outputs", [(), (3,)], ids=["one output", "three outputs"])
    @pytest.mark.parametrize("lam", [1e-3, 1.0, 1e4])
    def test_agrees_with_scikit_learn(self, size, outputs, lam):
        X, y = design(*size, outputs=outputs)
        expected = Ridge(alpha=lam, fit_intercept=False, solver="cholesky").fit(X, y).coef_
        agree("ridge", "sklearn.linear_model.Ridge", ridge(X, y, lam=lam), np.transpose(expected))

    @pytest.mark.parametrize("size", [(20, 5), (5, 20)], ids=str)
    def test_without_penalty_it_is_the_shortest_least_squares_solution(self, size):
        X, y = design(*size)
        X[:, -1] = X[:, 0] + X[:, 1]
        agree("ridge", "scipy.linalg.lstsq", ridge(X, y, lam=0), linalg.lstsq(X, y)[0])

    def test_centred_data_leave_the_intercept_unpenalised(self):
        X, y = design(20, 5)
        X, y = X + 3, y - 7
        model = Ridge(alpha=2.0).fit(X, y)
        w = ridge(X - X.mean(axis=0), y - y.mean(), lam=2.0)
        agree("ridge", "sklearn.linear_model.Ridge with intercept", w, model.coef_)
        np.testing.assert_allclose(y.mean() - X.mean(axis=0) @ w, model.intercept_, rtol=1e-10)

    @given(st.integers(1, 6), st.integers(1, 6), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
    def test_the_objective_has_no_slope_there(self, rows, columns, lam, seed):
        X, y = design(rows, columns, seed)
        w = ridge(X, y, lam=lam)
        np.testing.assert_allclose(X.T @ (X @ w - y) + lam * w, 0, atol=1e-11 * (1 + np.sum(X**2)))

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_neither_over_nor_underflows_at_a_huge_or_tiny_scale(self, scale):
        X, y = design(6, 3)
        agree("ridge", "itself, rescaled", scale * ridge(scale * X, y, lam=0), ridge(X, y, lam=0))

    def test_what_is_larger_than_the_largest_number_is_infinite_without_a_warning(self):
        assert ridge(np.array([[1e-10]]), np.array([1e300]), lam=0) == np.inf

    def test_without_data_or_penalty_stays_at_zero(self):
        np.testing.assert_array_equal(ridge(np.zeros((3, 2)), np.ones(3), lam=0), [0.0, 0.0])

    @pytest.mark.parametrize("outputs", [(), (3,)], ids=["one output", "three outputs"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_infinity_in_the_design_is_nan(self, outputs, dtype):
        X, y = (array.astype(dtype) for array in design(6, 4, outputs=outputs))
        X[0, 0] = np.inf
        w = ridge(X, y, lam=1.0)
        assert w.shape == (4, *outputs)
        assert w.dtype == dtype
        assert np.isnan(w).all()

    def test_infinity_in_the_targets_is_not_hidden(self):
        X, y = design(6, 3)
        y[0] = np.inf
        assert not np.isfinite(ridge(X, y, lam=1.0)).any()


class TestRidgeShrinkage:
    @pytest.mark.parametrize("lam", [0.01, 1.0, 100.0])
    def test_is_what_scikit_learn_leaves_of_least_squares(self, lam):
        X, y = design(20, 5)
        _, s, directions = np.linalg.svd(X, full_matrices=False)
        shrunk = directions @ Ridge(alpha=lam, fit_intercept=False, solver="cholesky").fit(X, y).coef_
        full = directions @ linalg.lstsq(X, y)[0]
        agree("ridge_shrinkage", "sklearn Ridge over scipy lstsq", ridge_shrinkage(s**2, lam=lam), shrunk / full)

    def test_no_data_and_no_penalty_stay_at_zero(self):
        np.testing.assert_array_equal(ridge_shrinkage(np.array([0.0, 2.0]), lam=0), [0.0, 1.0])

    def test_infinite_curvature_is_left_alone(self):
        np.testing.assert_array_equal(ridge_shrinkage(np.array([1e300]), lam=1.0), 1.0)


class TestSgdL2:
    @pytest.mark.parametrize("lam", [0.0, 0.1, 2.0])
    def test_agrees_with_torch(self, lam):
        expected = follow_torch(lambda p: torch.optim.SGD(p, weight_decay=lam), start(SHAPE), GRADS, RATES)
        agree("sgd_l2", "torch.optim.SGD", *relative(follow(sgd_l2, start(SHAPE), GRADS, RATES, lam=lam), expected))


class DecayThenStep(torch.optim.SGD):
    """Decay and step as two operations of torch, in either order."""

    def __init__(self, params, lam, order):
        super().__init__(params)
        self.lam, self.order = lam, order

    def decay(self):
        for group in self.param_groups:
            for w in group["params"]:
                w.data.mul_(1 - group["lr"] * self.lam)

    def step(self):
        if self.order == "decay_first":
            self.decay()
        super().step()
        if self.order == "step_first":
            self.decay()


class TestSgdWeightDecay:
    @pytest.mark.parametrize("lam", [0.0, 0.1, 2.0])
    def test_agrees_with_torch(self, lam):
        expected = follow_torch(lambda p: torch.optim.SGD(p, weight_decay=lam), start(SHAPE), GRADS, RATES)
        got = follow(sgd_weight_decay, start(SHAPE), GRADS, RATES, lam=lam)
        agree("sgd_weight_decay", "torch.optim.SGD", *relative(got, expected))

    @pytest.mark.parametrize("order", ["decay_first", "step_first"])
    def test_both_orders_agree_with_two_operations_of_torch(self, order):
        expected = follow_torch(lambda p: DecayThenStep(p, 0.5, order), start(SHAPE), GRADS, RATES)
        got = follow(sgd_weight_decay, start(SHAPE), GRADS, RATES, lam=0.5, order=order)
        agree("sgd_weight_decay", f"torch.optim.SGD and mul_, {order}", *relative(got, expected))


class TestSgdw:
    @pytest.mark.parametrize("lam", [0.0, 0.1, 2.0])
    @pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99])
    def test_agrees_with_pytorch_optimizer(self, lam, gamma):
        expected = follow_torch(
            lambda p: pytorch_optimizer.SGDW(p, lr=1.0, momentum=gamma, weight_decay=lam), start(SHAPE), GRADS, RATES
        )
        got = follow(sgdw, start(SHAPE), GRADS, RATES, lam=lam, gamma=gamma)
        agree("sgdw", "pytorch_optimizer.SGDW", *relative(got, expected))

    def test_the_usual_gamma_is_nine_tenths(self):
        got = follow(sgdw, start(SHAPE), GRADS, RATES, lam=0.1)
        np.testing.assert_array_equal(got, follow(sgdw, start(SHAPE), GRADS, RATES, lam=0.1, gamma=0.9))


@pytest.mark.parametrize("step", [sgd_l2, sgd_weight_decay, sgdw])
def test_out_may_be_what_goes_in(step):
    w, grad, state, expected = np.array([1.0, 2.0]), np.array([3.0, -1.0]), None, np.array([1.0, 2.0])
    expected_state = None
    for turn in range(3):
        expected, expected_state = step(expected, grad, expected_state, lr=0.1, lam=0.5)
        again, state = step(w, grad, state, lr=0.1, lam=0.5, out=(w, state) if turn else (w, None))
        assert again is w
        np.testing.assert_array_equal(w, expected)
    np.testing.assert_array_equal(grad, [3.0, -1.0])
