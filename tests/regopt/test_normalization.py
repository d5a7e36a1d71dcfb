import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regopt import (
    RunningStatistics,
    batch_norm,
    batch_norm_backward,
    effective_learning_rate,
    layer_norm,
    layer_norm_backward,
)
from tests.evidence import agree

SHAPES = [(8, 5), (2, 1), (4, 3, 6), (3, 2, 4, 5)]


def tensors(*arrays):
    return [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]


def data(shape, axis):
    """x, dy, scale, shift; the features have unlike means and spreads, one as far from 0 as 1e4 of its deviations."""
    rng = np.random.default_rng(0)
    d = shape[axis]
    along = np.moveaxis(np.empty(shape), axis, -1).shape
    x = np.moveaxis(rng.normal(size=along) * rng.uniform(0.1, 3, d) + np.linspace(-1000, 1000, d), -1, axis)
    return x, rng.normal(size=shape), rng.normal(size=d), rng.normal(size=d)


class TestBatchNorm:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    @pytest.mark.parametrize("eps", [1e-5, 0.1])
    def test_agrees_with_torch_over_five_batches_and_in_evaluation(self, shape, eps):
        x, dy, scale, shift = data(shape, 1)
        running = torch.zeros(shape[1]).double(), torch.ones(shape[1]).double()
        state, against = None, "torch.nn.functional.batch_norm"
        for batch in range(6):
            training = batch < 5
            here = (batch + 1) * x + batch
            theirs = tensors(here, scale, shift)
            out = torch.nn.functional.batch_norm(theirs[0], *running, *theirs[1:], training, 0.3, eps)
            out.backward(torch.from_numpy(dy))
            y, state, cache = batch_norm(here, scale, shift, state, training=training, momentum=0.3, eps=eps)
            agree("batch_norm", against, y, out.detach().numpy())
            agree("batch_norm", f"{against}, running mean", state.mean, running[0].numpy())
            agree("batch_norm", f"{against}, running variance", state.variance, running[1].numpy())
            for got, tensor in zip(batch_norm_backward(dy, cache), theirs, strict=True):
                agree("batch_norm_backward", "torch autograd", got, tensor.grad.numpy())

    def test_defaults_are_torchs(self):
        x, *_ = data((8, 5), 1)
        module = torch.nn.BatchNorm1d(5, dtype=torch.float64)
        y, state, _ = batch_norm(x, np.ones(5), np.zeros(5))
        agree("batch_norm", "torch.nn.BatchNorm1d", y, module(torch.from_numpy(x.copy())).detach().numpy())
        agree("batch_norm", "torch.nn.BatchNorm1d", state.mean, module.running_mean.numpy())
        agree("batch_norm", "torch.nn.BatchNorm1d", state.variance, module.running_var.numpy())
        module.eval()
        expected = module(torch.from_numpy(x.copy())).detach().numpy()
        agree(
            "batch_norm",
            "torch.nn.BatchNorm1d",
            batch_norm(x, np.ones(5), np.zeros(5), state, training=False)[0],
            expected,
        )

    def test_evaluation_leaves_the_state_as_it_is_and_starts_from_mean_0_variance_1(self):
        x, _, scale, shift = data((4, 3), 1)
        y, state, _ = batch_norm(x, scale, shift, training=False, eps=0.0)
        np.testing.assert_array_equal(state.mean, [0, 0, 0])
        np.testing.assert_array_equal(state.variance, [1, 1, 1])
        np.testing.assert_allclose(y, x * scale + shift, rtol=1e-14)

    def test_evaluation_takes_an_empty_batch_and_a_batch_of_one(self):
        scale = np.ones(3)
        for n in (0, 1):
            y, _, cache = batch_norm(np.ones((n, 3)), scale, scale, training=False)
            dx, dscale, _ = batch_norm_backward(np.ones((n, 3)), cache)
            assert y.shape == dx.shape == (n, 3)
            assert dscale.shape == (3,)

    def test_a_constant_feature_without_eps_is_not_divided_by_zero(self):
        x = np.array([[7.0, 1.0], [7.0, 3.0]])
        y, _, cache = batch_norm(x, np.array([5.0, 1.0]), np.array([0.5, 0.0]), eps=0.0)
        np.testing.assert_array_equal(y, [[0.5, -1.0], [0.5, 1.0]])
        dx, dscale, dshift = batch_norm_backward(np.array([[1.0, 0.0], [2.0, 0.0]]), cache)
        np.testing.assert_array_equal(dx[:, 0], [0, 0])
        np.testing.assert_array_equal([dscale[0], dshift[0]], [0, 3])

    def test_float32_far_from_zero_keeps_its_digits(self):
        x, _, scale, shift = data((256, 40), 1)
        narrow = batch_norm(x.astype(np.float32), scale.astype(np.float32), shift.astype(np.float32))[0]
        wide = batch_norm(x.astype(np.float32).astype(np.float64), scale, shift)[0]
        assert narrow.dtype == np.float32
        np.testing.assert_allclose(narrow, wide, atol=2e-3)  # x itself has 1000 * 6e-8 / 0.1 of its deviation

    def test_mixed_precision_gives_the_wider(self):
        x, dy, scale, shift = data((8, 5), 1)
        y, _, cache = batch_norm(x.astype(np.float32), scale, shift)
        assert y.dtype == np.float64
        expected = batch_norm(x.astype(np.float32).astype(float), scale, shift)[0]
        np.testing.assert_allclose(y, expected, atol=2e-3)
        assert batch_norm_backward(dy, cache)[0].shape == (8, 5)

    @given(
        arrays(float, (6, 2), elements=st.floats(-10, 10)),
        st.floats(1e-3, 1e3),
        st.floats(-10, 10),
    )
    def test_without_eps_it_feels_neither_scale_nor_origin(self, x, alpha, origin):
        x = x + np.arange(12.0).reshape(6, 2) ** 2 * 3  # no feature is constant
        if np.any(x.std(axis=0) < 0.1):
            return
        scale, shift = np.array([2.0, -1.0]), np.array([0.5, 0.0])
        y = batch_norm(x, scale, shift, eps=0.0)[0]
        np.testing.assert_allclose(batch_norm(alpha * x + origin, scale, shift, eps=0.0)[0], y, atol=1e-5)
        np.testing.assert_allclose(y.mean(axis=0), shift, atol=1e-9)
        np.testing.assert_allclose(y.std(axis=0), np.abs(scale), rtol=1e-9)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"x": np.ones((1, 3))}, r"x must be at least 2 values a feature while training, got \(1, 3\)"),
            ({"x": np.ones((0, 3))}, r"x must be at least 2 values a feature while training, got \(0, 3\)"),
            ({"x": np.ones((2, 3, 0))}, r"x must be at least 2 values a feature while training, got \(2, 3, 0\)"),
            ({"x": np.ones(3)}, r"x must be of shape \(n, d, ...\), got \(3,\)"),
            ({"x": np.ones((2, 0))}, r"x must be of shape \(n, d, ...\), got \(2, 0\)"),
            ({"scale": np.ones(2)}, r"scale must be of shape \(3,\), got \(2,\)"),
            ({"shift": np.ones((2, 3))}, r"shift must be of shape \(3,\), got \(2, 3\)"),
            ({"state": RunningStatistics(np.ones(2), np.ones(3))}, r"state.mean must be of shape \(3,\), got \(2,\)"),
            ({"state": RunningStatistics(np.ones(3), 1.0)}, r"state.variance must be of shape \(3,\), got \(\)"),
            ({"eps": -1e-5}, "eps must be a number >= 0 and finite, got -1e-05"),
            ({"eps": math.inf}, "eps must be a number >= 0 and finite, got inf"),
            ({"momentum": 1.1}, r"momentum must be in \[0, 1\], got 1.1"),
            ({"momentum": math.nan}, r"momentum must be in \[0, 1\], got nan"),
        ],
    )
    def test_refuses(self, changed, message):
        arguments = {"x": np.ones((4, 3)), "scale": np.ones(3), "shift": np.ones(3)} | changed
        with pytest.raises(ValueError, match=message):
            batch_norm(**arguments)

    def test_refuses_a_gradient_of_another_shape(self):
        _, _, cache = batch_norm(np.ones((4, 3)), np.ones(3), np.ones(3))
        with pytest.raises(ValueError, match=r"dy must be of shape \(4, 3\), got \(3,\)"):
            batch_norm_backward(np.ones(3), cache)

    def test_momentum_one_forgets_and_zero_never_learns(self):
        x, _, scale, shift = data((4, 3), 1)
        old = RunningStatistics(np.full(3, 5.0), np.full(3, 7.0))
        assert np.all(batch_norm(x, scale, shift, old, momentum=0)[1].mean == 5)
        new = batch_norm(x, scale, shift, old, momentum=1)[1]
        np.testing.assert_allclose(new.mean, x.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(new.variance, x.var(axis=0, ddof=1), rtol=1e-12)


class TestLayerNorm:
    @pytest.mark.parametrize("shape", [*SHAPES, (7,), (0, 4)], ids=str)
    @pytest.mark.parametrize("eps", [1e-5, 0.1])
    def test_agrees_with_torch_forward_and_backward(self, shape, eps):
        x, dy, scale, shift = data(shape, -1)
        theirs = tensors(x, scale, shift)
        out = torch.nn.functional.layer_norm(theirs[0], shape[-1:], *theirs[1:], eps)
        out.backward(torch.from_numpy(dy))
        y, cache = layer_norm(x, scale, shift, eps=eps)
        agree("layer_norm", "torch.nn.functional.layer_norm", y, out.detach().numpy())
        for got, tensor in zip(layer_norm_backward(dy, cache), theirs, strict=True):
            agree("layer_norm_backward", "torch autograd", got, tensor.grad.numpy())

    def test_default_eps_is_torchs(self):
        x, *_ = data((8, 5), -1)
        expected = torch.nn.LayerNorm(5, dtype=torch.float64)(torch.from_numpy(x.copy())).detach().numpy()
        agree("layer_norm", "torch.nn.LayerNorm", layer_norm(x, np.ones(5), np.zeros(5))[0], expected)

    def test_a_constant_example_without_eps_is_not_divided_by_zero(self):
        y, cache = layer_norm(np.array([[7.0, 7.0], [1.0, 3.0]]), np.ones(2), np.array([0.5, 0.0]), eps=0.0)
        np.testing.assert_array_equal(y, [[0.5, 0.0], [-0.5, 1.0]])
        dx, dscale, dshift = layer_norm_backward(np.array([[1.0, 5.0], [0.0, 0.0]]), cache)
        np.testing.assert_array_equal(dx[0], [0, 0])
        np.testing.assert_array_equal([dscale, dshift], [[0, 0], [1, 5]])

    def test_mixed_precision_gives_the_wider(self):
        x, dy, scale, shift = data((8, 5), -1)
        narrow = x.astype(np.float32)
        y, cache = layer_norm(narrow, scale, shift)
        expected, wide = layer_norm(narrow.astype(float), scale, shift)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y, expected, atol=1e-4)
        for got, other in zip(layer_norm_backward(dy, cache), layer_norm_backward(dy, wide), strict=True):
            np.testing.assert_allclose(got, other, atol=1e-4)
        y, cache = layer_norm(x, scale.astype(np.float32), shift.astype(np.float32))
        np.testing.assert_allclose(y, layer_norm(x, scale, shift)[0], atol=1e-5)
        dx = layer_norm_backward(dy.astype(np.float32), layer_norm(narrow, scale, shift)[1])[0]
        np.testing.assert_allclose(dx, layer_norm_backward(dy, wide)[0], atol=1e-4)

    @given(
        arrays(float, (3, 5), elements=st.floats(-10, 10)),
        st.floats(1e-3, 1e3),
        st.floats(-10, 10),
    )
    def test_without_eps_it_feels_neither_scale_nor_origin_of_an_example(self, x, alpha, origin):
        x = x + np.array([0.0, 30.0, -7.0, 100.0, 3.0])
        factors = np.array([[alpha], [1.0], [2.0]])
        scale, shift = np.arange(1.0, 6.0), np.arange(5.0)
        y = layer_norm(x, scale, shift, eps=0.0)[0]
        np.testing.assert_allclose(layer_norm(factors * x + origin, scale, shift, eps=0.0)[0], y, atol=1e-5)

    def test_no_example_feels_another(self):
        x, _, scale, shift = data((4, 6), -1)
        whole = layer_norm(x, scale, shift)[0]
        alone = np.concatenate([layer_norm(row[np.newaxis], scale, shift)[0] for row in x])
        np.testing.assert_allclose(alone, whole, atol=1e-12)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"x": np.array(1.0)}, r"x must be of shape \(..., d\), got \(\)"),
            ({"x": np.ones((2, 0))}, r"x must be of shape \(..., d\), got \(2, 0\)"),
            ({"scale": 1.0}, r"scale must be of shape \(3,\), got \(\)"),
            ({"shift": np.ones(2)}, r"shift must be of shape \(3,\), got \(2,\)"),
            ({"eps": -1e-5}, "eps must be a number >= 0 and finite, got -1e-05"),
        ],
    )
    def test_refuses(self, changed, message):
        arguments = {"x": np.ones((4, 3)), "scale": np.ones(3), "shift": np.ones(3)} | changed
        with pytest.raises(ValueError, match=message):
            layer_norm(**arguments)

    def test_refuses_a_gradient_of_another_shape(self):
        _, cache = layer_norm(np.ones((4, 3)), np.ones(3), np.ones(3))
        with pytest.raises(ValueError, match=r"dy must be of shape \(4, 3\), got \(3, 4\)"):
            layer_norm_backward(np.ones((3, 4)), cache)


def plain(x, dy, scale, shift, axis, eps=1e-5):
    """Normalisation over `axis`, forward and backward, as a chapter writes it."""
    mean, variance = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    x_hat = (x - mean) / np.sqrt(variance + eps)
    g = dy * scale
    dx = g - g.mean(axis=axis, keepdims=True) - x_hat * (g * x_hat).mean(axis=axis, keepdims=True)
    return scale * x_hat + shift, dx / np.sqrt(variance + eps), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@pytest.mark.parametrize(
    ("axis", "forward", "backward"), [(0, batch_norm, batch_norm_backward), (1, layer_norm, layer_norm_backward)]
)
def test_the_plain_lines_give_the_same(axis, forward, backward):
    x, dy, scale, shift = data((48, 10), 1)
    y, *_, cache = forward(x, scale, shift)
    expected = plain(x, dy, scale, shift, axis)
    agree(forward.__name__, "the plain lines of a chapter", y, expected[0])
    for got, line in zip(backward(dy, cache), expected[1:], strict=True):
        agree(backward.__name__, "the plain lines of a chapter", got, line)


@pytest.mark.parametrize("n", [2, 16, 30, 48])
def test_the_order_of_the_numbers_in_memory_does_not_matter(n):
    x, dy, scale, shift = data((n, 6), 1)
    for forward, backward in ((batch_norm, batch_norm_backward), (layer_norm, layer_norm_backward)):
        y, *_, cache = forward(x, scale, shift)
        turned, *_, turned_cache = forward(np.asfortranarray(x), scale, shift)
        np.testing.assert_allclose(turned, y, atol=1e-9)
        for got, expected in zip(backward(np.asfortranarray(dy), turned_cache), backward(dy, cache), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-9)


def peak(function, *args, **kwargs):
    """The largest memory that a call has beside its arguments, in arrays of a million numbers."""
    tracemalloc.start()
    try:
        function(*args, **kwargs)
        return round(tracemalloc.get_traced_memory()[1] / 8e6)
    finally:
        tracemalloc.stop()


class TestMemory:
    x, dy = np.ones((2, 5000, 200))
    scale, shift = np.ones((2, 200))

    @pytest.mark.parametrize("training", [True, False])
    def test_batch_norm_has_nothing_beside_its_results(self, training):
        settings = {"training": training}
        assert peak(batch_norm, self.x, self.scale, self.shift, **settings) == 2  # y, and what the cache keeps
        assert peak(batch_norm_backward, self.dy, batch_norm(self.x, self.scale, self.shift, **settings)[-1]) == 1

    def test_layer_norm_has_nothing_beside_its_results_and_one_array_on_the_way_back(self):
        assert peak(layer_norm, self.x, self.scale, self.shift) == 2
        assert peak(layer_norm_backward, self.dy, layer_norm(self.x, self.scale, self.shift)[-1]) == 2


def unit(w):
    return w / np.linalg.norm(w, axis=0)


class TestEffectiveLearningRate:
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(50, 4)), rng.normal(size=(50, 3))

    def grad(self, w):
        """Of the squared error of a linear layer below a batch norm, by torch."""
        (w,) = tensors(w)
        out = torch.nn.functional.batch_norm(torch.from_numpy(self.x) @ w, None, None, training=True, eps=1e-300)
        ((out - torch.from_numpy(self.target)) ** 2).mean().backward()
        return w.grad.numpy()

    @pytest.mark.parametrize("size", [0.01, 1.0, 30.0])
    def test_turns_unit_weights_as_the_rate_turns_these(self, size):
        w = size * self.rng.normal(size=(4, 3))
        moved = unit(w - 0.2 * self.grad(w))
        rate = effective_learning_rate(w, lr=0.2, axis=0)
        against = "the direction after a step through torch's batch_norm"
        agree("effective_learning_rate", against, unit(unit(w) - rate * self.grad(unit(w))), moved)

    def test_weight_decay_raises_it_and_does_nothing_else(self):
        w, lr, lam = self.rng.normal(size=(4, 3)), 0.1, 0.5
        decayed = (1 - lr * lam) * w
        before, after = (effective_learning_rate(each, lr=lr) for each in (w, decayed))
        assert math.isclose(after, before / (1 - lr * lam) ** 2)
        ones, zeros = np.ones(3), np.zeros(3)
        same = [batch_norm(self.x @ each, ones, zeros, eps=0.0)[0] for each in (w, decayed)]
        np.testing.assert_allclose(*same, atol=1e-12)

    def test_the_gradient_goes_as_one_over_the_norm(self):
        w = self.rng.normal(size=(4, 3))
        np.testing.assert_allclose(self.grad(10 * w), self.grad(w) / 10, atol=1e-14)

    def test_an_axis_may_be_counted_from_the_end(self):
        w = self.rng.normal(size=(4, 3))
        for axis in (0, 1):
            rates = effective_learning_rate(w, lr=0.1, axis=axis)
            np.testing.assert_array_equal(effective_learning_rate(w, lr=0.1, axis=axis - 2), rates)

    def test_of_one_unit_is_a_number(self):
        assert effective_learning_rate(np.array([3.0, 4.0]), lr=1) == 0.04
        assert effective_learning_rate(np.ones(4, np.float32), lr=np.float64(1)).dtype == np.float32

    @pytest.mark.parametrize(
        ("w", "kwargs", "message"),
        [
            (np.zeros(3), {"lr": 0.1}, r"w must be of a norm other than 0, got \(3,\)"),
            (np.array([[1.0, 0.0]]), {"lr": 0.1, "axis": 0}, r"w must be of a norm other than 0, got \(1, 2\)"),
            (np.ones(3), {"lr": -0.1}, "lr must be a number >= 0 and finite, got -0.1"),
            (np.ones(3), {"lr": 0.1, "axis": 1}, r"axis must be None or an axis of w, shape \(3,\), got 1"),
            (np.ones(3), {"lr": 0.1, "axis": -2}, r"axis must be None or an axis of w, shape \(3,\), got -2"),
        ],
    )
    def test_refuses(self, w, kwargs, message):
        with pytest.raises(ValueError, match=message):
            effective_learning_rate(w, **kwargs)
