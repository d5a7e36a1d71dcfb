"""The notebooks as nbgrader releases them: untouched they say what is to be done, solved they are silent."""

import io
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader.apps import NbGraderAPI
from nbgrader.validator import Validator
from traitlets.config import Config

from autograder.check import exercises
from autograder.masters import assignments, source, write_source
from tests.given_away import given_away


@pytest.fixture(scope="module", params=assignments())
def released(request, tmp_path_factory):
    """The path of a released notebook, made by nbgrader from the source that the master text gives."""
    course = tmp_path_factory.mktemp("course")
    write_source(request.param, course)
    config = Config()
    config.CourseDirectory.root = str(course)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course)
        # nbgrader calls `alembic` by name.
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        made = NbGraderAPI(config=config).generate_assignment(request.param)
    assert made["success"], made["log"]
    return course / "release" / request.param / f"{request.param}.ipynb"


# What a student's machine and Colab need not have is not there.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, *others):
        if name.split(".")[0] in ("autograder", "explore", "nbgrader", "regopt"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
"""


def run(notebook, folder):
    """The errors of every code cell, run from top to bottom: {grade id or cell id: traceback}."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT, id="without"))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return {
        cell.metadata.get("nbgrader", {}).get("grade_id", cell.id): "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    }


def test_untouched_it_says_what_is_to_be_done(released):
    notebook = nbformat.read(released, 4)
    errors = run(notebook, released.parent)
    names = {name for each in exercises(released.stem).values() for name in each.names}
    assert {*exercises(released.stem)} <= errors.keys()
    for text in errors.values():
        assert re.fullmatch(r"To do: write (.*)", text), "more than one line"
    assert {text.removeprefix("To do: write ") for text in errors.values()} <= names | {"this cell"}


def test_any_jupyter_and_colab_can_open_it(released):
    notebook = nbformat.read(released, nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.language == "python"
    assert {cell.cell_type for cell in notebook.cells} == {"code", "markdown"}
    assert not [cell.id for cell in notebook.cells if re.search(r"^\s*[%!]", cell.source, re.M)], (
        "IPython alone runs it"
    )
    assert released.stat().st_size < 100_000


def test_solved_it_is_silent(released):
    notebook = source(released.stem)
    assert run(notebook, released.parent) == {}
    shown = [output.output_type for cell in notebook.cells for output in cell.get("outputs", ())]
    assert "display_data" in shown, "the plot of the written question is not drawn"
    assert "stream" not in shown


def test_no_line_of_the_solutions_or_the_checks_is_released(released):
    assert given_away(released.stem, "\n".join(cell.source for cell in nbformat.read(released, 4).cells)) == []


def test_validate_names_what_is_missing(released):
    validator = Validator()
    validator.stream = io.StringIO()
    validator.validate_and_print(str(released))
    said = validator.stream.getvalue()
    for exercise in exercises(released.stem).values():
        assert any(f"To do: write {name}\n" in said for name in exercise.names)
