"""The page's script in a browser: from a file, without a network."""

import re
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe

from explore.page import without_tables
from tests.explore.conftest import write_page
from tests.explore.figures import FIGURES, drawing_of
from tests.explore.reading import seen

READY = "[...document.querySelectorAll('.explore-controls')].every(controls => !controls.hidden)"
FOCUSED = """(() => {
    const figure = document.activeElement.closest(".explore");
    return figure ? `${figure.id} ${document.activeElement.id || document.activeElement.className}` : "";
})()"""
SVG = "figure => new XMLSerializer().serializeToString(figure.querySelector('svg'))"


@pytest.fixture
def opened(visit, figures_page):
    def open_figures(query="", **options):
        page = visit(figures_page + query, **options)
        page.wait_for_function(READY)
        return page

    return open_figures


def figure(page, name):
    return page.locator(f"#explore-{name}")


def picture(page, name):
    source = figure(page, name).evaluate(SVG).replace('xmlns="http://www.w3.org/2000/svg"', "")
    return seen(ElementTree.fromstring(source))


def arrived(page, name):
    """Comes near the figure, as a hand would, and waits for its table."""
    if figure(page, name).get_attribute("aria-busy") is None:
        figure(page, name).locator("figcaption").hover()
    page.wait_for_selector(f"#explore-{name}[aria-busy=false]")


def shows(page, name, *position):
    """The page shows, in picture and words, what Python draws at the position."""
    arrived(page, name)
    drawing = drawing_of(name)
    frame = drawing.frame(position)
    alt = FIGURES[name][1]
    assert figure(page, name).locator("figcaption").inner_text() == frame.caption
    assert figure(page, name).locator("svg").get_attribute("aria-label") == f"{alt}. {frame.caption}"
    assert picture(page, name) == seen(frame.svg)


def slider(page, name, control):
    return page.locator(f"#explore-{name}-{control}")


@pytest.mark.parametrize("name", FIGURES)
def test_every_frame_is_what_python_draws(opened, name):
    page = opened()
    arrived(page, name)
    drawing = drawing_of(name)
    # Forwards and backwards: what a frame leaves behind must not show in the next.
    for position in [*drawing.positions, *drawing.positions[::-3]]:
        for control, index in zip(drawing.controls, position, strict=True):
            slider(page, name, control.name).evaluate(
                """(input, index) => {
                    if (input.type === "checkbox") input.checked = index === 1;
                    else if (input.type === "range") input.value = index;
                    else input.selectedIndex = index;
                    input.dispatchEvent(new Event("input", { bubbles: true }));
                }""",
                index,
            )
        frame = drawing.frame(position)
        assert picture(page, name) == seen(frame.svg), position
        assert figure(page, name).locator("figcaption").inner_text() == frame.caption


class TestHands:
    def test_the_start_is_shown_first(self, opened):
        page = opened()
        for name in FIGURES:
            shows(page, name, *drawing_of(name).start)

    def test_a_slider_is_dragged_with_the_mouse(self, opened):
        page = opened()
        handle = slider(page, "ridge", "lam")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2, steps=20)
        shows(page, "ridge", 16)
        page.mouse.up()
        assert handle.get_attribute("aria-valuetext") == "100"
        assert "ridge λ = 100" in figure(page, "ridge").inner_text()

    def test_a_slider_is_moved_with_keys(self, opened):
        page = opened()
        slider(page, "ridge", "lam").focus()
        page.keyboard.press("ArrowRight")
        shows(page, "ridge", 9)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        shows(page, "ridge", 7)
        page.keyboard.press("End")
        shows(page, "ridge", 16)
        page.keyboard.press("Home")
        shows(page, "ridge", 0)

    def test_a_menu_and_a_box(self, opened):
        page = opened()
        slider(page, "wave", "shape").select_option("square")
        shows(page, "wave", 1, 1, 0)
        slider(page, "wave", "envelope").focus()
        page.keyboard.press("Space")
        shows(page, "wave", 1, 1, 1)
        slider(page, "wave", "shape").focus()
        page.keyboard.press("ArrowUp")
        shows(page, "wave", 1, 0, 1)

    def test_figures_do_not_move_each_other(self, opened):
        page = opened()
        slider(page, "bars", "k").fill("1")
        shows(page, "bars", 1, 0)
        for name in ("ridge", "wave", "play"):
            shows(page, name, *drawing_of(name).start)

    def test_reset(self, opened):
        page = opened()
        slider(page, "wave", "w").fill("5")
        slider(page, "wave", "envelope").check()
        figure(page, "wave").get_by_role("button", name="Reset").click()
        shows(page, "wave", 1, 0, 0)
        assert slider(page, "wave", "w").input_value() == "1"
        assert not slider(page, "wave", "envelope").is_checked()

    def test_tab_reaches_every_control_and_each_has_a_name(self, opened):
        page = opened()
        wanted = page.eval_on_selector_all(".explore :is(input, select, button)", "all => all.length")
        reached = set()
        for _ in range(wanted + 2):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(FOCUSED))
        assert len(reached - {""}) == wanted
        for name, _, _, controls in FIGURES.values():
            for key, widget in controls().items():
                label = widget.description or key
                assert figure(page, name.__name__).get_by_label(label, exact=True).count() == 1

    def test_nothing_is_too_small_for_a_finger(self, opened):
        page = opened()
        for box in page.locator(".explore :is(input, select, button)").all():
            size = box.bounding_box()
            assert size["width"] >= 24
            assert size["height"] >= 24


def stop_the_clock(page):
    page.clock.install(time=0)
    page.clock.pause_at(3_600_000)


class TestPlay:
    def test_it_plays_to_the_end_and_stops(self, opened):
        page = opened()
        button = figure(page, "play").locator(".explore-play")
        words = figure(page, "play").locator("figcaption")
        stop_the_clock(page)
        button.click()
        shows(page, "play", 4)
        assert button.inner_text() == "Pause"
        assert words.get_attribute("aria-live") == "off"
        page.clock.run_for(900)
        shows(page, "play", 6)
        page.clock.run_for(10_000)
        shows(page, "play", 12)
        assert button.inner_text() == "Play"
        assert words.get_attribute("aria-live") == "polite"
        button.click()
        shows(page, "play", 0)

    def test_it_pauses(self, opened):
        page = opened()
        stop_the_clock(page)
        button = figure(page, "play").locator(".explore-play")
        button.click()
        button.click()
        page.clock.run_for(10_000)
        shows(page, "play", 4)
        assert button.inner_text() == "Play"

    @pytest.mark.parametrize("action", ["move", "reset"])
    def test_a_hand_stops_it(self, opened, action):
        page = opened()
        stop_the_clock(page)
        figure(page, "play").locator(".explore-play").click()
        if action == "move":
            slider(page, "play", "t").fill("9")
        else:
            figure(page, "play").locator(".explore-reset").click()
        page.clock.run_for(10_000)
        shows(page, "play", 9 if action == "move" else 3)

    def test_who_wants_no_motion_gets_single_steps(self, opened):
        page = opened(reduced_motion="reduce")
        button = figure(page, "play").locator(".explore-play")
        assert button.inner_text() == "Step"
        stop_the_clock(page)
        button.click()
        page.clock.run_for(10_000)
        shows(page, "play", 4)


class TestAddress:
    def test_a_position_is_in_the_address_and_comes_back(self, opened, visit):
        page = opened("?kept=1#wave")
        slider(page, "ridge", "lam").fill("10")
        slider(page, "wave", "shape").select_option("square")
        page.wait_for_url(re.compile("wave.shape"))
        address = page.url
        assert "?kept=1&ridge.lam=0.1&wave.shape=square#wave" in address
        other = visit(address)
        other.wait_for_function(READY)
        shows(other, "ridge", 10)
        shows(other, "wave", 1, 1, 0)
        assert slider(other, "wave", "shape").input_value() == "square"
        assert slider(other, "ridge", "lam").get_attribute("aria-valuetext") == "0.1"
        shows(other, "bars", 4, 0)

    def test_what_is_back_at_its_start_leaves_the_address(self, opened):
        page = opened("?kept=1&ridge.lam=0.1#wave")
        shows(page, "ridge", 10)
        figure(page, "ridge").locator(".explore-reset").click()
        page.wait_for_url(re.compile(r"\?kept=1#wave$"))

    def test_labels_that_mean_nothing_leave_the_start(self, opened):
        page = opened("?ridge.lam=0.12345&ridge.nothing=1&bars.share=%3Cb%3E&wave.envelope=yes")
        shows(page, "ridge", 8)
        shows(page, "bars", 4, 0)
        shows(page, "wave", 1, 0, 1)

    def test_anchors_still_work_and_keep_the_position(self, opened):
        page = opened("?ridge.lam=0.1")
        page.get_by_role("link", name="To the last").click()
        assert page.url.endswith("?ridge.lam=0.1#play")
        assert page.evaluate("scrollY") > 500
        shows(page, "ridge", 10)

    def test_moving_leaves_no_trail_in_the_history(self, opened):
        page = opened()
        before = page.evaluate("history.length")
        for index in range(5):
            slider(page, "ridge", "lam").fill(str(index))
        page.wait_for_url(re.compile("ridge.lam"))
        assert page.evaluate("history.length") == before


class TestWithoutAScript:
    def test_the_picture_stands_still_and_says_so(self, visit, figures_page):
        page = visit(figures_page, java_script_enabled=False)
        assert page.locator(".explore svg").first.is_visible()
        assert not page.locator(".explore-controls").first.is_visible()
        words = page.locator("#explore-ridge noscript p")
        assert words.inner_text() == "Without JavaScript this picture stands still at ridge λ = 0.01."
        assert words.is_visible()
        assert page.locator("#explore-ridge figcaption").inner_text().startswith("λ = 0.01")

    def test_a_browser_that_cannot_unpack_shows_no_dead_controls(self, visit, figures_page):
        page = visit(figures_page, script="delete window.DecompressionStream")
        page.wait_for_selector("#explore-play .explore-controls", state="hidden")
        assert page.locator(".explore svg").first.is_visible()

    def test_room_is_kept_so_that_the_page_does_not_jump(self, opened, visit, tmp_path):
        address = write_page(tmp_path)
        (tmp_path / "explore.js").write_text("")
        waiting = visit(address)
        assert not waiting.evaluate(READY)
        top = "document.querySelector('#explore-play').offsetTop"
        assert waiting.evaluate(top) == opened().evaluate(top) > 0


class TestTables:
    """What the positions look like comes when it is needed, from a file beside the page."""

    HELD = "window.held = []; document.head.append = (script) => held.push(script)"
    LET_GO = "held.splice(0).forEach((script) => document.head.appendChild(script))"

    @pytest.mark.parametrize("near", ["hover", "focus"])
    def test_a_figure_asks_for_it_when_a_hand_is_near(self, opened, near):
        page = opened()
        page.mouse.wheel(0, 10_000)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("typeof window.exploreTables") == "undefined"
        getattr(slider(page, "play", "t"), near)()
        page.wait_for_selector("#explore-play[aria-busy=false]")
        assert page.evaluate("Object.keys(window.exploreTables)") == ["play"]

    def test_a_move_made_before_it_came_is_caught_up_with(self, visit, figures_page):
        page = visit(figures_page, script=f"addEventListener('DOMContentLoaded', () => {{ {self.HELD} }})")
        slider(page, "ridge", "lam").fill("3")
        slider(page, "ridge", "lam").fill("12")
        assert slider(page, "ridge", "lam").get_attribute("aria-valuetext") == "1"
        assert "ridge λ = 1" in figure(page, "ridge").inner_text()
        assert picture(page, "ridge") == seen(drawing_of("ridge").frame((8,)).svg)
        page.wait_for_url(re.compile(r"ridge\.lam=1$"))
        page.evaluate(self.LET_GO)
        shows(page, "ridge", 12)

    def test_a_table_that_does_not_come_is_said_and_asked_for_again(self, visit, tmp_path):
        address = write_page(tmp_path)
        table = tmp_path / "tables" / "ridge.js"
        table.rename(tmp_path / "away.js")
        page = visit(address)
        arrived(page, "ridge")  # in vain
        words = figure(page, "ridge").locator("figcaption")
        assert words.inner_text() == drawing_of("ridge").frame((8,)).caption  # it shows what it says
        slider(page, "ridge", "lam").fill("10")
        page.wait_for_selector("#explore-ridge[aria-busy=false]")
        assert words.inner_text() == "This position could not be fetched. Move the figure to try again."
        (tmp_path / "away.js").rename(table)
        slider(page, "ridge", "lam").fill("12")
        shows(page, "ridge", 12)
        assert all("ERR_FILE_NOT_FOUND" in message for message in page.said)  # the browser's own
        page.said.clear()

    def test_its_address_changes_with_what_it_holds(self, tmp_path):
        def address(table):
            tag = f'<script type="text/plain" class="explore-table" data-name="a">{table}</script>'
            return without_tables(tag, tmp_path, lambda file: file)

        assert address("one") == address("one") != address("two")


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_and_axe_finds_nothing(opened, width, scheme):
    page = opened(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "preload": False}
    )
    assert found.violations_count == 0, found.generate_report()
