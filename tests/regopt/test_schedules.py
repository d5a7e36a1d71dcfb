import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from regopt import (
    cosine_annealing,
    exponential_decay,
    inverse_sqrt,
    linear_decay,
    polynomial_decay,
    scale_learning_rate,
    step_decay,
    triangular_cycle,
    warmup,
)
from tests.evidence import agree

TIMES = np.arange(100)


def rates_of_torch(make, lr=0.3):
    """The rates that a torch scheduler gives to the first hundred steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in TIMES:
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


EQUAL = {  # ours, and torch's of the same
    "step_decay": (
        partial(step_decay, lr=0.3, every=7, factor=0.5),
        lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5),
    ),
    "step_decay by default": (partial(step_decay, lr=0.3, every=30), lambda o: lr_scheduler.StepLR(o, step_size=30)),
    "exponential_decay": (
        partial(exponential_decay, lr=0.3, factor=0.93),
        lambda o: lr_scheduler.ExponentialLR(o, 0.93),
    ),
    "polynomial_decay": (
        partial(polynomial_decay, lr=0.3, steps=60, power=2.5),
        lambda o: lr_scheduler.PolynomialLR(o, total_iters=60, power=2.5),
    ),
    "polynomial_decay by default": (
        partial(polynomial_decay, lr=0.3, steps=60),
        lambda o: lr_scheduler.PolynomialLR(o, total_iters=60),
    ),
    "linear_decay": (
        partial(linear_decay, lr=0.3, steps=60, lr_end=0.06),
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=60),
    ),
    "cosine_annealing": (
        partial(cosine_annealing, lr=0.3, steps=40, lr_min=0.01),
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=40, eta_min=0.01),
    ),
    "triangular_cycle": (
        partial(triangular_cycle, lr_min=0.05, lr_max=0.3, up=6, down=11),
        lambda o: lr_scheduler.CyclicLR(o, 0.05, 0.3, step_size_up=6, step_size_down=11, cycle_momentum=False),
    ),
    "triangular_cycle by default": (
        partial(triangular_cycle, lr_min=0.0, lr_max=0.3, up=6),
        lambda o: lr_scheduler.CyclicLR(o, 0.0, 0.3, step_size_up=6, cycle_momentum=False),
    ),
    "warmup": (
        warmup(partial(cosine_annealing, lr=0.3, steps=90), steps=10, start=0.25),
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, 0.25, 1.0, total_iters=10), lr_scheduler.CosineAnnealingLR(o, T_max=90)],
            milestones=[10],
        ),
    ),
}


class TestAgainstTorch:
    @pytest.mark.parametrize("name", EQUAL)
    def test_agrees_over_a_hundred_steps(self, name):
        ours, torchs = EQUAL[name]
        expected = rates_of_torch(torchs)
        agree(name.split()[0], "torch.optim.lr_scheduler", ours(TIMES), expected)
        agree(name.split()[0], "torch.optim.lr_scheduler", [ours(int(t)) for t in TIMES], expected)

    @pytest.mark.parametrize("name", EQUAL)
    def test_one_time_gives_a_python_float_so_that_float32_weights_stay_float32(self, name):
        for t in (3, 3.0, np.float32(3), np.array(3)):
            assert type(EQUAL[name][0](t)) is float
        assert EQUAL[name][0](TIMES[:6].reshape(2, 3)).shape == (2, 3)


class TestClosedForms:
    def test_exponential_decay_with_factor_exp_minus_k_is_the_texts(self):
        got = exponential_decay(TIMES, lr=0.3, factor=math.exp(-0.05))
        agree("exponential_decay", "closed form: lr exp(-k t)", got, 0.3 * np.exp(-0.05 * TIMES))

    def test_polynomial_decay_ends_at_lr_end(self):
        got = polynomial_decay(TIMES, lr=1.0, steps=50, power=2.0, lr_end=0.2)
        agree("polynomial_decay", "closed form: a parabola", got[:51], 0.2 + 0.8 * (50 - np.arange(51)) ** 2 / 2500)
        assert np.all(got[50:] == 0.2)

    def test_cosine_annealing_may_stay_at_its_minimum(self):
        got = cosine_annealing(TIMES, lr=0.3, steps=40, lr_min=0.01, hold=True)
        agree("cosine_annealing", "its own rates before the end", got[:41], EQUAL["cosine_annealing"][0](TIMES[:41]))
        assert np.all(got[40:] == 0.01)

    def test_inverse_sqrt_after_warm_up_is_the_schedule_of_the_transformer(self):
        """Vaswani et al. 2017, equation 3: width^(-1/2) min(t^(-1/2), t T_w^(-3/2)), here from step 0."""
        width, warm = 512, 40
        schedule = warmup(partial(inverse_sqrt, lr=(width * warm) ** -0.5, shift=warm), steps=warm)
        t = np.arange(1, 200)
        expected = width**-0.5 * np.minimum(t**-0.5, t * warm**-1.5)
        agree("inverse_sqrt", "Vaswani et al. 2017, equation 3", schedule(t), expected)
        agree("warmup", "Vaswani et al. 2017, equation 3", schedule(t), expected)
        assert schedule(0) == 0

    def test_no_steps_of_warm_up_leave_the_schedule_as_it_is(self):
        schedule = partial(cosine_annealing, lr=0.3, steps=40)
        agree("warmup", "the schedule alone", warmup(schedule, steps=0)(TIMES), schedule(TIMES))

    def test_warmup_goes_around_a_schedule_that_takes_only_numbers(self):
        schedule = warmup(lambda t: 1.0 if t < 5 else 0.1, steps=4)
        agree("warmup", "closed form", schedule(np.array([0, 1, 4, 8, 9])), [0.0, 0.25, 1.0, 1.0, 0.1])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_warmup_keeps_the_precision_of_the_times(self, dtype):
        assert warmup(lambda t: 1.0, steps=4)(np.arange(7, dtype=dtype)).dtype == dtype

    def test_warmup_around_a_warm_up(self):
        inner = warmup(lambda t: 1.0, steps=4, start=0.5)
        agree("warmup", "closed form", warmup(inner, steps=2)(np.arange(7)), [0, 0.25, 0.5, 0.625, 0.75, 0.875, 1])

    def test_scale_learning_rate_gives_the_published_rate(self):
        published = scale_learning_rate(0.1, batch=8192, base_batch=256)
        agree("scale_learning_rate", "Goyal et al. 2017: 3.2 for a batch of 8192", published, 3.2)

    def test_scale_learning_rate_keeps_what_its_rule_keeps(self):
        assert scale_learning_rate(0.1, batch=96, base_batch=32) == pytest.approx(0.3)
        assert scale_learning_rate(0.1, batch=8, base_batch=32) == pytest.approx(0.025)
        assert scale_learning_rate(0.1, batch=288, base_batch=32, rule="sqrt") == pytest.approx(0.3)
        assert scale_learning_rate(0.1, batch=8, base_batch=32, rule="sqrt") == pytest.approx(0.05)
        assert scale_learning_rate(0.1, batch=32, base_batch=32) == 0.1


RATES = st.floats(0, 10)
SPANS = st.integers(1, 50)


class TestBounds:
    @given(
        lr=RATES, share=st.floats(0, 1), steps=SPANS, t=st.floats(0, 200), power=st.floats(0.1, 5), hold=st.booleans()
    )
    def test_every_schedule_stays_between_its_ends(self, lr, share, steps, t, power, hold):
        low = lr * share
        slack = 1e-12 * lr
        for rate in (
            polynomial_decay(t, lr=lr, steps=steps, power=power, lr_end=low),
            linear_decay(t, lr=lr, steps=steps, lr_end=low),
            cosine_annealing(t, lr=lr, steps=steps, lr_min=low, hold=hold),
            triangular_cycle(t, lr_min=low, lr_max=lr, up=steps, down=3 * steps),
        ):
            assert low - slack <= rate <= lr + slack
        for rate in (
            step_decay(t, lr=lr, every=steps, factor=0.7),
            exponential_decay(t, lr=lr, factor=0.7),
            inverse_sqrt(t, lr=lr, shift=steps),
            warmup(partial(cosine_annealing, lr=lr, steps=steps), steps=steps)(t),
        ):
            assert 0 <= rate <= lr + slack

    @given(steps=SPANS, t=st.floats(0, 200), warm=st.integers(0, 50))
    def test_what_is_claimed_to_be_continuous_is(self, steps, t, warm):
        for schedule in (
            partial(exponential_decay, lr=1.0, factor=0.7),
            partial(polynomial_decay, lr=1.0, steps=steps, power=2.0, lr_end=0.1),
            partial(linear_decay, lr=1.0, steps=steps),
            partial(cosine_annealing, lr=1.0, steps=steps),
            partial(triangular_cycle, lr_min=0.1, lr_max=1.0, up=steps, down=2 * steps),
            partial(inverse_sqrt, lr=1.0, shift=steps),
        ):
            for one in (schedule, warmup(schedule, steps=warm, start=0.1)):
                assert one(t + 1e-9) == pytest.approx(one(t), abs=1e-8)

    @given(lr=RATES, t=st.floats(0, 100), later=st.floats(0, 100), steps=SPANS)
    def test_decays_never_rise(self, lr, t, later, steps):
        for schedule in (
            partial(step_decay, lr=lr, every=steps),
            partial(exponential_decay, lr=lr, factor=0.9),
            partial(polynomial_decay, lr=lr, steps=steps, power=0.5),
            partial(linear_decay, lr=lr, steps=steps),
            partial(cosine_annealing, lr=lr, steps=steps, hold=True),
            partial(inverse_sqrt, lr=lr, shift=steps),
        ):
            assert schedule(t + later) <= schedule(t) + 1e-12

    @pytest.mark.parametrize("t", [-1, np.array([0, -1]), np.nan, "0", None, 1j])
    def test_a_time_that_is_none_is_refused(self, t):
        for schedule in (partial(exponential_decay, lr=1.0, factor=0.9), warmup(lambda t: 1.0, steps=3)):
            with pytest.raises(ValueError, match=r"^t must be"):
                schedule(t)


def test_a_warm_up_keeps_the_shape_of_its_times():
    schedule = warmup(lambda t: 1.0, steps=4)
    np.testing.assert_array_equal(
        schedule(np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])), [[0, 0.25, 0.5], [0.75, 1, 1]]
    )
