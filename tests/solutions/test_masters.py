"""Every assignment that is written: its checks prove themselves, its mutants die, its text keeps to the standard."""

import re

import jupytext
import pytest
from docutils.nodes import make_id
from hypothesis import given, settings

from autograder import mutate
from autograder.check import exercises
from autograder.feedback import QUICK
from autograder.masters import ROOT, SOLUTIONS, assignments, solution_code, source
from autograder.questions import as_student, failure
from autograder.selftest import selftest


@pytest.fixture(params=assignments())
def assignment(request):
    return request.param


def test_selftest_finds_nothing(assignment):
    assert selftest(assignment) == []


def ask_every_right_solution(exercise):
    """Every property, on public inputs."""

    @settings(QUICK, max_examples=40, derandomize=True)
    @given(exercise.public)
    def all_hold(call):
        for solution in exercise.solutions:
            students = as_student(exercise, solution.functions)
            for check in exercise.properties:
                error = failure(check, students, call)
                assert error is None, f"{solution.name} fails {check.name}: {call.text(exercise.name)}"

    all_hold()


def test_no_right_solution_fails_on_a_public_input(assignment):
    """Or a student might be shown an example of a mistake that is none."""
    for exercise in exercises(assignment).values():
        ask_every_right_solution(exercise)


def test_mutants_lose_points_or_are_listed(assignment, capsys):
    assert mutate.main([assignment]) == 0, capsys.readouterr().out


def test_every_function_of_an_exercise_is_mutated(assignment):
    for exercise in exercises(assignment).values():
        made = mutate.mutants_of(exercise, solution_code(assignment))
        assert {mutant.function for mutant in made} >= {*exercise.names}


def test_more_than_98_of_100_mutants_lose_points():
    made = [each for name in assignments() for each in mutate.mutate(name).values()]
    survivors = sum(len(survived) for _, survived in made)
    assert survivors < 0.02 * sum(number for number, _ in made)


def test_two_answers_are_graded_by_hand(assignment):
    cells = [cell for cell in jupytext.read(SOLUTIONS / f"{assignment}.md").cells if "answer" in cell.metadata]
    assert len(cells) == 2
    assert all("Rubric:" in cell.source for cell in cells)


def test_every_exercise_has_a_link_an_example_by_hand_and_its_points(assignment):
    text = (SOLUTIONS / f"{assignment}.md").read_text()
    sections = dict(re.findall(r"^## \d+\. `(\w+)` \(\d+ points\)$(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert list(sections) == list(exercises(assignment))
    for section in sections.values():
        assert f"(book:chapters/{assignment}.html#" in section
        assert "By hand" in section


def anchors(page):
    """Sphinx's anchors of a chapter's headings, from its text; cells and directives are left out."""
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1$", "", (ROOT / page).with_suffix(".md").read_text(), flags=re.M | re.S)
    return {make_id(re.sub(r"[`$]", "", title)) for title in re.findall(r"^#+ +(.+)$", text, re.M)}


def test_every_link_into_the_book_leads_to_a_heading(assignment):
    links = re.findall(r"\(book:([\w/]+)\.html#?([^)]*)\)", (SOLUTIONS / f"{assignment}.md").read_text())
    wrong = [(page, anchor) for page, anchor in links if anchor and anchor not in anchors(page)]
    assert links
    assert not wrong


def test_students_need_nothing_of_ours(assignment):
    for cell in source(assignment).cells:
        imported = re.findall(r"^\s*(?:import|from) (\w+)", cell.source, re.M) if cell.cell_type == "code" else []
        assert {*imported} <= {"numpy", "matplotlib", "torch"}
