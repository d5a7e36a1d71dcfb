"""Legal calls and refusals of the functions of the chapter early_stopping."""

import numpy as np

from regopt import early_stopping, gd_shrinkage
from regopt._early_stopping import EarlyStoppingState
from tests.regopt.contract import Case

w = np.array([[1.0, -2.0], [0.5, 0.0]])
loss = np.array(0.7)

PATIENCE = (("patience", 0), ("patience", 2.5), ("min_delta", -0.1), ("min_delta", np.inf))
STEPS = (("steps", -1), ("steps", 2.5), ("lr", -0.1), ("lr", np.inf), ("curvature", np.array([1.0, -2.0])))

CASES = [
    Case(
        early_stopping,
        (w, loss),
        {"patience": 3},
        any_shape=(0,),
        nan="documented",
        illegal=(*PATIENCE, ("loss", w), ("state", "EarlyStoppingState")),
    ),
    Case(
        early_stopping,
        ([w, {"bias": w[0]}], loss, EarlyStoppingState([w, {"bias": w[0]}], 0.5, 1)),
        {"patience": 2, "min_delta": 0.1},
        nan="documented",
    ),
    Case(gd_shrinkage, (np.abs(w),), {"lr": 0.1, "steps": 5}, any_shape=(0,), illegal=STEPS),
    Case(gd_shrinkage, (np.abs(w),), {"lr": 3.0, "steps": 5000}, any_shape=(0,)),
]
