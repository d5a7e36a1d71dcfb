"""What a submission can do and what becomes of it: run as it would be, confined, and called over the wire."""

import numpy as np
import pytest

from autograder.sandbox import Budget, Sandbox

BUDGET = Budget(cpu_seconds=1, wall_seconds=20, memory_mb=300, processes=16, file_mb=4, output_kb=64)
SOFT = "import numpy as np\ndef soft_threshold(x, lam):\n    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


class TestCells:
    def test_functions_of_the_cells_are_called(self, sandbox):
        with sandbox.run([SOFT], BUDGET) as submission, submission.fork(BUDGET) as student:
            got = student["soft_threshold"](np.array([-3.0, 0.5, 2.0]), 1.0)
        np.testing.assert_array_equal(got, [-2.0, 0.0, 1.0])
