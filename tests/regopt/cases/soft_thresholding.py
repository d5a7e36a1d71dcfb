"""Legal calls and refusals of the functions of the chapter soft_thresholding."""

import numpy as np

from regopt import soft_threshold
from tests.regopt.contract import Case

x = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])

CASES = [
    Case(soft_threshold, (x, 0.3), any_shape=(0,), illegal=(("lam", -1.0),)),
]
