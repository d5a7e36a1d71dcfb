"""The report: its numbers, one file that asks nobody for anything, and readable on a phone."""

import json
import re
from dataclasses import asdict

import pytest

from autograder import report
from autograder.check import judge
from autograder.course import Course
from autograder.errors import GraderError
from tests.autograder import sample

SEED = 5


def record(student, function, seconds=0.1, **others):
    """A verdict file on the sample exercise."""
    found = asdict(judge(sample.shrink, {} if function is None else {"shrink": function}, SEED))
    notebook = {"reason": None, "repairs": [], "stopped": [], "verdicts": [found], "grades": {}, "comments": {}}
    return {
        "student": student,
        "assignment": "sample",
        "version": "v1",
        "environment": {"python": "3.11"},
        "unconfined": False,
        "notes": [],
        "seconds": seconds,
        "notebooks": {"sample": {**notebook, **others}},
    }


def unread(student):
    """As the grader writes it of a file that is no notebook."""
    made = record(student, None, reason="it is not JSON")
    nothing = {"name": "tests", "words": "The tests of this cell pass.", "points": 8, "passed": False}
    made["notebooks"]["sample"]["verdicts"][0] |= {"properties": [nothing], "cause": "unreadable", "score": 0.0}
    return made


@pytest.fixture(scope="module")
def verdicts():
    return [
        record("ada", sample.right, 0.03),
        record("bob", sample.forgets_the_sign, 0.05, repairs=["a cell was missing"]),
        record("cyd", sample.forgets_the_sign, 3.0),
        record("<b>eve</b>", lambda x, lam: 0 * x, 0.03, stopped=["the cell own-0 was stopped: time"]),
        unread("otto"),
    ]


def test_the_numbers(verdicts):
    (exercise,) = report.exercises(verdicts)
    scores = [each["notebooks"]["sample"]["verdicts"][0]["score"] for each in verdicts]
    assert exercise.name == "shrink"
    assert exercise.full == 1 / 5
    assert exercise.mean == pytest.approx(sum(scores) / 5)
    by_words = {each.words: each.failed for each in exercise.properties}
    assert by_words["Entries move towards zero by lam, and stop there."] == pytest.approx(4 / 5)
    assert by_words["Entries within lam become zero."] == pytest.approx(2 / 5)  # of the constant zero, and of no file
    assert "The tests of this cell pass." not in by_words
    assert exercise.mistakes == [("This is positive everywhere.", 2)]
    assert exercise.causes == [("unreadable", 1)]


@pytest.mark.parametrize(
    ("scores", "counts"),
    [([0, 0, 1], [3, *[0] * 9]), ([10, 9.9], [*[0] * 9, 2]), ([1.999, 2, 5], [0, 1, 1, 0, 0, 1, 0, 0, 0, 0])],
)
def test_every_score_is_in_one_bar(scores, counts):
    lines = [report.Line("s", score, 20.0 / 2 if score < 10 else 10.0) for score in scores]
    expected = [0] * 10
    for score in scores:
        expected[min(int(score), 9)] += 1
    found = [bar.count for bar in report.score_bars(lines)]
    assert sum(found) == len(scores)
    assert found == expected


def test_every_time_is_in_one_bar():
    bars = report.time_bars([0.0, 0.01, 0.03, 0.05, 500.0])
    assert sum(bar.count for bar in bars) == 5
    assert bars[0].start == "0"
    assert bars[-1].start == "81.92"
    assert report.time_bars([0.03])[0].start == "0.02"


def test_the_page_says_all_of_it(verdicts):
    text = " ".join(report.page("sample", verdicts).split())
    assert "5 submissions. Of 8 points that are given without a hand: mean" in text
    assert "Longest: cyd 3.0 s" in text
    assert "Mistakes that were recognised:" in text
    assert "sample.ipynb was not graded: it is not JSON" in text
    assert "the cell own-0 was stopped: time" in text
    assert "a cell was missing" in text
    assert "Not judged to the end: unreadable (1)." in text


def test_a_students_name_is_text(verdicts):
    page = report.page("sample", verdicts)
    assert "&lt;b&gt;eve" in page
    assert "<b>" not in page


@pytest.mark.parametrize("width", [360, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_it_asks_nobody_and_fits(verdicts, launch, tmp_path, width, scheme):
    path = tmp_path / "report.html"
    path.write_text(report.page("sample", verdicts))
    asked = []
    browser = launch()
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    smallest = page.evaluate(
        """Math.min(...[...document.querySelectorAll('svg text')].map(each =>
            each.getBoundingClientRect().height))"""
    )
    assert smallest >= 11  # pixels of a line: what a phone shows can be read
    colours = page.evaluate("(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))")
    ink, ground = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert abs(ink - ground) > 450
    assert (ink < ground) == (scheme == "light")
    assert page.locator("svg[role=img]").count() == 2
    assert len(re.findall(r"to [\d.]+ points: \d", page.locator("svg").first.get_attribute("aria-label"))) == 10
    browser.close()


def test_a_verdict_file_that_was_cut_off_is_left_out(verdicts, tmp_path):
    folder = tmp_path / "verdicts" / "sample"
    folder.mkdir(parents=True)
    (folder / "ada.json").write_text(json.dumps(verdicts[0]))
    (folder / "bob.json").write_text(json.dumps(verdicts[1])[:100])
    assert [each["student"] for each in report.records(Course(tmp_path), "sample")] == ["ada"]
    (folder / "ada.json").unlink()
    with pytest.raises(GraderError, match="no verdict on sample"):
        report.records(Course(tmp_path), "sample")
