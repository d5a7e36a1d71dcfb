import numpy as np
import pytest
import torch

from regopt import adagrad, adam, amsgrad, rmsprop
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

SHAPE = (3, 4)
RATES = changing_rates()


def agree_over_many_steps(name, step, make, *, grads=None, **settings):
    grads = hard_gradients(SHAPE) if grads is None else grads
    got = follow(step, start(SHAPE), grads, RATES, **settings)
    expected = follow_torch(make, start(SHAPE), grads, RATES)
    agree(
        name, f"torch.optim.{make([torch.zeros(1, requires_grad=True)]).__class__.__name__}", *relative(got, expected)
    )


class TestAdagrad:
    @pytest.mark.parametrize("eps", [1e-10, 1e-3])
    def test_agrees_with_torch(self, eps):
        agree_over_many_steps("adagrad", adagrad, lambda p: torch.optim.Adagrad(p, eps=eps), eps=eps)

    def test_rates_never_grow(self):
        w, state = start(SHAPE), None
        for grad in hard_gradients(SHAPE, largest=1e3):
            _, after = adagrad(w, grad, state, lr=0.1)
            assert state is None or np.all(after.v >= state.v)
            state = after

    def test_first_step_is_the_rate_whatever_the_size_of_the_gradient(self):
        w, _ = adagrad(np.zeros(4), np.array([1e-100, -1.0, 1e100, 0.0]), lr=0.5, eps=0)
        agree("adagrad", "closed form: -lr sign(grad) in the first step", w, [-0.5, 0.5, -0.5, 0.0])


class TestRMSprop:
    @pytest.mark.parametrize(("beta2", "eps"), [(0.99, 1e-8), (0.9, 1e-3), (0.0, 1e-8)])
    def test_agrees_with_torch(self, beta2, eps):
        agree_over_many_steps(
            "rmsprop", rmsprop, lambda p: torch.optim.RMSprop(p, alpha=beta2, eps=eps), beta2=beta2, eps=eps
        )

    def test_epsilon_inside_agrees_with_a_scalar_loop(self):
        grads = hard_gradients(SHAPE)
        expected = np.stack([start(SHAPE)] * len(grads))
        for index in np.ndindex(SHAPE):
            w, average = start(SHAPE)[index], 0.0
            for t, lr in enumerate(RATES):
                g = grads[(t, *index)]
                average = 0.9 * average + 0.1 * g * g
                w -= lr / (average + 1e-4) ** 0.5 * g
                expected[(t, *index)] = w
        got = follow(rmsprop, start(SHAPE), grads, RATES, beta2=0.9, eps=1e-4, eps_inside=True)
        agree("rmsprop", "scalar loop, eps inside", *relative(got, expected))


class TestAdam:
    @pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.0), (0.5, 0.9), (0.99, 0.9999)])
    @pytest.mark.parametrize("eps", [1e-8, 1e-2])
    def test_agrees_with_torch(self, betas, eps):
        agree_over_many_steps(
            "adam",
            adam,
            lambda p: torch.optim.Adam(p, betas=betas, eps=eps),
            beta1=betas[0],
            beta2=betas[1],
            eps=eps,
        )

    def test_agrees_with_torch_where_the_square_overflows(self):
        grads = hard_gradients(SHAPE, largest=1e200)
        agree_over_many_steps("adam", adam, torch.optim.Adam, grads=grads)

    def test_epsilon_inside_and_no_correction_agree_with_a_scalar_loop(self):
        grads = hard_gradients(SHAPE)
        for corrected in (True, False):
            expected = np.zeros((len(grads), *SHAPE))
            for index in np.ndindex(SHAPE):
                w, first, second = start(SHAPE)[index], 0.0, 0.0
                for t, lr in enumerate(RATES):
                    g = grads[(t, *index)]
                    first += 0.1 * (g - first)
                    second += 0.001 * (g * g - second)
                    a, b = (
                        (first / (1 - 0.9 ** (t + 1)), second / (1 - 0.999 ** (t + 1)))
                        if corrected
                        else (first, second)
                    )
                    w -= lr * a / (b + 1e-4) ** 0.5
                    expected[(t, *index)] = w
            settings = {"eps": 1e-4, "eps_inside": True, "bias_correction": corrected}
            got = follow(adam, start(SHAPE), grads, RATES, **settings)
            agree("adam", "scalar loop, eps inside", *relative(got, expected))

    def test_correction_makes_the_averages_of_a_constant_gradient_exact(self):
        grad, state = np.array([0.3, -7.0]), None
        for t in range(1, 6):
            w, state = adam(np.zeros(2), grad, state, lr=1.0, eps=0)
            agree("adam", "closed form: a constant gradient moves by lr", w, [-1.0, 1.0])
            agree("adam", "closed form: m = (1 - beta1^t) grad", state.m, (1 - 0.9**t) * grad)

    def test_an_uncorrected_first_step_is_longer_by_the_ratio_of_the_corrections(self):
        w, _ = adam(np.zeros(1), np.ones(1), lr=1.0, eps=0, bias_correction=False)
        agree("adam", "closed form: (1 - beta1) / sqrt(1 - beta2)", w, [-0.1 / 0.001**0.5])


class TestAmsgrad:
    @pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.5)])
    def test_agrees_with_torch(self, betas):
        agree_over_many_steps(
            "amsgrad", amsgrad, lambda p: torch.optim.Adam(p, betas=betas, amsgrad=True), beta1=betas[0], beta2=betas[1]
        )

    def test_without_correction_v_max_never_falls_and_the_step_is_the_papers(self):
        w, state = start(SHAPE), None
        for grad in hard_gradients(SHAPE, largest=1e3):
            before, kept = w, state
            w, state = amsgrad(w, grad, state, lr=0.1, beta2=0.9, eps=1e-8, bias_correction=False)
            assert kept is None or np.all(state.v_max >= kept.v_max)
            assert np.all(state.v_max >= state.v)
            agree("amsgrad", "the paper's step", w, before - 0.1 * state.m / (np.sqrt(state.v_max) + 1e-8))


class TestEdges:
    @pytest.mark.parametrize("step", [adagrad, rmsprop, adam, amsgrad])
    @pytest.mark.parametrize("eps", [0.0, 1e-60])
    def test_without_epsilon_a_zero_gradient_is_no_step(self, step, eps):
        for dtype in (np.float32, np.float64):
            w, _ = step(np.array([1.0, 2.0], dtype), np.array([0.0, 0.5], dtype), lr=0.1, eps=eps)
            assert w[0] == 1
            assert np.isfinite(w[1])
            assert w[1] != 2

    @pytest.mark.parametrize("step", [adagrad, rmsprop, adam, amsgrad])
    def test_without_epsilon_a_square_that_underflows_is_an_infinite_step_as_in_torch(self, step):
        w, _ = step(np.zeros(1), np.array([1e-200]), lr=0.1, eps=0)
        assert w == -np.inf

    @pytest.mark.parametrize(
        ("step", "make"),
        [
            (adagrad, torch.optim.Adagrad),
            (rmsprop, torch.optim.RMSprop),
            (adam, torch.optim.Adam),
            (amsgrad, lambda p: torch.optim.Adam(p, amsgrad=True)),
        ],
    )
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_gradient_that_is_no_number_spreads_as_in_torch(self, step, make, bad):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = bad
        got = follow(step, start(SHAPE), grads, RATES)
        np.testing.assert_allclose(got, follow_torch(make, start(SHAPE), grads, RATES), rtol=1e-10, atol=1e-10)
        assert np.isnan(got[-1, 0, 1])
        assert np.isnan(got[-1]).sum() == 1
