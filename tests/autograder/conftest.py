"""A released course for each test that asks for one."""

import shutil

import pytest

from tests.autograder import small_course


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    small_course.make(folder)
    return folder


@pytest.fixture
def course(made, tmp_path):
    """A small course, released, of the test's own; nbgrader_config.py stands beside it."""
    shutil.copytree(made, tmp_path / "c")
    return small_course.open_course(tmp_path / "c")
