import nbformat
import pytest

from autograder.check import exercises
from autograder.errors import GraderError
from autograder.masters import SOLUTIONS, source, write_source


def marks(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


class TestSource:
    def test_the_same_text_gives_the_same_bytes(self, tmp_path):
        first = write_source("soft_thresholding", tmp_path / "a").read_bytes()
        assert write_source("soft_thresholding", tmp_path / "b").read_bytes() == first
        nbformat.validate(nbformat.reads(first.decode(), 4))

    def test_points_come_from_the_checks(self):
        cells = marks(source("soft_thresholding"))
        for name, exercise in exercises("soft_thresholding").items():
            assert cells[name].metadata.nbgrader.points == exercise.points
            assert cells[f"{name}_solution"].metadata.nbgrader.solution

    def test_points_in_a_heading_must_be_those_of_the_checks(self, tmp_path):
        points = exercises("soft_thresholding")["soft_threshold"].points
        text = (SOLUTIONS / "soft_thresholding.md").read_text().replace(f"({points} points)", "(99 points)")
        (tmp_path / "soft_thresholding.md").write_text(text)
        with pytest.raises(GraderError, match=r"99 points"):
            source("soft_thresholding", tmp_path)
