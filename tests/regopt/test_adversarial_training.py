import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regopt import fgsm, pgd
from tests.evidence import agree
from tests.regopt.chance import DRAWS, hoeffding

numbers = st.floats(-5, 5)


def logistic_loss(margin):
    return np.logaddexp(0, -margin)


def worst_corner(loss, x, radius, low, high):
    """The largest value of a convex loss over ball and range: it is taken at one of the corners."""
    ends = zip(np.maximum(x - radius, low), np.minimum(x + radius, high), strict=True)
    return max(loss(np.array(corner)) for corner in itertools.product(*ends))


class TestFgsm:
    @pytest.mark.parametrize("label", [-1, 1])
    def test_is_the_worst_of_all_corners_for_a_linear_model(self, label):
        rng = np.random.default_rng(0)
        w, x, b, radius = rng.normal(size=6), rng.normal(size=6), 0.3, 0.4

        def loss(z):
            return logistic_loss(label * (w @ z + b))

        theirs = torch.from_numpy(x.copy()).requires_grad_()
        torch.nn.functional.softplus(-label * (torch.from_numpy(w) @ theirs + b)).backward()
        got = loss(fgsm(x, theirs.grad.numpy(), radius=radius))
        agree("fgsm", "the worst of all corners", got, worst_corner(loss, x, radius, -np.inf, np.inf))
        closed_form = logistic_loss(label * (w @ x + b) - radius * np.abs(w).sum())
        agree("fgsm", "closed form for a linear model", got, closed_form)

    def test_is_the_worst_corner_of_ball_and_range(self):
        rng = np.random.default_rng(1)
        w, x = rng.normal(size=6), rng.uniform(size=6)
        got = w @ fgsm(x, w, radius=0.4, low=0.0, high=1.0)
        agree("fgsm", "the worst of all corners", got, worst_corner(lambda z: w @ z, x, 0.4, 0.0, 1.0))

    @given(arrays(float, 4, elements=numbers), arrays(float, 4, elements=numbers), st.floats(0, 3))
    def test_moves_each_entry_by_the_radius_or_not_at_all(self, x, grad, radius):
        moved = fgsm(x, grad, radius=radius) - x
        np.testing.assert_allclose(moved[grad > 0], radius, atol=1e-14)
        np.testing.assert_allclose(moved[grad < 0], -radius, atol=1e-14)
        assert np.all(moved[grad == 0] == 0)

    def test_one_bound_only(self):
        x, grad = np.array([0.0, 1.0]), np.array([-1.0, 1.0])
        np.testing.assert_array_equal(fgsm(x, grad, radius=0.5, low=0.0), [0.0, 1.5])
        np.testing.assert_array_equal(fgsm(x, grad, radius=0.5, high=1.0), [-0.5, 1.0])

    def test_a_numpy_radius_keeps_float32(self):
        assert fgsm(np.ones(2, np.float32), np.ones(2, np.float32), radius=np.float64(0.1)).dtype == np.float32

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"radius": -0.1}, "radius must be a number >= 0 and finite, got -0.1"),
            ({"radius": math.inf}, "radius must be a number >= 0 and finite, got inf"),
            ({"grad": np.ones(3)}, r"grad must be of shape \(2,\), got \(3,\)"),
            ({"low": 0.6}, "low must be <= every entry of x, got 0.6"),
            ({"high": 0.6}, "high must be >= every entry of x, got 0.6"),
            ({"low": math.nan}, "low must be <= every entry of x, got nan"),
            ({"high": math.nan}, "high must be >= every entry of x, got nan"),
        ],
    )
    def test_refuses(self, changed, message):
        with pytest.raises(ValueError, match=message):
            fgsm(**{"x": np.array([0.5, 0.7]), "grad": np.ones(2), "radius": 0.1} | changed)


class TestPgd:
    rng = np.random.default_rng(0)
    w1, w2, x = rng.normal(size=(5, 8)), rng.normal(size=(8, 3)), rng.uniform(size=(4, 5))

    def loss(self, z):
        """Of a small network, in torch."""
        logits = torch.tanh(z @ torch.from_numpy(self.w1)) @ torch.from_numpy(self.w2)
        return torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0]))

    def gradient(self, z):
        z = torch.from_numpy(z).requires_grad_()
        self.loss(z).backward()
        return z.grad.numpy()

    @pytest.mark.parametrize("steps", [1, 7])
    def test_agrees_with_torchs_own_ascent_and_clamp(self, steps):
        z = torch.from_numpy(self.x.copy()).requires_grad_()
        start = torch.from_numpy(self.x.copy())
        ascent = torch.optim.SGD([z], lr=0.07, maximize=True)
        for _ in range(steps):
            ascent.zero_grad()
            self.loss(z).backward()
            z.grad.sign_()
            ascent.step()
            with torch.no_grad():
                z.clamp_(start - 0.15, start + 0.15).clamp_(0, 1)
        got = pgd(self.x, self.gradient, radius=0.15, step=0.07, steps=steps, low=0.0, high=1.0)
        agree("pgd", "torch.optim.SGD(maximize=True) on signs, and clamp", got, z.detach().numpy())

    def test_one_whole_step_is_fgsm(self):
        got = pgd(self.x, self.gradient, radius=0.1, step=0.1, steps=1, low=0.0, high=1.0)
        agree("pgd", "fgsm", got, fgsm(self.x, self.gradient(self.x), radius=0.1, low=0.0, high=1.0))

    def test_lands_on_the_nearest_point_of_ball_and_range_to_a_peak_outside(self):
        x, peak = np.array([0.5, 0.1, 0.9, 0.5]), np.array([3.0, -2.0, 5.0, -1.0])
        got = pgd(x, lambda z: peak - z, radius=0.25, step=0.1, steps=10, low=0.0, high=1.0)
        agree("pgd", "projection of the peak", got, np.clip(np.clip(peak, x - 0.25, x + 0.25), 0, 1))

    def test_hovers_within_a_step_of_a_peak_inside(self):
        x, peak = np.zeros(2), np.array([0.33, -0.71])
        got = pgd(x, lambda z: peak - z, radius=1.0, step=0.01, steps=200)
        assert np.all(np.abs(got - peak) <= 0.01 + 1e-12)

    @given(arrays(float, (3, 2), elements=st.floats(0, 1)), st.floats(0, 2), st.floats(0, 2), st.integers(1, 5))
    def test_stays_in_ball_and_range(self, x, radius, step, steps):
        rng = np.random.default_rng(0)
        z = pgd(x, np.cos, radius=radius, step=step, steps=steps, rng=rng, low=0.0, high=1.0)
        assert np.all(np.abs(z - x) <= radius + 1e-12)
        assert np.all((z >= 0) & (z <= 1))

    def test_the_start_is_uniform_in_the_ball(self):
        still = pgd(np.full(DRAWS, 3.0), np.zeros_like, radius=2.0, step=0.1, steps=1, rng=np.random.default_rng(1))
        for point in (1.5, 3.0, 4.9):
            assert abs(np.mean(still <= point) - (point - 1) / 4) < hoeffding()

    def test_a_random_start_outside_the_range_is_put_back_before_the_gradient_sees_it(self):
        seen = []

        def gradient(z):
            seen.append(z.copy())
            return np.zeros_like(z)

        pgd(np.zeros(100), gradient, radius=1.0, step=0.1, steps=1, rng=np.random.default_rng(0), low=0.0, high=0.5)
        assert seen[0].min() >= 0
        assert seen[0].max() <= 0.5

    def test_without_rng_the_start_is_x(self):
        np.testing.assert_array_equal(pgd(self.x, np.zeros_like, radius=1.0, step=0.1, steps=3), self.x)

    def test_a_gradient_that_writes_into_its_input_does_no_harm(self):
        def rude(z):
            z[:] = 99
            return np.ones_like(z)

        x = np.zeros(3)
        np.testing.assert_allclose(pgd(x, rude, radius=1.0, step=0.1, steps=2), 0.2)
        np.testing.assert_array_equal(x, 0)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"radius": -1.0}, "radius must be a number >= 0 and finite, got -1.0"),
            ({"step": math.inf}, "step must be a number >= 0 and finite, got inf"),
            ({"step": -1.0}, "step must be a number >= 0 and finite, got -1.0"),
            ({"steps": 0}, "steps must be >= 1, got 0"),
            ({"gradient": lambda z: 1.0}, r"gradient\(z\) must be of shape \(2,\), got \(\)"),
            ({"high": 0.6}, "high must be >= every entry of x, got 0.6"),
        ],
    )
    def test_refuses(self, changed, message):
        arguments = {"x": np.array([0.5, 0.7]), "gradient": np.cos, "radius": 0.1, "step": 0.1, "steps": 2}
        with pytest.raises(ValueError, match=message):
            pgd(**arguments | changed)
