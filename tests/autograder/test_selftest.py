"""The selftest finds what is wrong with checks, and nothing wrong with the example in CONTRIBUTING.md."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from autograder import mutate
from autograder.check import exercises
from autograder.masters import source
from autograder.selftest import selftest, solved_names

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
        path.write_text(CHECKS.replace(old, new, 1) if old else CHECKS)
        spec = importlib.util.spec_from_file_location("autograder.checks.robust", path)
        module = importlib.util.module_from_spec(spec)
        mutate.mutate.cache_clear()
        solved_names.cache_clear()
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


BROKEN = {
    "too few properties": ("ask_for_manners(huber)", "pass", "it has 3 properties; write 5 or more"),
    "no words": ('    """The two branches meet at |r| = delta."""\n', "", "is_continuous has no docstring"),
    "the same name twice": ("def is_continuous", "def is_right", "two properties are called is_right"),
    "inputs of no seed": (
        "for r, size in",
        "rng = np.random.default_rng(0)\n    for r, size in",
        "gives every seed the same",
    ),
    "a wrong solution": ("inside**2 / 2", "inside**2", "the right solution by_clipping loses is_right"),
    "a mistake that is none": (
        "r**2 / 2, delta * np.abs(r))",
        "r**2 / 2, delta * (np.abs(r) - delta / 2))",
        "full marks",
    ),
    "one mistake twice": (
        "huber.solution(right)",
        'huber.mistake(type("again", (), {"__doc__": "This.", "huber": staticmethod(no_half)}))\nhuber.solution(right)',
        "the mistake no_half is recognised as no_half, again",
    ),
    "a mistake that only raises": ("delta * np.abs(r))", "delta * np.abs(s))", "jumps raises on every hidden input"),
    "a property that asks nothing": (
        "close(huber(r, delta), right(r, delta))",
        "huber",
        "is_right holds for a function that is not written",
    ),
    "a property that no mistake fails": (
        "    close(np.asarray(huber(r, delta))[inside], r[inside] ** 2 / 2)",
        "    assert inside.shape == np.shape(huber(r, delta))",
        "no mistake fails is_square_inside",
    ),
    "no example to show": ("small_arrays, st", "small_arrays.map(np.float64), st", "float64 gets no counter-example"),
    "points for nothing": (
        "close(huber(r, delta), right(r, delta))",
        "assert np.shape(huber(r, delta)) == r.shape",
        "a function that returns zeros has 6 of 10 points",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_checks_is_said(robust, old, new, said):
    assert any(said in line for line in selftest("robust", folder=robust(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("r**2 / 2, delta", "r**2, delta", "the solution in the master text has 0 points"),
        ("[0.125, 2.5]", "[0.25, 2.5]", "the visible examples fail for the solution"),
        (
            "np.testing.assert_allclose(huber(np.array([0.5, -3.0]), 1.0), [0.125, 2.5])",
            "huber(np.ones(2), 1.0)",
            "pass for every",
        ),
        (":examples: huber\n", "", "the master text has no `:examples: huber`"),
    ],
    ids=["wrong solution", "wrong examples", "weak examples", "no examples"],
)
def test_what_is_wrong_with_a_master_text_is_said(robust, old, new, said):
    assert old in MASTER
    assert any(said in line for line in selftest("robust", folder=robust(master=MASTER.replace(old, new))))


def test_a_survivor_that_is_not_listed_is_a_failure(robust, capsys):
    (robust() / "equivalent.toml").write_text("")
    assert mutate.main(["robust"], robust()) == 1
    assert "huber: ask for more, or list as equivalent: return np.where(" in capsys.readouterr().out


def test_a_listed_change_that_does_not_survive_is_a_failure(robust, capsys):
    (robust() / "equivalent.toml").write_text(EQUIVALENT + '"a -> b" = "no reason"\n')
    assert mutate.main(["robust"], robust()) == 1
    assert "huber: does not survive, take it off the list: a -> b" in capsys.readouterr().out


def test_a_mutant_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(mutate, "CPU_SECONDS", 0.2)
    code = "def soft_threshold(x, lam):\n    while True:\n        pass\n"
    assert not mutate.survives(mutate.Mutant("", "", code), exercises("soft_thresholding")["soft_threshold"], {})
