"""The form of a case of the contract test; each chapter lists its own in `cases/<chapter>.py` as `CASES`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One legal call of a function, and what must be refused."""

    function: Callable
    args: tuple = ()  # float64 arrays are made read-only, non-contiguous, float32, empty ... by the contract test
    kwargs: dict[str, Any] = field(default_factory=dict)
    illegal: tuple[tuple[str, Any], ...] = ()  # (argument, bad value): a ValueError that names both
    any_shape: tuple[int, ...] = ()  # positions in `args` that together take any one shape, () and (0,) too
    rng: bool = False  # takes `rng=`, a numpy Generator
