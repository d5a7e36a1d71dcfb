"""Where the sources disagree on AdamW (CURRICULUM.md section 2)."""

import numpy as np

from regopt import adam, adamw


def run(rates, **settings):
    w, state = np.array([1.0]), None
    for multiplier in rates:
        w, state = adamw(w, np.array([0.0]), state, schedule=multiplier, **settings)
    return float(w[0])


def test_item_03_decay_by_lam_by_lr_lam_or_by_the_schedules_multiplier():
    """Three factors; they convert into each other at a constant rate, and part as soon as the rate moves."""
    constant, halving = [1.0, 1.0, 1.0], [1.0, 0.5, 0.25]
    assert np.isclose(run(constant, lr=0.1, lam=0.2, decay="lr"), (1 - 0.02) ** 3)
    assert np.isclose(run(constant, lr=0.1, lam=0.02, decay="schedule"), (1 - 0.02) ** 3)
    assert np.isclose(run(constant, lr=0.1, lam=0.02, decay="plain"), (1 - 0.02) ** 3)
    by_rate = run(halving, lr=0.1, lam=0.2, decay="lr")
    assert np.isclose(by_rate, (1 - 0.02) * (1 - 0.01) * (1 - 0.005))
    assert np.isclose(by_rate, run(halving, lr=0.1, lam=0.02, decay="schedule"))
    assert np.isclose(run(halving, lr=0.1, lam=0.02, decay="plain"), (1 - 0.02) ** 3)
    # Ten times the base rate decays ten times as much in torch's convention, and the same in the paper's.
    assert np.isclose(run([1.0], lr=1.0, lam=0.2, decay="lr"), 1 - 0.2)
    assert run([1.0], lr=1.0, lam=0.02, decay="schedule") == run([1.0], lr=0.1, lam=0.02, decay="schedule")


def test_item_03_after_the_step_is_not_what_the_formulas_and_torch_do():
    """Decay of the new weight also shrinks the step itself, by lr lam times it."""
    w, grad, lr, lam = np.array([1.0]), np.array([0.3]), 0.1, 0.2
    stepped, _ = adam(w, grad, lr=lr)
    after_the_step = (1 - lr * lam) * stepped
    of_the_old_weight, _ = adamw(w, grad, lr=lr, lam=lam)
    assert np.allclose(after_the_step - of_the_old_weight, lr * lam * lr, atol=1e-8)  # Adam's first step is lr long
