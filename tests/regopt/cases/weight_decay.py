"""Legal calls and refusals of the functions of the chapter weight_decay."""

import numpy as np

from regopt import l2_penalty, ridge, ridge_shrinkage, sgd_l2, sgd_weight_decay, sgdw
from regopt._weight_decay import SGDWState
from tests.regopt.contract import Case

w = np.array([[1.0, -2.0], [0.5, 0.0]])
grad = np.array([[0.3, 0.0], [-4.0, 1e-3]])
X = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 1.0, 1.0], [2.0, 2.0, -1.0]])
y = np.array([1.0, -1.0, 0.5, 2.0])

LAM = (("lam", -1.0), ("lam", np.inf))
RATE = (*LAM, ("lr", -0.1), ("lr", np.inf))
STEP = {"lr": 0.1, "lam": 0.5}

CASES = [
    Case(l2_penalty, (w,), {"lam": 0.5}, any_shape=(0,), illegal=LAM),
    Case(l2_penalty, (w,), {"lam": 0.5, "half": False}, any_shape=(0,)),
    Case(ridge, (X, y), {"lam": 0.5}, illegal=(*LAM, ("X", y), ("y", y[:3]), ("y", np.zeros((4, 1, 1))))),
    Case(ridge, (X, np.stack([y, 2 * y], axis=1)), {"lam": 0.0}),
    Case(ridge, (np.zeros((0, 3)), np.zeros(0)), {"lam": 0.0}),
    Case(ridge, (np.zeros((4, 0)), np.zeros(4)), {"lam": 0.0}),
    Case(ridge_shrinkage, (w**2,), {"lam": 0.5}, any_shape=(0,), illegal=(*LAM, ("curvature", np.array([1.0, -2.0])))),
    Case(ridge_shrinkage, (w**2,), {"lam": 0.0}, any_shape=(0,)),
    Case(sgd_l2, (w, grad), STEP, any_shape=(0, 1), illegal=(*RATE, ("state", 3))),
    Case(sgd_weight_decay, (w, grad), STEP, any_shape=(0, 1), illegal=(*RATE, ("state", 3))),
    Case(sgd_weight_decay, (w, grad), {**STEP, "order": "step_first"}, any_shape=(0, 1)),
    Case(sgdw, (w, grad), STEP, any_shape=(0, 1), illegal=(*RATE, ("gamma", 1.0), ("gamma", -0.1), ("state", "SGDW"))),
    Case(sgdw, (w, grad, SGDWState(2 * grad)), {**STEP, "gamma": 0.0}),
]
