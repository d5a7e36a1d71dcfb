"""What lands in the gradebook and in autograded/ is what nbgrader itself would write, but for the verdicts."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from tests.autograder.small_course import NAME, RIGHT, notebook_of, open_course, submit

BIN = os.path.dirname(sys.executable)
STOCK = "c = get_config()\nc.CourseDirectory.root = 'course'\nc.CourseDirectory.course_id = 'test'\n"
OF_STUDENT = """
    join submitted_notebook n on n.id = x.notebook_id join submitted_assignment s on s.id = n.assignment_id
    join base_cell c on c.id = x.cell_id"""
TABLES = {
    "student": "select id, first_name, last_name, email, lms_user_id from student",
    "submission": "select student_id, timestamp, extension from submitted_assignment",
    "notebook": """select s.student_id, n.flagged, n.late_submission_penalty from submitted_notebook n
        join submitted_assignment s on s.id = n.assignment_id""",
    "grade": f"""select s.student_id, c.name, c.type, x.auto_score, x.manual_score, x.extra_credit,
        x.needs_manual_grade from grade x {OF_STUDENT}""",
    "comment": f"select s.student_id, c.name, c.type, x.auto_comment, x.manual_comment from comment x {OF_STUDENT}",
}


def run(folder, *command):
    environment = {**os.environ, "PATH": BIN + os.pathsep + os.environ["PATH"], "NBGRADER_EXECUTION": ""}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def rows(folder):
    with sqlite3.connect(folder / "course" / "gradebook.db") as connection:
        return {name: sorted(connection.execute(query), key=repr) for name, query in TABLES.items()}


def cells(folder, student):
    """The autograded cells, without what differs by nature: outputs, execution times, and kernels' counts."""
    path = folder / "course" / "autograded" / student / NAME / f"{NAME}.ipynb"
    found = json.loads(path.read_text())
    for cell in found["cells"]:
        cell["metadata"].pop("execution", None)
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    return found["cells"], found["metadata"]["kernelspec"], found["nbformat"], sorted(os.listdir(path.parent))


@pytest.fixture(scope="module")
def three_ways(made, tmp_path_factory):
    """The same submissions graded by stock nbgrader, by nbgrader with this grader in it, and by `autograder grade`."""
    folder = tmp_path_factory.mktemp("ways")
    shutil.copytree(made, folder / "grade")
    course = open_course(folder / "grade")
    submit(course, "ada")
    submit(course, "bob", notebook_of(course, **{**RIGHT, "double_solution": "def double(x):\n    return x"}))
    submit(course, "cyd", notebook_of(course, derive="YOUR ANSWER HERE"))
    assert course.seed > 0
    for way in ("stock", "plugin"):
        shutil.copytree(folder / "grade", folder / way)
    (folder / "stock" / "nbgrader_config.py").write_text(STOCK)
    answers = {
        "stock": run(folder / "stock", "nbgrader", "autograde", NAME),
        "plugin": run(folder / "plugin", "nbgrader", "autograde", NAME),
        "grade": run(folder / "grade", "autograder", "grade", NAME, "--jobs", "2"),
    }
    for way, answer in answers.items():
        assert answer.returncode == 0, f"{way}: {answer.stdout}{answer.stderr}"
    return folder


@pytest.mark.parametrize("way", ["plugin", "grade"])
@pytest.mark.parametrize("table", TABLES)
def test_the_gradebook(three_ways, way, table):
    assert rows(three_ways / way)[table] == rows(three_ways / "stock")[table]


@pytest.mark.parametrize("way", ["plugin", "grade"])
@pytest.mark.parametrize("student", ["ada", "bob", "cyd"])
def test_the_notebooks(three_ways, way, student):
    assert cells(three_ways / way, student) == cells(three_ways / "stock", student)


@pytest.mark.parametrize("student", ["ada", "bob", "cyd"])
def test_nbgrader_with_this_grader_in_it_writes_the_same_bytes(three_ways, student):
    path = f"course/autograded/{student}/{NAME}/{NAME}.ipynb"
    assert (three_ways / "plugin" / path).read_bytes() == (three_ways / "grade" / path).read_bytes()
    assert oct((three_ways / "plugin" / path).stat().st_mode) == oct((three_ways / "stock" / path).stat().st_mode)


def test_what_nbgrader_judged_needs_no_second_judging(three_ways):
    answer = run(three_ways / "plugin", "autograder", "grade", NAME, "--json")
    assert json.loads(answer.stdout)["judged"] == 0
