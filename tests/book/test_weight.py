"""What a reader's browser fetches, compressed: a first visit, and each page after it."""

import gzip
from urllib.parse import urlsplit

import pytest

from tests.book.test_pages import PAGES
from tests.book.visit import visit

# KB: of a page with two figures to drag, and of each figure beyond these.
FIRST, FURTHER, FIGURE = 450, 60, 20
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
FETCHED = "[location.href, ...performance.getEntriesByType('resource').map((entry) => entry.name)]"


@pytest.fixture(scope="module")
def fetched(browser, served, site):
    """For each page, {file: size in KB, compressed} of all it fetches while it is read to its end; and its load."""
    found = {}
    for name in PAGES:
        with visit(browser, served, name, "light") as (page, wrong):
            loaded = page.evaluate(LOADED)
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.wait_for_load_state("networkidle")
            files = {urlsplit(address).path.lstrip("/") for address in page.evaluate(FETCHED)}
            assert not wrong
        found[name] = {file: len(gzip.compress((site / file).read_bytes(), 9)) / 1000 for file in files}, loaded
    return found


def test_weight(fetched, site, record_property):
    measured, heavy = [], []
    for name, (sizes, loaded) in fetched.items():
        own = sizes[f"{name}.html"]
        first = sum(sizes.values())
        measured.append(
            f"{name}: first visit {first:.0f} KB, as a further page {own:.0f} KB, load event {loaded:.0f} ms"
        )
        figures = (site / f"{name}.html").read_text().count('class="explore-table"')
        if first > FIRST or own > FURTHER + FIGURE * max(0, figures - 2):
            heavy.append(measured[-1])
    print("\n".join(measured))
    record_property("weight", "\n".join(measured))
    assert not heavy, "\n".join(heavy)
