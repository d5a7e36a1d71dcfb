"""What each function was checked against, and the largest difference seen, as evidence.json says it.

`python -m tests.evidence` runs the tests of the library and writes evidence.json anew; with paths of test files it runs
only these, and leaves what the others saw as it stands.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "evidence.json"
RECORDS = "REGOPT_EVIDENCE_RECORDS"  # in the environment: where `agree` is to write what it sees
PACKAGES = ("numpy", "torch", "scikit-learn", "scipy", "pytorch-optimizer")
ROUNDING = 1e-14  # below it a difference is not the function's but the machine's
WRITE = "run `python -m tests.evidence` and look at what changes in evidence.json"


def agree(name, against, got, expected, *, tolerance=1e-10):
    """Assert that `got` (of the function `name`) equals `expected` (of `against`), as well as evidence.json says.

    The difference is relative to the largest expected entry where that is above 1, else absolute. More than ten times
    the one that stands in evidence.json is a failure, whatever the tolerance.
    """
    got, expected = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    assert got.shape == expected.shape, f"{name}: shape {got.shape}, but {against} gives {expected.shape}"
    difference = 0.0
    if got.size:
        difference = float(np.max(np.abs(got - expected)) / max(1.0, np.max(np.abs(expected))))
    assert difference <= tolerance, f"{name} differs from {against} by {difference:.3g} (allowed {tolerance:.3g})"
    if RECORDS in os.environ:
        with open(Path(os.environ[RECORDS]) / f"{os.getpid()}.jsonl", "a") as file:
            file.write(json.dumps([name, against, difference]) + "\n")
    else:
        hold(load()["functions"], name, against, difference)


@functools.cache
def load():
    return json.loads(EVIDENCE.read_text())


def hold(functions, name, against, difference):
    """Fail where `functions` of evidence.json does not know of this comparison, or knows a far smaller difference."""
    known = functions.get(name, {}).get(against)
    assert known is not None, f"evidence.json does not know that {name} is checked against {against}: {WRITE}"
    assert difference <= 10 * max(known, ROUNDING), (
        f"{name} differs from {against} by {difference:.2g}, in evidence.json by {known:.2g}: find out why, or {WRITE}"
    )


def versions():
    return {package: version(package).partition("+")[0] for package in PACKAGES}


def collect(folder):
    """The largest difference of each comparison in the records, two digits of it."""
    functions = {}
    for path in Path(folder).glob("*.jsonl"):
        for name, against, difference in map(json.loads, path.read_text().splitlines()):
            of_function = functions.setdefault(name, {})
            of_function[against] = max(float(f"{difference:.1e}"), of_function.get(against, 0.0))
    return functions


def write(paths):
    """Run the tests, and write what they see."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-n0", *(paths or ["tests/regopt"])]
        code = subprocess.call(command, cwd=ROOT, env={**os.environ, RECORDS: folder})
        if code:
            sys.exit(f"evidence.json is not written: the tests failed (exit {code}); their message stands above")
        functions = load()["functions"] if paths else {}
        for name, seen in collect(folder).items():
            functions[name] = functions.get(name, {}) | seen
    text = json.dumps({"versions": versions(), "functions": functions}, indent=1, sort_keys=True)
    EVIDENCE.write_text(text + "\n")


if __name__ == "__main__":
    write(sys.argv[1:])
