"""Legal calls and refusals of the functions of the chapter schedules."""

import numpy as np

from regopt import (
    cosine_annealing,
    exponential_decay,
    inverse_sqrt,
    linear_decay,
    polynomial_decay,
    scale_learning_rate,
    step_decay,
    triangular_cycle,
    warmup,
)
from tests.regopt.contract import Case

t = np.array([[0.0, 1.0, 2.5], [7.0, 30.0, 31.0]])


def schedule(function, settings, *illegal):
    common = (("t", -1.0), ("t", np.array([1.0, -2.0])), ("t", "0"))
    return Case(function, (t,), settings, any_shape=(0,), nan="refused", illegal=(*common, *illegal))


LR = (("lr", -0.1), ("lr", np.inf))
STEPS = (("steps", 0), ("steps", -3), ("steps", np.inf))

CASES = [
    schedule(step_decay, {"lr": 0.3, "every": 7}, *LR, ("every", 0), ("factor", 0.0), ("factor", -0.5)),
    schedule(exponential_decay, {"lr": 0.3, "factor": 0.9}, *LR, ("factor", 0.0)),
    schedule(polynomial_decay, {"lr": 0.3, "steps": 9}, *LR, *STEPS, ("power", 0.0), ("lr_end", -0.1), ("lr_end", 0.4)),
    schedule(linear_decay, {"lr": 0.3, "steps": 9}, *LR, *STEPS, ("lr_end", -0.1), ("lr_end", 0.4)),
    schedule(cosine_annealing, {"lr": 0.3, "steps": 9}, *LR, *STEPS, ("lr_min", -0.1), ("lr_min", 0.4)),
    schedule(cosine_annealing, {"lr": 0.3, "steps": 9, "lr_min": 0.3, "hold": True}),
    schedule(
        triangular_cycle,
        {"lr_min": 0.1, "lr_max": 0.3, "up": 4, "down": 7},
        ("up", 0),
        ("down", 0),
        ("lr_max", -0.3),
        ("lr_min", -0.1),
        ("lr_min", 0.4),
    ),
    schedule(inverse_sqrt, {"lr": 0.3, "shift": 9}, *LR, ("shift", 0)),
    Case(
        warmup,
        (lambda t: 1 / (1 + t),),
        {"steps": 4},
        illegal=(("schedule", 0.1), ("steps", -1), ("start", 1.0), ("start", -0.1)),
    ),
    Case(
        scale_learning_rate,
        (0.1,),
        {"batch": 64, "base_batch": 32},
        illegal=(("lr", -0.1), ("batch", 0), ("base_batch", 0), ("rule", "cubic")),
    ),
]
