import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch

from regopt import early_stopping, gd_shrinkage, ridge_shrinkage
from tests.evidence import agree


def run(losses, **settings):
    """Stop flags and states after each loss; the weights of epoch t are [t]."""
    stops, states, state = [], [], None
    for epoch, loss in enumerate(losses):
        stop, state = early_stopping(np.array([epoch]), loss, state, **settings)
        stops.append(stop)
        states.append(state)
    return stops, states


def stop_of_torch(losses, *, patience, min_delta):
    """ReduceLROnPlateau lowers the rate at the evaluation at which early stopping stops."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, patience=patience - 1, threshold=min_delta, threshold_mode="abs"
    )
    for epoch, loss in enumerate(losses):
        scheduler.step(loss)
        if optimizer.param_groups[0]["lr"] < 1:
            return epoch
    return None


class TestEarlyStopping:
    @pytest.mark.parametrize("patience", [1, 2, 3])
    @pytest.mark.parametrize("min_delta", [0.0, 0.5, 1.0])
    def test_stops_where_torch_finds_a_plateau(self, patience, min_delta):
        """Every sequence of five losses out of four values, one of them NaN."""
        got, expected = [], []
        for losses in itertools.product([0.0, 1.0, 2.0, np.nan], repeat=5):
            stops, _ = run(losses, patience=patience, min_delta=min_delta)
            got.append(stops.index(True) if True in stops else -1)
            there = stop_of_torch(losses, patience=patience, min_delta=min_delta)
            expected.append(-1 if there is None else there)
        agree("early_stopping", "torch ReduceLROnPlateau, all sequences of five losses", got, expected)

    def test_keeps_the_first_of_the_best_weights(self):
        for losses in itertools.product([0.0, 1.0, 2.0], repeat=5):
            _, states = run(losses, patience=9)
            for epoch, state in enumerate(states):
                best = min(range(epoch + 1), key=lambda t: losses[t])
                assert (state.w, state.loss, state.waited) == ([best], losses[best], epoch - best)

    def test_the_kept_weights_are_a_copy(self):
        w = [np.zeros(2), {"bias": np.zeros(1)}]
        for loss in (np.nan, 1.0):
            _, state = early_stopping(w, loss, patience=1)
            w[0][:] = w[1]["bias"][:] = 7.0
            assert (state.w[0].tolist(), state.w[1]["bias"].tolist()) == ([0.0, 0.0], [0.0])
            w[0][:] = w[1]["bias"][:] = 0.0

    def test_without_any_finite_loss_the_first_weights_stay(self):
        stops, states = run([np.nan, np.inf, np.nan], patience=3)
        assert stops == [False, False, True]
        assert states[-1].w == [0]
        assert states[-1].loss == np.inf

    def test_goes_on_telling_to_stop_until_it_gets_better(self):
        stops, _ = run([1.0, 2.0, 2.0, 2.0, 0.0], patience=2)
        assert stops == [False, False, True, True, False]


class TestGdShrinkage:
    def test_agrees_with_exact_fractions(self):
        curvature = np.array([0.0, 2.0**-60, 2.0**-30, 0.125, 0.75, 1.0, 1.5, 2.0, 2.5])
        for lr, steps in itertools.product([0.5, 1.0], [0, 1, 2, 9, 100, 10_000]):
            exact = [float(1 - (1 - Fraction(lr) * Fraction(h)) ** min(steps, 100)) for h in curvature]
            got = gd_shrinkage(curvature, lr=lr, steps=min(steps, 100))
            agree(
                "gd_shrinkage",
                "exact fractions",
                got / np.maximum(1, np.abs(exact)),
                exact / np.maximum(1, np.abs(exact)),
            )

    def test_small_factors_keep_their_digits(self):
        np.testing.assert_allclose(gd_shrinkage(np.array([1e-18]), lr=0.1, steps=1000), 1e-16, rtol=1e-12)

    def test_is_what_torch_reaches_of_least_squares(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
        curvature, directions = np.linalg.eigh(X.T @ X / 20)
        w = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
        optimizer = torch.optim.SGD([w], lr=0.3)
        for _ in range(50):
            optimizer.zero_grad()
            (torch.nn.functional.mse_loss(torch.from_numpy(X) @ w, torch.from_numpy(y)) / 2).backward()
            optimizer.step()
        reached = directions.T @ w.detach().numpy() / (directions.T @ np.linalg.lstsq(X, y)[0])
        agree("gd_shrinkage", "torch.optim.SGD", gd_shrinkage(curvature, lr=0.3, steps=50), reached)

    def test_diverges_beyond_twice_the_inverse_curvature(self):
        assert gd_shrinkage(np.array([3.0]), lr=1.0, steps=5000) == -np.inf
        assert gd_shrinkage(np.array([2.0]), lr=1.0, steps=5001) == 2

    def test_a_numpy_integer_keeps_float32(self):
        assert gd_shrinkage(np.ones(1, dtype=np.float32), lr=0.1, steps=np.int64(3)).dtype == np.float32

    def test_falls_between_zero_and_one_and_near_ridge(self):
        curvature = np.geomspace(1e-6, 1, 200)
        got = gd_shrinkage(curvature, lr=1.0, steps=30)
        assert np.all((got > 0) & (got <= 1))
        assert np.max(np.abs(got - ridge_shrinkage(curvature, lam=1 / 30))) < 0.25
