"""Legal calls and refusals of the functions of the chapter second_order."""

import numpy as np

from regopt import lbfgs, newton
from regopt._second_order import LbfgsState
from tests.regopt.cases.adaptive import grad, w
from tests.regopt.contract import Case

hessian = np.diag([2.0, 3.0, 4.0, 5.0]) + 0.5
moves = (np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]))
changes = (3 * moves[0], 2 * moves[1])
RATE = (("lr", -0.1), ("lr", np.inf))

CASES = [
    Case(
        newton,
        (w, grad),
        {"hessian": hessian, "lr": 0.5},
        illegal=(*RATE, ("hessian", np.ones((4, 4))), ("hessian", np.eye(3)), ("hessian", np.eye(4) * 1j)),
    ),
    Case(newton, (np.zeros((0, 2)), np.zeros((0, 2))), {"hessian": np.zeros((0, 0))}),
    Case(lbfgs, (w, grad), any_shape=(0, 1), illegal=(*RATE, ("memory", 0), ("memory", 1.5))),
    Case(lbfgs, (w, grad, LbfgsState(moves, changes, moves[0], np.array([[0.1, 0.0], [0.3, 0.2]]))), {"memory": 2}),
]
