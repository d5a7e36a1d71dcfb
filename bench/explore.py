"""What a figure costs: script time a step in a browser, build time a frame, bytes in the page.

`python -m bench.explore`. Build times are of the processor, beside those of matplotlib's own savefig in the same run.
"""

import gzip
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
from playwright.sync_api import sync_playwright

from tests.explore.conftest import CHROMIUM, write_page
from tests.explore.figures import FIGURES, drawing_of, markup_of

# A browser's clock has ticks of 0.1 ms: each time is the mean of one sweep of a control, there and back.
SWEEPS = """figure => {
    const times = [];
    for (let round = 0; round < 60; round++)
        for (const input of figure.querySelectorAll("input, select")) {
            const last = input.type === "checkbox" ? 1 : input.type === "range" ? +input.max : input.options.length - 1;
            const start = performance.now();
            for (let step = 0; step < 2 * last; step++) {
                const at = step < last ? step + 1 : 2 * last - step - 1;
                if (input.type === "checkbox") input.checked = at === 1;
                else if (input.type === "range") input.value = at;
                else input.selectedIndex = at;
                input.dispatchEvent(new Event("input", { bubbles: true }));
            }
            times.push((performance.now() - start) / (2 * last));
        }
    return times;
}"""


def milliseconds(work):
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def with_savefig(drawing, position):
    """A frame as matplotlib would write it by itself, layout and all."""
    fig, _ = drawing.draw(position)
    fig.savefig(io.StringIO(), format="svg")
    plt.close(fig)


def frames(name):
    """Milliseconds a frame, here and by savefig, one after the other so that a busy machine slows both."""
    drawing = drawing_of(name)
    drawing.frame(drawing.start)
    here, there = [], []
    for position in drawing.positions[:20]:
        here.append(milliseconds(lambda at=position: drawing.frame(at)))
        there.append(milliseconds(lambda at=position: with_savefig(drawing, at)))
    return statistics.median(here), statistics.median(there)


def steps(browser, folder):
    """For each figure: milliseconds of script a step, of many sweeps."""
    page = browser.new_page()
    page.goto(write_page(folder))
    page.wait_for_selector("#explore-play .explore-controls:not([hidden])")
    return {name: page.locator(f"#explore-{name}").evaluate(SWEEPS) for name in FIGURES}


def main():
    if not CHROMIUM:
        sys.exit("there is no chromium on PATH: the script cannot be timed without a browser")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        times = steps(browser, Path(folder))
        browser.close()
    print("figure  frames  script ms a step (95 %)  build ms a frame (savefig)   bytes  gzipped")
    for name in FIGURES:
        here, there = frames(name)
        markup = markup_of(name).encode()
        median, most = statistics.median(times[name]), statistics.quantiles(times[name], n=20)[-1]
        print(
            f"{name:6}  {len(drawing_of(name).positions):6}  {median:12.3f} ({most:.3f}){'':4}  "
            f"{here:16.0f} ({there:.0f}){'':4}  {len(markup):6}  {len(gzip.compress(markup)):7}"
        )
    every = [step for sweeps in times.values() for step in sweeps]
    print(f"median script time a step: {statistics.median(every):.3f} ms (at most 2 is the aim)")


if __name__ == "__main__":
    main()
