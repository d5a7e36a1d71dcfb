import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets, linear_model

from regopt import elastic_net_prox, fista, ista, l1_subgradient, lasso_path, soft_threshold
from tests.evidence import agree

RNG = np.random.default_rng(0)
numbers = st.floats(-1e6, 1e6)
strengths = st.floats(0, 1e6)


def problem(rows=30, columns=8, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    return X, X[:, :2] @ [3.0, -2.0][:columns] if columns > 1 else X[:, 0]


def noisy_problem(rows, columns, seed=0):
    X, y = problem(rows, columns, seed)
    return X, y + np.random.default_rng(seed + 1).normal(size=rows)


def objective(X, y, w, lam):
    return 0.5 * np.sum((y - X @ w) ** 2) + lam * np.sum(np.abs(w))


def optimality_gap(X, y, w, lam):
    """How far the slope at `w` is from what a minimum needs: lam sign(w_i), or within [-lam, lam] where w_i = 0."""
    slope = X.T @ (y - X @ w)
    return np.max(np.where(w != 0, np.abs(slope - lam * np.sign(w)), np.maximum(np.abs(slope) - lam, 0)), initial=0)


class TestL1Subgradient:
    def test_agrees_with_torch(self):
        w = torch.tensor([-3.0, 0.0, 1e-300, 2.0], dtype=torch.float64, requires_grad=True)
        (0.3 * torch.sum(torch.abs(w))).backward()
        agree("l1_subgradient", "torch autograd", l1_subgradient(w.detach().numpy(), lam=0.3), w.grad)

    @given(numbers, numbers, strengths)
    def test_the_penalty_lies_above_its_tangent(self, w, other, lam):
        tangent = lam * abs(w) + l1_subgradient(w, lam=lam) * (other - w)
        assert lam * abs(other) >= tangent - 1e-9 * (1 + lam * (abs(w) + abs(other)))


class TestSoftThreshold:
    def test_needs_no_array_beside_its_result(self):
        x = np.ones((512, 512), np.float32)
        tracemalloc.start()
        try:
            soft_threshold(x, 0.5)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert round(peak / x.nbytes) == 1

    @pytest.mark.parametrize("lam", [0.0, 0.3, 100.0])
    def test_agrees_with_torch(self, lam):
        x = RNG.normal(size=(5, 7))
        agree(
            "soft_threshold", "torch softshrink", soft_threshold(x, lam), torch.nn.Softshrink(lam)(torch.from_numpy(x))
        )

    @given(numbers, strengths, st.floats(-1e3, 1e3))
    def test_no_other_point_is_better(self, x, lam, away):
        def cost(u):
            return 0.5 * (u - x) ** 2 + lam * abs(u)

        u = float(soft_threshold(x, lam))
        assert cost(u) <= cost(u + away) + 1e-10 * (1 + cost(u))

    @given(numbers, numbers, strengths)
    def test_brings_no_two_points_further_apart(self, x, other, lam):
        distance = abs(soft_threshold(x, lam) - soft_threshold(other, lam))
        assert distance <= abs(x - other) * (1 + 1e-12) + 1e-9

    def test_zeros_have_no_sign(self):
        assert not np.signbit(soft_threshold(np.array([-0.5, 0.5, 0.0]), 1.0)).any()

    def test_one_strength_for_each_column(self):
        x, lam = RNG.normal(size=(5, 3)), np.array([0.1, 0.5, 2.0])
        expected = np.stack([soft_threshold(x[:, j], lam[j]) for j in range(3)], axis=1)
        np.testing.assert_array_equal(soft_threshold(x, lam), expected)

    @pytest.mark.parametrize("shape", [(), (3,), (1, 3), (5, 1), (1, 1), (5, 3)], ids=str)
    def test_a_strength_of_any_shape_that_broadcasts(self, shape):
        x, lam = RNG.normal(size=(5, 3)), np.full(shape, 0.5)
        np.testing.assert_array_equal(soft_threshold(x, lam), soft_threshold(x, 0.5))

    @pytest.mark.parametrize("shape", [(2,), (5,), (3, 1), (1, 5, 3)], ids=str)
    def test_a_strength_of_another_shape_is_refused(self, shape):
        with pytest.raises(ValueError, match=r"^lam must be a number, or of a shape that broadcasts to \(5, 3\), got"):
            soft_threshold(np.ones((5, 3)), np.ones(shape))

    def test_a_numpy_number_as_strength_keeps_float32(self):
        assert soft_threshold(np.ones(2, dtype=np.float32), np.float64(0.5)).dtype == np.float32


class TestElasticNetProx:
    @pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.5), (0.0, 2.0), (0.4, 0.0), (5.0, 1.0)])
    def test_agrees_with_scikit_learn(self, l1, l2):
        """With the identity as design, ElasticNet is the prox itself."""
        x, n = 2 * RNG.normal(size=6), 6
        model = linear_model.ElasticNet(
            alpha=(l1 + l2) / n, l1_ratio=l1 / (l1 + l2), fit_intercept=False, tol=1e-14, max_iter=100_000
        )
        got = elastic_net_prox(x, l1=l1, l2=l2)
        agree("elastic_net_prox", "sklearn.linear_model.ElasticNet", got, model.fit(np.eye(n), x).coef_)

    @given(numbers, st.floats(0, 1e3), st.floats(0, 1e3), st.floats(-1e3, 1e3))
    def test_no_other_point_is_better(self, x, l1, l2, away):
        def cost(u):
            return 0.5 * (u - x) ** 2 + l1 * abs(u) + l2 / 2 * u**2

        u = float(elastic_net_prox(x, l1=l1, l2=l2))
        assert cost(u) <= cost(u + away) + 1e-10 * (1 + cost(u))


def torch_ista(X, y, w, lr, lam, steps, *, accelerated=False):
    """The smooth part by autograd and torch.optim.SGD, the prox by softshrink."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    point, path, t = torch.nn.Parameter(torch.from_numpy(w.copy())), [torch.from_numpy(w.copy())], 1.0
    optimizer = torch.optim.SGD([point], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (torch.nn.functional.mse_loss(X @ point, y, reduction="sum") / 2).backward()
        optimizer.step()
        with torch.no_grad():
            path.append(torch.nn.functional.softshrink(point, lr * lam).clone())
            following = (1 + np.sqrt(1 + 4 * t * t)) / 2
            weight = (t - 1) / following if accelerated else 0.0
            point.copy_(torch.lerp(path[-1], path[-2], -weight))
            t = following
    return torch.stack(path).numpy()


@pytest.mark.parametrize(("solver", "name"), [(ista, "ista"), (fista, "fista")])
class TestSolvers:
    X, y = noisy_problem(30, 8)
    curvature = float(np.linalg.eigvalsh(X.T @ X)[-1])

    @pytest.mark.parametrize("lam", [0.0, 3.0])
    @pytest.mark.parametrize("w", [np.zeros(8), np.arange(8.0)], ids=["from zero", "from elsewhere"])
    @pytest.mark.parametrize("lr", [0.001, 0.01])
    def test_agrees_with_torch(self, solver, name, lam, w, lr):
        got = solver(self.X, self.y, lam=lam, steps=60, lr=lr, w=w)
        expected = torch_ista(self.X, self.y, w, lr, lam, 60, accelerated=name == "fista")
        agree(name, "torch.optim.SGD and softshrink", got, expected)

    def test_arrives_where_scikit_learn_does(self, solver, name):
        w = solver(self.X, self.y, lam=3.0, steps=1500)[-1]
        model = linear_model.Lasso(alpha=3.0 / 30, fit_intercept=False, tol=1e-15, max_iter=100_000)
        agree(name, "sklearn.linear_model.Lasso", w, model.fit(self.X, self.y).coef_)

    @pytest.mark.parametrize("scale", [1.0, 0.01])
    def test_the_step_is_one_over_the_largest_curvature_unless_told(self, solver, name, scale):
        X, lam = scale * self.X, 3.0 * scale
        path = solver(X, self.y, lam=lam, steps=20)
        told = solver(X, self.y, lam=lam, steps=20, lr=1 / (scale**2 * self.curvature))
        np.testing.assert_allclose(path, told, rtol=1e-12)

    def test_of_no_steps_the_path_is_its_start(self, solver, name):
        np.testing.assert_array_equal(solver(self.X, self.y, lam=3.0, steps=0, w=np.arange(8.0)), [np.arange(8.0)])

    @pytest.mark.parametrize("seed", range(5))
    def test_keeps_its_promised_bound(self, solver, name, seed):
        X, y = noisy_problem(20, 30, seed)
        lam, steps = 1.0, 400
        best = lasso_path(X, y, lams=[lam])[0]
        path, k = solver(X, y, lam=lam, steps=steps), np.arange(1, steps + 1)
        excess = np.array([objective(X, y, w, lam) for w in path[1:]]) - objective(X, y, best, lam)
        start = np.linalg.norm(X, 2) ** 2 * np.sum(best**2)
        assert np.all(excess <= (start / (2 * k) if name == "ista" else 2 * start / (k + 1) ** 2) + 1e-12)

    def test_a_design_of_zeros_stays_at_zero(self, solver, name):
        np.testing.assert_array_equal(solver(np.zeros((3, 2)), np.ones(3), lam=1.0, steps=3), np.zeros((4, 2)))

    def test_a_design_of_zeros_forgets_its_start(self, solver, name):
        path = solver(np.zeros((3, 2)), np.ones(3), lam=1.0, steps=5, w=np.array([0.5, -2.5]))
        np.testing.assert_array_equal(path[1], [0.0, -1.5])  # by steps of 1
        np.testing.assert_array_equal(path[-1], 0.0)


class TestFista:
    def test_is_faster_than_ista_where_curvatures_differ(self):
        X, y = noisy_problem(60, 30)
        X = X * np.geomspace(1, 0.03, 30)
        loss = objective(X, y, lasso_path(X, y, lams=[0.1])[0], 0.1)
        slow, fast = (objective(X, y, solver(X, y, lam=0.1, steps=200)[-1], 0.1) - loss for solver in (ista, fista))
        assert fast < slow / 10


class TestLassoPath:
    @pytest.mark.parametrize("size", [(30, 8), (8, 30), (10, 10), (5, 1)], ids=str)
    def test_agrees_with_scikit_learn(self, size):
        X, y = noisy_problem(*size)
        lams = np.max(np.abs(X.T @ y)) * np.geomspace(1, 0.01, 25)
        _, expected, _ = linear_model.lasso_path(X, y, alphas=lams / len(y), tol=1e-15, max_iter=1_000_000)
        agree("lasso_path", "sklearn.linear_model.lasso_path", lasso_path(X, y, lams=lams), expected.T)

    def test_agrees_with_lars_on_real_data(self):
        X, y = datasets.load_diabetes(return_X_y=True)
        y = y - y.mean()
        alphas, _, expected = linear_model.lars_path(X, y, method="lasso")
        got = lasso_path(X, y, lams=alphas * len(y))
        agree("lasso_path", "sklearn.linear_model.lars_path, at its knots", got, expected.T)

    @given(
        st.integers(1, 7),
        st.integers(1, 7),
        st.integers(0, 2**32 - 1),
        st.sampled_from(["plain", "whole numbers", "equal columns", "opposite columns", "a sum", "scales", "near"]),
    )
    def test_meets_the_conditions_of_a_minimum(self, rows, columns, seed, kind):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(rows, columns)), rng.normal(size=rows)
        if kind == "whole numbers":
            X, y = np.round(X), np.round(2 * y)
        elif kind == "equal columns":
            X[:, -1] = X[:, 0]
        elif kind == "opposite columns":
            X[:, -1] = -X[:, 0]
        elif kind == "a sum":
            X[:, -1] = X[:, 0] + X[:, columns // 2]
        elif kind == "scales":
            X = X * 10.0 ** rng.integers(-3, 4, size=columns)
        elif kind == "near":
            X[:, -1] = X[:, 0] + 1e-7 * rng.normal(size=rows)
        largest = np.max(np.abs(X.T @ y))
        lams = rng.permutation([*(largest * np.geomspace(1.1, 1e-5, 12)), 0.0])
        for lam, w in zip(lams, lasso_path(X, y, lams=lams), strict=True):
            size = np.max(np.abs(X).T @ (np.abs(y) + np.abs(X) @ np.abs(w)))
            assert optimality_gap(X, y, w, lam) <= 1e-11 * size

    @pytest.mark.parametrize("scale", [1e-100, 1e100])
    def test_tiny_and_huge_targets_are_solved_as_well(self, scale):
        X, y = noisy_problem(30, 8)
        lams = np.max(np.abs(X.T @ y)) * np.geomspace(1, 0.01, 5)
        got = lasso_path(X, scale * y, lams=scale * lams) / scale
        np.testing.assert_allclose(got, lasso_path(X, y, lams=lams), rtol=1e-10)

    def test_of_float32_is_that_of_the_same_float64_rounded(self):
        X, y = (array.astype(np.float32) for array in noisy_problem(30, 8))
        got = lasso_path(X, y, lams=[3.0])
        assert got.dtype == np.float32
        expected = lasso_path(X.astype(float), y.astype(float), lams=[3.0])
        np.testing.assert_array_equal(got, expected.astype(np.float32))

    def test_refuses_an_infinite_strength(self):
        with pytest.raises(ValueError, match=r"^lams must be >= 0 and finite, got"):
            lasso_path(*problem(), lams=[1.0, np.inf])

    def test_says_so_where_it_does_not_come_to_an_end(self, monkeypatch):
        monkeypatch.setattr("regopt._soft_thresholding.ROUNDS", 0)
        with pytest.raises(ArithmeticError) as caught:
            lasso_path(*problem(), lams=[0.1])
        expected = "lasso_path has not settled on the signs of 8 weights: please report these data"
        assert str(caught.value) == expected

    def test_all_is_zero_from_the_largest_correlation_up(self):
        X, y = noisy_problem(30, 8)
        largest = np.max(np.abs(X.T @ y))
        path = lasso_path(X, y, lams=[2 * largest, largest * (1 + 1e-9), largest * (1 - 1e-9)])
        assert list(np.count_nonzero(path, axis=1)) == [0, 0, 1]

    def test_no_columns_are_factored_twice_running(self, monkeypatch):
        factored = []
        svd = np.linalg.svd
        monkeypatch.setattr(np.linalg, "svd", lambda X, **given: factored.append(X.tobytes()) or svd(X, **given))
        X, y = noisy_problem(30, 8)
        lasso_path(X, y, lams=np.max(np.abs(X.T @ y)) * np.geomspace(1, 0.01, 100))
        assert 1 < len(factored) < 20  # for a hundred strengths
        assert all(one != other for one, other in itertools.pairwise(factored))

    def test_zeros_are_exact(self):
        X, y = noisy_problem(50, 20)
        w = lasso_path(X, y, lams=[0.3 * np.max(np.abs(X.T @ y))])[0]
        assert set(np.flatnonzero(w)) == {0, 1}

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_bad_data_give_nan(self, bad):
        for where in range(2):
            data = list(noisy_problem(5, 3))
            data[where] = data[where].copy()
            data[where].flat[0] = bad
            assert np.isnan(lasso_path(*data, lams=[1.0])).all()
