"""The selftest finds what is wrong with checks, and nothing wrong with the example in CONTRIBUTING.md."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from autograder import mutate
from autograder.masters import source
from autograder.selftest import selftest

ROOT = Path(__file__).parents[2]
MASTER, CHECKS, EQUIVALENT = re.findall(
    r"^````markdown\n(.*?)^````$.*?^```python\n(.*?)^```$.*?^```toml\n(.*?)^```$",
    (ROOT / "CONTRIBUTING.md").read_text(),
    re.M | re.S,
)[0]


@pytest.fixture
def robust(tmp_path, monkeypatch):
    """Writes the assignment of CONTRIBUTING.md with something changed, and gives the folder of its master text."""

    def write(old="", new="", master=MASTER):
        assert old in CHECKS
        (tmp_path / "robust.md").write_text(master)
        path = tmp_path / "robust.py"
        path.write_text(CHECKS.replace(old, new) if old else CHECKS)
        spec = importlib.util.spec_from_file_location("autograder.checks.robust", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "autograder.checks.robust", module)
        spec.loader.exec_module(module)
        return tmp_path

    return write


class TestExample:
    def test_selftest_finds_nothing(self, robust):
        assert selftest("robust", folder=robust()) == []

    def test_every_mutant_is_killed_or_listed(self, robust, capsys):
        (robust() / "equivalent.toml").write_text(EQUIVALENT)
        assert mutate.main(["robust"], robust()) == 0
        assert "16 of 17" in capsys.readouterr().out

    def test_its_notebook_has_the_points_of_its_heading(self, robust):
        points = {
            cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.get("points")
            for cell in source("robust", robust()).cells
            if "nbgrader" in cell.metadata
        }
        assert points == {"setup": None, "huber_solution": None, "huber": 10, "what_delta_does": 5}
