"""The house style: pictures that read on a phone, in a light page and in a dark one."""

from typing import Any

import matplotlib
from cycler import cycler

# Each at least 3:1 against white and against the dark theme; told apart with red-green blindness too, the first four
# easily (tests/explore/test_style.py).
COLOURS = ("#3085be", "#cd7222", "#8362ff", "#1ea275", "#f12859", "#a56b91")

# Widest figure, in inches, whose text is still readable at 360 px.
WIDEST = 6.0

# Black is drawn in the colour of the page's text, and white in that of its background.
STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "figure.figsize": (5.0, 3.2),
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "font.size": 13.0,
    "grid.color": "#808080",
    "grid.alpha": 0.3,
    "image.interpolation": "none",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "patch.facecolor": COLOURS[0],
    "svg.fonttype": "none",
    "svg.hashsalt": "explore",
}


def use():
    """Draw every matplotlib figure from here on in the house style."""
    matplotlib.rcParams.update(STYLE)
