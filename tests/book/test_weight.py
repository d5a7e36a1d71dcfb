"""What a reader's browser transfers, compressed.

A visit: all files that a page asks for until it is read to its end and the browser asks for nothing more, with nothing
touched. A first visit starts from an empty cache; of a further page, what another chapter has brought already is left
out. The table of a figure comes when a reader's hand comes near it, so it is no part of this; what a page weighs when
every figure was moved is printed too, and held to the limit of a first visit as well.
"""

import gzip
from urllib.parse import urlsplit

import pytest

from tests.book.test_pages import PAGES
from tests.book.visit import visit

FIRST, FURTHER = 450, 60  # KB
# Which chapter a reader came from; the first one's readers came from the second.
BEFORE, SECOND = "chapters/gradients", "chapters/weight_decay"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
FETCHED = "[location.href, ...performance.getEntriesByType('resource').map((entry) => entry.name)]"


@pytest.fixture(scope="module")
def fetched(browser, served):
    """For each page: the files it fetches when it is read, those when its figures are moved too, and its load in ms."""
    found = {}
    for name in PAGES:
        with visit(browser, served, name, "light") as (page, wrong):
            loaded = page.evaluate(LOADED)
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.wait_for_load_state("networkidle")
            read = files(page)
            for figure in page.locator("figure.explore").all():
                figure.hover()
                page.wait_for_selector(f"#{figure.get_attribute('id')}[aria-busy=false]")
            assert not wrong
            found[name] = read, files(page), loaded
    return found


def files(page):
    return {urlsplit(address).path.lstrip("/") for address in page.evaluate(FETCHED)}


def test_weight(fetched, site, record_property):
    def weight(names):
        return sum(len(gzip.compress((site / name).read_bytes(), 9)) for name in names) / 1000

    measured, heavy = [], []
    for name, (read, moved, loaded) in fetched.items():
        known = fetched[SECOND if name == BEFORE else BEFORE][0]
        first, further, most = weight(read), weight(read - known), weight(moved)
        measured.append(
            f"{name}: first visit {first:.0f} KB ({most:.0f} with every figure moved), "
            f"as a further page {further:.0f} KB ({weight(moved - known):.0f}), load event {loaded:.0f} ms"
        )
        if most > FIRST or further > FURTHER:
            heavy.append(measured[-1])
    print("\n".join(measured))
    record_property("weight", "\n".join(measured))
    assert not heavy, "\n".join(heavy)
