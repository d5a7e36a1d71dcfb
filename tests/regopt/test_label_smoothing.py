import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve

from regopt import (
    entropy_penalty,
    expected_calibration_error,
    label_smoothing_gradient,
    label_smoothing_loss,
    smooth_labels,
    softmax,
)
from tests.evidence import agree

EPS = [0.0, 0.1, 0.5]
SPREADS = ["all", "others"]


def batch(n=20, K=7, scale=3.0):
    rng = np.random.default_rng(0)
    return scale * rng.normal(size=(n, K)), rng.integers(K, size=n)


def in_torchs_convention(eps_smooth, K, spread):
    return eps_smooth if spread == "all" else eps_smooth * K / (K - 1)


def torch_loss(logits, labels, eps_smooth, spread):
    """The value and its gradient by torch, which knows the convention "all" only."""
    theirs = torch.from_numpy(logits.copy()).requires_grad_()
    smoothing = in_torchs_convention(eps_smooth, logits.shape[-1], spread)
    loss = torch.nn.functional.cross_entropy(theirs, torch.from_numpy(labels), label_smoothing=smoothing)
    loss.backward()
    return loss.item(), theirs.grad.numpy()


class TestSmoothLabels:
    @pytest.mark.parametrize("eps_smooth", EPS)
    @pytest.mark.parametrize("spread", SPREADS)
    def test_agrees_with_the_targets_in_torchs_gradient(self, eps_smooth, spread):
        logits, labels = batch(6, 5)
        targets = softmax(logits) - 6 * torch_loss(logits, labels, eps_smooth, spread)[1]
        got = smooth_labels(labels, 5, eps_smooth=eps_smooth, spread=spread)
        agree("smooth_labels", "torch cross_entropy, from its gradient", got, targets)

    @given(st.integers(2, 50), st.floats(0, 1), st.sampled_from(SPREADS))
    def test_is_a_distribution(self, K, eps_smooth, spread):
        targets = smooth_labels(np.arange(K), K, eps_smooth=eps_smooth, spread=spread)
        assert np.all(targets >= 0)
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-12)
        assert len({float(target) for target in targets.ravel()}) <= 2

    def test_both_conventions_by_hand(self):
        np.testing.assert_allclose(smooth_labels(1, 4, eps_smooth=0.2), [0.05, 0.85, 0.05, 0.05], rtol=1e-15)
        others = smooth_labels(1, 3, eps_smooth=0.2, spread="others")
        np.testing.assert_allclose(others, [0.1, 0.8, 0.1], rtol=1e-15)

    def test_two_classes_and_the_ends_of_the_range(self):
        np.testing.assert_array_equal(smooth_labels([0], 2, eps_smooth=0), [[1, 0]])
        np.testing.assert_array_equal(smooth_labels([0], 2, eps_smooth=1), [[0.5, 0.5]])
        np.testing.assert_array_equal(smooth_labels([0], 2, eps_smooth=1, spread="others"), [[0, 1]])

    @pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
    def test_takes_labels_of_any_shape(self, shape):
        assert smooth_labels(np.zeros(shape, int), 4, eps_smooth=0.1).shape == (*shape, 4)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0, 3], r"labels must be in \[0, 3\), got \[3\]"),
            ([-1, 0], r"labels must be in \[0, 3\), got \[-1\]"),
            ([0.0, 1.0], "labels must be integers, got dtype float64"),
            ([True], "labels must be integers, got dtype bool"),
        ],
    )
    def test_refuses_labels(self, labels, message):
        with pytest.raises(ValueError, match=message):
            smooth_labels(labels, 3, eps_smooth=0.1)

    def test_refuses_a_single_class(self):
        with pytest.raises(ValueError, match="K must be >= 2, got 1"):
            smooth_labels([0], 1, eps_smooth=0.1)

    @pytest.mark.parametrize("eps_smooth", [-0.1, 1.1, math.nan])
    def test_refuses_eps_smooth(self, eps_smooth):
        with pytest.raises(ValueError, match=rf"eps_smooth must be in \[0, 1\], got {eps_smooth}"):
            smooth_labels([0], 3, eps_smooth=eps_smooth)

    def test_refuses_a_spread(self):
        with pytest.raises(ValueError, match="spread must be 'all' or 'others', got 'torch'"):
            smooth_labels([0], 3, eps_smooth=0.1, spread="torch")


class TestLabelSmoothingLossAndGradient:
    @pytest.mark.parametrize("scale", [1.0, 1e4])
    @pytest.mark.parametrize("eps_smooth", EPS)
    @pytest.mark.parametrize("spread", SPREADS)
    def test_agree_with_torch(self, scale, eps_smooth, spread):
        logits, labels = batch(scale=scale)
        loss, grad = torch_loss(logits, labels, eps_smooth, spread)
        convention = {"eps_smooth": eps_smooth, "spread": spread}
        against = "torch cross_entropy with label_smoothing"
        agree("label_smoothing_loss", against, label_smoothing_loss(logits, labels, **convention), loss)
        agree("label_smoothing_gradient", against, label_smoothing_gradient(logits, labels, **convention), grad)

    def test_examples_may_have_more_than_one_axis(self):
        logits, labels = batch(12)
        kept, convention = (3, 4), {"eps_smooth": 0.1}
        assert math.isclose(
            label_smoothing_loss(logits.reshape(*kept, 7), labels.reshape(kept), **convention),
            label_smoothing_loss(logits, labels, **convention),
        )
        grad = label_smoothing_gradient(logits.reshape(*kept, 7), labels.reshape(kept), **convention)
        np.testing.assert_array_equal(grad.reshape(12, 7), label_smoothing_gradient(logits, labels, **convention))

    def test_one_example_without_a_batch_axis(self):
        grad = label_smoothing_gradient(np.array([1.0, 2.0]), 0, eps_smooth=0.2)
        np.testing.assert_allclose(grad, softmax(np.array([1.0, 2.0])) - [0.9, 0.1], rtol=1e-15)

    def test_a_class_that_cannot_be_costs_nothing_where_its_target_is_zero(self):
        logits = np.array([0.0, 0.0, -np.inf])
        assert math.isclose(label_smoothing_loss(logits, 0, eps_smooth=0.0), math.log(2))
        assert label_smoothing_loss(logits, 0, eps_smooth=0.1) == math.inf

    @given(arrays(float, (3, 4), elements=st.floats(-50, 50)), st.floats(0, 1), st.sampled_from(SPREADS))
    def test_loss_is_never_below_the_entropy_of_the_targets(self, logits, eps_smooth, spread):
        labels = np.array([0, 3, 1])
        targets = smooth_labels(labels, 4, eps_smooth=eps_smooth, spread=spread)
        entropy = -np.sum(targets * np.log(np.maximum(targets, 1e-300))) / 3
        assert label_smoothing_loss(logits, labels, eps_smooth=eps_smooth, spread=spread) >= entropy - 1e-12

    @given(arrays(float, (3, 4), elements=st.floats(-50, 50)), st.floats(0, 1), st.sampled_from(SPREADS))
    def test_gradient_sums_to_zero_over_the_classes(self, logits, eps_smooth, spread):
        grad = label_smoothing_gradient(logits, np.array([0, 3, 1]), eps_smooth=eps_smooth, spread=spread)
        np.testing.assert_allclose(grad.sum(axis=1), 0, atol=1e-12)

    @pytest.mark.parametrize("function", [label_smoothing_loss, label_smoothing_gradient])
    @pytest.mark.parametrize(
        ("logits", "labels", "message"),
        [
            (np.ones((2, 1)), [0, 0], r"logits must be of shape \(..., K\) with K >= 2, got \(2, 1\)"),
            (np.ones((0, 3)), np.ones(0, int), "logits must be .*at least one example"),
            (np.ones((2, 3)), [0, 3], r"labels must be in \[0, 3\), got \[3\]"),
            (np.ones((2, 3)), [0], r"labels must be of shape \(2,\), got \(1,\)"),
        ],
    )
    def test_refuse_bad_batches(self, function, logits, labels, message):
        with pytest.raises(ValueError, match=message):
            function(logits, labels, eps_smooth=0.1)


class TestEntropyPenalty:
    @pytest.mark.parametrize("scale", [1.0, 1e4])
    @pytest.mark.parametrize("lam", [0.0, 0.3])
    def test_agrees_with_torch(self, scale, lam):
        logits, _ = batch(scale=scale)
        theirs = torch.from_numpy(logits.copy()).requires_grad_()
        penalty = -lam * torch.special.entr(torch.softmax(theirs, -1)).sum(-1).mean()
        penalty.backward()
        value, grad = entropy_penalty(logits, lam=lam)
        agree("entropy_penalty", "torch.special.entr and autograd", value, penalty.item())
        if scale == 1:  # beyond, torch's own gradient is 0 * inf
            agree("entropy_penalty", "torch.special.entr and autograd", grad, theirs.grad.numpy())
        else:
            assert np.all(np.abs(grad) < 1e-10)

    def test_is_the_divergence_from_uniform_up_to_its_constant(self):
        logits, _ = batch(K=5)
        log_p = torch.log_softmax(torch.from_numpy(logits), -1)
        uniform = torch.full((20, 5), math.log(1 / 5), dtype=log_p.dtype)
        divergence = torch.nn.functional.kl_div(uniform, log_p, log_target=True, reduction="batchmean")
        expected = 0.3 * (divergence.item() - math.log(5))
        agree("entropy_penalty", "torch kl_div to uniform", entropy_penalty(logits, lam=0.3)[0], expected)

    def test_a_class_that_cannot_be(self):
        value, grad = entropy_penalty(np.array([0.0, 0.0, -np.inf]), lam=2.0)
        assert math.isclose(value, -2 * math.log(2))
        np.testing.assert_allclose(grad, 0, atol=1e-15)

    @given(arrays(float, (3, 4), elements=st.floats(-50, 50)))
    def test_lies_between_that_of_uniform_and_zero(self, logits):
        assert -math.log(4) - 1e-12 <= entropy_penalty(logits, lam=1.0)[0] <= 0

    @pytest.mark.parametrize("lam", [-0.1, math.inf, math.nan])
    def test_refuses_lam(self, lam):
        with pytest.raises(ValueError, match=f"lam must be a number >= 0 and finite, got {lam}"):
            entropy_penalty(np.ones((1, 2)), lam=lam)

    @pytest.mark.parametrize("shape", [(), (3, 1), (0, 2)])
    def test_refuses_shapes(self, shape):
        with pytest.raises(ValueError, match="logits must be .*, got .*" + str(shape).replace("(", r"\(")[:-1]):
            entropy_penalty(np.ones(shape), lam=0.1)


def predictions(n=500, K=4, decimals=None):
    """Overconfident predictions and labels; with `decimals` many confidences lie on the edges of bins."""
    rng = np.random.default_rng(0)
    probs = softmax(2 * rng.normal(size=(n, K)))
    labels = np.array([rng.choice(K, p=row) for row in (probs + 0.25) / (1 + 0.25 * K)])
    if decimals is not None:
        probs = np.round(probs, decimals)
        probs[:, 0] += 1 - probs.sum(axis=1)
        probs = np.abs(probs) / np.abs(probs).sum(axis=1, keepdims=True)
    return probs, labels


class TestExpectedCalibrationError:
    @pytest.mark.parametrize("bins", [1, 2, 10, 15])
    @pytest.mark.parametrize("decimals", [None, 1])
    def test_agrees_with_sklearns_calibration_curve(self, bins, decimals):
        probs, labels = predictions(decimals=decimals)
        confidence, correct = probs.max(axis=1), probs.argmax(axis=1) == labels
        accuracy, mean_confidence = calibration_curve(correct, confidence, n_bins=bins)
        sizes = np.array(
            [np.sum((low < confidence) & (confidence <= high)) for low, high in pairwise(np.linspace(0, 1, bins + 1))]
        )
        expected = np.abs(accuracy - mean_confidence) @ sizes[sizes > 0] / len(labels)
        got = expected_calibration_error(probs, labels, bins=bins)
        agree("expected_calibration_error", "scikit-learn calibration_curve", got, expected)

    def test_by_hand(self):
        # (0.5, 1]: confidences 0.6, 0.8, 1.0, two of three right: |2/3 - 0.8|; (0, 0.5]: 0.5, right: |1 - 0.5|
        probs = np.array([[0.6, 0.4], [0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
        got = expected_calibration_error(probs, np.array([0, 0, 0, 0]), bins=2)
        agree("expected_calibration_error", "by hand", got, 3 / 4 * (0.8 - 2 / 3) + 1 / 4 * 0.5)

    def test_fifteen_bins_unless_told(self):
        probs, labels = predictions()
        assert expected_calibration_error(probs, labels) == expected_calibration_error(probs, labels, bins=15)

    def test_is_zero_where_confidence_is_accuracy(self):
        probs = np.array([[0.75, 0.25]] * 4)
        assert expected_calibration_error(probs, np.array([0, 0, 1, 0])) == 0

    def test_counts_in_float64_whatever_the_precision_of_the_probabilities(self):
        sure = np.float32(1 / 3)  # one less that has a digit more than float32 holds
        probs = np.array([[sure, 0.3, 0.2, 1 - sure - 0.5]], dtype=np.float32)
        assert expected_calibration_error(probs, np.array([0])) == 1 - float(sure)

    def test_takes_probabilities_of_float32(self):
        probs, labels = predictions()
        narrow = expected_calibration_error(probs.astype(np.float32), labels)
        assert math.isclose(narrow, expected_calibration_error(probs, labels), rel_tol=1e-4)

    @pytest.mark.parametrize(
        ("probs", "message"),
        [
            (np.array([[2.0, -1.0]]), "probs must be >= 0, got -1.0"),
            (np.array([[0.5, 0.6]]), "probs must be rows that sum to 1, got sums from 1.1 to 1.1"),
            (np.array([[0.5, 0.4998]]), "probs must be rows that sum to 1"),
            (np.array([[np.nan, 1.0]]), "probs must be >= 0, got nan"),
            (np.ones((1, 1)), r"probs must be of shape \(..., K\) with K >= 2, got \(1, 1\)"),
        ],
    )
    def test_refuses_what_is_no_distribution(self, probs, message):
        with pytest.raises(ValueError, match=message):
            expected_calibration_error(probs, np.array([0]))

    def test_refuses_more_axes(self):
        with pytest.raises(ValueError, match=r"probs must be of shape \(n, K\), got \(1, 1, 2\)"):
            expected_calibration_error(np.full((1, 1, 2), 0.5), np.array([[0]]))

    def test_refuses_no_bins(self):
        with pytest.raises(ValueError, match="bins must be >= 1, got 0"):
            expected_calibration_error(np.array([[0.5, 0.5]]), np.array([0]), bins=0)


def test_of_several_labels_outside_the_first_is_shown():
    with pytest.raises(ValueError, match=r"labels must be in \[0, 3\), got \[5\]$"):
        smooth_labels([0, 5, 6], 3, eps_smooth=0.1)
