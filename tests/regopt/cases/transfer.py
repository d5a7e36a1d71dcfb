"""Legal calls and refusals of the functions of the chapter transfer."""

import numpy as np

from regopt import fisher_penalty, l2_sp, nt_xent
from tests.regopt.contract import Case

w = np.array([[1.0, -2.0], [0.5, 0.0]])
w_pre = np.array([[0.3, 0.0], [-4.0, 1e-3]])
fisher = np.array([[0.2, 0.0], [3.0, 0.1]])
z1 = np.array([[1.0, 0.5], [-2.0, 0.1], [0.3, 0.4]])
z2 = np.array([[0.9, 0.7], [-1.0, 0.3], [-0.3, 0.8]])

CASES = [
    Case(l2_sp, (w, w_pre), {"lam": 0.1}, any_shape=(0, 1), illegal=(("lam", -0.1),)),
    Case(
        fisher_penalty,
        (w, w_pre, fisher),
        {"lam": 0.1, "half": False},
        any_shape=(0, 1, 2),
        illegal=(("lam", -0.1), ("fisher", -fisher)),
    ),
    Case(
        nt_xent,
        (z1, z2),
        {"tau": 0.5},
        illegal=(
            ("tau", 0.0),
            ("tau", -1.0),
            ("z1", np.zeros((0, 2))),
            ("z1", np.ones(2)),
            ("z2", np.ones((3, 1))),
            ("z2", np.ones((1, 2))),
        ),
    ),
]
