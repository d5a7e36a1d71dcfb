"""A compacted process has few mappings and few pages in use, its new objects lie together, and all works as before."""

import json
import subprocess
import sys

import pytest

SOURCE = """
import ctypes, gc, hashlib, json, mmap, os, resource, sys, threading
import numpy as np, matplotlib.pyplot as plt
from autograder import compact

def pages():  # that a thousand new objects lie on
    made = [bytes(95) for _ in range(1000)]
    return len({id(each) >> 12 for each in made})

def looks():
    found = [*compact.mappings()]
    loaded = [rights for _, _, rights, name, *_ in found if "memfd:loaded" in name]
    assert not any("s" in rights for rights in loaded)  # else one could write for all
    return len(found), sum(used for *_, used in found) >> 20, pages(), bool(loaded)

def digest():  # of every text, number and array that can be found from here
    found = [each for each in gc.get_objects() if type(each) is dict]
    plain = [value for each in found for value in [*each.values()] if type(value) in (str, bytes, int, float)]
    return hashlib.sha256("".join(sorted(map(repr, plain)) + [repr(held.tobytes())]).encode()).hexdigest()

held = np.random.default_rng(0).normal(size=(50, 50))
compact.libc.mallopt(-3, 1 << 17)  # M_MMAP_THRESHOLD, which otherwise grows
large = bytearray([7]) * 300_000, np.ones(100_000)  # in blocks of their own, which grow where they are
emptied = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
emptied.madvise(18)  # MADV_WIPEONFORK
emptied.write(b"secret")
kept = [bytes(95) for _ in range(20000)]
kept = [each for place, each in enumerate(kept) if place % 20]  # holes, one in twenty
{before}
was = looks(), digest()
compact.compact()
now = looks(), digest()

# What a submission does, and what asks the system for something: old memory back, new memory, a library, a process.
del kept
gc.collect()
grown = [bytes(n) for n in range(0, 30_000, 7)]
assert sum(map(len, grown)) == sum(range(0, 30_000, 7))
assert len(np.ones(3_000_000)) == 3_000_000
large[0].extend(bytes(150_000_000))  # beyond the end of any file in which it was
large[1].resize(20_000_000, refcheck=False)
assert (sum(large[0][::1000]), sum(large[1])) == (300 * 7, 100_000)
del large
assert np.allclose(np.linalg.solve(held, held @ np.ones(50)), 1)
plt.plot([1, 2])
plt.savefig("/dev/null", format="png")
import _testcapi, sqlite3, xml.etree.ElementTree
assert sqlite3.connect(":memory:").execute("select 41 + 1").fetchone() == (42,)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 3)(3, 1, 2)
ctypes.CDLL(None).qsort(numbers, 3, 4, compare(lambda a, b: a[0] - b[0]))
assert [*numbers] == [1, 2, 3]
told = []
thread = threading.Thread(target=lambda: told.append(sum(range(100_000))))
thread.start()
thread.join()
assert told == [4999950000]
child = os.fork()
if child == 0:
    os._exit(0 if digest() and emptied[:6] == bytes(6) and np.allclose(held @ np.linalg.inv(held), np.eye(50)) else 1)
assert os.waitpid(child, 0)[1] == 0
try:
    1 / 0
except ZeroDivisionError as error:
    assert error.__traceback__.tb_lineno > 1
print(json.dumps([was, now]))
"""


def run(before="pass"):
    source = SOURCE.replace("{before}", before)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def compacted():
    return run()


def test_there_are_far_fewer_mappings(compacted):
    ((before, *_), _), ((after, *_), _) = compacted
    assert after < 0.4 * before


def test_what_nobody_uses_is_not_in_use(compacted):
    ((_, before, *_), _), ((_, after, *_), _) = compacted
    assert after < 0.75 * before  # of the rest most is programs, in large pages


def test_new_objects_lie_together(compacted):
    ((*_, before, _), _), ((*_, after, _), _) = compacted
    assert before > 200
    assert after < 40  # a thousand of 128 bytes fill 32 pages


def test_all_that_was_loaded_is_the_same(compacted):
    (_, before), (_, after) = compacted
    assert after == before


def test_it_needs_no_large_pages():
    full = "def full(*_): raise OSError(28, 'no memory left')\nos.pwrite = full"
    (_, before), ((*_, laid_down), after) = run(full)
    assert laid_down
    assert after == before


@pytest.mark.parametrize(
    "before",
    [
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "compact.libc.memfd_create = lambda *_: -1",
    ],
    ids=[
        "where a file may not be so large",
        "beside another thread, which would go on meanwhile",
        "where there is no file",
    ],
)
def test_it_is_left_where_it_is(before):
    (_, before), ((*_, laid_down), after) = run(before)
    assert not laid_down
    assert after == before
