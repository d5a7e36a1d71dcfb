"""Legal calls and refusals of the functions of the chapter label_smoothing."""

import numpy as np

from regopt import (
    entropy_penalty,
    expected_calibration_error,
    label_smoothing_gradient,
    label_smoothing_loss,
    smooth_labels,
)
from tests.regopt.contract import Case

logits = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])
labels = np.array([2, 0])
probs = np.array([[0.25, 0.25, 0.5], [0.75, 0.125, 0.125]])
eps_smooth = (("eps_smooth", -0.1), ("eps_smooth", 1.1))
not_labels = (("labels", np.array([0, 3])), ("labels", np.array([-1, 0])), ("labels", np.array([0.0, 1.0])))
one_each = ("labels", np.array([0]))
no_batch = (("logits", np.ones((0, 3))), ("logits", np.ones((2, 1))))

CASES = [
    Case(smooth_labels, (labels, 3), {"eps_smooth": 0.1}, illegal=(*eps_smooth, *not_labels, ("K", 1))),
    Case(smooth_labels, (np.zeros((2, 0), int), 3), {"eps_smooth": 0.1, "spread": "others"}, illegal=eps_smooth),
    *(
        Case(
            function,
            (logits, labels),
            {"eps_smooth": 0.1, "spread": spread},
            illegal=(*eps_smooth, *not_labels, one_each, *no_batch),
        )
        for function in (label_smoothing_loss, label_smoothing_gradient)
        for spread in ("all", "others")
    ),
    Case(entropy_penalty, (logits,), {"lam": 0.1}, illegal=(("lam", -1.0), *no_batch)),
    Case(
        expected_calibration_error,
        (probs, labels),
        {"bins": 10},
        illegal=(
            ("bins", 0),
            ("probs", np.array([[2.0, 0.0, 0.0], [0.5, 0.25, 0.25]])),
            ("probs", -probs),
            ("probs", np.ones((0, 3))),
            *not_labels,
            one_each,
        ),
        nan="refused",
    ),
]
