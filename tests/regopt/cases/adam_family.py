"""Legal calls and refusals of the functions of the chapter adam_family."""

import numpy as np

from regopt import adabelief, adafactor, lamb, lars, yogi
from regopt._adam_family import AdabeliefState, AdafactorState, YogiState
from regopt._adaptive import AdamState
from regopt._momentum import MomentumState
from tests.regopt.cases.adaptive import BETAS, RATE, grad, m, v, w
from tests.regopt.contract import Case

LAM = (("lam", -0.1), ("lam", "0.1"))

CASES = [
    Case(adabelief, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETAS)),
    Case(adabelief, (w, grad, AdabeliefState(3, m, v)), {"lr": 0.1, "eps": 0.0}),
    Case(yogi, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETAS, ("v0", -1e-6))),
    Case(yogi, (w, grad, YogiState(3, m, v)), {"lr": 0.1, "eps": 0.0, "bias_correction": False}),
    Case(
        lars,
        (w, grad),
        {"lr": 0.1},
        any_shape=(0, 1),
        illegal=(("lr", -0.1), *LAM, ("gamma", 1.0), ("gamma", -0.1), ("trust", -1.0)),
    ),
    Case(lars, (w, grad, MomentumState(m)), {"lr": 0.1, "lam": 0.5, "lr_inside": True}),
    Case(lamb, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=(*RATE, *BETAS, *LAM, ("phi", 10.0))),
    Case(lamb, (w, grad, AdamState(3, m, v)), {"lr": 0.1, "lam": 0.1, "eps": 0.0, "bias_correction": False}),
    Case(
        adafactor,
        (w, grad),
        {"lr": 0.1},
        any_shape=(0, 1),
        illegal=(*RATE, *LAM, ("power", -0.8), ("eps_scale", -1.0), ("clip", 0.0)),
    ),
    Case(
        adafactor, (w, grad, AdafactorState(3, v.mean(1, keepdims=True), v.mean(0, keepdims=True), None)), {"lr": 0.1}
    ),
    Case(adafactor, (w[0], grad[0], AdafactorState(3, None, None, np.array([0.2, 0.3]))), {"lr": 0.1, "eps": 0.0}),
]
