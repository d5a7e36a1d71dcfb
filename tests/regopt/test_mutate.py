import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import mutate

FOUND = {"a": {("f", "x > 0 -> x >= 0"): "no test notices", ("_g", "1 -> 2"): "exit -27"}}
LIBRARY = '''
def pick(x):
    """The larger of x and 0."""
    return x if x > 0 else 0


def count():
    n = 3
    while n > 0:
        n -= 1
    return n


def unused():
    return 1
'''
TESTS = """
import regopt._toy as toy


def test_pick():
    assert [toy.pick(x) for x in (-1, 2)] == [0, 2]


def test_count():
    assert toy.count() == 0
"""


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        ({"f": {"x > 0 -> x >= 0": "both are 0 at 0"}, "_g": {"1 -> 2": "why"}}, []),
        ({"f": {"x > 0 -> x >= 0": "both are 0 at 0"}}, ["a _g, exit -27: test it, or list it as equivalent: 1 -> 2"]),
        (
            {"f": {"x > 0 -> x >= 0": "both are 0 at 0", "1 -> 2": "gone"}, "_g": {"1 -> 2": "why"}},
            ["a f: does not survive, take it off the list: 1 -> 2"],
        ),
    ],
)
def test_only_the_list_excuses_and_it_lists_nothing_else(listed, wrong):
    assert list(mutate.complaints(FOUND, {"a": listed})) == wrong


def test_the_list_speaks_of_functions_that_exist_and_gives_reasons():
    for chapter, functions in tomllib.loads(mutate.EQUIVALENT.read_text()).items():
        code = (mutate.ROOT / "regopt" / f"_{chapter}.py").read_text()
        for function, reasons in functions.items():
            assert f"def {function}(" in code
            assert all(reasons.values())


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the command says of a library with three functions and two tests."""
    folder = tmp_path_factory.mktemp("toy")
    files = {"regopt/__init__.py": "", "regopt/_toy.py": LIBRARY, "tests/regopt/test_toy.py": TESTS}
    files |= {"pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]', "tests/regopt/equivalent.toml": ""}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in ("autograder", "tests/mutate.py"):
        (folder / name).symlink_to(Path(mutate.ROOT) / name)
    code = (
        "import sys; sys.path.insert(0, '.'); from pathlib import Path; from tests import mutate; mutate.SECONDS = 0.2;"
        "mutate.ROOT = Path.cwd(); mutate.EQUIVALENT = Path('tests/regopt/equivalent.toml'); mutate.main([])"
    )
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, text=True, env=env)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize(
    "line",
    [
        "toy pick, no test notices: return x if x > 0 else 0 -> return x if x >= 0 else 0",
        "toy unused, no test calls it: return 1 -> return 2",
        "toy: less than 95% of its mutants are killed",
        "toy count, exit -27: n -= 1 -> n = 1",  # for ever: ended by the signal of the timer, which is no kill
    ],
)
def test_what_survives_is_said(said, line):
    assert line in said


def test_what_a_test_notices_is_killed(said):
    assert "return x if x > 0 else 1" not in said
