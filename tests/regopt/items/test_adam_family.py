"""Where the sources disagree on Adam's relatives (CURRICULUM.md section 2)."""

import numpy as np
import pytest

from regopt import adam, lamb, lars, yogi


def relative_step(step, w, grad, **settings):
    moved, _ = step(w, grad, **settings)
    return np.linalg.norm(moved - w) / np.linalg.norm(w)


def test_item_17_lars_and_lamb_do_not_order_layers_by_depth():
    """The same layers in the opposite order get the same steps: nothing but norms enters."""
    rng = np.random.default_rng(0)
    layers = [(scale * rng.normal(size=(4, 5)), rng.normal(size=(4, 5))) for scale in (0.1, 1.0, 10.0)]
    for step, settings in ((lars, {"lr": 0.1, "lam": 0.01}), (lamb, {"lr": 0.1, "lam": 0.01})):
        moved = [step(w, grad, **settings)[0] for w, grad in layers]
        backwards = [step(w, grad, **settings)[0] for w, grad in reversed(layers)]
        for one, other in zip(moved, reversed(backwards), strict=True):
            np.testing.assert_array_equal(one, other)


def test_item_17_the_lower_layer_takes_the_larger_step_where_its_norms_say_so():
    lower, upper, grad = 10 * np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2))
    for step in (lars, lamb):
        by_lower, by_upper = (np.abs(step(w, grad, lr=0.1)[0] - w).max() for w in (lower, upper))
        assert by_lower == pytest.approx(10 * by_upper)


def test_item_17_the_formulas():
    """LARS: rate norm(w) / (norm(g) + beta norm(w)). LAMB: phi(norm(w)) / norm(r + lam w), r Adam's direction."""
    rng = np.random.default_rng(0)
    w, grad, lam = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), 0.1
    size = np.linalg.norm(grad) + lam * np.linalg.norm(w)
    expected = w - 0.5 * 0.02 * np.linalg.norm(w) / size * (grad + lam * w)
    np.testing.assert_allclose(lars(w, grad, lr=0.5, lam=lam, trust=0.02)[0], expected, rtol=1e-12)
    r = -adam(np.zeros((3, 4)), grad, lr=1.0, eps=1e-6)[0]
    for phi in (lambda z: z, lambda z: min(z, 1.0)):
        expected = w - 0.5 * phi(np.linalg.norm(w)) / np.linalg.norm(r + lam * w) * (r + lam * w)
        np.testing.assert_allclose(lamb(w, grad, lr=0.5, lam=lam, phi=phi)[0], expected, rtol=1e-12)


def second_moments(step, grads, **settings):
    state, seen = None, []
    for grad in grads:
        _, state = step(np.zeros(1), np.array([grad]), state, lr=0.0, **settings)
        seen.append(float(state.v[0]))
    return np.array(seen)


def test_item_28_adams_second_moment_is_bounded_by_the_largest_square_already():
    grads = 10 * np.random.default_rng(0).standard_cauchy(size=3000)
    assert np.all(second_moments(adam, grads) <= np.maximum.accumulate(grads**2))


def test_item_28_what_yogi_limits_is_how_fast_v_falls():
    """By at most (1 - beta2) g^2 a step; Adam's falls by (1 - beta2) (v - g^2), however small g is."""
    grads = np.array([100.0] * 2000 + [0.1] * 2000)
    by_yogi, by_adam = second_moments(yogi, grads), second_moments(adam, grads)
    falls = -np.diff(by_yogi)
    assert np.all(falls <= 0.001 * grads[1:] ** 2 + 1e-9)
    assert by_yogi[-1] / by_yogi[1999] > 0.999
    assert by_adam[-1] / by_adam[1999] < 0.15
