"""A compacted process has fewer mappings, its new objects lie together, and everything in it works as before."""

import json
import subprocess
import sys

import pytest

SOURCE = """
import json, numpy as np, matplotlib.pyplot as plt
from autograder import compact

def pages():  # that a thousand new objects lie on
    made = [bytes(95) for _ in range(1000)]
    return len({id(each) >> 12 for each in made})

kept = [bytes(95) for _ in range(20000)]
kept = [each for place, each in enumerate(kept) if place % 20]  # holes, one in twenty
before = len([*compact.mappings()]), pages()
compact.compact()
after = len([*compact.mappings()]), pages()
a = np.random.default_rng(0).normal(size=(50, 50))
plt.plot(np.linalg.solve(a, a @ np.ones(50)))
plt.savefig("/dev/null", format="png")
libraries = {name: [rights for _, _, rights in parts] for name, parts in compact.libraries().items()}
libraries["all"] = [rights for *_, rights, _ in compact.mappings()]  # what was moved has no name any more
print(json.dumps([before, after, libraries]))
"""


@pytest.fixture(scope="module")
def compacted():
    done = subprocess.run([sys.executable, "-c", SOURCE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_there_are_far_fewer_mappings(compacted):
    (before, _), (after, _), _ = compacted
    assert after < 0.7 * before


def test_new_objects_lie_together(compacted):
    (_, before), (_, after), _ = compacted
    assert before > 200
    assert after < 40  # a thousand of 128 bytes fill 32 pages


def test_nothing_can_be_both_written_and_run(compacted):
    *_, libraries = compacted
    assert any("numpy" in name for name in libraries)
    assert not [name for name, rights in libraries.items() if any("w" in each and "x" in each for each in rights)]
