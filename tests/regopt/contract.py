"""The form of a case of the contract test; each chapter lists its own in `cases/<chapter>.py` as `CASES`."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Case:
    """One legal call of a function, and what must be refused.

    A float array is data, wherever it stands (in a list or a state too). A Python float is a hyperparameter: NaN in
    its place must be refused, and an unknown word in place of a string. A number that is data is written np.array(2.0).
    An array of hyperparameters has an array with NaN among its illegal values.
    """

    function: Callable
    args: tuple = ()  # float64 arrays are made read-only, non-contiguous, float32, empty ... by the contract test
    kwargs: dict[str, Any] = field(default_factory=dict)
    illegal: tuple[tuple[str, Any], ...] = ()  # (argument, bad value): a ValueError that names both
    any_shape: tuple[int, ...] = ()  # positions in `args` that together take any one shape, () and (0,) too
    rng: bool = False  # takes `rng=`, a numpy Generator
    nan: Literal["propagates", "refused", "documented"] = "propagates"  # documented: the docstring says what NaN does


def load_cases() -> dict[str, Case]:
    """Every case of every chapter, by an id such as `weight_decay-ridge-0`."""
    cases = {}
    for path in sorted((Path(__file__).parent / "cases").glob("*.py")):
        module = importlib.import_module(f"tests.regopt.cases.{path.stem}")
        for number, case in enumerate(module.CASES):
            cases[f"{path.stem}-{case.function.__name__}-{number}"] = case
    return cases
