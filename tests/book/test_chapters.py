"""Every chapter that is written has all its parts, in the order that CURRICULUM and the reader expect."""

import re

import pytest

from tests.book.conftest import ROOT
from tests.curriculum import CHAPTERS

WRITTEN = [name for name in CHAPTERS if (ROOT / "chapters" / f"{name}.md").is_file()]
AFTER_THE_QUESTION = [
    "Derivation", "Implementation", "Figures to drag", "The same in torch", "Experiment", "Pitfalls",
    "Worked examples", "Quiz", "Practice problems", "Assignment", "Key terms", "References",
]  # fmt: skip


@pytest.fixture(params=WRITTEN)
def name(request):
    return request.param


@pytest.fixture
def chapter(name):
    return (ROOT / "chapters" / f"{name}.md").read_text()


@pytest.fixture
def section(chapter):
    """By its heading's first words, the text of a section."""
    _, *sections = re.split(r"^## ", chapter, flags=re.MULTILINE)
    texts = dict(each.split("\n", 1) for each in sections)
    return lambda start: next(text for heading, text in texts.items() if heading.startswith(start))


def test_parts_in_order(chapter):
    question, *others = re.findall(r"^## (.*)$", chapter, re.MULTILINE)
    assert question.endswith("?")
    assert len(others) == len(AFTER_THE_QUESTION)
    for heading, start in zip(others, AFTER_THE_QUESTION, strict=True):
        assert heading.startswith(start)


def test_says_what_it_gives_and_needs(chapter):
    assert "**What you will be able to do.**" in chapter
    assert "**What you need.**" in chapter


def test_a_figure_to_drag_before_any_formula(chapter):
    before = chapter[: chapter.index("## Derivation")]
    assert before.count("@explore(") == 1
    assert "$$" not in before


def test_two_more_figures_to_drag(chapter, section):
    assert section("Figures to drag").count("@explore(") >= 2


def test_a_convention_box(section):
    assert ":::{admonition} Conventions" in section("Derivation")


def test_the_experiment_has_error_bars_over_ten_seeds(name, section):
    text = section("Experiment")
    assert re.search(r"\b(ten|Ten|twenty|Twenty)\b.*\bseeds?\b", text) or name == "adamw"  # a grid; three seeds suffice
    assert "yerr" in text or name == "adamw"


def test_each_pitfall_has_wrong_code_and_its_symptom(section):
    pitfalls = re.split(r"\n(?=\*\*)", section("Pitfalls").strip())
    assert len(pitfalls) >= 5
    for pitfall in pitfalls:
        assert "```python" in pitfall, pitfall
        assert "*Symptom:*" in pitfall, pitfall


def test_examples_and_problems_with_folded_solutions(section):
    assert section("Worked examples").count(":::{dropdown} Example ") >= 3
    assert len(re.findall(r"^:::\{dropdown\} \d", section("Practice problems"), re.MULTILINE)) >= 6


def test_six_questions_and_reasons_that_say_more_than_the_verdict(section):
    questions = section("Quiz").split("{quiz}")[1:]
    assert len(questions) >= 6
    for question in questions:
        choices = re.split(r"^- \[[x ]\] ", question, flags=re.MULTILINE)[1:]
        assert len(choices) >= 3
        for choice in choices:
            reason = choice.split("\n\n", 1)[1].strip(" :\n")
            assert not re.match(r"(right|yes|wrong)\b", reason, re.IGNORECASE), reason
            assert len(reason.split()) >= 3 or "$" in reason, reason


def test_references_can_be_found(name):
    entries = re.split(r"\n(?=@)", (ROOT / "chapters" / "references" / f"{name}.bib").read_text().strip())
    for entry in entries:
        assert re.search(r"^\s*(doi = |url = |note = \{(arXiv:|no DOI))", entry, re.MULTILINE), entry
