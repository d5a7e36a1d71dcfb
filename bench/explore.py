"""What figures cost: script time a step in a browser, bytes over the wire, and build time a frame.

`python -m bench explore`. Steps and bytes are of every figure of the book in `_build` (`make book`). Build times, of
the processor, are of the figures of tests/explore, beside those of matplotlib's own savefig in the same run.
"""

import gzip
import io
import re
import shutil
import statistics
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
from playwright.sync_api import sync_playwright

from tests.__main__ import BROWSERS
from tests.explore.figures import FIGURES, drawing_of

HTML = Path(__file__).parents[1] / "_build" / "html"
FIGURE = re.compile(
    r'<figure class="explore" id="explore-(\w+)".*?data-src="([^"?]*)[^>]*></script></figure>', re.DOTALL
)
TYPICAL, STEP = 20_000, 2  # bytes of a typical figure, milliseconds of script a step: the aims

# A browser's clock has ticks of 0.1 ms: each time is the mean of one sweep of a control, there and back.
SWEEPS = """figure => {
    const times = [];
    for (let round = 0; round < 20; round++)
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


def weight(match, page):
    """Bytes of a figure, in the page and of its table: raw, and compressed."""
    parts = [match[0].encode(), (page.parent / match[2]).read_bytes()]
    return sum(map(len, parts)), sum(len(gzip.compress(part, 9)) for part in parts)


def steps(figure):
    """Milliseconds of script a step, of many sweeps."""
    figure.hover()
    figure.page.wait_for_selector(f"#{figure.get_attribute('id')}[aria-busy=false]")
    return figure.evaluate(SWEEPS)


def figures_of_the_book(browser):
    print(f"{'figure':40} script ms a step (95 %)   bytes  gzipped")
    every, heavy = [], []
    for path in sorted(HTML.rglob("*.html")):
        found = list(FIGURE.finditer(path.read_text()))
        page = browser.new_page()
        if found:
            page.goto(path.as_uri())
        for match in found:
            times = steps(page.locator(f"#explore-{match[1]}"))
            raw, zipped = weight(match, path)
            name = f"{path.stem}: {match[1]}"
            every += times
            heavy += [name] * (raw > TYPICAL)
            most = statistics.quantiles(times, n=20)[-1]
            print(f"{name:40} {statistics.median(times):16.3f} ({most:.3f})  {raw:6}  {zipped:7}", flush=True)
        page.close()
    print(f"median script time a step: {statistics.median(every):.3f} ms (the aim: under {STEP})")
    print(f"figures over {TYPICAL} bytes: {', '.join(heavy) or 'none'}\n")


def main():
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not chromium:
        sys.exit("there is no chromium on PATH: the script cannot be timed without a browser")
    if not HTML.is_dir():
        sys.exit(f"there is no {HTML}: the figures of the book are measured there; run make book")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        figures_of_the_book(browser)
        browser.close()
    print("figure  frames  build ms a frame  (savefig)  ratio")
    for name in FIGURES:
        here, there = frames(name)
        count = len(drawing_of(name).positions)
        print(f"{name:6}  {count:6}  {here:16.0f}  {f'({there:.0f})':>9}  {here / there:5.2f}")


if __name__ == "__main__":
    main()
