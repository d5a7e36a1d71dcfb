"""A figure one can drag: live in a kernel, alive in a static page."""

import comm

from explore import style
from explore.controls import read_control
from explore.drawing import Drawing
from explore.live import live_figure
from explore.page import refuse_too_many, show_static
from explore.picture import STATIC, show, words_needed

__all__ = ["explore", "show"]

style.use()
if STATIC:
    # A page has no kernel to talk to. Widgets that open no comm leave no dead state, and no 3.6 MB script, in it.
    comm.create_comm = comm.DummyComm


def explore(*, alt, play=None, **controls):
    """Let the reader drag what the decorated function draws; see the guide at the top of this package."""
    words_needed(alt)
    if not controls:
        raise ValueError("a figure must have a control to drag, got none: give one by the name of a parameter")
    if play and play not in controls:
        raise ValueError(f"play must name one of {', '.join(controls)}, got {play!r}")

    def decorate(function):
        drawing = Drawing(function, [read_control(name, widget) for name, widget in controls.items()])
        refuse_too_many(drawing)
        (show_static if STATIC else live_figure)(drawing, alt, play)
        return function

    return decorate
