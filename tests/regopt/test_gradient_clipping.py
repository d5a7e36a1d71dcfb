import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regopt import clip_by_norm, clip_by_value
from tests.evidence import agree

SHAPES = [(3, 4), (5,), (), (2, 0)]
FINITE = st.floats(-1e300, 1e300, allow_subnormal=False)


def gradients(scale=1.0):
    rng = np.random.default_rng(0)
    return [np.asarray(scale * rng.normal(size=shape)) for shape in SHAPES]


def clipped_by_torch(grads, clip, bound):
    parameters = [torch.nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = torch.from_numpy(grad.copy())
    clip(parameters, bound)
    return [parameter.grad.numpy() for parameter in parameters]


def length(grads):
    return np.sqrt(sum(np.sum(grad**2) for grad in grads))


class TestClipByNorm:
    @pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0, 1e3, 1e150])
    @pytest.mark.parametrize("max_norm", [0.0, 1e-7, 1.0, 50.0])
    def test_agrees_with_torch(self, scale, max_norm):
        expected = clipped_by_torch(gradients(scale), torch.nn.utils.clip_grad_norm_, max_norm)
        for got, wanted in zip(clip_by_norm(gradients(scale), max_norm), expected, strict=True):
            agree("clip_by_norm", "torch.nn.utils.clip_grad_norm_", got, wanted)

    @pytest.mark.parametrize("scale", [1e-200, 1e-12, 1.0, 1e200, 1e308])
    def test_without_epsilon_a_long_gradient_becomes_exactly_as_long_as_allowed(self, scale):
        """Beyond the range where its square is a number too, where torch gives zeros or leaves it as it is."""
        got = clip_by_norm([np.array([0.6, 0.0]) * scale, np.array([[-0.8]]) * scale], scale / 4, eps=0)
        agree("clip_by_norm", "closed form: 3-4-5", got[0] / (scale / 4), [0.6, 0.0])
        agree("clip_by_norm", "closed form: 3-4-5", got[1] / (scale / 4), [[-0.8]])

    def test_subnormal_gradients_are_clipped_to_the_few_digits_they_have(self):
        got = clip_by_norm(np.array([6e-321, 8e-321]), 5e-321, eps=0)
        np.testing.assert_allclose(got / 5e-321, [0.6, 0.8], rtol=2e-3)

    def test_a_short_gradient_comes_back_as_it_is(self):
        for grads in (gradients(), gradients(1e-320), [np.zeros(3)], [np.full(2, 5e-324)]):
            for got, grad in zip(clip_by_norm(grads, 100.0), grads, strict=True):
                np.testing.assert_array_equal(got, grad)
                assert got is not grad

    def test_one_factor_for_all_arrays_keeps_the_direction(self):
        got = clip_by_norm(gradients(), 0.5)
        factor = length(got) / length(gradients())
        for clipped, grad in zip(got, gradients(), strict=True):
            np.testing.assert_allclose(clipped, factor * grad, rtol=1e-12)

    def test_the_form_that_goes_in_comes_back(self):
        one, two = np.array([3.0]), np.array([4.0])
        assert isinstance(clip_by_norm([one, two], 1.0), list)
        assert isinstance(clip_by_norm((one, two), 1.0), tuple)
        assert isinstance(clip_by_norm(one, 1.0), np.ndarray)
        assert isinstance(clip_by_norm(np.array(3.0), 1.0), np.ndarray)
        assert clip_by_norm([], 1.0) == []
        assert clip_by_norm(np.array([3, 4]), 1.0, eps=0).tolist() == pytest.approx([0.6, 0.8])

    @pytest.mark.parametrize("grad", [np.array([-128, 1], np.int8), np.array([3, 4], np.uint8), np.array([True, True])])
    def test_integers_become_float64(self, grad):
        expected = grad.astype(float) / max(1.0, np.linalg.norm(grad.astype(float)))
        got = clip_by_norm(grad, 1.0, eps=0)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert clip_by_value(grad, 1.0).dtype == np.float64

    def test_float32_and_float64_gradients_are_clipped_together_each_in_its_own_precision(self):
        got = clip_by_norm([np.array([3.0], np.float32), np.array([4.0])], 1.0, eps=0)
        assert [grad.dtype.name for grad in got] == ["float32", "float64"]
        assert [float(grad[0]) for grad in got] == pytest.approx([0.6, 0.8])

    @pytest.mark.parametrize("max_norm", [0.0, 1e-60, 1e60, 1e300])
    def test_float32_takes_a_bound_beyond_its_range(self, max_norm):
        grad = np.array([3.0, 4.0], np.float32)
        got = clip_by_norm(grad, max_norm, eps=0)
        np.testing.assert_array_equal(got, grad if max_norm > 1 else 0 * grad)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_refuses_what_is_not_finite(self, bad):
        for grads in (np.array([1.0, bad]), [np.ones(2), np.array([bad, 1.0])]):
            with pytest.raises(ValueError, match=r"grads must be finite, got (nan|inf)"):
                clip_by_norm(grads, 1.0)

    @given(hnp.arrays(float, hnp.array_shapes(max_dims=2), elements=FINITE), st.floats(1e-100, 1e100))
    def test_never_longer_than_allowed_and_twice_is_once(self, grad, max_norm):
        once = clip_by_norm(grad, max_norm, eps=0)
        assert np.linalg.norm(once / max_norm) <= 1 + 1e-12
        np.testing.assert_allclose(clip_by_norm(once, max_norm, eps=0), once, rtol=1e-12)


class TestClipByValue:
    @pytest.mark.parametrize("scale", [1e-12, 1.0, 1e150])
    def test_agrees_with_torch(self, scale):
        expected = clipped_by_torch(gradients(scale), torch.nn.utils.clip_grad_value_, 0.5)
        for got, wanted in zip(clip_by_value(gradients(scale), 0.5), expected, strict=True):
            agree("clip_by_value", "torch.nn.utils.clip_grad_value_", got, wanted)

    def test_what_is_not_a_number_passes_as_in_torch(self):
        bad = np.array([np.nan, np.inf, -np.inf])
        (expected,) = clipped_by_torch([bad], torch.nn.utils.clip_grad_value_, 2.0)
        np.testing.assert_array_equal(clip_by_value(bad, 2.0), expected)

    def test_changes_the_direction(self):
        np.testing.assert_array_equal(clip_by_value(np.array([1.0, 100.0]), 1.0), [1.0, 1.0])

    @given(hnp.arrays(float, 5, elements=FINITE), hnp.arrays(float, 5, elements=FINITE), st.floats(0, 1e100))
    def test_is_the_nearest_point_of_the_box(self, grad, other, bound):
        got, inside = clip_by_value(grad, bound), np.clip(other, -bound, bound)
        assert np.all(np.abs(got) <= bound)
        assert np.all(np.abs(got - grad) <= np.abs(inside - grad))
