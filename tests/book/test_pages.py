"""Every page of the book, as a reader's browser sees it: light from a file, dark from a server, the network cut."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from book.pages import pages
from tests.book.conftest import ROOT
from tests.book.visit import NARROW, OVERFLOWING, STANDING, VISIBLE_SEARCHES, WIDE, unreached, visit

PAGES = [*pages(ROOT), "genindex", "search"]
WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "preload": False,  # it would fetch style sheets a second time, from the wrong folder
    "resultTypes": ["violations"],
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page(name, theme, site, served, browser):
    root = site.as_uri() if theme == "light" else served
    with visit(browser, root, name, theme) as (page, wrong):
        assert page.locator("html").get_attribute("data-theme") == theme
        # What a reader can open is looked at as well.
        page.evaluate("document.querySelectorAll('details').forEach((node) => (node.open = true))")
        for button in page.locator(".toggle-button").all():
            button.click()
        wrong += page.evaluate(STANDING)
        wrong += [f"{page.evaluate(VISIBLE_SEARCHES)} search boxes"] * (page.evaluate(VISIBLE_SEARCHES) != 1)
        if theme == "light":
            wrong += [f"the keyboard does not reach {control}" for control in unreached(page)]
        page.set_viewport_size(NARROW)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        wrong += page.evaluate(OVERFLOWING)
        page.set_viewport_size(WIDE)
        page.wait_for_timeout(500)  # the theme looks for what scrolls, and lets it take the focus, 0.3 s after a resize
        wrong += violations(page)
    assert not wrong, "\n".join(wrong)


def test_a_first_visit_finds_nothing_kept_and_says_nothing_on_the_console(site, browser):
    context, said = browser.new_context(), []
    page = context.new_page()
    page.on("console", lambda message: message.type in ("error", "warning") and said.append(message.text))
    page.goto(f"{site.as_uri()}/{PAGES[0]}.html")
    assert page.locator("html").get_attribute("data-mode") == "auto"
    context.close()
    assert not said


def violations(page):
    # Typeset equations are most of a page's nodes, and hidden from assistive technology: MathML stands beside each.
    page.evaluate("document.querySelectorAll('mjx-math[aria-hidden=true]').forEach((node) => node.replaceChildren())")
    found = Axe().run(page, options=WCAG).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:150]} ({node['failureSummary'][:300]})"
        for rule in found
        for node in rule["nodes"]
    ]
