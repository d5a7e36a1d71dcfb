"""A step of every optimizer on a million float32 parameters, against torch: `python -m bench.optimizers`.

One thread each. `pure` returns new arrays, `in place` is `out=(w, state)`, and `plain` are the lines of the docstring,
as a chapter shows them. Rounds alternate between the columns. It is CPU time that counts, and the ratio of its medians,
so that other work on the machine does not.
"""

import statistics
import sys
import time

import numpy as np
import pytorch_optimizer
import torch

import regopt
from tests.regopt.plain import Plain
from tests.regopt.steps import optimizers

SHAPE = (1000, 1000)
ROUNDS = 25
SETTINGS = {
    "sgd_l2": {"lam": 0.01},
    "sgd_weight_decay": {"lam": 0.01},
    "sgdw": {"lam": 0.01},
    "adam_l2": {"lam": 0.01},
    "adamw": {"lam": 0.01},
    "lars": {"lam": 0.01},
    "lamb": {"lam": 0.01},
}
OPTIM = torch.optim
OTHERS = {
    "sgd": lambda p: OPTIM.SGD(p, lr=0.01),
    "sgd_l2": lambda p: OPTIM.SGD(p, lr=0.01, weight_decay=0.01),
    "momentum": lambda p: OPTIM.SGD(p, lr=0.01, momentum=0.9),
    "nesterov": lambda p: OPTIM.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "adagrad": OPTIM.Adagrad,
    "rmsprop": OPTIM.RMSprop,
    "adam": OPTIM.Adam,
    "amsgrad": lambda p: OPTIM.Adam(p, amsgrad=True),
    "adam_l2": lambda p: OPTIM.Adam(p, weight_decay=0.01),
    "adamw": OPTIM.AdamW,
    "adafactor": OPTIM.Adafactor,
    "adabelief": pytorch_optimizer.AdaBelief,
    "yogi": pytorch_optimizer.Yogi,
    "lars": lambda p: pytorch_optimizer.LARS(p, weight_decay=0.01),
    "lamb": lambda p: pytorch_optimizer.Lamb(p, weight_decay=0.01, weight_decouple=False),
}


AIM = 1.5
WHY = f"""\
! is above the aim of {AIM}. torch overwrites its parameters, as `in place` does; `pure` and the plain lines return new
arrays, and fresh memory costs more than the sum that is written to it. That shows where a step is little else:
sgd_weight_decay and sgdw, whose two terms need a temporary besides. The plain lines have one for every operation."""


def milliseconds(calls):
    """The median CPU time of each call, taken in turns."""
    times = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=SHAPE).astype(np.float32), rng.normal(size=SHAPE).astype(np.float32)


def others_step(name):
    """torch's step, or where it has none the same written with its in-place operations."""
    w, grad = (torch.from_numpy(array) for array in arrays())
    if name in OTHERS:
        parameter = torch.nn.Parameter(w)
        parameter.grad = grad
        return OTHERS[name]([parameter]).step
    if name == "sgd_weight_decay":
        return lambda: w.mul_(1 - 0.01 * 0.01).add_(grad, alpha=-0.01)
    velocity = torch.zeros_like(w)

    def sgdw():
        velocity.mul_(0.9).add_(grad)
        w.mul_(1 - 0.01 * 0.01).add_(velocity, alpha=-0.01)

    return sgdw


def our_step(step, settings, *, in_place):
    now = {}
    w, grad = arrays()
    now["w"], now["state"] = step(w, grad, lr=0.01, **settings)

    def once():
        out = {"out": (now["w"], now["state"])} if in_place else {}
        now["w"], now["state"] = step(now["w"], grad, now["state"], lr=0.01, **settings, **out)
        return now["w"]

    return once


def row(name):
    step, settings = optimizers()[name], SETTINGS.get(name, {})
    calls = {
        "torch": others_step(name),
        "pure": our_step(step, settings, in_place=False),
        "in place": our_step(step, settings, in_place=True),
    }
    w, grad = arrays()
    plain = Plain(step, w, **settings)
    return milliseconds(calls | {"plain": lambda: plain.step(grad, 0.01)})


def newton_row(n=500):
    rng = np.random.default_rng(0)
    hessian = (np.eye(n) + rng.normal(size=(n, n)) / n).astype(np.float32)
    w, grad = rng.normal(size=(2, n)).astype(np.float32)
    other = [torch.from_numpy(array) for array in (w, hessian, grad)]
    return milliseconds(
        {
            "torch": lambda: other[0] - torch.linalg.solve(other[1], other[2]),
            "pure": lambda: regopt.newton(w, grad, hessian=hessian),
        }
    )


def lbfgs_row():
    w, grad = arrays()
    parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = torch.optim.LBFGS([parameter], lr=1e-3, max_iter=1, history_size=10, tolerance_change=0.0)

    now = {"w": w, "state": None}
    slopes = grad**2 + 1

    def theirs():
        parameter.grad = None
        optimizer.step(closure)

    def ours():
        now["w"], now["state"] = regopt.lbfgs(now["w"], slopes * now["w"], now["state"], lr=1e-3)

    def closure():
        parameter.grad = torch.from_numpy(slopes) * parameter.data
        return torch.tensor(0.0)

    for _ in range(12):  # until both memories are full
        theirs()
        ours()
    return milliseconds({"torch": theirs, "pure": ours})


def above(times, column):
    return times[column] > AIM * times["torch"]


def main():
    torch.set_num_threads(1)
    print(f"a step on {SHAPE[0] * SHAPE[1]:,} float32 parameters, one thread; milliseconds, and times torch's")
    print(f"{'':18}{'torch':>8}{'pure':>16}{'in place':>17}{'plain lines':>17}")
    special = {"newton": newton_row, "lbfgs": lbfgs_row}
    for name in sys.argv[1:] or optimizers():
        times = special[name]() if name in special else row(name)
        cells = (
            f"{times[column]:9.2f} {times[column] / times['torch']:5.2f}x{'!' if above(times, column) else ' '}"
            if column in times
            else " " * 17
            for column in ("pure", "in place", "plain")
        )
        print(f"{name:18}{times['torch']:8.2f}" + "".join(f"{cell:>17}" for cell in cells), flush=True)
    print(
        "newton: 500 parameters. adabelief, yogi, lars, lamb: pytorch-optimizer; sgd_weight_decay, sgdw: torch in place"
    )
    print(WHY)


if __name__ == "__main__":
    main()
