"""Legal calls and refusals of the functions of the chapter stochastic_depth."""

import numpy as np

from regopt import drop_path, drop_path_backward, expected_depth, survival_schedule
from tests.regopt.contract import Case

x = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])
survival = (("survival", 0.0), ("survival", -0.5), ("survival", 1.5))
none = ("x", np.array(2.0))
factor = np.array([[2.0], [0.0]])

CASES = [
    Case(survival_schedule, (5,), {"survival": 0.5}, illegal=(*survival, ("depth", 0), ("depth", -3))),
    Case(expected_depth, (np.array([0.9, 0.5]),), illegal=(("survival", np.array([0.5, 1.5, -0.5])),), any_shape=(0,)),
    Case(drop_path, (x,), {"survival": 0.5}, illegal=(*survival, none), rng=True),
    Case(drop_path, (x,), {"survival": 0.5, "inverted": False}, illegal=survival, rng=True),
    Case(drop_path, (x,), {"survival": 0.5, "training": False}, illegal=survival, rng=True),
    Case(drop_path, (np.ones((0, 3)),), {"survival": 0.5, "training": False, "inverted": False}, rng=True),
    Case(drop_path_backward, (x, (factor, (2, 3))), illegal=(("dy", np.ones(3)), ("dy", np.ones((0, 3))))),
]
