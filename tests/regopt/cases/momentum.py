"""Legal calls and refusals of the functions of the chapter momentum."""

from regopt import momentum, nesterov
from regopt._momentum import MomentumState
from tests.regopt.cases.adaptive import grad, m, w
from tests.regopt.contract import Case

ILLEGAL = (("lr", -0.1), ("gamma", 1.0), ("gamma", -0.1))

CASES = [
    case
    for step in (momentum, nesterov)
    for case in (
        Case(step, (w, grad), {"lr": 0.1}, any_shape=(0, 1), illegal=ILLEGAL),
        Case(step, (w, grad, MomentumState(m)), {"lr": 0.1, "lr_inside": True}),
    )
]
