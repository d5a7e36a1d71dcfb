"""Examples of known mistakes are found at release, and grading takes them from there."""

import json

import pytest

from autograder import examples, feedback
from autograder.check import judge
from autograder.course import Course
from tests.autograder.sample import shrink

EXERCISES = {"shrink": shrink}


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(feedback, "FOUND", {})
    return Course(tmp_path)


def judged(course):
    return {each.name: judge(shrink, each.functions, course.seed) for each in shrink.mistakes}


def test_what_was_found_is_what_would_be_found(course, monkeypatch):
    without = judged(course)
    examples.find(course, "small", EXERCISES)
    monkeypatch.setattr(feedback, "FOUND", {})
    monkeypatch.setattr(feedback, "_example_of", lambda *_: pytest.fail("it was searched for again"))
    examples.load(course, "small", EXERCISES)
    assert judged(course) == without
    assert sum(each.counter_example is not None for each in without.values()) >= 3


def test_only_its_owner_can_read_the_folder(course):
    examples.find(course, "small", EXERCISES)
    assert (course.root / "examples").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", [
    None, "", "[]", "{}", '{"version": [], "examples": [["shrink", "right", [], "wrong"]]}',
    '{"version": "own", "examples": [["other", "right", [], "wrong"]]}',
])  # fmt: skip
def test_what_is_not_of_these_checks_is_not_used(course, text):
    examples.find(course, "small", EXERCISES)
    path = course.root / "examples" / "small.json"
    own = json.dumps(json.loads(path.read_text())["version"])
    feedback.FOUND.clear()
    path.unlink()
    if text is not None:
        path.write_text(text.replace('"own"', own))
    examples.load(course, "small", EXERCISES)
    assert feedback.FOUND == {}
