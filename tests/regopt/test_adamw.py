import numpy as np
import pytest
import torch

from regopt import adam, adam_l2, adamw
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

SHAPE = (3, 4)
RATES = changing_rates()
GRADS = hard_gradients(SHAPE)


class TestAdamL2:
    @pytest.mark.parametrize("lam", [0.0, 0.01, 3.0])
    @pytest.mark.parametrize("eps", [1e-8, 1e-2])
    def test_agrees_with_torch(self, lam, eps):
        got = follow(adam_l2, start(SHAPE), GRADS, RATES, lam=lam, eps=eps, beta1=0.8, beta2=0.99)
        expected = follow_torch(
            lambda p: torch.optim.Adam(p, weight_decay=lam, eps=eps, betas=(0.8, 0.99)), start(SHAPE), GRADS, RATES
        )
        agree("adam_l2", "torch.optim.Adam", *relative(got, expected))

    def test_is_adam_on_the_penalised_loss(self):
        w, state = start(SHAPE), None
        v, kept = start(SHAPE), None
        for grad, lr in zip(GRADS, RATES, strict=True):
            w, state = adam_l2(w, grad, state, lr=lr, lam=0.3, eps_inside=True)
            v, kept = adam(v, grad + 0.3 * v, kept, lr=lr, eps_inside=True)
            agree("adam_l2", "adam with lam w added to the gradient", w, v)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_gradient_that_is_no_number_spreads_as_in_torch(self, bad):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = bad
        got = follow(adam_l2, start(SHAPE), grads, RATES, lam=0.1)
        expected = follow_torch(lambda p: torch.optim.Adam(p, weight_decay=0.1), start(SHAPE), grads, RATES)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)

    def test_without_epsilon_nothing_moves_a_weight_at_zero_with_no_gradient(self):
        w, _ = adam_l2(np.array([0.0, 1.0]), np.zeros(2), lr=0.1, lam=0.5, eps=0)
        agree("adam_l2", "closed form: -lr sign(lam w) in the first step", w, [0.0, 0.9])


class TestAdamw:
    @pytest.mark.parametrize("lam", [0.0, 0.01, 3.0])
    @pytest.mark.parametrize("eps", [1e-8, 1e-2])
    def test_agrees_with_torch(self, lam, eps):
        got = follow(adamw, start(SHAPE), GRADS, RATES, lam=lam, eps=eps, beta1=0.8, beta2=0.99)
        expected = follow_torch(
            lambda p: torch.optim.AdamW(p, weight_decay=lam, eps=eps, betas=(0.8, 0.99)), start(SHAPE), GRADS, RATES
        )
        agree("adamw", "torch.optim.AdamW", *relative(got, expected))

    def test_defaults_are_torchs(self):
        got = follow(adamw, start(SHAPE), GRADS, RATES)
        agree("adamw", "torch.optim.AdamW", *relative(got, follow_torch(torch.optim.AdamW, start(SHAPE), GRADS, RATES)))

    def test_decay_with_the_schedule_agrees_with_torch_whose_lam_is_divided_by_the_base_rate(self):
        multipliers = np.array(RATES) / 0.05
        w, state = start(SHAPE), None
        path = []
        for grad, multiplier in zip(GRADS, multipliers, strict=True):
            w, state = adamw(w, grad, state, lr=0.05, lam=0.01, schedule=multiplier, decay="schedule")
            path.append(w)
        expected = follow_torch(lambda p: torch.optim.AdamW(p, weight_decay=0.01 / 0.05), start(SHAPE), GRADS, RATES)
        agree("adamw", "torch.optim.AdamW with lam / lr, decay='schedule'", *relative(np.stack(path), expected))

    def test_decay_with_the_rate_takes_the_schedule_into_the_rate(self):
        w, _ = adamw(start(SHAPE), GRADS[0], lr=0.1, lam=0.2, schedule=0.5)
        expected, _ = adamw(start(SHAPE), GRADS[0], lr=0.05, lam=0.2)
        agree("adamw", "decay='lr': schedule and lr as one rate", w, expected)

    @pytest.mark.parametrize(("decay", "factor"), [("lr", 1 - 0.5 * 0.1 * 0.2), ("schedule", 0.9), ("plain", 0.8)])
    def test_with_no_gradient_the_weights_shrink_by_the_factor_alone(self, decay, factor):
        w, _ = adamw(start(SHAPE), np.zeros(SHAPE), lr=0.1, lam=0.2, schedule=0.5, decay=decay)
        agree("adamw", f"closed form: the factor of decay='{decay}'", w, factor * start(SHAPE))

    @pytest.mark.parametrize("decay", ["lr", "schedule", "plain"])
    def test_the_gradients_part_is_adams_in_every_convention(self, decay):
        w, _ = adamw(start(SHAPE), GRADS[0], lr=0.1, lam=0.2, schedule=0.5, decay=decay, eps_inside=True, eps=0.01)
        shrunk, _ = adamw(start(SHAPE), 0 * GRADS[0], lr=0.1, lam=0.2, schedule=0.5, decay=decay)
        step, _ = adam(np.zeros(SHAPE), GRADS[0], lr=0.05, eps_inside=True, eps=0.01)
        agree("adamw", "the factor alone plus adam alone", w, shrunk + step)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_gradient_that_is_no_number_spreads_as_in_torch(self, bad):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = bad
        got = follow(adamw, start(SHAPE), grads, RATES)
        expected = follow_torch(torch.optim.AdamW, start(SHAPE), grads, RATES)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)

    def test_without_epsilon_a_zero_gradient_leaves_the_decay_alone(self):
        w, _ = adamw(np.array([1.0]), np.array([0.0]), lr=0.1, lam=0.5, eps=0)
        agree("adamw", "closed form: 1 - lr lam", w, [0.95])

    def test_each_coordinate_decays_alike_where_adam_l2_decays_the_small_gradients_most(self):
        """What a coordinate really decays by: the difference that lam makes, over the weight."""
        rng = np.random.default_rng(0)
        grads = rng.normal(size=(400, 2)) * [0.1, 10.0]

        def decayed_by(step, lam):
            with_it, without = (np.stack([run(step, strength)]) for strength in (lam, 0.0))
            return (without - with_it).ravel()

        def run(step, lam):
            w, state = np.ones(2), None
            for grad in grads:
                w, state = step(w, grad, state, lr=1e-5, lam=lam)
            return w

        small, large = decayed_by(adamw, 0.01)
        assert abs(small / large - 1) < 0.01
        small, large = decayed_by(adam_l2, 0.01)
        assert 50 < small / large < 200  # the ratio of the gradients is 100
