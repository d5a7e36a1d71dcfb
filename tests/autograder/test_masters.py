"""The source notebook that a master text gives, and what is refused in one line."""

import re

import nbformat
import pytest
import yaml
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from autograder import masters
from autograder.check import exercises
from autograder.errors import GraderError
from autograder.masters import SOLUTIONS, example_code, solution_code, source, write_source

TEXT = (SOLUTIONS / "soft_thresholding.md").read_text()


def marks(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


@pytest.fixture
def changed(tmp_path):
    """A folder with the master text changed."""

    def write(old, new):
        assert old in TEXT
        (tmp_path / "soft_thresholding.md").write_text(TEXT.replace(old, new, 1))
        return tmp_path

    return write


class TestSource:
    def test_the_same_text_gives_the_same_bytes(self, tmp_path):
        first = write_source("soft_thresholding", tmp_path / "a").read_bytes()
        assert write_source("soft_thresholding", tmp_path / "b").read_bytes() == first

    def test_is_a_notebook_that_nbgrader_takes(self, tmp_path):
        path = write_source("soft_thresholding", tmp_path)
        assert path == tmp_path / "source" / "soft_thresholding" / "soft_thresholding.ipynb"
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
        MetadataValidatorV3().validate_nb(notebook)

    def test_an_exercise_is_a_cell_to_write_and_a_test_worth_its_points(self):
        cells = marks(source("soft_thresholding"))
        for name, exercise in exercises("soft_thresholding").items():
            test, solution = cells[name].metadata.nbgrader, cells[f"{name}_solution"].metadata.nbgrader
            assert (test.grade, test.solution, test.locked, test.points) == (True, False, True, exercise.points)
            assert (solution.grade, solution.solution, solution.locked) == (False, True, False)
            assert "raises-exception" in cells[name].metadata.tags

    def test_a_written_answer_is_graded_by_hand(self):
        mark = marks(source("soft_thresholding"))["where_the_kink_holds"].metadata.nbgrader
        assert (mark.grade, mark.solution, mark.points, mark.cell_type) == (True, True, 5, "markdown")

    def test_ids_are_names_and_a_new_cell_changes_no_other(self, changed):
        before = [cell.id for cell in source("soft_thresholding").cells]
        after = [cell.id for cell in source("soft_thresholding", changed("## 2.", "A new cell.\n\n+++\n\n## 2.")).cells]
        assert {"setup", "soft_threshold", "soft_threshold_solution"} <= {*before}
        assert len({*before}) == len(before)
        assert [name for name in after if name in before] == before
        assert len(after) == len(before) + 1

    def test_links_lead_to_the_book(self, monkeypatch, tmp_path):
        monkeypatch.setattr(masters, "ROOT", tmp_path)
        for baseurl, expected in (("https://book.example/", "https://book.example/"), ("", "http://localhost:8000/")):
            (tmp_path / "_config.yml").write_text(yaml.safe_dump({"html": {"baseurl": baseurl}}))
            texts = "".join(cell.source for cell in source("soft_thresholding").cells)
            assert f"]({expected}chapters/soft_thresholding.html" in texts
            assert "book:" not in texts

    def test_nothing_but_nbgraders_marks_is_left_in_the_metadata(self):
        keys = {key for cell in source("soft_thresholding").cells for key in cell.metadata}
        assert keys == {"nbgrader", "tags"}
        assert {*source("soft_thresholding").metadata} == {"kernelspec"}


class TestInstructorsOwn:
    def test_a_test_without_checks_has_the_points_that_stand_there(self, changed):
        own = "## Own (3 points)\n\n```{code-cell} ipython3\n:examples: own\n:points: 3\nassert True\n```\n\n## 2."
        mark = marks(source("soft_thresholding", changed("## 2.", own)))["own"].metadata.nbgrader
        assert (mark.grade, mark.points) == (True, 3)

    def test_an_assignment_may_have_no_checks_at_all(self, tmp_path):
        header = TEXT.partition("# Soft")[0]
        (tmp_path / "mine.md").write_text(
            header + "# Mine\n\n```{code-cell} ipython3\n:examples: own\n:points: 3\nassert True\n```\n"
        )
        assert marks(source("mine", tmp_path))["own"].metadata.nbgrader.points == 3


REFUSED = {
    "other points in the heading": (
        "(10 points)",
        "(99 points)",
        "promises 99 points for soft_threshold, which has 10",
    ),
    "no header": (TEXT.partition("# Soft")[0], "", "has no jupytext header"),
    "an answer without points": (', "points": 5}', "}", "the answer `where_the_kink_holds` has no points"),
    "text after an answer": ("### END SOLUTION\n\n+++\n", "### END SOLUTION\n", "text follows the answer"),
    "checks without a cell": (":examples: soft_threshold\n", "", "has no cell `:examples: soft_threshold`"),
    "a test of nothing": (":examples: soft_threshold\n", ":examples: nothing\n", "`nothing` has neither checks nor"),
}


@pytest.mark.parametrize(("old", "new", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line(changed, old, new, said):
    with pytest.raises(GraderError, match=re.escape(said)) as refusal:
        source("soft_thresholding", changed(old, new))
    assert "\n" not in str(refusal.value)


def test_an_assignment_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "adamw.md").write_text("")
    with pytest.raises(GraderError, match=r"there is no .*nowhere\.md: write it, or name one of adamw"):
        source("nowhere", tmp_path)


def test_solutions_and_examples_by_name():
    assert list(solution_code("soft_thresholding"))[:2] == ["l1_subgradient", "soft_threshold"]
    assert list(example_code("soft_thresholding")) == list(exercises("soft_thresholding"))
    assert "BEGIN SOLUTION" in solution_code("soft_thresholding")["ista"]
