"""What happens to an optimizer's path when its gradients or its weights are changed in a simple way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regopt import adabelief, adagrad, adam, amsgrad, lamb, lars, momentum, nesterov, rmsprop, sgd, yogi
from tests.regopt.steps import follow

SCALES = st.floats(1e-3, 1e3)
SEEDS = st.integers(0, 10**6)
RATES = [0.1, 0.05, 0.2, 0.0, 0.1]


def run(step, grads, w=None, **settings):
    return follow(step, np.zeros(grads.shape[1:]) if w is None else w, grads, RATES, **settings)


def drawn(seed, *, weights=False):
    """Gradients for each rate, or weights."""
    return np.random.default_rng(seed).normal(size=(2, 3) if weights else (len(RATES), 2, 3))


@pytest.mark.parametrize("step", [sgd, momentum, nesterov])
@given(scale=SCALES, seed=SEEDS)
def test_plain_steps_grow_with_their_gradients(step, scale, seed):
    grads = drawn(seed)
    np.testing.assert_allclose(run(step, scale * grads), scale * run(step, grads), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("step", [adagrad, rmsprop, adam, amsgrad, adabelief])
@given(scales=st.lists(SCALES, min_size=3, max_size=3), seed=SEEDS)
def test_without_epsilon_adaptive_steps_do_not_know_the_scale_of_any_coordinate(step, scales, seed):
    grads = drawn(seed)
    np.testing.assert_allclose(
        run(step, np.array(scales) * grads, eps=0), run(step, grads, eps=0), rtol=1e-9, atol=1e-12
    )


@given(scale=SCALES, seed=SEEDS)
def test_lamb_does_not_know_the_scale_of_a_layers_gradients_and_grows_with_its_weights(scale, seed):
    grads, w = drawn(seed), drawn(seed + 1, weights=True)
    expected = run(lamb, grads, w, eps=0)
    np.testing.assert_allclose(run(lamb, scale * grads, w, eps=0), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run(lamb, grads, scale * w, eps=0), scale * expected, rtol=1e-9, atol=1e-12)


@given(scale=SCALES, seed=SEEDS)
def test_lars_without_decay_does_not_know_the_scale_of_a_layers_gradients(scale, seed):
    grads, w = drawn(seed), drawn(seed + 1, weights=True)
    np.testing.assert_allclose(run(lars, scale * grads, w), run(lars, grads, w), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("step", [sgd, momentum, nesterov, adagrad, rmsprop, adam, amsgrad, adabelief, yogi])
@given(seed=SEEDS)
def test_coordinates_do_not_see_each_other(step, seed):
    grads = drawn(seed)
    alone = np.stack([run(step, grads[:, i, j]) for i in range(2) for j in range(3)], axis=1)
    np.testing.assert_array_equal(run(step, grads).reshape(len(RATES), 6), alone)


@pytest.mark.parametrize(
    "step", [sgd, momentum, nesterov, adagrad, rmsprop, adam, amsgrad, adabelief, yogi, lamb, lars]
)
@given(seed=SEEDS)
def test_a_mirror_image_takes_the_mirrored_path(step, seed):
    grads, w = drawn(seed), drawn(seed + 1, weights=True)
    np.testing.assert_array_equal(run(step, -grads, -w), -run(step, grads, w))


def longest(t, beta1=0.9, beta2=0.999):
    """The largest m_hat / sqrt(v_hat) that t gradients can make (Cauchy and Schwarz), and those gradients."""
    ages = np.arange(t)[::-1]
    first, second = ((1 - beta) * beta**ages / (1 - beta**t) for beta in (beta1, beta2))
    return np.sqrt(np.sum(first**2 / second)), first / second


@pytest.mark.parametrize("step", [adam, amsgrad])
@given(seed=SEEDS, power=st.integers(1, 9))
def test_a_step_of_adam_is_bounded_whatever_the_gradients(step, seed, power):
    """Heavy tails make single gradients rule."""
    moves = np.diff(run(step, drawn(seed) ** power, eps=0), axis=0, prepend=np.zeros((1, 2, 3)))
    bounds = [lr * longest(t)[0] for t, lr in enumerate(RATES, start=1)]
    assert np.all(np.abs(moves) <= np.reshape(bounds, (-1, 1, 1)) * (1 + 1e-9))


def test_the_bound_is_reached():
    bound, grads = longest(len(RATES))
    path = run(adam, grads[:, np.newaxis], eps=0)
    assert path[-2, 0] - path[-1, 0] == pytest.approx(RATES[-1] * bound, rel=1e-9)
    assert bound > 1.01
