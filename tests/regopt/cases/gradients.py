"""Legal calls and refusals of the functions of the chapter gradients."""

import numpy as np

from regopt import (
    cross_entropy,
    gradient_check,
    gradient_descent,
    hinge_loss,
    log_softmax,
    numerical_gradient,
    sgd,
    softmax,
)
from tests.regopt.contract import Case

x = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1e4]])
small = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
labels = np.array([2, 0])


def cubes(x):
    return np.sum(x**3)


BAD_LABELS = (
    ("labels", np.array([0, 3])),
    ("labels", np.array([-1, 0])),
    ("labels", np.array([0.0, 1.0])),
    ("labels", np.array([0, 1, 2])),
)
EMPTY, ONE_CLASS = np.zeros((0, 3)), np.zeros((2, 1))

CASES = [
    Case(numerical_gradient, (cubes, small), any_shape=(1,), illegal=(("h", 0.0), ("h", -1.0), ("h", np.inf))),
    Case(numerical_gradient, (cubes, small), {"h": 1e-3}, any_shape=(1,), illegal=(("h", 0.0), ("h", 1e-30))),
    Case(numerical_gradient, (cubes, small), {"method": "forward"}, any_shape=(1,)),
    Case(
        gradient_check,
        (cubes, small, 3 * small**2),
        any_shape=(1, 2),
        nan="refused",
        illegal=(("grad", small[0]), ("grad", np.full((2, 3), np.inf)), ("h", 0.0)),
    ),
    Case(softmax, (x,), illegal=(("axis", 2),)),
    Case(softmax, (np.zeros((3, 0)),), {"axis": 0}),
    Case(softmax, (np.zeros((3, 0)),)),
    Case(log_softmax, (x,), illegal=(("axis", 2),)),
    Case(log_softmax, (np.zeros((3, 0)),), {"axis": 0}),
    Case(log_softmax, (np.zeros((3, 0)),)),
    Case(cross_entropy, (x, labels), illegal=(*BAD_LABELS, ("logits", ONE_CLASS), ("logits", EMPTY))),
    Case(cross_entropy, (x[0], np.array(2))),
    Case(cross_entropy, (np.stack([x, x]), np.stack([labels, labels]))),
    Case(hinge_loss, (x, labels), illegal=(*BAD_LABELS, ("scores", ONE_CLASS), ("scores", EMPTY), ("margin", -1.0))),
    Case(hinge_loss, (x[0], np.array(2)), {"margin": 0.0}),
    Case(
        gradient_descent,
        (np.cos, small),
        {"lr": 0.1, "steps": 3},
        any_shape=(1,),
        illegal=(("lr", -0.1), ("lr", np.inf), ("steps", -1), ("steps", 2.5)),
    ),
    Case(gradient_descent, (np.cos, small), {"lr": 0.1, "steps": 0}),
    Case(sgd, (small, 2 * small), {"lr": 0.1}, any_shape=(0, 1), illegal=(("lr", -0.1), ("lr", np.inf), ("state", 3))),
]
