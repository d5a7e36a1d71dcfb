"""Legal calls and refusals of the functions of the chapter gradient_clipping."""

import numpy as np

from regopt import clip_by_norm, clip_by_value
from tests.regopt.contract import Case

one = np.array([[3.0, -4.0], [0.0, 12.0]])
several = [one, np.array([1.0, 2.0]), np.zeros((2, 0))]
NOT_NUMBERS = (("grads", np.array(["a"])), ("grads", np.array([1j])))

CASES = [
    Case(
        clip_by_norm,
        (one, 1.0),
        any_shape=(0,),
        nan="refused",
        illegal=(*NOT_NUMBERS, ("max_norm", -1.0), ("max_norm", np.inf), ("eps", -1e-6)),
    ),
    Case(clip_by_norm, (several, 1.0), {"eps": 0.0}, nan="refused"),
    Case(clip_by_norm, (tuple(several), 100.0), nan="refused"),
    Case(clip_by_value, (one, 1.0), any_shape=(0,), illegal=(*NOT_NUMBERS, ("max_value", -1.0))),
    Case(clip_by_value, (several, 1.0)),
]
