"""What it costs to run a submission confined: `python -m bench.sandbox`. CPU time of all processes, in milliseconds."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from autograder.sandbox import CAPABILITIES, Budget, Sandbox

BUDGET = Budget(cpu_seconds=10, wall_seconds=120, memory_mb=1024, processes=16, file_mb=16, output_kb=512)
CELLS = [
    "import numpy as np",
    "def soft_threshold(x, lam):\n    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)",
    "soft_threshold(np.array([-3.0, 0.5, 2.0]), 1.0)",
    "def sgd(w, grad, lr):\n    return w - lr * grad",
    "def dropout(x, p, rng):\n    return x * (rng.random(x.shape) >= p) / (1 - p)",
    "def numerical_gradient(f, x, h=1e-5):\n    e = np.eye(x.size)\n"
    "    return np.array([(f(x + h * d) - f(x - h * d)) / (2 * h) for d in e])",
]
CALLS = 25  # of each function


def check(functions):
    """Call each of the four functions as a check would."""
    x, rng = np.linspace(-2, 2, 5), np.random.default_rng(0)
    return {
        "soft_threshold": lambda: functions["soft_threshold"](x, 0.5),
        "sgd": lambda: functions["sgd"](x, x, 0.1),
        "dropout": lambda: functions["dropout"](x, 0.5, rng),
        "numerical_gradient": lambda: functions["numerical_gradient"](lambda w: float(w @ w), x[:2]),
    }


def cpu(pid):
    """Seconds of CPU time of a process and of those of its children that ended."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])) / 100


def whole(sandbox, cells, calls):
    """A whole submission: its cells, and its exercises each in a copy."""
    with sandbox.run(cells, BUDGET) as submission:
        for name in ("soft_threshold", "sgd", "dropout", "numerical_gradient") if calls else ():
            with submission.fork(BUDGET) as student:
                ask = check({name: student[name]})[name] if calls else None
                for _ in range(calls):
                    ask()


def bare():
    """The floor: the same cells and calls in this process."""
    names = {}
    for cell in CELLS:
        exec(cell, names)
    for ask in check(names).values():
        for _ in range(CALLS):
            ask()


def measure(sandbox, cells, calls, repeat=40):
    """Milliseconds of CPU, here and in the nursery with all that it forked, and milliseconds on the clock."""
    nursery = (Path(f"/proc/{sandbox.nursery.process.pid}/task/{sandbox.nursery.process.pid}/children")).read_text()
    before = time.process_time(), cpu(int(nursery)), time.perf_counter()
    for _ in range(repeat):
        whole(sandbox, cells, calls)
    after = time.process_time(), cpu(int(nursery)), time.perf_counter()
    return [1000 * (new - old) / repeat for new, old in zip(after, before, strict=True)]


def main():
    for capability in CAPABILITIES if len(sys.argv) == 1 else sys.argv[1:]:
        with Sandbox(capability) as sandbox:
            whole(sandbox, CELLS, 1)
            rows = {
                "start and end": measure(sandbox, [], 0),
                "+ six cells": measure(sandbox, CELLS, 0),
                "+ four exercises, a call each": measure(sandbox, CELLS, 1),
                f"+ {CALLS} calls each": measure(sandbox, CELLS, CALLS),
            }
        start = time.process_time()
        for _ in range(100):
            bare()
        floor = 10 * (time.process_time() - start)
        print(f"{capability}, {os.cpu_count()} cores; milliseconds a submission")
        print(f"{'':32}{'checker':>9}{'nursery':>9}{'CPU':>9}{'clock':>9}")
        for name, (here, there, clock) in rows.items():
            print(f"{name:32}{here:9.2f}{there:9.2f}{here + there:9.2f}{clock:9.2f}")
        print(f"bare execution takes {floor:.2f}: {(here + there) / floor:.1f} times less\n")


if __name__ == "__main__":
    main()
