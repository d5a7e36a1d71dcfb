"""Figures of every kind that a chapter may draw, for the tests and the benchmark."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import Checkbox, Dropdown, FloatLogSlider, FloatSlider, IntSlider, SelectionSlider

from explore.controls import read_control
from explore.drawing import Drawing
from explore.page import static_figure

GRID = np.linspace(-1, 1, 200)
POINTS = np.sort(np.random.default_rng(0).uniform(-1, 1, 30))
TARGETS = np.sin(4 * POINTS) + 0.3 * np.random.default_rng(1).normal(size=30)
FEATURES = np.vander(POINTS, 12)


def ridge(lam):
    w = np.linalg.solve(FEATURES.T @ FEATURES + lam * np.eye(12), FEATURES.T @ TARGETS)
    fig, ax = plt.subplots()
    ax.plot(POINTS, TARGETS, "o", color="C1", label="data")
    ax.plot(GRID, np.vander(GRID, 12) @ w, label=r"fit, $\|w\|_2$")
    ax.set(ylim=(-2, 2), xlabel="x", ylabel="y")
    ax.legend()
    return fig, f"λ = {lam:.2g}: the training error is {np.mean((FEATURES @ w - TARGETS) ** 2):.3f}"


def wave(w, shape, envelope):
    t = np.linspace(0, 6, 100)
    fig, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(t, np.exp(-0.2 * t) * (np.sin(w * t) if shape == "sine" else np.sign(np.sin(w * t))))
    if envelope:
        ax.plot(t, np.exp(-0.2 * t), "k--")
    return fig, f"a {shape} of frequency {w}" + (" below its envelope" if envelope else "")


def bars(k, share):
    """The number of bars, the ticks and a hatch come and go; an image and a white marker change."""
    fig, (above, below) = plt.subplots(2, 1, figsize=(5, 5))
    above.hist(np.random.default_rng(1).normal(size=300), bins=k, hatch="//" if k > 6 else None)
    above.plot([0], [share], "o", mfc="w", mec="k")
    above.set_title("<b> & 1.23456")
    below.imshow(np.exp(-share * np.subtract.outer(np.arange(8), np.arange(8)) ** 2), vmin=0, vmax=1)
    below.scatter(np.arange(k), np.arange(k) % 3, c=np.arange(k))
    below.annotate("here", (1, 1), (4, 3), arrowprops={"arrowstyle": "->"})
    return fig, f"{k} bars & a share of {share} < 1"


def play(t):
    fig, ax = plt.subplots()
    ax.semilogy(np.arange(t + 1), 0.8 ** np.arange(t + 1), "o-")
    return fig, f"after {t} steps the error is {0.8**t:.2f}"


# name: function, alt, play, controls (made anew each time: a widget has a state)
FIGURES = {
    "ridge": (
        ridge,
        "Degree-11 ridge fit to 30 noisy points",
        None,
        lambda: {"lam": FloatLogSlider(description="ridge λ", min=-6, max=2, step=0.5, value=1e-2)},
    ),
    "wave": (
        wave,
        "A damped wave",
        None,
        lambda: {
            "w": FloatSlider(description="frequency", min=0.5, max=3, step=0.5, value=1, readout_format=".1f"),
            "shape": Dropdown(options=["sine", "square"]),
            "envelope": Checkbox(description="show the envelope", value=False),
        },
    ),
    "bars": (
        bars,
        "Bars above, an image below",
        None,
        lambda: {
            "k": IntSlider(description="bars", min=4, max=9, value=8),
            "share": SelectionSlider(options=[("a half", 0.5), ("all", 1.0)]),
        },
    ),
    "play": (
        play,
        "The error after t steps",
        "t",
        lambda: {"t": IntSlider(description="step t", min=0, max=12, value=3)},
    ),
}


def new_drawing(name):
    function, _, _, controls = FIGURES[name]
    return Drawing(function, [read_control(key, widget) for key, widget in controls().items()])


@cache
def drawing_of(name):
    """What Python draws; another one than the page was built with."""
    return new_drawing(name)


@cache
def markup_of(name):
    """The figure as a static page has it; built once for all tests."""
    _, alt, play, _ = FIGURES[name]
    return static_figure(new_drawing(name), alt, play)
