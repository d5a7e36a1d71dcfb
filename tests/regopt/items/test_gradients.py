"""Where the sources disagree about gradients: the numbered items of the curriculum, each proved."""

import numpy as np

from regopt import cross_entropy, hinge_loss, numerical_gradient


def errors_over_steps(method):
    """Largest error of the derivatives of exp over [0.5, 1.5], for steps 1e-1 ... 1e-13."""
    points = np.linspace(0.5, 1.5, 41)
    steps = 10.0 ** np.arange(-1, -13.25, -0.25)
    errors = [
        max(
            abs(float(numerical_gradient(np.exp, np.array(point), h=h, method=method)) - np.exp(point))
            for point in points
        )
        for h in steps
    ]
    return steps, np.array(errors)


class TestItem16:
    """Forward differences: error O(h), at best 1e-8 near h = 1e-8. Central: O(h^2), at best 1e-11 near 6e-6."""

    def test_item_16_forward_error_falls_with_h(self):
        steps, errors = errors_over_steps("forward")
        wide = steps > 1e-6
        slope = np.polyfit(np.log(steps[wide]), np.log(errors[wide]), 1)[0]
        assert abs(slope - 1) < 0.05
        assert 1e-9 < steps[np.argmin(errors)] < 1e-7
        assert 1e-9 < errors.min() < 1e-7

    def test_item_16_central_error_falls_with_the_square_of_h(self):
        steps, errors = errors_over_steps("central")
        wide = steps > 1e-4
        slope = np.polyfit(np.log(steps[wide]), np.log(errors[wide]), 1)[0]
        assert abs(slope - 2) < 0.05
        assert 1e-6 < steps[np.argmin(errors)] < 5e-5
        assert 1e-12 < errors.min() < 1e-10

    def test_item_16_a_complex_step_reaches_machine_precision(self):
        points = np.linspace(0.5, 1.5, 41)
        errors = np.exp(points + 1e-200j).imag / 1e-200 - np.exp(points)
        assert np.max(np.abs(errors) / np.exp(points)) <= 4 * np.finfo(float).eps


class TestItem21:
    """W to 2W: a hinge loss of zero stays zero; cross-entropy never is zero, and falls only if all are right."""

    features = np.array([[1.0, 0.2], [0.3, 1.5], [-1.0, -0.4], [-0.2, -2.0]])
    labels = np.array([0, 1, 2, 3])
    right = np.array([[9.0, 0.0, -9.0, 0.0], [0.0, 9.0, 0.0, -9.0]])

    def losses(self, loss, w):
        return np.array([loss(self.features @ (scale * w), self.labels)[0] for scale in (1, 2, 4, 8)])

    def test_item_21_a_zero_hinge_survives_doubling(self):
        np.testing.assert_array_equal(self.losses(hinge_loss, self.right), 0.0)

    def test_item_21_cross_entropy_is_never_zero_and_falls_when_all_are_right(self):
        losses = self.losses(cross_entropy, 0.1 * self.right)
        assert np.all(losses > 0)
        assert np.all(np.diff(losses) < 0)

    def test_item_21_cross_entropy_grows_when_one_is_wrong(self):
        wrong = self.right[:, [1, 0, 2, 3]]
        losses = self.losses(cross_entropy, wrong)
        assert np.all(np.diff(losses) > 0)
