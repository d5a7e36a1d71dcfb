"""A figure one can drag: live in a kernel, alive in a static page."""

import io
import os
from itertools import count
from uuid import uuid4

import comm
import matplotlib.pyplot as plt
from IPython.display import display

from explore import style
from explore.controls import read_control
from explore.drawing import Drawing, svg_of
from explore.live import inline, live_figure
from explore.page import refuse_too_many, static_figure

__all__ = ["explore", "show"]

STATIC = os.environ.get("EXPLORE_STATIC") == "1"
style.use()
if STATIC:
    # A page has no kernel to talk to: widgets that open no comm leave no dead state in it.
    comm.create_comm = comm.DummyComm
pictures = count(1)
names: set[str] = set()


def explore(*, alt, play=None, **controls):
    """Let the reader drag what the decorated function draws."""

    def decorate(function):
        drawing = Drawing(function, [read_control(name, widget) for name, widget in controls.items()])
        refuse_too_many(drawing)
        if STATIC:
            if drawing.name in names:
                raise ValueError(f"a page must have one figure of each name, got {drawing.name} twice: rename one")
            names.add(drawing.name)
            fig, caption = drawing.draw(drawing.start)
            display(bundle(static_figure(drawing, alt, play), fig, f"{alt}. {caption}"), raw=True)
        else:
            live_figure(drawing, alt, play, controls, unique(drawing.name))
        return function

    return decorate


def show(fig, *, alt):
    """Show a plain matplotlib figure, readable in a light page and in a dark one."""
    prefix = f"picture-{next(pictures)}" if STATIC else unique("picture")
    fig.draw_without_rendering()  # lays it out, once
    fig.set_layout_engine("none")
    display(bundle(inline(svg_of(fig), alt, prefix), fig, alt), raw=True)


def unique(name):
    """In a live notebook a name may be drawn twice, here or in a notebook next to it."""
    return f"{name}-{uuid4().hex[:8]}"


def bundle(markup, fig, words):
    """What a page shows, what a PDF shows, and what a terminal says."""
    picture = io.BytesIO()
    fig.savefig(picture, format="png", dpi=144, facecolor="white")
    plt.close(fig)
    return {"text/html": markup, "image/png": picture.getvalue(), "text/plain": words}
