"""A figure one can drag: live in a kernel, alive in a static page.

    from explore import explore, show
    from ipywidgets import FloatLogSlider

    @explore(
        alt="Eight weights as bars, before and after soft-thresholding",
        lam=FloatLogSlider(description="strength λ", min=-3, max=1, step=0.1, value=0.1),
    )
    def shrunk(lam):
        fig, ax = plt.subplots()
        ax.bar(range(8), soft_threshold(WEIGHTS, lam))
        ax.set(ylim=(-2, 2), xlabel="weight", ylabel="value")
        return fig, f"λ = {lam:.2g}: {np.sum(np.abs(WEIGHTS) <= lam)} of eight weights are zero."

The function is called with one value per control and returns a matplotlib figure and a caption. In a kernel the
controls are the ipywidgets themselves and Python redraws. In the built page every position was drawn beforehand;
the page holds one svg and a table of what differs, and a small script (static/explore.js) sets it as the reader
drags.

- The name of the function is the figure's name: it stands in the address of a shared position
  (`page.html?shrunk.lam=1`) and must be the only one of its kind on the page.
- `alt` says what the picture is, the caption what is to be seen at this position: with the number that matters, in
  words that somebody who does not see the picture can use ("the dashed line", not "the orange one"). Plain text, no
  TeX.
- Controls: IntSlider, FloatSlider, FloatLogSlider, SelectionSlider, Dropdown, Checkbox. Give each a `description`;
  `readout_format` must tell the values apart. A grid has at most 400 positions. `play="t"` adds a button that plays
  `t`.
- The same values must give the same picture: make a random generator inside of the function, from a fixed seed.
  What does not depend on a control is computed outside, once.
- Fix the limits of the axes where the reader should compare positions. A curve of 100 points is smooth; each
  position of it is stored. An image that changes is stored at every position: keep it small.
- Figures are 5 inches wide by default and at most 6, so that a phone shows their text; stack panels. Use the
  colours of the cycle ("C0" to "C5"): they are seen on white and on black. Black is drawn in the colour of the
  page's text, white in its background.

`show(fig, alt="...")` shows a plain figure. Both are the only ways to show a picture in a chapter.
"""

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
    """Let the reader drag what the decorated function draws. The guide stands at the top of this package."""
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
