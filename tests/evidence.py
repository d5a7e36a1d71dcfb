"""What a function was checked against, and the largest difference seen."""

import json
import os
from pathlib import Path

import numpy as np

SEEN = Path(__file__).parents[1] / "_build" / "evidence"


def agree(name, against, got, expected, *, tolerance=1e-10):
    """Assert that `got` (of the function `name`) equals `expected` (of `against`), and record the largest difference.

    The difference is relative to the largest expected entry where that is above 1, else absolute.
    """
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{name}: shape {got.shape}, but {against} gives {expected.shape}"
    difference = 0.0
    if got.size:
        difference = float(np.max(np.abs(got - expected)) / max(1.0, np.max(np.abs(expected))))
    assert difference <= tolerance, f"{name} differs from {against} by {difference:.3g} (allowed {tolerance:.3g})"
    SEEN.mkdir(parents=True, exist_ok=True)
    with open(SEEN / f"{os.getpid()}.jsonl", "a") as file:
        file.write(json.dumps({"name": name, "against": against, "difference": difference}) + "\n")
