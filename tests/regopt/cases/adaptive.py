"""Legal calls and refusals of the functions of the chapter adaptive."""

import numpy as np

from regopt import adagrad, adam, amsgrad, rmsprop
from regopt._adaptive import AdagradState, AdamState, AmsgradState, RMSpropState
from tests.regopt.contract import Case

w = np.array([[1.0, -2.0], [0.5, 0.0]])
grad = np.array([[0.3, 0.0], [-4.0, 1e-3]])
m = np.array([[0.1, 0.0], [-1.0, 0.2]])
v = np.array([[0.2, 0.0], [3.0, 0.1]])

RATE = (("lr", -0.1), ("eps", -1e-8), ("lr", np.inf), ("eps", "1e-8"), ("lr", np.array([0.1, 0.2])))
BETA2 = (("beta2", 1.0), ("beta2", -0.1))
BETAS = (*BETA2, ("beta1", 1.0), ("beta1", -0.1))

CASES = [
    Case(adagrad, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=RATE),
    Case(adagrad, (w, grad, AdagradState(v)), {"lr": 0.1, "eps": 0.0}),
    Case(rmsprop, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETA2)),
    Case(rmsprop, (w, grad, RMSpropState(v)), {"lr": 0.1, "eps": 0.0, "eps_inside": True}),
    Case(adam, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETAS)),
    Case(adam, (w, grad, AdamState(3, m, v)), {"lr": 0.1, "eps": 0.0, "eps_inside": True}),
    Case(amsgrad, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETAS)),
    Case(amsgrad, (w, grad, AmsgradState(3, m, v, 2 * v)), {"lr": 0.1, "bias_correction": False}),
]
