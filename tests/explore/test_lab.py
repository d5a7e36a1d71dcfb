"""A figure in a live JupyterLab: the same pictures, drawn by the kernel."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from tests.explore.figures import FIGURES, drawing_of
from tests.explore.reading import seen

ROOT = Path(__file__).parents[2]
CELL = """
from explore import explore
from tests.explore.figures import FIGURES
for name in ("wave", "play"):
    function, alt, play, controls = FIGURES[name]
    explore(alt=alt, play=play, **controls())(function)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own, in a folder of its own, that knows nothing of the user's settings."""
    home = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL, id="figures")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, home / "figures.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("EXPLORE_STATIC", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={home}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert server.poll() is None, (home / "log").read_text()
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        else:
            raise AssertionError((home / "log").read_text())
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def notebook(chromium, lab):
    context = chromium.new_context(viewport={"width": 1000, "height": 1500})
    context.route(lambda url: not url.startswith(lab), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/lab/tree/figures.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.get_by_text("| Idle").wait_for()
    page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output .widget-output svg').length === 2")
    yield page
    context.close()


LOOK = """([number, words]) => {
    const output = document.querySelectorAll(".widget-output")[number];
    const svg = output.querySelector("svg");
    if (output.querySelector("p")?.textContent !== words || !svg) return null;
    return [svg.getAttribute("aria-label"), new XMLSerializer().serializeToString(svg)];
}"""


def shows(page, number, name, *position):
    """The words come, and with them (looked at in the same moment: a kernel may redraw at any) label and picture."""
    frame = drawing_of(name).frame(position)
    label, source = page.wait_for_function(LOOK, arg=[number, frame.caption]).json_value()
    assert label == f"{FIGURES[name][1]}. {frame.caption}"
    svg = ElementTree.fromstring(source.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    svg.set("style", svg.get("style").removesuffix(";max-width:100%;height:auto"))
    assert seen(svg) == seen(frame.svg)


def test_the_kernel_draws_what_the_page_shows(notebook):
    page = notebook
    shows(page, 0, "wave", 1, 0, 0)
    shows(page, 1, "play", 3)
    assert page.locator(".widget-dropdown label").first.inner_text() == "shape"
    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    shows(page, 0, "wave", 2, 0, 0)
    box, rail = handle.bounding_box(), page.locator(".noUi-target").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(rail["x"] + rail["width"] + 5, rail["y"] + 5, steps=5)
    page.mouse.up()
    shows(page, 0, "wave", 5, 0, 0)
    page.locator(".widget-dropdown select").first.select_option("square")
    shows(page, 0, "wave", 5, 1, 0)
    page.locator(".widget-checkbox input").first.check()
    shows(page, 0, "wave", 5, 1, 1)
    page.get_by_role("button", name="Reset").first.click()
    shows(page, 0, "wave", 1, 0, 0)
    page.locator(".jupyter-widgets-play button, .widget-play button").first.click()
    shows(page, 1, "play", 12)
