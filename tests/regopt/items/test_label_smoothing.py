"""Where the sources disagree about label smoothing: the numbered items of the curriculum, each proved."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize

from regopt import cross_entropy, label_smoothing_gradient, label_smoothing_loss, smooth_labels, softmax


def best_logits(K, eps_smooth, spread):
    """Where the loss of one example of class 0 is least, found by a solver from its value and gradient."""
    convention = {"eps_smooth": eps_smooth, "spread": spread}
    found = optimize.minimize(
        lambda z: label_smoothing_loss(z, 0, **convention),
        np.linspace(-1, 1, K),
        jac=lambda z: label_smoothing_gradient(z, 0, **convention),
        method="BFGS",
        options={"gtol": 1e-10},
    )
    return found.x, found.fun


def test_item_06_two_conventions_and_their_conversion():
    K, eps = 10, 0.1
    text = smooth_labels(3, K, eps_smooth=eps, spread="others")
    torchs = smooth_labels(3, K, eps_smooth=eps)
    np.testing.assert_allclose([text[3], text[0]], [1 - eps, eps / (K - 1)], rtol=1e-14)
    np.testing.assert_allclose([torchs[3], torchs[0]], [1 - eps + eps / K, eps / K], rtol=1e-14)
    np.testing.assert_allclose(smooth_labels(3, K, eps_smooth=eps * K / (K - 1)), text, rtol=1e-14)


@pytest.mark.parametrize("K", [2, 3, 10])
def test_item_06_the_uniform_teacher_is_exact_for_the_second_convention_only(K):
    eps, one_hot = 0.1, np.eye(K)[0]
    teacher = (1 - eps) * one_hot + eps * np.full(K, 1 / K)
    np.testing.assert_allclose(smooth_labels(0, K, eps_smooth=eps), teacher, rtol=1e-14)
    assert np.abs(smooth_labels(0, K, eps_smooth=eps, spread="others") - teacher).max() > 0.005


def test_item_06_torch_is_of_the_second_convention():
    logits, labels = torch.tensor([[0.0, 1.0, 3.0]], dtype=torch.float64), torch.tensor([2])
    theirs = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1).item()
    ours = {
        spread: float(label_smoothing_loss(logits.numpy(), labels.numpy(), eps_smooth=0.1, spread=spread))
        for spread in ("all", "others")
    }
    assert abs(ours["all"] - theirs) < 1e-14
    assert abs(ours["others"] - theirs) > 0.05


@pytest.mark.parametrize(
    ("K", "spread", "floor"), [(3, "others", 0.394), (10, "others", 0.545), (3, "all", 0.291), (10, "all", 0.500)]
)
def test_item_07_a_perfect_fit_costs_the_entropy_of_its_target(K, spread, floor):
    targets = smooth_labels(0, K, eps_smooth=0.1, spread=spread)
    _, least = best_logits(K, 0.1, spread)
    assert abs(least - -np.sum(targets * np.log(targets))) < 1e-10
    assert abs(least - floor) < 0.0005
    assert least > 2.5 * -math.log(1 - 0.1)  # the 0.105 of 004


@pytest.mark.parametrize(
    ("spread", "formula", "gap"),
    [
        ("others", lambda eps, K: math.log((1 - eps) * (K - 1) / eps), 4.394),
        ("all", lambda eps, K: math.log(1 + K * (1 - eps) / eps), 4.511),
    ],
)
def test_item_07_the_logit_gap_at_the_optimum(spread, formula, gap):
    z, _ = best_logits(10, 0.1, spread)
    np.testing.assert_allclose(z[0] - z[1:], formula(0.1, 10), atol=1e-6)
    assert abs(formula(0.1, 10) - gap) < 0.0005
    assert best_logits(3, 0.3, spread)[0][0] - best_logits(3, 0.3, spread)[0][1] == pytest.approx(
        formula(0.3, 3), abs=1e-6
    )


class TestItem26:
    confident = np.log([0.99, 0.005, 0.005])

    def test_item_26_a_confident_right_prediction_is_pushed_back(self):
        hard = cross_entropy(self.confident[np.newaxis], np.array([0]))[1][0]
        smoothed = label_smoothing_gradient(self.confident, 0, eps_smooth=0.1, spread="others")
        assert hard[0] == pytest.approx(-0.01)
        assert smoothed[0] == pytest.approx(0.09)
        assert np.all(np.abs(smoothed) > np.abs(hard))  # so "all gradients are less extreme" fails too
        assert label_smoothing_gradient(self.confident, 0, eps_smooth=0.1)[0] > 0  # in the other convention as well

    def test_item_26_example_3_of_004_holds_where_it_was_computed(self):
        logits = np.log([0.7, 0.2, 0.1])
        np.testing.assert_allclose(label_smoothing_gradient(logits, 0, eps_smooth=0.0), [-0.3, 0.2, 0.1], atol=1e-12)
        smoothed = label_smoothing_gradient(logits, 0, eps_smooth=0.1, spread="others")
        np.testing.assert_allclose(smoothed, [-0.2, 0.15, 0.05], atol=1e-12)

    def test_item_26_more_confidence_costs_more_beyond_the_target(self):
        certain = [label_smoothing_loss(np.array([z, 0.0, 0.0]), 0, eps_smooth=0.1) for z in (3.0, 6.0, 12.0)]
        assert certain[0] < certain[1] < certain[2]

    def test_item_26_smoothing_erases_the_order_of_the_wrong_classes(self):
        z = np.array([3.0, 2.0, 0.0])  # a cat: rather a dog than a lorry
        for _ in range(20_000):
            z = z - 0.5 * label_smoothing_gradient(z, 0, eps_smooth=0.1)
        assert abs(z[1] - z[2]) < 1e-6
        hard = np.array([3.0, 2.0, 0.0])
        for _ in range(2_000):
            hard = hard - 0.5 * cross_entropy(hard[np.newaxis], np.array([0]))[1][0]
        assert hard[1] - hard[2] > 0.2  # without it the order stays


def test_item_31_question_5_of_004_offers_neither_torchs_answer_nor_the_share_of_a_wrong_class():
    assert smooth_labels(0, 10, eps_smooth=0.1)[0] == pytest.approx(0.91)
    assert smooth_labels(0, 10, eps_smooth=0.1, spread="others")[0] == pytest.approx(0.9)
    assert smooth_labels(0, 10, eps_smooth=0.1, spread="others")[1] == pytest.approx(0.0111, abs=1e-4)


def test_item_31_a_high_loss_at_high_accuracy_may_also_be_overconfidence():
    sure = np.tile([60.0, 0.0, 0.0], (100, 1))
    labels = np.zeros(100, dtype=int)
    labels[0] = 1  # accuracy 99%
    assert np.mean(softmax(sure).argmax(axis=1) == labels) == 0.99
    assert cross_entropy(sure, labels)[0] > 0.5
    assert label_smoothing_loss(sure, labels, eps_smooth=0.1) > 1.5
