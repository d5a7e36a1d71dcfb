"""A page built by Sphinx, in the book's theme: what a reader gets, in light, in dark, on a phone, and in a PDF."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parents[2]
CONF = """
extensions = ["myst_nb", "explore.sphinx"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "cache"  # executed once, written twice
nb_execution_cache_path = "../cache"
nb_execution_timeout = 300
"""
PAGE = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, display_name: Python 3}
---
# Figures

```{code-cell} ipython3
from explore import explore, show
from tests.explore.figures import FIGURES
for name in ("wave", "bars", "play"):
    function, alt, play, controls = FIGURES[name]
    explore(alt=alt, play=play, **controls())(function)
show(FIGURES["ridge"][0](0.1)[0], alt="A ridge fit that stands still")
```
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    (folder / "source").mkdir()
    (folder / "source" / "conf.py").write_text(CONF)
    (folder / "source" / "index.md").write_text(PAGE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for builder in ("html", "latex"):
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, "source", builder]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_page_holds_figures_and_nothing_of_ipywidgets(built):
    page = (built / "html" / "index.html").read_text()
    assert re.findall(r'<figure class="explore" id="([^"]*)"', page) == ["explore-wave", "explore-bars", "explore-play"]
    assert page.count("_static/explore.js") == page.count("_static/explore.css") == 1
    assert (built / "html" / "_static" / "explore.js").is_file()
    assert (built / "html" / "_static" / "explore.css").is_file()
    tables = re.findall(r'class="explore-table" data-name="\w+" data-src="([^"?]*)\?v=\w{8}"></script>', page)
    assert tables == [f"_static/figures/index/{name}.js" for name in ("wave", "bars", "play")]
    assert all((built / "html" / table).is_file() for table in tables)
    assert "application/vnd.jupyter.widget" not in page
    assert "html-manager" not in page


def test_a_pdf_shows_the_start(built):
    source = next((built / "latex").glob("*.tex")).read_text()
    pictures = re.findall(r"includegraphics\{\{(\w+)\}\.png\}", source)
    assert len(pictures) == 4
    assert all((built / "latex" / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in pictures)


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme(built, visit, width, scheme):
    page = visit(
        (built / "html" / "index.html").as_uri(),
        script=f"localStorage.setItem('mode', '{scheme}'); localStorage.setItem('theme', '{scheme}')",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    page.locator("#explore-play-t").fill("12")
    page.wait_for_function("document.querySelector('#explore-play figcaption').textContent.includes('after 12 steps')")
    text = "getComputedStyle(document.querySelector('.bd-article p, .bd-article')).color"
    ink, drawn, behind, behind_picture, words = page.evaluate(
        f"""() => [
            {text},
            getComputedStyle(document.querySelector(".explore svg text")).fill,
            getComputedStyle(document.querySelector(".text_html:has(figure)")).backgroundColor,
            getComputedStyle(document.querySelector(".text_html:has([aria-label*='stands still'])")).backgroundColor,
            getComputedStyle(document.querySelector(".explore figcaption")).color,
        ]"""
    )
    assert ink == drawn == words
    brightness = sum(map(int, re.findall(r"\d+", ink)[:3]))
    assert brightness < 200 if scheme == "light" else brightness > 500
    assert behind == behind_picture == "rgba(0, 0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # the picture is as wide as there is room, and its text can be read
    size = page.locator("#explore-bars svg text").first.evaluate("text => text.getBoundingClientRect().height")
    assert size >= 11
    found = Axe().run(page, context=".explore", options={"preload": False})
    assert found.violations_count == 0, found.generate_report()
