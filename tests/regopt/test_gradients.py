import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from regopt import (
    cross_entropy,
    gradient_check,
    gradient_descent,
    hinge_loss,
    log_softmax,
    numerical_gradient,
    sgd,
    softmax,
)
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

RNG = np.random.default_rng(0)
LOGITS = {
    "ordinary": RNG.normal(size=(6, 4)),
    "huge": 1e4 * RNG.normal(size=(6, 4)),
    "tiny": 1e-4 * RNG.normal(size=(6, 4)),
    "equal": np.full((2, 4), 1e4),
    "masked": np.where(RNG.random((6, 4)) < 0.4, -np.inf, 1.0),
    "two classes": RNG.normal(size=(5, 2)),
    "batch of one": RNG.normal(size=(1, 7)),
}
LOGITS["masked"][:, 0] = 0.0  # a whole row of -inf is NaN
each_logits = pytest.mark.parametrize("logits", LOGITS.values(), ids=LOGITS)


def with_gradient(loss, scores, labels):
    """Loss and gradient by torch."""
    scores = torch.tensor(scores, requires_grad=True)
    value = loss(scores, torch.from_numpy(labels))
    value.backward()
    return value.item(), scores.grad.numpy()


def labels_for(scores):
    return np.random.default_rng(1).integers(0, scores.shape[-1], size=scores.shape[0])


class TestSoftmax:
    @each_logits
    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_agrees_with_torch(self, logits, axis):
        agree("softmax", "torch.softmax", softmax(logits, axis=axis), torch.softmax(torch.from_numpy(logits), dim=axis))

    @pytest.mark.parametrize("row", [[np.inf, 0.0], [-np.inf, -np.inf], [np.nan, 1.0]], ids=str)
    def test_is_nan_where_torch_is(self, row):
        assert np.isnan(torch.softmax(torch.tensor(row, dtype=torch.float64), 0).numpy()).all()
        assert np.isnan(softmax(np.array(row))).all()
        assert np.isnan(log_softmax(np.array(row))).all()

    @given(st.lists(st.floats(-50, 50), min_size=1, max_size=6), st.floats(-1e3, 1e3))
    def test_a_common_shift_changes_nothing(self, row, shift):
        np.testing.assert_allclose(softmax(np.array(row) + shift), softmax(row), rtol=1e-9, atol=1e-12)

    def test_a_row_of_one_is_certain(self):
        np.testing.assert_array_equal(softmax(np.array([[-3.0], [1e5]])), 1.0)


class TestLogSoftmax:
    @each_logits
    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_agrees_with_torch(self, logits, axis):
        finite = np.where(np.isneginf(logits), -1e3, logits)
        expected = torch.log_softmax(torch.from_numpy(finite), dim=axis)
        agree("log_softmax", "torch.log_softmax", log_softmax(finite, axis=axis), expected)

    @each_logits
    def test_agrees_with_scipy(self, logits):
        finite = np.where(np.isneginf(logits), -1e3, logits)
        agree("log_softmax", "scipy.special.log_softmax", log_softmax(finite), special.log_softmax(finite, axis=-1))

    def test_keeps_minus_infinity(self):
        np.testing.assert_array_equal(log_softmax(np.array([0.0, -np.inf])), [0.0, -np.inf])


class TestCrossEntropy:
    @each_logits
    def test_agrees_with_torch(self, logits):
        finite = np.where(np.isneginf(logits), -1e3, logits)
        labels = labels_for(finite)
        loss, grad = with_gradient(torch.nn.functional.cross_entropy, finite, labels)
        agree("cross_entropy", "torch.nn.functional.cross_entropy", cross_entropy(finite, labels)[0], loss)
        agree("cross_entropy", "torch autograd", cross_entropy(finite, labels)[1], grad)

    def test_leading_axes_are_all_examples(self):
        logits, labels = RNG.normal(size=(2, 3, 4)), RNG.integers(0, 4, size=(2, 3))
        loss, grad = cross_entropy(logits, labels)
        flat, flat_grad = cross_entropy(logits.reshape(6, 4), labels.ravel())
        assert loss == flat
        np.testing.assert_array_equal(grad, flat_grad.reshape(2, 3, 4))

    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
    def test_any_integer_is_a_label(self, dtype):
        loss, _ = cross_entropy(np.eye(3), np.arange(3, dtype=dtype))
        agree("cross_entropy", "closed form at the identity", loss, np.log(1 + 2 / np.e))

    def test_impossible_truth_costs_infinitely_much(self):
        loss, grad = cross_entropy(np.array([0.0, -np.inf]), np.array(1))
        assert loss == np.inf
        np.testing.assert_array_equal(grad, [1.0, -1.0])


class TestHingeLoss:
    @each_logits
    @pytest.mark.parametrize("margin", [0.0, 1.0, 2.5])
    def test_agrees_with_torch(self, logits, margin):
        finite = np.where(np.isneginf(logits), -1e3, logits)
        labels, classes = labels_for(finite), finite.shape[1]

        def loss_of_torch(scores, labels):
            return classes * torch.nn.functional.multi_margin_loss(scores, labels, margin=margin)

        loss, grad = with_gradient(loss_of_torch, finite, labels)
        got = hinge_loss(finite, labels, margin=margin)
        agree("hinge_loss", "K * torch.nn.functional.multi_margin_loss", got[0], loss)
        agree("hinge_loss", "torch autograd", got[1], grad)

    def test_on_the_kink_the_gradient_is_zero(self):
        loss, grad = hinge_loss(np.array([1.0, 0.0]), np.array(0))
        assert loss == 0
        np.testing.assert_array_equal(grad, 0.0)

    def test_the_margin_is_one_unless_told(self):
        assert hinge_loss(np.array([0.0, 0.0]), np.array(0))[0] == 1

    def test_leading_axes_are_all_examples(self):
        scores, labels = RNG.normal(size=(2, 3, 4)), RNG.integers(0, 4, size=(2, 3))
        loss, grad = hinge_loss(scores, labels)
        flat, flat_grad = hinge_loss(scores.reshape(6, 4), labels.ravel())
        assert loss == flat
        np.testing.assert_array_equal(grad, flat_grad.reshape(2, 3, 4))


def smooth(x):
    return np.exp(np.sin(x[0]) * x[1]) + x[1] ** 2 * x[2]


def complex_step(f, x):
    """Gradient by a step so small, and imaginary, that no difference is taken."""
    return np.array([f(x + 1e-200j * np.eye(x.size)[i]).imag / 1e-200 for i in range(x.size)])


class TestNumericalGradient:
    x = np.array([0.5, -1.25, 2.0])
    h = 2.0**-8  # with such numbers no operation rounds, and the truncation error stands alone

    def test_forward_error_on_a_cubic(self):
        got = numerical_gradient(lambda x: np.sum(x**3), self.x, h=self.h, method="forward")
        agree(
            "numerical_gradient", "closed form: 3x^2 + 3xh + h^2", got, 3 * self.x**2 + 3 * self.x * self.h + self.h**2
        )

    def test_central_error_on_a_cubic(self):
        got = numerical_gradient(lambda x: np.sum(x**3), self.x, h=self.h)
        agree("numerical_gradient", "closed form: 3x^2 + h^2", got, 3 * self.x**2 + self.h**2)

    def test_forward_agrees_with_scipy(self):
        got = numerical_gradient(smooth, self.x, h=self.h, method="forward")
        agree("numerical_gradient", "scipy approx_fprime", got, optimize.approx_fprime(self.x, smooth, self.h))

    @pytest.mark.parametrize(("method", "bound"), [("forward", 3e-7), ("central", 3e-10)])
    @pytest.mark.parametrize("scale", [1.0, 1e6])
    def test_default_step_is_near_the_best(self, method, bound, scale):
        """The best that h can do is about sqrt(eps) = 1.5e-8 and eps^(2/3) = 4e-11; times what the derivatives add."""

        def stretched(x):
            return smooth(x / scale) * scale

        error = numerical_gradient(stretched, self.x * scale, method=method) - complex_step(smooth, self.x)
        assert np.max(np.abs(error)) < bound

    @pytest.mark.parametrize(("method", "root"), [("forward", 1 / 2), ("central", 1 / 3)])
    @pytest.mark.parametrize(("x", "size"), [(0.0, 1.0), (-0.5, 1.0), (1.0, 1.0), (-40.0, 40.0)])
    def test_default_step_is_that_root_of_the_precision_times_the_size(self, method, root, x, size):
        seen = []
        numerical_gradient(lambda at: seen.append(float(at)) or 0.0, np.array(x), method=method)
        assert max(seen) - x == pytest.approx(np.finfo(float).eps ** root * size, rel=1e-6)

    def test_default_step_depends_on_the_precision(self):
        x = self.x.astype(np.float32)
        error = numerical_gradient(lambda x: np.sum(x**3), x) - 3 * x**2
        assert np.max(np.abs(error)) < 5e-3  # with the step for float64 it is above 1

    def test_the_function_cannot_spoil_the_point(self):
        def overwriting(x):
            value = np.sum(x**2)
            x[...] = np.nan
            return value

        for method in ("forward", "central"):
            got = numerical_gradient(overwriting, self.x, h=self.h, method=method)
            assert np.max(np.abs(got - 2 * self.x)) <= self.h

    def test_refuses_a_function_of_several_values(self):
        with pytest.raises(ValueError, match=r"f\(x\) must be one number, got shape \(3,\)"):
            numerical_gradient(lambda x: x, self.x)

    def test_forward_costs_one_evaluation_an_entry_and_central_two(self):
        for method, evaluations in [("forward", 4), ("central", 6)]:
            calls = []
            numerical_gradient(lambda x, calls=calls: calls.append(0) or 0.0, self.x, method=method)
            assert len(calls) == evaluations


class TestGradientCheck:
    x = np.array([0.5, -1.25, 2.0])

    @pytest.mark.parametrize("factor", [1.0, 2.0, 0.5, -1.0, 0.0, 1e-9])
    def test_a_wrong_factor_costs_what_the_formula_says(self, factor):
        error = gradient_check(lambda x: np.sum(x**2), self.x, factor * 2 * self.x, h=2.0**-8)
        agree("gradient_check", "closed form: |c - 1| / (|c| + 1)", error, abs(factor - 1) / (abs(factor) + 1))

    def test_one_wrong_entry(self):
        error = gradient_check(lambda x: np.sum(x**2), np.array([1.5, 2.0]), np.array([3.0, 0.0]), h=2.0**-8)
        agree("gradient_check", "closed form: |(0, 4)| / (|(3, 0)| + |(3, 4)|)", error, 4 / (3 + 5))

    @pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
    def test_no_scale_overflows(self, scale):
        assert gradient_check(lambda x: scale * np.sum(x), self.x, np.full(3, scale)) < 1e-9

    def test_two_zeros_agree(self):
        assert gradient_check(lambda x: 1.0, self.x, np.zeros(3)) == 0.0

    def test_right_and_wrong_are_far_apart(self):
        right = complex_step(smooth, self.x)
        assert gradient_check(smooth, self.x, right) < 1e-9
        assert gradient_check(smooth, self.x, right * [1, 1, 1.001]) > 1e-4

    def test_passes_the_step_on(self):
        assert gradient_check(lambda x: np.sum(x**3), np.ones(1), np.full(1, 3.0), h=0.1) > 1e-3

    def test_refuses_a_function_that_is_nan(self):
        with pytest.raises(ValueError, match=r"of f must be finite, got .*nan"):
            gradient_check(lambda x: np.nan, self.x, self.x)

    @pytest.mark.parametrize("name", ["x", "grad"])
    def test_refuses_infinity(self, name):
        given = {"x": self.x, "grad": self.x, name: np.array([1.0, np.inf, 0.0])}
        with pytest.raises(ValueError, match=rf"^{name} must be finite, got .*inf"):
            gradient_check(np.sum, given["x"], given["grad"])


class TestGradientDescent:
    @pytest.mark.parametrize("rate", [0.1, 1.0, 1.5, 2.0, 2.5])
    def test_on_a_quadratic(self, rate):
        curvature, w = np.array([1.0, 0.1]), np.array([1.0, -2.0])
        path = gradient_descent(lambda w: curvature * w, w, lr=rate, steps=30)
        expected = (1 - rate * curvature) ** np.arange(31)[:, None] * w
        agree("gradient_descent", "closed form: (1 - lr h)^t w_0", *relative(path, expected))

    def test_agrees_with_torch(self):
        matrix = RNG.normal(size=(4, 4))

        def grad_of(w):
            point = torch.tensor(w, requires_grad=True)
            torch.logsumexp(torch.from_numpy(matrix) @ point, 0).backward()
            return point.grad.numpy()

        w = np.arange(4.0)
        parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
        optimizer, expected = torch.optim.SGD([parameter], lr=0.3), [w]
        for _ in range(50):
            optimizer.zero_grad()
            torch.logsumexp(torch.from_numpy(matrix) @ parameter, 0).backward()
            optimizer.step()
            expected.append(parameter.detach().numpy().copy())
        agree("gradient_descent", "torch.optim.SGD", gradient_descent(grad_of, w, lr=0.3, steps=50), np.stack(expected))

    def test_the_gradient_cannot_spoil_the_path(self):
        def overwriting(w):
            grad = w.copy()
            w[...] = np.nan
            return grad

        np.testing.assert_array_equal(gradient_descent(overwriting, np.ones(1), lr=0.5, steps=1), [[1.0], [0.5]])

    def test_refuses_a_gradient_of_another_shape(self):
        with pytest.raises(ValueError, match=r"grad must .*w, \(2,\), got \(\)"):
            gradient_descent(np.sum, np.ones(2), lr=0.1, steps=1)


class TestSgd:
    @pytest.mark.parametrize("shape", [(3, 4), (2,)])
    def test_agrees_with_torch(self, shape):
        grads, rates = hard_gradients(shape), changing_rates()
        expected = follow_torch(torch.optim.SGD, start(shape), grads, rates)
        agree("sgd", "torch.optim.SGD", *relative(follow(sgd, start(shape), grads, rates), expected))

    def test_out_may_be_what_goes_in(self):
        w, grad = np.array([1.0, 2.0]), np.array([3.0, -1.0])
        expected, _ = sgd(w, grad, lr=0.1)
        again, _ = sgd(w, grad, lr=0.1, out=(w, None))
        assert again is w
        np.testing.assert_array_equal(w, expected)
        np.testing.assert_array_equal(grad, [3.0, -1.0])
