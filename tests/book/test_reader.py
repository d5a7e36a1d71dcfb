"""What a reader does on a page and finds again: quizzes, progress, search; from a file and served, the network cut."""

import re

import pytest

from book.pages import notebooks, pages
from tests.book.conftest import ROOT
from tests.book.visit import visit

CHAPTER = "chapters/adamw"
NOTE = ".bd-docs-nav li:has(> a[href$='{}']) > a .progress-note"

FULL = """
    const keep = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
        if (key === "regularization-course") throw new DOMException("full");
        keep.call(this, key, value);
    };
"""


@pytest.fixture(params=["light", "dark"])
def chapter(request, site, served, browser):
    """A chapter in a browser of its own, light from a file or dark from a server."""
    root = site.as_uri() if request.param == "light" else served
    with visit(browser, root, CHAPTER, request.param) as (page, wrong):
        yield page
    assert not wrong, "\n".join(wrong)


@pytest.fixture(params=["light", "dark"])
def kept(request, served, browser):
    """A chapter from a server: a browser promises to keep what is stored for one.

    For a file none does, and on a busy machine Chromium now and then forgets what was stored there.
    """
    with visit(browser, served, CHAPTER, request.param) as (page, wrong):
        yield page
    assert not wrong, "\n".join(wrong)


def choice(page, kind, quiz=0):
    return page.locator(".quiz").nth(quiz).locator(f".quiz-{kind}").first


def has(page, what):
    """Whether `what` becomes true in the page that is loading."""
    page.wait_for_load_state("networkidle")
    return page.evaluate(what)


class TestQuiz:
    def test_a_click_shows_the_verdict_and_the_reason_of_that_choice_alone(self, chapter):
        for kind, verdict in [("wrong", "Not this one."), ("right", "Right.")]:
            picked = choice(chapter, kind)
            reason = picked.locator(".quiz-reason")
            assert not reason.is_visible()
            picked.locator("summary").click()
            assert reason.is_visible()
            assert picked.locator(".quiz-verdict").inner_text() == verdict
            assert len(reason.inner_text()) > len(verdict) + 20
        assert chapter.locator(".quiz").first.locator("[open]").count() == 2

    def test_a_key_does_the_same(self, chapter):
        picked = choice(chapter, "right")
        picked.locator("summary").focus()
        for key, shown in [("Enter", True), ("Space", False), ("Space", True)]:
            chapter.keyboard.press(key)
            assert picked.locator(".quiz-reason").is_visible() == shown

    def test_the_verdict_is_seen_in_its_colour(self, chapter):
        edges = []
        for kind in ("right", "wrong"):
            choice(chapter, kind).locator("summary").click()
            edges.append(choice(chapter, kind).evaluate("choice => getComputedStyle(choice).borderTopColor"))
        assert edges[0] != edges[1]

    def test_the_choice_opened_last_is_open_again_after_a_reload_and_in_another_tab(self, kept):
        choice(kept, "wrong").locator("summary").click()
        choice(kept, "right").locator("summary").click()
        choice(kept, "wrong", 1).locator("summary").click()
        tab = kept.context.new_page()
        tab.goto(kept.url)
        kept.reload()
        for page in (kept, tab):
            assert has(page, "document.querySelectorAll('.quiz [open]').length === 2")
            assert choice(page, "right").get_attribute("open") is not None
            assert choice(page, "wrong", 1).get_attribute("open") is not None


class TestProgress:
    def test_what_was_read_and_answered_stands_in_the_table_of_contents_until_it_is_forgotten(self, kept):
        note = kept.locator(NOTE.format("#")).first
        forget = kept.get_by_role("button", name="Forget my progress")
        quizzes = kept.locator(".quiz").count()
        assert note.inner_text() == ""
        assert not forget.is_visible()

        choice(kept, "wrong").locator("summary").click()
        assert f"{1}/{quizzes}" in note.inner_text()
        assert "✓" not in note.inner_text()
        kept.locator(".prev-next-footer").scroll_into_view_if_needed()
        words = f"(read, 1 of {quizzes} quizzes answered)"
        kept.wait_for_function("words => document.querySelector('.bd-docs-nav').textContent.includes(words)", arg=words)

        kept.wait_for_load_state("networkidle")
        kept.locator(".prev-next-footer a").first.click()  # to the chapter before
        kept.wait_for_load_state("networkidle")
        assert CHAPTER not in kept.url
        assert has(kept, f"document.querySelector('.bd-docs-nav').textContent.includes('{words}')")
        note = kept.locator(NOTE.format("adamw.html")).first
        assert f"✓ 1/{quizzes}" in note.inner_text()

        forget.click()
        assert note.inner_text() == ""
        assert not forget.is_visible()
        kept.go_back()
        kept.wait_for_load_state("networkidle")
        assert kept.locator(".quiz [open]").count() == 0
        assert "answered" not in kept.locator(NOTE.format("#")).first.inner_text()

    def test_a_browser_that_keeps_nothing_still_answers(self, site, browser):
        with visit(browser, site.as_uri(), CHAPTER, "light") as (page, wrong):
            page.add_init_script(FULL)
            page.reload()
            choice(page, "right").locator("summary").click()
            assert choice(page, "right").locator(".quiz-reason").is_visible()
            assert "1/" in page.locator(NOTE.format("#")).first.inner_text()
        assert not wrong, "\n".join(wrong)


class TestSearch:
    def test_a_word_is_found(self, chapter):
        chapter.locator(".search-button__button:visible").first.click()
        chapter.keyboard.type("thresholding")
        chapter.keyboard.press("Enter")
        chapter.wait_for_url(re.compile(r"search\.html\?q=thresholding"))
        chapter.wait_for_selector("#search-results li a[href*='soft_thresholding.html']")
        chapter.locator("#search-results .search-summary", has_text="page").wait_for()  # written when all are found

    def test_a_word_that_is_nowhere_is_said_not_to_be_found(self, site, browser):
        with visit(browser, site.as_uri(), "search", "light") as (page, wrong):
            page.goto(page.url + "?q=xylophone")
            page.get_by_text("did not match any documents").wait_for()
        assert not wrong, "\n".join(wrong)


def test_the_first_screen_of_the_book_has_a_figure_to_drag(site, browser):
    with visit(browser, site.as_uri(), "chapters/index", "light") as (page, wrong):
        figure = page.locator("figure.explore").first
        before = figure.locator("figcaption").inner_text()
        slider = figure.locator("input").first.bounding_box()
        assert slider["y"] + slider["height"] < page.viewport_size["height"]
        middle = slider["y"] + slider["height"] / 2
        page.mouse.move(slider["x"] + slider["width"] / 4, middle)
        page.mouse.down()
        page.mouse.move(slider["x"] + slider["width"] - 1, middle, steps=5)
        page.mouse.up()
        page.wait_for_function(
            "before => document.querySelector('figure.explore figcaption').textContent !== before", arg=before
        )
        page.wait_for_url(re.compile(r"index\.html\?\w+\.\w+="))
    assert not wrong, "\n".join(wrong)


def test_without_a_script_everything_is_still_there_to_read(site, browser):
    with visit(browser, site.as_uri(), CHAPTER, "light", java_script_enabled=False) as (page, _):
        figure = page.locator("figure.explore").first
        assert figure.locator("svg").is_visible()
        assert figure.locator("figcaption").is_visible()
        assert not figure.locator(".explore-controls").is_visible()
        assert "this picture stands still at" in figure.locator("noscript").inner_text()
        equation = page.locator("div.math mjx-math").first
        assert equation.bounding_box()["width"] > 50
        choice(page, "right").locator("summary").click()
        assert choice(page, "right").locator(".quiz-reason").is_visible()


def test_every_notebook_says_how_long_it_ran(site):
    text = (site / "chapters/appendices/execution.html").read_text()
    table = re.search(r"<table.*?</table>", text, re.DOTALL)[0]
    seconds = re.findall(r"<td><p>(\d+\.\d)</p></td>", table)
    assert len(seconds) == table.count("<tr") - 1 == len(notebooks(ROOT, pages(ROOT)))
    assert all(float(number) > 0 for number in seconds)
    for package in ("numpy", "torch", "jupyter-book", "Python"):
        assert f">{package}<" in text
