import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import LbfgsInvHessProduct

from regopt import lbfgs, newton
from regopt._second_order import LbfgsState
from tests.evidence import agree
from tests.regopt.steps import changing_rates, relative

rng = np.random.default_rng(0)
BASIS = np.linalg.qr(rng.normal(size=(6, 6)))[0]
HESSIAN = BASIS @ np.diag([0.5, 1.0, 2.0, 4.0, 8.0, 16.0]) @ BASIS.T
DATA, SIGNS = rng.normal(size=(40, 6)), np.sign(rng.normal(size=40))


def quadratic(w):
    return 0.5 * w @ torch.from_numpy(HESSIAN) @ w - w.sum()


def logistic(w):
    margins = torch.from_numpy(SIGNS) * (torch.from_numpy(DATA) @ w)
    return torch.nn.functional.softplus(-margins).mean() + 0.05 * (w**2).sum()


def rosenbrock(w):
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum() / 100


LOSSES = {"quadratic": quadratic, "logistic": logistic, "rosenbrock": rosenbrock}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def gradient(loss, w):
    w = torch.from_numpy(w.copy()).requires_grad_()
    loss(w).backward()
    return w.grad.numpy()


class TestNewton:
    @each_loss
    def test_agrees_with_torchs_hessian_and_solver(self, loss):
        w = start = np.full(6, 0.3)
        for lr in (1.0, 0.5, 0.0, 0.1, 1.0):
            hessian = torch.autograd.functional.hessian(loss, torch.from_numpy(w))
            step = torch.linalg.solve(hessian, torch.from_numpy(gradient(loss, w))).numpy()
            expected = w - lr * step
            w, state = newton(w, gradient(loss, w), hessian=hessian.numpy(), lr=lr)
            assert state is None
            agree("newton", "torch.autograd.functional.hessian and torch.linalg.solve", w, expected)
        assert not np.array_equal(w, start)

    def test_one_step_ends_at_the_minimum_of_a_quadratic(self):
        w, _ = newton(np.zeros(6), -np.ones(6), hessian=HESSIAN)
        agree("newton", "closed form: the minimum", HESSIAN @ w, np.ones(6))

    def test_weights_of_any_shape(self):
        matrix, _ = newton(np.zeros((2, 3)), -np.ones((2, 3)), hessian=HESSIAN)
        vector, _ = newton(np.zeros(6), -np.ones(6), hessian=HESSIAN)
        agree("newton", "the same as a vector", matrix.ravel(), vector)
        number, _ = newton(np.array(3.0), np.array(6.0), hessian=np.array([[2.0]]))
        assert isinstance(number, np.ndarray)
        assert number == 0

    def test_near_the_minimum_the_digits_double(self):
        w, distances = np.full(6, 0.3), []
        for _ in range(8):
            hessian = torch.autograd.functional.hessian(logistic, torch.from_numpy(w)).numpy()
            distances.append(np.linalg.norm(gradient(logistic, w)))
            w, _ = newton(w, gradient(logistic, w), hessian=hessian)
        squares = [later / before**2 for before, later in itertools.pairwise(distances) if later > 1e-13]
        assert len(squares) >= 3
        assert max(squares) < 5

    def test_is_drawn_to_saddles(self):
        """w1^2 - w2^2 has no minimum; gradient descent leaves its flat point, Newton jumps onto it."""
        w, _ = newton(np.array([1.0, 1.0]), np.array([2.0, -2.0]), hessian=np.diag([2.0, -2.0]))
        np.testing.assert_array_equal(w, [0.0, 0.0])

    def test_refuses_a_singular_hessian_in_one_line(self):
        with pytest.raises(
            ValueError, match=r"^hessian must be invertible, got a singular one of shape \(2, 2\)$"
        ) as e:
            newton(np.ones(2), np.ones(2), hessian=np.ones((2, 2)))
        assert e.value.__cause__ is None

    def test_half_precision_is_solved_in_double(self):
        w, _ = newton(np.ones(2, np.float16), np.ones(2, np.float16), hessian=np.eye(2, dtype=np.float16) * 2)
        assert w.dtype == np.float16
        np.testing.assert_array_equal(w, [0.5, 0.5])


def torchs_lbfgs(loss, w, rates, memory):
    parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = torch.optim.LBFGS(
        [parameter], max_iter=1, history_size=memory, tolerance_grad=0.0, tolerance_change=0.0
    )
    path = []
    for lr in rates:
        optimizer.param_groups[0]["lr"] = lr

        def closure():
            optimizer.zero_grad()
            value = loss(parameter)
            value.backward()
            return value

        optimizer.step(closure)
        path.append(parameter.detach().numpy().copy())
    return np.stack(path)


def our_lbfgs(loss, w, rates, memory):
    path, state = [], None
    for lr in rates:
        w, state = lbfgs(w, gradient(loss, w), state, lr=lr, memory=memory)
        path.append(w)
    return np.stack(path)


class TestLbfgs:
    @pytest.mark.parametrize("memory", [1, 3, 100])
    @pytest.mark.parametrize(("loss", "largest"), [(quadratic, 1.0), (logistic, 1.0), (rosenbrock, 0.3)])
    def test_agrees_with_torch(self, loss, largest, memory):
        """Rates that change and are zero at times, when nothing is learned from the move that was none."""
        rates = [largest * min(1.0, 5 * lr) for lr in changing_rates()]
        w = np.linspace(-0.5, 0.5, 6)
        expected = torchs_lbfgs(loss, w, rates, memory)
        agree("lbfgs", "torch.optim.LBFGS", *relative(our_lbfgs(loss, w, rates, memory), expected))

    @pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
    def test_the_first_step_is_never_longer_than_the_rate(self, scale):
        grad = scale * np.array([3.0, -4.0])
        w, _ = lbfgs(np.zeros(2), grad, lr=0.5)
        agree("lbfgs", "closed form: the first step", w, -0.5 * grad * min(1, 1 / (7 * scale)))

    @pytest.mark.parametrize("memory", [1, 2, 4, 9])
    def test_two_loops_agree_with_scipys_inverse_hessian(self, memory):
        """scipy starts from the identity: the pairs are scaled so that the newest has s'y = y'y."""
        pairs = self.pairs(scaled=True)
        state = LbfgsState(*pairs, np.zeros(6), np.zeros(6))
        grad = np.linspace(1, 2, 6)
        w, _ = lbfgs(np.zeros(6), grad, state, memory=memory)
        product = LbfgsInvHessProduct(np.stack(pairs[0][-memory:]), np.stack(pairs[1][-memory:]))
        agree("lbfgs", "scipy.optimize.LbfgsInvHessProduct", -w, product.matvec(grad))

    def test_two_loops_agree_with_the_full_bfgs_matrix(self):
        """Nocedal and Wright, (6.17): H = (I - r s y') H (I - r y s') + r s s', from the identity times s'y / y'y."""
        moves, changes = self.pairs()
        inverse = np.eye(6) * (moves[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
        for s, y in zip(moves, changes, strict=True):
            r = 1 / (s @ y)
            inverse = (np.eye(6) - r * np.outer(s, y)) @ inverse @ (np.eye(6) - r * np.outer(y, s)) + r * np.outer(s, s)
        grad = np.linspace(1, 2, 6)
        w, _ = lbfgs(np.zeros(6), grad, LbfgsState(moves, changes, np.zeros(6), np.zeros(6)), lr=0.7)
        agree("lbfgs", "the full BFGS matrix", w, -0.7 * inverse @ grad)

    @staticmethod
    def pairs(scaled=False):
        moves = [np.random.default_rng(seed).normal(size=6) for seed in range(4)]
        changes = [HESSIAN @ move for move in moves]
        if scaled:
            ratio = (moves[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
            changes = [ratio * change for change in changes]
        return tuple(moves), tuple(changes)

    def test_the_newest_secant_condition_holds(self):
        """What the last move taught is kept exactly: H y = s."""
        moves, changes = self.pairs()
        w, _ = lbfgs(np.zeros(6), changes[-1], LbfgsState(moves, changes, np.zeros(6), np.zeros(6)))
        agree("lbfgs", "the secant condition", -w, moves[-1])

    def test_remembers_ten_moves_unless_told(self):
        rates, w = changing_rates(), np.linspace(-0.5, 0.5, 6)
        usual, state = [], None
        for lr in rates[:20]:
            w, state = lbfgs(w, gradient(rosenbrock, w), state, lr=0.3 * lr)
            usual.append(w)
        told = our_lbfgs(rosenbrock, np.linspace(-0.5, 0.5, 6), [0.3 * lr for lr in rates[:20]], 10)
        np.testing.assert_array_equal(usual, told)

    def test_forgets_what_is_older_than_its_memory(self):
        w, state = np.full(6, 0.3), None
        for _ in range(8):
            w, state = lbfgs(w, gradient(quadratic, w), state, memory=3)
        assert len(state.moves) == len(state.changes) == 3
        kept = state
        _, state = lbfgs(w, gradient(quadratic, w), state, memory=3)
        assert state.moves[0] is kept.moves[1]
        np.testing.assert_array_equal(state.moves[-1], kept.move)

    @pytest.mark.parametrize(("curvature", "learned"), [(-1.0, 0), (0.0, 0), (1e-10, 0), (1.1e-10, 1), (1.0, 1)])
    def test_learns_from_positive_curvature_only(self, curvature, learned):
        state = LbfgsState((), (), np.array([1.0, 0.0]), np.zeros(2))
        _, state = lbfgs(np.zeros(2), np.array([curvature, 0.5]), state)
        assert len(state.moves) == learned

    def test_keeps_its_own_copy_of_the_gradient(self):
        grad = np.ones(2)
        _, state = lbfgs(np.zeros(2), grad)
        grad[:] = 5
        np.testing.assert_array_equal(state.grad, [1, 1])

    def test_nan_propagates(self):
        w, state = lbfgs(np.zeros(2), np.ones(2))
        w, state = lbfgs(w, np.array([np.nan, 1.0]), state)
        assert np.isnan(w).any()

    @pytest.mark.parametrize(
        "state",
        [
            LbfgsState((np.ones(2),), (), np.ones(2), np.ones(2)),
            LbfgsState((np.ones(3),), (np.ones(3),), np.ones(2), np.ones(2)),
            LbfgsState((), (), np.ones(3), np.ones(2)),
            LbfgsState((), (), np.ones(2), np.ones(2, np.float32)),
        ],
    )
    def test_refuses_a_state_that_does_not_fit(self, state):
        with pytest.raises(ValueError, match="state must be"):
            lbfgs(np.ones(2), np.ones(2), state)
