"""Legal calls and refusals of the functions of the chapter adamw."""

from regopt import adam_l2, adamw
from regopt._adaptive import AdamState
from tests.regopt.cases.adaptive import BETAS, RATE, grad, m, v, w
from tests.regopt.contract import Case

ILLEGAL = (*RATE, *BETAS, ("lam", -0.1), ("lam", "0.1"))

CASES = [
    Case(adam_l2, (w, grad), {"lr": 0.1, "lam": 0.01}, any_shape=(0, 1), illegal=ILLEGAL),
    Case(adam_l2, (w, grad, AdamState(3, m, v)), {"lr": 0.1, "lam": 0.01, "eps": 0.0}),
    Case(
        adamw,
        (w, grad),
        {"lr": 0.1},
        any_shape=(0, 1),
        illegal=(*ILLEGAL, ("schedule", -1.0), ("decay", "both")),
    ),
    Case(adamw, (w, grad, AdamState(3, m, v)), {"lr": 0.1, "decay": "plain", "eps": 0.0}),
]
