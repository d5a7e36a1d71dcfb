"""The small svg shows what matplotlib's own svg shows."""

import io
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from PIL import Image

from explore.drawing import lift_style, relative, short, svg_of


def everything():
    """One of each kind of artist that needs an own rule."""
    fig, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(6, 5))
    a.plot([1, 2, 3], [1.123456, 0.5, 2], "o-", label=r"a $\lambda^2$")
    a.scatter([1, 2, 2.5], [1, 2, 1], c=[1, 2, 3], s=[10, 60, 200])
    a.set(xlabel=r"$\|w\|_2$ and $\frac{a}{b}$", title="T <b> & 0.123456", ylabel="turned")
    a.legend(frameon=True)
    a.grid(True)
    b.fill_between([1, 2], [1, 1], [0.5, 0.7], alpha=0.2)
    b.bar([1, 2], [1, 2], hatch="//", fc="none", ec="C2")
    b.errorbar([1, 2], [1, 2], yerr=0.2, capsize=4, color="C4")
    c.imshow(np.eye(5) * 0.8 + 0.1, cmap="viridis", vmin=0, vmax=1)
    c.annotate("hi", (1, 1), (0, 3), arrowprops={"arrowstyle": "->"})
    c.contour(np.arange(25).reshape(5, 5), cmap="viridis")
    d.quiver([1, 2], [1, 2], [1, 1], [0, 1])
    d.plot([1, 2], [2, 1], "s", mfc="w", mec="k", ms=12)
    d.plot([1, 1.5, 2], [1, 1.9, 1.1], "--", lw=4, alpha=0.5)
    d.plot([1.2, 1.23], [1.2, 1.22], "o", ms=20, alpha=0.5, mew=0)  # darker where they overlap
    d.text(1.5, 1.5, "slant", rotation=30, color="C1", fontweight="bold")
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    return fig


@pytest.fixture
def rendered(visit):
    def render(svg, dark=False):
        page = visit("about:blank", viewport={"width": 600, "height": 500})
        ink, paper = ("#e0e0e0", "#101010") if dark else ("#000", "#fff")
        page.set_content(
            f"<body style='margin:0;color:{ink};background:{paper};--pst-color-background:{paper}'>{svg}</body>"
        )
        return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), dtype=int)

    return render


def originals():
    """matplotlib's own svg, as wide as ours and with the same fonts; and ours."""
    raw = io.StringIO()
    fig = everything()
    FigureCanvasSVG(fig).print_svg(raw)
    small = svg_of(fig)
    plt.close(fig)
    full = raw.getvalue()[raw.getvalue().index("<svg") :]
    full = re.sub(r'width="[^"]*pt" height="[^"]*pt"', f'width="{small.get("width")}"', full, count=1)
    full = re.sub(r"font-family: [^;\"]*", "font-family: DejaVu Sans,Verdana,sans-serif", full)
    return full, ElementTree.tostring(small, "unicode")


def far_apart(one, other):
    """The share of pixels unlike every neighbour of theirs in the other picture; rounding moves none so far."""
    shifts = [np.roll(other, (down, right), axis=(0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return np.mean(np.min([np.max(np.abs(one - shifted), axis=2) for shifted in shifts], axis=0) > 64)


def test_it_looks_like_matplotlibs_own(rendered):
    full, small = originals()
    one, other = rendered(full), rendered(small)
    assert np.mean(np.min(one, axis=2) < 250) > 0.05  # there is something to see
    assert max(far_apart(one, other), far_apart(other, one)) < 1e-4
    without_a_marker = small.replace("<use", "<u", 1)
    assert far_apart(one, rendered(without_a_marker)) > 1e-4


def test_in_the_dark_ink_and_paper_change_places_and_colours_stay(rendered):
    _, small = originals()
    light, dark = rendered(small), rendered(small, dark=True)
    black, white = np.all(light == 0, axis=2), np.all(light == 255, axis=2)
    assert black.sum() > 500
    assert np.mean(np.all(dark[black] == 0xE0, axis=1)) > 0.99  # but for soft edges that happen to be black
    assert np.mean(np.all(dark[white] == 0x10, axis=1)) > 0.999
    coloured = np.ptp(light, axis=2) > 120
    assert coloured.sum() > 500
    assert np.mean(np.abs(light[coloured] - dark[coloured]) > 32) < 0.2


@pytest.mark.parametrize(
    ("styles", "lifted"),
    [
        (["fill:red", "fill:red"], "fill:red"),
        (["fill:red;fill-opacity:0.5", "fill:red;fill-opacity:0.5"], "fill:red;fill-opacity:0.5"),
        (["fill:red", "fill:blue"], None),
        (["fill:red"], None),
        # the parts show through each other, those of a translucent group do not
        (["fill:url(#h);opacity:0.4", "fill:url(#h);opacity:0.4"], None),
    ],
)
def test_a_style_is_lifted_only_where_it_means_the_same(styles, lifted):
    group = ElementTree.fromstring("<g>" + "".join(f'<use style="{style}"/>' for style in styles) + "</g>")
    lift_style(group)
    assert group.get("style") == lifted
    assert [child.get("style") for child in group] == ([None] * len(styles) if lifted else styles)


@pytest.mark.parametrize("seed", range(20))
def test_a_path_in_steps_is_the_path(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-500, 500, size=(200, 2)).cumsum(axis=0) / 10
    path = "M " + " \nL ".join(f"{x:.6f} {y:.6f}" for x, y in points)
    x = y = 0.0
    for (at_x, at_y), (_, step) in zip(points, re.findall(r"([a-z])([^a-z]*)", relative(path, 1)), strict=True):
        dx, dy = (float(number) for number in re.findall(r"-?[\d.]+", step))
        x, y = x + dx, y + dy
        assert abs(x - at_x) <= 0.0501
        assert abs(y - at_y) <= 0.0501


def test_after_a_closed_shape_the_next_starts_where_it_should():
    assert relative("M 10 10 \nL 20 10 \nL 20 20 \nz\nM 30 30 \nL 31 30 \nz\n", 1) == "m10 10l10 0l0 10zm20 20l1 0z"


def test_curves_are_relative_to_where_they_start():
    assert relative("M 1 1 \nQ 2 2 3 1 \nC 4 1 5 2 6 0.5 \n", 1) == "m1 1q1 1 2 0c1 0 2 1 3-.5"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (-0.04, "0"), (0.26, ".3"), (-0.5, "-.5"), (10.0, "10"), (100.04, "100"), (-12.34, "-12.3")],
)
def test_a_short_number(number, text):
    assert short(number) == text
