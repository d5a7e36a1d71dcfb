"""A plain picture: a figure that stands still, as one svg with written words, readable in both themes."""

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
    if not alt.strip():
        raise ValueError(f"alt must say what is to be seen in the picture, got {alt!r}")
    # Two notebooks in one window may both have a first picture; on a page the numbers stay the same at each build.
    name = f"picture-{next(pictures)}" if STATIC else f"picture-{uuid4().hex[:8]}"
    fig.draw_without_rendering()  # lays it out
    fig.set_layout_engine("none")
    svg, _ = tabulated([svg_of(fig)], 0, name)
    svg.set("aria-label", alt)
    svg.set("style", svg.get("style", "") + ";max-width:100%;height:auto")
    still = io.BytesIO()
    fig.savefig(still, format="png", dpi=144, facecolor="white")
    plt.close(fig)
    display(
        {"text/html": ElementTree.tostring(svg, "unicode"), "image/png": still.getvalue(), "text/plain": alt}, raw=True
    )
