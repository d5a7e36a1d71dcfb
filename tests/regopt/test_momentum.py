import numpy as np
import pytest
import torch

from regopt import momentum, nesterov
from regopt._momentum import MomentumState
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

SHAPE = (3, 4)
RATES = changing_rates()
GRADS = hard_gradients(SHAPE)
each_step = pytest.mark.parametrize("step", [momentum, nesterov])


def torch_sgd(step, gamma):
    return lambda p: torch.optim.SGD(p, lr=1.0, momentum=gamma, nesterov=step is nesterov and gamma > 0)


def scalar_loop(gradients, rates, w, gamma, *, look_ahead):
    """The texts' form, the rate inside of the velocity, one number at a time."""
    velocity, path = 0.0, []
    for gradient, rate in zip(gradients, rates, strict=True):
        pushed = rate * gradient
        velocity = gamma * velocity + pushed
        w = w - pushed - gamma * velocity if look_ahead else w - velocity
        path.append(w)
    return path


class TestBoth:
    @each_step
    @pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 0.999])
    def test_agrees_with_torch(self, step, gamma):
        got = follow(step, start(SHAPE), GRADS, RATES, gamma=gamma)
        expected = follow_torch(torch_sgd(step, gamma), start(SHAPE), GRADS, RATES)
        agree(step.__name__, "torch.optim.SGD", *relative(got, expected))

    @each_step
    def test_the_default_gamma_is_the_texts(self, step):
        got = follow(step, start(SHAPE), GRADS, RATES)
        agree(step.__name__, "torch.optim.SGD", *relative(got, follow(step, start(SHAPE), GRADS, RATES, gamma=0.9)))

    @each_step
    def test_the_rate_inside_agrees_with_a_scalar_loop(self, step):
        got = follow(step, start(SHAPE), GRADS, RATES, lr_inside=True, gamma=0.8)
        for index in np.ndindex(SHAPE):
            here = (slice(None), *index)
            expected = scalar_loop(GRADS[here], RATES, start(SHAPE)[index], 0.8, look_ahead=step is nesterov)
            agree(step.__name__, "scalar loop, rate inside", *relative(got[here], np.array(expected)))

    @each_step
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_gradient_that_is_no_number_spreads_as_in_torch(self, step, bad):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = bad
        got = follow(step, start(SHAPE), grads, RATES)
        expected = follow_torch(torch_sgd(step, 0.9), start(SHAPE), grads, RATES)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


class TestMomentum:
    def test_velocity_is_the_sum_of_gradients_weighed_by_their_age(self):
        state = None
        for grad in GRADS[:9]:
            _, state = momentum(start(SHAPE), grad, state, lr=0.1, gamma=0.7)
        expected = sum(0.7 ** (8 - t) * grad for t, grad in enumerate(GRADS[:9]))
        agree("momentum", "closed form: sum of gamma^age grad", state.v, expected)

    @pytest.mark.parametrize("curvature", [0.5, 3.0])
    def test_on_a_quadratic_the_path_is_that_of_the_closed_form(self, curvature):
        """w_t is a sum of powers of the two roots of r^2 - (1 + gamma - lr h) r + gamma = 0."""
        lr, gamma, path = 0.3, 0.6, [1.0]
        w, state = np.array([1.0]), None
        for _ in range(40):
            w, state = momentum(w, curvature * w, state, lr=lr, gamma=gamma)
            path.append(w[0])
        roots = np.roots([1, -(1 + gamma - lr * curvature), gamma]).astype(complex)
        weights = np.linalg.solve(np.stack([roots**0, roots]), path[:2])
        agree("momentum", "closed form: two roots", path, (weights * roots ** np.arange(41)[:, None]).sum(1).real)

    def test_critical_damping_is_the_fastest(self):
        """At gamma = (1 - sqrt(lr h))^2 the two roots meet at 1 - sqrt(lr h); elsewhere one is larger."""

        def matrix(gamma):
            def one_step(w, v):
                w, state = momentum(np.array(w), np.array(w), MomentumState(np.array(v)), lr=0.04, gamma=gamma)
                return [float(w), float(state.v)]

            return np.array([one_step(1.0, 0.0), one_step(0.0, 1.0)])

        def shrinks_by(gamma):
            return np.abs(np.linalg.eigvals(matrix(gamma))).max()

        best, root = (1 - 0.04**0.5) ** 2, 1 - 0.04**0.5
        step = matrix(best)  # equal roots by their sum and product: the roots themselves lose half the digits
        found = [np.trace(step) / 2, np.linalg.det(step) ** 0.5]
        agree("momentum", "closed form: critical damping", found, [root, root])
        others = [shrinks_by(gamma) for gamma in np.linspace(0.0, 0.99, 100) if abs(gamma - best) > 1e-3]
        assert min(others) > root

    @pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9])
    def test_converges_on_a_quadratic_up_to_lr_h_of_two_plus_two_gamma(self, gamma):
        def end(lr):
            w, state = np.array([1.0]), None
            for _ in range(3000):
                w, state = momentum(w, w, state, lr=lr, gamma=gamma)
            return abs(w[0])

        assert end(0.99 * (2 + 2 * gamma)) < 0.1
        assert end(1.01 * (2 + 2 * gamma)) > 10


class TestNesterov:
    def test_is_nesterovs_own_form_at_the_look_ahead_point(self):
        """x steps by the velocity, whose gradient was taken at x - lr gamma v; our w is that point."""
        lr, gamma = 0.05, 0.8
        hessian = np.array([[3.0, 1.0], [1.0, 2.0]])
        x = np.array([1.0, -2.0])
        velocity = np.zeros(2)
        w, state = x, None
        for _ in range(60):
            ahead = x - lr * gamma * velocity
            agree("nesterov", "Nesterov's look-ahead form", w, ahead)
            velocity = gamma * velocity + hessian @ ahead
            x = x - lr * velocity
            w, state = nesterov(w, hessian @ w, state, lr=lr, gamma=gamma)
