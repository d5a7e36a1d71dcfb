"""Legal calls and refusals of the functions of the chapter adversarial_training."""

import numpy as np

from regopt import fgsm, pgd
from tests.regopt.contract import Case

x = np.array([[0.25, 0.5, 0.75], [0.0, 1.0, 0.125]])
grad = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])
bounds = (("low", 0.1), ("high", 0.9))

CASES = [
    Case(fgsm, (x, grad), {"radius": 0.1}, illegal=(("radius", -1.0), ("grad", np.ones(3))), any_shape=(0, 1)),
    Case(fgsm, (x, grad), {"radius": 0.5, "low": 0.0, "high": 1.0}, illegal=bounds),
    Case(pgd, (x, np.cos), {"radius": 0.1, "step": 0.05, "steps": 3, "low": 0.0, "high": 1.0}, illegal=bounds),
    Case(
        pgd,
        (x, np.cos),
        {"radius": 0.1, "step": 0.05, "steps": 3},
        illegal=(("radius", -1.0), ("step", -1.0), ("steps", 0)),
        any_shape=(0,),
        rng=True,
    ),
]
