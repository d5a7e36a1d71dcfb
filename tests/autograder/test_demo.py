"""The demo: a class of 40 is made up, graded and reported, and nobody gets what was not earned."""

import json
import subprocess
import sys

import pytest

from autograder import demo
from autograder.errors import GraderError
from tests.autograder.test_command_line import on_path


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """Its folder, and what `autograder demo` said."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    command = [sys.executable, "-m", "autograder", "demo", "--folder", str(folder)]
    no_browser = {**on_path(), "BROWSER": "true"}
    done = subprocess.run(command, env=no_browser, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def scores(toured):
    """By what was handed in, the scores."""
    folder, said = toured
    kinds = dict(line.strip().split(": ", 1) for line in said.split("\n")[1 : demo.CLASS + 1])
    found = {}
    for student, kind in kinds.items():
        verdict = json.loads((folder / f"course/verdicts/{demo.ASSIGNMENT}/{student}.json").read_text())
        (notebook,) = verdict["notebooks"].values()
        score = sum(each["score"] for each in notebook["verdicts"])
        found.setdefault(kind, []).append((score, sum(each["max_score"] for each in notebook["verdicts"]), notebook))
    return found


def test_a_class_of_forty(scores):
    assert sum(map(len, scores.values())) == demo.CLASS
    kinds = [kind.split(":")[0] for kind in scores]
    assert min(kinds.count("wrong"), kinds.count("hostile"), len(scores["lazy"]), len(scores["right"])) >= 4


def test_right_ones_have_full_marks_and_no_other(scores):
    for kind, found in scores.items():
        for score, top, _ in found:
            assert (score == top) == (kind in ("right", "hostile: script in an answer")), kind


def test_each_named_mistake_is_recognised(scores):
    for kind, found in scores.items():
        if kind.startswith("wrong: "):
            recognised = [mistake["name"] for each in found[0][2]["verdicts"] for mistake in each["mistakes"]]
            assert sorted(recognised) == sorted(kind.removeprefix("wrong: ").split(", "))


def test_the_summary_and_the_report(toured):
    folder, said = toured
    assert "autograder grade soft_thresholding" in said
    assert "look at these:" in said
    assert f"the report: {folder}/soft_thresholding-report.html" in said
    page = (folder / "soft_thresholding-report.html").read_text()
    assert f"{demo.CLASS} submissions." in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_demo_is_replaced_and_nothing_else_is(toured, tmp_path):
    folder, _ = toured
    (folder / "course" / "left").touch()
    demo.prepare(folder)
    assert [path.name for path in folder.iterdir()] == ["nbgrader_config.py"]
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(GraderError, match="something else than a demo"):
        demo.prepare(tmp_path)
    assert (tmp_path / "thesis.tex").exists()
