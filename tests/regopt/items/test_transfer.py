"""Where the sources disagree on transfer and contrastive learning (CURRICULUM.md section 2)."""

import numpy as np
import pytest

from regopt import l2_penalty, l2_sp, nt_xent


def literal(z1, z2, tau):
    """Equation 18 of text 001 as it stands: dot products, first views only below, the positive left out, a sum."""
    total = 0.0
    for i in range(len(z1)):
        below = sum(np.exp(z1[i] @ z1[j] / tau) for j in range(len(z1)) if j != i)
        total -= np.log(np.exp(z1[i] @ z2[i] / tau) / below)
    return total


def test_item_01_the_penalty_with_and_without_the_half():
    w, w_pre = np.array([1.0, -2.0]), np.array([0.5, 0.5])
    with_half, slope = l2_sp(w, w_pre, lam=0.2)
    without, doubled = l2_sp(w, w_pre, lam=0.2, half=False)
    assert without == pytest.approx(2 * with_half)
    np.testing.assert_allclose(doubled, 2 * slope)
    assert l2_sp(w, 0 * w, lam=0.2)[0] == pytest.approx(l2_penalty(w, lam=0.2)[0])


def test_item_18_read_literally_the_loss_can_be_negative():
    assert literal(np.eye(2), np.eye(2), 0.5) == pytest.approx(-4.0)
    assert nt_xent(np.eye(2), np.eye(2), tau=0.5)[0] == pytest.approx(np.log(1 + 2 * np.exp(-2.0)))  # 0.2395


def test_item_18_read_literally_it_falls_without_end_as_the_embeddings_grow():
    z1, z2 = np.random.default_rng(0).normal(size=(2, 4, 6)) + 2 * np.eye(4, 6)
    small, large = literal(z1, z2, 0.5), literal(100 * z1, 100 * z2, 5000.0)
    assert small == pytest.approx(large, rel=1e-9)  # a hundred times the length is a ten-thousandth of the temperature
    assert nt_xent(100 * z1, 100 * z2, tau=0.5)[0] == pytest.approx(nt_xent(z1, z2, tau=0.5)[0])


def test_item_18_read_literally_it_is_a_sum_and_of_one_direction():
    """At a huge tau all similarities are alike: each of N anchors costs log(N - 1), each of the paper's log(2N - 1)."""
    z1, z2 = np.random.default_rng(0).normal(size=(2, 4, 6))
    assert literal(z1, z2, 1e9) == pytest.approx(4 * np.log(3))
    assert nt_xent(z1, z2, tau=1e9)[0] == pytest.approx(np.log(7))
    assert abs(literal(z1, z2, 0.5) - literal(z2, z1, 0.5)) > 1
    assert nt_xent(z1, z2, tau=0.5)[0] == pytest.approx(nt_xent(z2, z1, tau=0.5)[0])
