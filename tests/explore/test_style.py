"""The house colours, measured: contrast by WCAG 2.2, colour blindness by Machado et al. 2009, distance in CIELAB."""

import subprocess
import sys
from itertools import combinations

import matplotlib.colors
import numpy as np
import pytest

from explore.style import COLOURS, STYLE

SIGHT = {
    "usual": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


def linear(colour):
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour, sight):
    rgb = np.clip(np.array(sight) @ linear(colour), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    x, y, z = (np.cbrt(c) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_contrast_itself():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)  # the grey that WCAG is often explained with


# white; the theme's dark page and its dark surface; JupyterLab's dark
@pytest.mark.parametrize("background", ["#ffffff", "#121212", "#14181e", "#29313d", "#111111"])
@pytest.mark.parametrize("colour", [*COLOURS, STYLE["grid.color"]])
def test_a_colour_is_seen_on_every_background(colour, background):
    assert contrast(colour, background) >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart(sight):
    def nearest(colours):
        return min(np.linalg.norm(lab(a, SIGHT[sight]) - lab(b, SIGHT[sight])) for a, b in combinations(colours, 2))

    assert nearest(COLOURS[:4]) > 30
    assert nearest(COLOURS) > 15


def test_importing_the_package_sets_the_style():
    script = "import explore, matplotlib; print(matplotlib.rcParams['axes.prop_cycle'].by_key()['color'])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"{list(COLOURS)}\n"
