"""A browser without a network, and a page of figures as a file."""

import shutil
from pathlib import Path

import pytest

from explore import style
from explore.page import without_tables
from tests.explore.figures import FIGURES, markup_of

STATIC = Path(style.__file__).parent / "static"


@pytest.fixture(scope="session")
def chromium(launch):
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium):
    """Opens an address as somebody without a network would; a message on the console is a failure."""
    contexts, said = [], []

    def open_page(url, script=None, **options):
        context = chromium.new_context(offline=True, **{"viewport": {"width": 900, "height": 800}, **options})
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.said = said
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not said


@pytest.fixture(scope="session")
def figures_page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page"))


def write_page(folder):
    """The address of a page with every figure, its script and its style, and a section to jump to."""
    for name in ("explore.js", "explore.css"):
        shutil.copy(STATIC / name, folder)
    body = "".join(f"<h2 id='{name}'>{name}</h2>{markup_of(name)}" for name in FIGURES)
    body = without_tables(body, folder / "tables", lambda file: f"tables/{file}")
    (folder / "figures.html").write_text(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Figures</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<link rel='stylesheet' href='explore.css'><script defer src='explore.js'></script></head>"
        f"<body><main><h1>Figures</h1><a href='#play'>To the last</a>{body}</main></body></html>"
    )
    return (folder / "figures.html").as_uri()
