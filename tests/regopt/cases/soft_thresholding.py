"""Legal calls and refusals of the functions of the chapter soft_thresholding."""

import numpy as np

from regopt import elastic_net_prox, fista, ista, l1_subgradient, lasso_path, soft_threshold
from tests.regopt.contract import Case

x = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])
X = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 1.0, 1.0], [2.0, 2.0, -1.0]])
y = np.array([1.0, -1.0, 0.5, 2.0])

LAM = (("lam", -1.0), ("lam", np.inf))
DATA = (("X", y), ("y", y[:3]), ("y", X))
SOLVER = (*LAM, *DATA, ("steps", -1), ("steps", 2.5), ("lr", -0.1), ("lr", np.inf), ("w", y))
NOTHING = (np.zeros((0, 3)), np.zeros(0)), (np.zeros((4, 0)), np.zeros(4))

CASES = [
    Case(l1_subgradient, (x,), {"lam": 0.3}, any_shape=(0,), illegal=LAM),
    Case(soft_threshold, (x, 0.3), any_shape=(0,), illegal=(*LAM, ("lam", np.ones(4)), ("lam", np.ones((1, 1, 1))))),
    Case(
        soft_threshold,
        (x, np.array([0.1, 0.2, 5.0])),
        illegal=(("lam", np.array([0.1, -0.2, 0.3])), ("lam", np.array([0.1, np.nan, 0.3]))),
    ),
    Case(elastic_net_prox, (x,), {"l1": 0.3, "l2": 0.5}, any_shape=(0,), illegal=(("l1", -1.0), ("l2", -1.0))),
    *(
        case
        for solver in (ista, fista)
        for case in (
            Case(solver, (X, y), {"lam": 0.3, "steps": 5}, illegal=SOLVER),
            Case(solver, (X, y), {"lam": 0.3, "steps": 5, "lr": 0.01, "w": np.array([1.0, 0.0, -1.0])}),
            *(Case(solver, nothing, {"lam": 0.3, "steps": 2}) for nothing in NOTHING),
        )
    ),
    Case(
        lasso_path,
        (X, y),
        {"lams": np.array([5.0, 0.5, 0.0])},
        illegal=(*DATA, ("lams", np.array([-1.0])), ("lams", np.array([np.nan])), ("lams", np.array(0.5))),
    ),
    Case(lasso_path, (X, y), {"lams": [0.5, 2.0]}),
    *(Case(lasso_path, nothing, {"lams": [0.5, 0.0]}) for nothing in NOTHING),
]
