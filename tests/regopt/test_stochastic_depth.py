import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regopt import drop_path, drop_path_backward, expected_depth, survival_schedule
from tests.evidence import agree
from tests.regopt.chance import DRAWS, Scripted, hoeffding, keeping

SURVIVAL = [0.2, 0.5, 0.9]


def draw(bits, ndim=2):
    """A Generator that keeps the examples whose bit is 1."""
    return keeping(np.reshape(bits, (-1, *(1,) * (ndim - 1))))


class TestSurvivalSchedule:
    @pytest.mark.parametrize("depth", [1, 2, 54])
    @pytest.mark.parametrize("survival", [0.1, 0.5, 1.0])
    def test_agrees_with_torchs_equal_steps_from_one(self, depth, survival):
        expected = torch.linspace(1, survival, depth + 1, dtype=torch.float64)[1:]
        agree("survival_schedule", "torch.linspace", survival_schedule(depth, survival=survival), expected)

    @given(st.integers(1, 500), st.floats(0, 1, exclude_min=True))
    def test_falls_in_equal_steps_from_the_input_to_the_last_block(self, depth, survival):
        schedule = survival_schedule(depth, survival=survival)
        np.testing.assert_allclose(np.diff([1.0, *schedule]), -(1 - survival) / depth, atol=1e-12)
        assert schedule.shape == (depth,)
        assert math.isclose(schedule[-1], survival, abs_tol=1e-12)

    @pytest.mark.parametrize("survival", [0.0, -0.1, 1.1, math.nan])
    def test_refuses_survival(self, survival):
        with pytest.raises(ValueError, match=rf"survival must be in \(0, 1\], got {survival}"):
            survival_schedule(3, survival=survival)

    def test_refuses_no_blocks(self):
        with pytest.raises(ValueError, match="depth must be >= 1, got 0"):
            survival_schedule(0, survival=0.5)


class TestExpectedDepth:
    def test_is_the_forty_blocks_of_the_paper(self):
        # Huang et al. 2016, section 3: L = 54, p_L = 0.5 give (3 L - 1) / 4, "approximately 40"
        agree(
            "expected_depth", "published: (3 L - 1) / 4", expected_depth(survival_schedule(54, survival=0.5)), 161 / 4
        )

    @given(st.integers(1, 300), st.floats(0.01, 1))
    def test_closed_form_of_the_linear_schedule(self, depth, survival):
        expected = depth - (1 - survival) * (depth + 1) / 2
        assert math.isclose(expected_depth(survival_schedule(depth, survival=survival)), expected, rel_tol=1e-12)

    def test_is_the_mean_over_all_sets_of_live_blocks(self):
        survival = np.array([0.9, 0.4, 0.0, 1.0, 0.7])
        mean = 0.0
        for alive in itertools.product((0, 1), repeat=5):
            mean += sum(alive) * math.prod(p if bit else 1 - p for p, bit in zip(survival, alive, strict=True))
        agree("expected_depth", "all sets of live blocks", expected_depth(survival), mean)

    def test_no_blocks_have_depth_zero(self):
        assert expected_depth(np.ones(0)) == 0

    @pytest.mark.parametrize("bad", [-0.5, 1.5])
    def test_refuses_what_is_no_probability(self, bad):
        with pytest.raises(ValueError, match=rf"survival must be in \[0, 1\], got \[{bad}\]"):
            expected_depth([0.5, bad])


class TestDropPath:
    @pytest.mark.parametrize("survival", SURVIVAL)
    def test_agrees_with_torchs_dropout_of_whole_channels(self, survival):
        x, dy = np.random.default_rng(0).normal(size=(2, 40, 6))
        theirs = torch.from_numpy(x.copy()).requires_grad_()
        torch.manual_seed(1)
        out = torch.nn.functional.dropout1d(theirs, 1 - survival)  # examples in the place of channels
        out.backward(torch.from_numpy(dy))
        mask = out.detach().numpy()[:, 0] != 0
        assert 0 < mask.mean() < 1
        y, cache = drop_path(x, survival=survival, rng=draw(mask))
        agree("drop_path", "torch dropout1d, its mask", y, out.detach().numpy())
        agree("drop_path_backward", "torch autograd", drop_path_backward(dy, cache), theirs.grad.numpy())

    @pytest.mark.parametrize("survival", SURVIVAL)
    @pytest.mark.parametrize("inverted", [True, False])
    def test_evaluation_is_the_mean_over_all_masks(self, survival, inverted):
        x = np.array([[3.0, -1.0], [0.0, 7.0]])
        mean = 0.0
        for bits in itertools.product((0, 1), repeat=2):
            chance = math.prod(survival if bit else 1 - survival for bit in bits)
            mean = mean + chance * drop_path(x, survival=survival, rng=draw(bits), inverted=inverted)[0]
        y, cache = drop_path(x, survival=survival, rng=None, training=False, inverted=inverted)
        agree("drop_path", "mean over all masks", y, mean)
        agree("drop_path_backward", "the slope of evaluation", drop_path_backward(np.ones((2, 2)), cache) * x, y)
        assert not np.shares_memory(x, y)

    def test_the_paper_scales_nothing_while_training(self):
        x = np.array([[3.0, -1.0], [2.0, 7.0]])
        y, cache = drop_path(x, survival=0.5, rng=draw([1, 0]), inverted=False)
        np.testing.assert_array_equal(y, [[3, -1], [0, 0]])
        np.testing.assert_array_equal(drop_path_backward(x, cache), [[3, -1], [0, 0]])

    @pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 2, 3, 4)])
    def test_one_draw_an_example(self, shape):
        y, _ = drop_path(np.ones(shape), survival=0.5, rng=draw([1, 0, 0, 1, 0], len(shape)))
        np.testing.assert_array_equal(y.reshape(5, -1).min(axis=1), [2, 0, 0, 2, 0])
        np.testing.assert_array_equal(y.reshape(5, -1).max(axis=1), [2, 0, 0, 2, 0])

    def test_a_whole_batch_as_one_example(self):
        x = np.arange(6.0).reshape(3, 2)
        np.testing.assert_array_equal(drop_path(x[np.newaxis], survival=0.5, rng=draw([0], 3))[0][0], np.zeros((3, 2)))

    @pytest.mark.parametrize("survival", SURVIVAL)
    def test_survives_with_probability_survival(self, survival):
        y, _ = drop_path(np.ones(DRAWS), survival=survival, rng=np.random.default_rng(1))
        assert abs(np.mean(y != 0) - survival) < hoeffding()

    def test_certain_survival_keeps_all_even_at_a_draw_of_zero(self):
        assert drop_path(np.ones(1), survival=1, rng=Scripted([0.0]))[0] == 1

    def test_a_draw_on_the_edge_is_kept(self):
        assert drop_path(np.ones(1), survival=0.75, rng=Scripted([0.25]))[0] == pytest.approx(4 / 3)

    def test_a_numpy_survival_keeps_float32(self):
        x = np.ones(3, np.float32)
        assert drop_path(x, survival=np.float64(0.3), rng=np.random.default_rng(0))[0].dtype == np.float32

    @pytest.mark.parametrize("survival", [0.0, -0.1, 1.1, math.nan])
    def test_refuses_survival(self, survival):
        with pytest.raises(ValueError, match=rf"survival must be in \(0, 1\], got {survival}"):
            drop_path(np.ones(3), survival=survival, rng=np.random.default_rng(0))

    def test_refuses_shapes(self):
        with pytest.raises(ValueError, match=r"x must be of shape \(n, ...\), got \(\)"):
            drop_path(1.0, survival=0.5, rng=np.random.default_rng(0))
        _, cache = drop_path(np.ones((2, 3)), survival=0.5, rng=np.random.default_rng(0))
        with pytest.raises(ValueError, match=r"dy must be of shape \(2, 3\), got \(2, 1\)"):
            drop_path_backward(np.ones((2, 1)), cache)
