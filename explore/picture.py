"""A picture that stands still: an svg with words, readable in both themes, and a png where there is no html."""

import io
import os
from itertools import count
from uuid import uuid4
from xml.etree import ElementTree

import matplotlib.pyplot as plt
from IPython.display import display

from explore.drawing import svg_of
from explore.table import tabulated

STATIC = os.environ.get("EXPLORE_STATIC") == "1"
pictures = count(1)


def show(fig, *, alt):
    """Show a matplotlib figure that cannot be dragged; `alt` says in words what is to be seen in it."""
    words_needed(alt)
    fig.draw_without_rendering()  # lays it out
    fig.set_layout_engine("none")
    # On a page the numbers are the same at each build.
    name = f"picture-{next(pictures)}" if STATIC else unique("picture")
    display_with_png(inline(svg_of(fig), alt, name), fig, alt)


def words_needed(alt):
    if not alt.strip():
        raise ValueError(f"alt must say in words what is to be seen, got {alt!r}")


def unique(name):
    """In a window there may be another notebook with a picture of this name."""
    return f"{name}-{uuid4().hex[:8]}"


def inline(svg, words, prefix):
    """The svg as html that needs no style sheet, its ids beginning with `prefix`."""
    still, _ = tabulated([svg], 0, prefix)
    still.set("aria-label", words)
    still.set("style", still.get("style", "") + ";max-width:100%;height:auto")
    return f'<div class="explore">{ElementTree.tostring(still, "unicode")}</div>'


def display_with_png(markup, fig, words):
    """Display what a page shows, what a PDF shows, and what a terminal says; then close the figure."""
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=144, facecolor="white")
    plt.close(fig)
    display({"text/html": markup, "image/png": png.getvalue(), "text/plain": words}, raw=True)
