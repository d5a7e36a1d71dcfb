"""Where the sources disagree on learning rates (CURRICULUM.md section 2)."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from regopt import adam, cosine_annealing, inverse_sqrt, scale_learning_rate, sgd, warmup


def spread(step, *, lr, batch, noise, curvature=1.0, steps=6000, walkers=2000, **settings):
    """Stationary variance of many independent runs on h/2 w^2 with gradient noise of variance noise^2 / batch."""
    rng = np.random.default_rng(0)
    w, state, seen = np.zeros(walkers), None, []
    for t in range(steps):
        grad = curvature * w + noise / math.sqrt(batch) * rng.normal(size=walkers)
        w, state = step(w, grad, state, lr=lr, **settings)
        if t >= steps // 2 and t % 50 == 0:
            seen.append(np.mean(w**2))
    return float(np.mean(seen))


@pytest.mark.parametrize(("lr", "batch"), [(0.02, 1), (0.08, 4), (0.5, 4), (1.5, 1)])
def test_item_22_the_variance_of_sgd_is_eta_sigma2_over_b_h_times_two_minus_eta_h(lr, batch):
    expected = lr / (batch * (2 - lr))
    assert spread(sgd, lr=lr, batch=batch, noise=1.0, steps=2000) == pytest.approx(expected, rel=0.03)


def test_item_22_the_linear_rule_keeps_the_variance_of_sgd_until_eta_h_nears_two():
    """60,000 half-independent values: the spread of their mean square is below 1%, the bounds are three times that."""

    def after(batch):
        rate = scale_learning_rate(0.02, batch=batch, base_batch=1)
        return spread(sgd, lr=rate, batch=batch, noise=1.0, steps=2000)

    assert after(4) / after(1) == pytest.approx((2 - 0.02) / (2 - 0.08), rel=0.03)  # 1.03
    assert after(90) / after(1) == pytest.approx((2 - 0.02) / (2 - 1.8), rel=0.05)  # 9.9


@pytest.mark.parametrize("beta1", [0.0, 0.9])
def test_item_22_the_root_rule_keeps_the_variance_of_adam_where_noise_rules(beta1):
    """Its variance is eta sigma / (2 h sqrt(B)): sign-like steps see only the ratio of gradient and noise."""
    settings = {"noise": 40.0, "beta1": beta1, "beta2": 0.999}
    one = spread(adam, lr=0.1, batch=1, **settings)
    assert one == pytest.approx(0.1 * 40.0 / 2, rel=0.05)
    root = spread(adam, lr=scale_learning_rate(0.1, batch=16, base_batch=1, rule="sqrt"), batch=16, **settings)
    assert root == pytest.approx(one, rel=0.05)
    linear = spread(adam, lr=scale_learning_rate(0.1, batch=16, base_batch=1), batch=16, **settings)
    assert linear == pytest.approx(4 * one, rel=0.1)


def after_warm_up(schedule, target, t, warm):
    """The texts' equation, read literally."""
    return target * t / warm if t <= warm else schedule(t - warm)


def test_item_25_warm_up_is_continuous_only_where_the_schedule_starts_at_the_target():
    def schedule(t):
        return 0.3 * 0.9**t

    assert after_warm_up(schedule, 1.0, 10, 10) == 1.0
    assert after_warm_up(schedule, 1.0, 10 + 1e-9, 10) == pytest.approx(0.3)
    ours = warmup(schedule, steps=10)  # takes its target from the schedule
    assert ours(10) == pytest.approx(ours(10 - 1e-9)) == pytest.approx(0.3)


def test_item_25_the_root_of_the_time_since_warm_up_diverges_eta_sqrt_of_warm_over_t_does_not():
    assert after_warm_up(lambda t: t**-0.5, 1.0, 10 + 1e-12, 10) > 1e5
    ours = warmup(partial(inverse_sqrt, lr=1.0, shift=10), steps=10)
    for t in (10, 10 + 1e-12, 11, 1000):
        assert ours(t) == pytest.approx(math.sqrt(10 / t))


def test_item_25_with_cosine_the_steps_are_those_that_are_left():
    whole, left = (warmup(partial(cosine_annealing, lr=1.0, steps=steps), steps=20) for steps in (100, 80))
    assert left(100) == 0.0
    assert whole(100) == pytest.approx(0.5 * (1 + math.cos(0.8 * math.pi)))  # 0.095: not annealed when training ends


def rates_of(optimizer, scheduler, steps):
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_item_25_past_t_max_torchs_cosine_climbs_again():
    """The listing of text 001: T_max = 1000 steps, and a loop that goes on for as long as there are batches."""
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=3e-4)
    rates = rates_of(optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1000, eta_min=1e-5), 2001)
    assert rates[1000] == pytest.approx(1e-5)
    assert rates[2000] == pytest.approx(3e-4)
    assert cosine_annealing(2000, lr=3e-4, steps=1000, lr_min=1e-5) == pytest.approx(3e-4)
    assert cosine_annealing(2000, lr=3e-4, steps=1000, lr_min=1e-5, hold=True) == 1e-5


def test_item_25_a_loop_that_never_zeroes_its_gradients_steps_along_their_sum():
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    seen = []
    for _ in range(3):
        (2.0 * weight).sum().backward()
        seen.append(weight.grad.item())
    assert seen == [2.0, 4.0, 6.0]


def test_item_25_torchs_linear_warm_up_refuses_to_start_at_zero():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with pytest.raises(ValueError, match="greater than 0"):
        torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.0)
    assert warmup(lambda t: 1.0, steps=5)(0) == 0.0
