"""The pages that students get back: whole without a network, with the mathematics drawn by the browser itself."""

import re

import pytest

from autograder import batch, page, steps
from autograder.assignment import load
from autograder.gradebook import Book
from tests.autograder.small_course import NAME, RIGHT, OpenSandbox, notebook_of, submit

WHY = (
    "Because $a<b$,\n\n$$\\begin{aligned}x &= \\frac{1}{2}\\\\ y &= \\boldsymbol{w}\\end{aligned}$$\n\n"
    "`$code$` and $\\no{$."
)
HOSTILE = [
    "\\mmlToken{mi}[href=\"javascript:document.title='HIT'\"]{x}",
    "\\href{javascript:document.title='HIT'}{x}",
    "\\style{position:fixed}{x}",
    "</math><script>document.title='HIT'</script>",
    "\\text{</mtext></math><img src=x onerror=\"document.title='HIT'\">}",
    "\\def\\a{\\a\\a}\\a",
    "{" * 5000,
]


@pytest.fixture
def feedback(course):
    """The page of a submission."""
    submit(
        course, "ada", notebook_of(course, **{**RIGHT, "mean_solution": "def mean(x):\n    return 0", "derive": WHY})
    )
    with Book(course) as book:
        assignment = load(course, book, NAME)
        list(batch.run(course, assignment, ["ada"], book.writer(NAME), OpenSandbox))
    assert steps.feedback(course, NAME, ["ada"], force=False, step=lambda student: None) == []
    return course.folder("feedback", "ada", NAME) / f"{NAME}.html"


def test_it_asks_no_host_runs_no_script_and_draws_its_mathematics(feedback, launch):
    text = feedback.read_text()
    assert "Score: 3.0 / 9.0" in text
    assert not re.search(r"<script|cdnjs|@import|(src|href)=.https?:", text)
    assert "<code>$code$</code>" in text
    assert "<code>\\no{</code>" in text  # what is no TeX stands there as it was written
    asked = []
    browser = launch()
    opened = browser.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(feedback.as_uri())
    assert asked == [feedback.as_uri()]
    formulas = opened.locator("math")
    assert formulas.count() == 2
    width = [formulas.nth(i).evaluate("each => each.getBoundingClientRect().width") for i in range(2)]
    heights = [formulas.nth(i).evaluate("each => each.getBoundingClientRect().height") for i in range(2)]
    browser.close()
    assert min(width) > 10
    assert heights[1] > 2 * heights[0] > 0  # two rows, and a fraction


@pytest.mark.parametrize("tex", HOSTILE, ids=lambda tex: tex[:12])
def test_hostile_mathematics_is_text(tex):
    made = page.mathml(tex, display=False)
    assert not re.search(r"<(?:script|img)|javascript:[^<]*\"|style=|href=", made)


def test_a_typesetter_that_dies_costs_one_formula():
    page._typesetter()._process.kill()
    page._typesetter()._process.wait()
    assert page.mathml("x^{77}", display=False) == "<code>x^{77}</code>"
    assert page.mathml("x^{78}", display=False).startswith("<math")
