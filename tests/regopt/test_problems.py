"""Every optimizer finds the minimum of every problem in the table."""

import functools
from typing import NamedTuple

import numpy as np
import pytest

from tests.regopt.problems import PROBLEMS
from tests.regopt.steps import optimizers

STEPS = 1000
LEFT = 1e-6  # of the way down: a thousandth of the distance where the loss is a bowl


def distance(problem):
    return float(np.abs(problem.start - problem.argmin).max())


class Run(NamedTuple):
    """How an optimizer is run: its first rate, whether the rate falls, and what else it takes."""

    rate: object
    falls: bool
    settings: dict


def plain(**settings):
    """Steps proportional to the gradient end at the minimum at a constant rate."""
    return Run(lambda problem: 1 / problem.curvature, False, settings)


def normalised(share, **settings):
    """Steps whose length does not follow the gradient's go on until the rate falls; it starts at a share of the way."""
    return Run(lambda problem: share * distance(problem), True, settings)


def relative(lr, **settings):
    """Steps as long as a share of the weights themselves."""
    return Run(lambda problem: lr, True, settings)


RUNS = {
    "sgd": plain(),
    "sgd_l2": plain(lam=0.0),
    "sgd_weight_decay": plain(lam=0.0),
    "sgdw": plain(lam=0.0),
    "momentum": plain(),
    "nesterov": plain(),
    "newton": Run(lambda problem: 1.0, False, {}),
    "lbfgs": Run(lambda problem: 1.0, False, {}),
    "adagrad": Run(distance, False, {}),
    "rmsprop": normalised(0.1, beta2=0.9),
    "adam": normalised(0.3),
    "amsgrad": normalised(0.3),
    "adam_l2": normalised(0.3, lam=0.0),
    "adamw": normalised(0.3, lam=0.0),
    "adabelief": normalised(0.3),
    "yogi": normalised(0.3),
    "adafactor": relative(0.3),
    "lars": relative(1.0, trust=0.01),
    "lamb": relative(0.1),
}
each_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
each_optimizer = pytest.mark.parametrize("name", RUNS)


def end(name, problem, dtype=float, steps=STEPS, **changed):
    """Where the optimizer is after so many steps, the rate falling to a ten-thousandth if it falls."""
    step, (rate, falls, settings) = optimizers()[name], RUNS[name]
    lr, settings = rate(problem), settings | changed
    w, state = problem.start.astype(dtype), None
    for t in range(steps):
        if name == "newton":
            settings["hessian"] = problem.hessian(w).astype(dtype)
        w, state = step(w, problem.gradient(w), state, lr=lr * 10 ** (-4 * t / steps) if falls else lr, **settings)
    return w


def test_every_optimizer_of_the_library_is_in_the_table():
    assert set(RUNS) == set(optimizers())


class TestTable:
    @each_problem
    def test_the_gradient_and_the_hessian_are_those_of_the_loss(self, problem):
        """Central differences at their best step; also at a point that is not special."""
        for w in (problem.start, 0.3 * problem.start + 0.7 * problem.argmin):
            for derivative, function, h in (
                (problem.gradient(w).ravel(), problem.loss, 6e-6),
                (problem.hessian(w), problem.gradient, 6e-6),
            ):
                moves = h * np.eye(w.size).reshape(w.size, *w.shape)
                differences = [np.ravel(function(w + move) - function(w - move)) / (2 * h) for move in moves]
                np.testing.assert_allclose(np.squeeze(differences), np.squeeze(derivative), rtol=1e-6, atol=2e-6)

    @each_problem
    def test_the_minimum_is_one(self, problem):
        assert problem.loss(problem.argmin) == pytest.approx(problem.minimum, abs=1e-12)
        assert np.abs(problem.gradient(problem.argmin)).max() < 1e-12
        assert np.linalg.eigvalsh(problem.hessian(problem.argmin))[0] > -1e-12
        assert problem.left(problem.start) == 1

    @each_problem
    def test_no_run_can_begin_at_its_end(self, problem):
        assert distance(problem) > 0.4
        assert problem.loss(problem.start) - problem.minimum > 0.1


class TestEveryOptimizer:
    @each_optimizer
    @each_problem
    def test_finds_the_minimum(self, name, problem):
        assert problem.left(end(name, problem)) < LEFT

    @each_optimizer
    def test_is_not_there_after_a_few_steps(self, name):
        """The test above could not fail if runs were too easy; only the curvature lets Newton jump."""
        left = [problem.left(end(name, problem, steps=5)) for problem in PROBLEMS.values()]
        assert max(left) > 100 * LEFT or name == "newton"

    @each_optimizer
    @pytest.mark.parametrize("problem", ["bowl", "least squares", "himmelblau"])
    def test_in_float32_too(self, name, problem):
        w = end(name, PROBLEMS[problem], dtype=np.float32)
        assert w.dtype == np.float32
        assert PROBLEMS[problem].left(w.astype(float)) < LEFT

    @each_optimizer
    @each_problem
    def test_stays_at_a_minimum(self, name, problem):
        """Where the gradient is zero and nothing decays, nothing moves."""
        settings = RUNS[name].settings | ({"hessian": problem.hessian(problem.argmin)} if name == "newton" else {})
        w, state = problem.argmin, None
        for _ in range(3):
            w, state = optimizers()[name](w, np.zeros_like(w), state, lr=0.5, **settings)
        np.testing.assert_array_equal(w, problem.argmin)


class TestWithDecay:
    """Where a decay or a penalty moves the minimum to, on quadratics 1/2 (w - c)' H (w - c)."""

    problem = PROBLEMS["rotated valley"]

    @functools.cached_property
    def hessian(self):
        return self.problem.hessian(self.problem.argmin)

    def ridge(self, lam):
        size = self.problem.argmin.size
        return np.linalg.solve(self.hessian + lam * np.eye(size), self.hessian @ self.problem.argmin)

    @pytest.mark.parametrize("name", ["sgd_l2", "sgd_weight_decay", "adam_l2"])
    def test_a_penalty_moves_it_to_ridges(self, name):
        np.testing.assert_allclose(end(name, self.problem, lam=0.5), self.ridge(0.5), atol=1e-6)

    def test_decay_beside_momentum_counts_a_tenth(self):
        """CURRICULUM item 2: it settles as a penalty of (1 - mu) lam would."""
        np.testing.assert_allclose(end("sgdw", self.problem, lam=0.5), self.ridge(0.05), atol=1e-6)

    @pytest.mark.parametrize("eps", [1.0, 100.0])
    def test_adamw_settles_where_decay_and_adams_direction_balance(self, eps):
        """lam w = -g / (|g| + eps) in each coordinate: a large eps makes it a penalty of lam eps."""
        problem = PROBLEMS["bowl"]
        w = end("adamw", problem, lam=0.1, eps=eps, beta2=0.9, steps=2000)
        grad = problem.gradient(w)
        np.testing.assert_allclose(0.1 * w, -grad / (np.abs(grad) + eps), atol=1e-6)
        assert np.abs(w - problem.argmin).max() > 0.09

    def test_without_noise_and_with_a_small_epsilon_adamw_hardly_moves_the_minimum(self):
        """There any gradient outweighs the decay; a penalty of the same strength moves it by a tenth of its length."""
        problem, settings = PROBLEMS["bowl"], {"lam": 0.1, "beta2": 0.9, "steps": 2000}  # the last rate is 7e-5
        assert np.abs(end("adamw", problem, **settings) - problem.argmin).max() < 1e-4
        assert np.abs(end("adam_l2", problem, **settings) - problem.argmin / 1.1).max() < 1e-4
