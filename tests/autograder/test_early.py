"""A nursery that was begun early is the one that is used, if it fits; and none outlives the run."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from autograder import early
from autograder.assignment import open_sandbox
from autograder.sandbox import Budget
from tests.autograder.small_course import NAME, submit

BUDGET = Budget(cpu_seconds=5, wall_seconds=60, memory_mb=300, processes=8, file_mb=4, output_kb=64)


@pytest.fixture
def begin(course, monkeypatch):
    """`early.begin` in the folder of a course with two submissions; what it begins is ended."""
    for student in ("ada", "bob"):
        submit(course, student)
    monkeypatch.chdir(course.root.parent)
    begun = []
    yield lambda *args: begun.extend(early.begin(*args)) or begun
    for nursery in begun:
        nursery.close()


def is_alive(nursery):
    return nursery.process.poll() is None


def test_one_for_each_job_and_submission(begin):
    assert len(begin(NAME, "*", 8)) == 2


@pytest.mark.parametrize(("assignment", "students"), [(NAME, "cyd"), ("large", "*")])
def test_none_for_nothing(begin, assignment, students):
    assert begin(assignment, students, 2) == []


@pytest.mark.parametrize("config", ["", "1 / 0", "c = get_config()\nc.Autograder.torch = 3"])
def test_none_where_the_configuration_says_nothing(begin, course, config):
    (course.root.parent / "nbgrader_config.py").write_text(config)
    assert begin(NAME, "*", 1) == []


def test_it_is_the_one_that_is_used(course, begin):
    [nursery] = begin(NAME, "*", 1)
    with open_sandbox(course, NAME, nursery) as sandbox:
        assert sandbox.nursery is nursery
        with sandbox.run(["def f(x):\n    return 2 * x"], BUDGET) as submission, submission.fork(BUDGET) as student:
            assert student["f"](4) == 8
    assert not is_alive(nursery)


def test_not_for_an_assignment_that_needs_another(course, begin):
    [nursery] = begin(NAME, "*", 1)
    nursery.capability = "torch"
    with open_sandbox(course, NAME, nursery) as sandbox:
        assert sandbox.nursery is not nursery
        assert not is_alive(nursery)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 3.0])
def test_none_outlives_a_run_that_is_killed(course, begin, seconds):
    command = [sys.executable, "-m", "autograder", "grade", NAME, "--jobs=2", "--force"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    below = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGKILL)
    run.wait()
    _, alive = psutil.wait_procs(below, timeout=20)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
    assert not alive
