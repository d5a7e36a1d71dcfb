"""A matplotlib figure as a small svg tree that takes its ink from the page."""

import io
import re
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.textpath import text_to_path

from explore.style import STYLE, WIDEST

Element = ElementTree.Element
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
PIECE = re.compile(r"([MLQCz])([^MLQCz]*)")
GEOMETRY = {"x", "y", "width", "height", "transform", "viewBox", "points"}
ROOT = {
    "fill": "currentColor",
    "stroke-linejoin": "round",
    "font-family": "DejaVu Sans,Verdana,sans-serif",
    # White is paper: the background of the page, of JupyterLab, or white.
    "style": "--paper:var(--pst-color-background,var(--jp-layout-color0,#fff))",
    "role": "img",
}


class Frame(NamedTuple):
    svg: Element
    caption: str


class Drawing:
    """A figure function over the positions of its controls (an index each)."""

    def __init__(self, function, controls):
        self.function, self.controls = function, controls
        self.name = function.__name__
        self.start = tuple(control.start for control in controls)

    @property
    def positions(self):
        return list(product(*(range(len(control.values)) for control in self.controls)))

    def values(self, position) -> dict[str, Any]:
        return {control.name: control.values[i] for control, i in zip(self.controls, position, strict=True)}

    def draw(self, position):
        result = self.function(**self.values(position))
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], Figure)):
            got = type(result).__name__
            raise ValueError(
                f"{self.name} must return a figure and a caption in words, got {got}: `return fig, caption`"
            )
        fig, caption = result
        if not (isinstance(caption, str) and caption.strip()):
            raise ValueError(f"the caption of {self.name} must say in words what is seen, got {caption!r}")
        plt.close(fig)  # pyplot shows what it knows of whenever any thread ends a cell: in another layout
        return fig, caption

    @cached_property
    def boxes(self):
        """Where the axes stand at every position: inside of where they would stand at the ends of each control.

        One layout for all keeps the axes still while one drags, and a layout costs more than all else in a frame.
        """
        found = []
        for position in self.outermost():
            fig, _ = self.draw(position)
            fig.draw_without_rendering()
            found.append(np.array([axes.get_position(original=True).extents for axes in fig.axes]))
            if len(found[-1]) != len(found[0]):
                raise ValueError(
                    f"{self.name} must draw the same axes at every position, "
                    f"got {len(found[0])} at {self.values(self.start)} and {len(found[-1])} at {self.values(position)}"
                )
        return np.concatenate([np.max(found, axis=0)[:, :2], np.min(found, axis=0)[:, 2:]], axis=1)

    def outermost(self):
        yield self.start
        for place, control in enumerate(self.controls):
            for i in range(len(control.values)):
                if i != control.start and (control.kind != "slider" or i in (0, len(control.values) - 1)):
                    yield (*self.start[:place], i, *self.start[place + 1 :])

    def frame(self, position):
        boxes = self.boxes
        fig, caption = self.draw(position)
        fig.set_layout_engine("none")
        for axes, (left, bottom, right, top) in zip(fig.axes, boxes, strict=True):
            axes.set_position((left, bottom, right - left, top - bottom))
        return Frame(svg_of(fig), caption)


def svg_of(fig):
    """The figure as an svg tree: numbers to a tenth of a point, bare groups dissolved, ids only where referred to."""
    if fig.get_figwidth() > WIDEST:
        raise ValueError(f"a figure must be at most {WIDEST} inches wide, got {fig.get_figwidth()}: stack its panels")
    source = matplotlib_svg(fig)
    source = (
        source[source.index("<svg") :].replace("xlink:href", "href").replace(' xmlns="http://www.w3.org/2000/svg"', "")
    )
    referred = set(re.findall(r'(?:url\(|href=")#([\w-]+)', source))
    raw = ElementTree.fromstring(source)
    width, height = (float(number) for number in raw.get("viewBox", "").split()[2:])
    svg = Element("svg", {"viewBox": f"0 0 {short(width)} {short(height)}", "width": short(width * 1.2), **ROOT})
    for child in raw:
        if child.tag != "metadata" and child.find("style") is None:
            svg.extend(cleaned(child, "", referred))
    return svg


def matplotlib_svg(fig):
    """What savefig writes, at half its cost: it would draw the figure twice, and parse every formula anew."""
    text, dpi = io.StringIO(), fig.dpi
    width, height = fig.get_size_inches()
    fig.patch.set_visible(False)
    fig.set_dpi(72)
    with matplotlib.rc_context({key: STYLE[key] for key in ("svg.fonttype", "svg.hashsalt")}):
        writer = RendererSVG(width * 72, height * 72, text, image_dpi=dpi, metadata={"Date": None, "Creator": None})
        writer._text2path = text_to_path  # it keeps what it parsed; a writer's own would be as new as the writer
        fig.draw(MixedModeRenderer(fig, width, height, dpi, writer))
        writer.finalize()
    return text.getvalue()


def cleaned(node, kind, referred):
    """What stands for `node` in the small tree: itself, its children, or nothing. `kind` is what it is a part of."""
    name = node.get("id", "")
    if name not in referred:
        # Axes keep their numbers; other numbers only count the artists drawn before.
        kind += "/" + (name if name.startswith(("axes_", "matplotlib.axis_")) else name.rstrip("0123456789"))
    bare = node.tag == "g" and not node.attrib.keys() - {"id"}
    children = [new for child in node for new in cleaned(child, kind if bare else "", referred)]
    if bare:
        return children
    attributes = {
        key: shortened(key, value, node) for key, value in node.attrib.items() if key != "id" or name in referred
    }
    attributes = {key: value for key, value in attributes.items() if value}
    draws = node.tag != "path" or ("d" in attributes and attributes.get("style") != "fill:none")
    if not draws or (node.tag in ("g", "defs") and not children):
        return []
    new = Element(node.tag, attributes)
    new.text = (node.text or "").strip() if not children else None
    new.extend(children)
    new.set("kind", f"{kind}/{node.tag}")
    if node.tag == "g":
        lift_style(new)
    return [new]


def lift_style(group):
    """A style that all markers share is written once; but a group is translucent as a whole, so not that."""
    styles = {child.get("style", "opacity:") for child in group}
    style = styles.pop()
    if len(group) > 1 and not styles and not re.search(r"(^|;)opacity:", style) and "style" not in group.attrib:
        group.set("style", style)
        for child in group:
            del child.attrib["style"]


def shortened(key, value, node):
    if key == "d":
        return relative(value, 2 if "id" in node.attrib else 1)  # the shape of a marker is small
    if key in GEOMETRY:
        value = NUMBER.sub(lambda number: short(float(number[0])), value)
        if key == "transform" and value.startswith("rotate(0 "):
            return ""
        return value
    if key == "style":
        value = re.sub(r"font-family:[^;]*(; )?", "", value).strip("; ")
        value = value.replace("; ", ";").replace(": ", ":")
    return value.replace("#000000", "currentColor").replace("#ffffff", "var(--paper)")


def relative(path, decimals):
    """A path in steps from point to point: half as long, and halved again by gzip."""
    unit, written = 10**decimals, []
    at = begun = (0, 0)
    for command, numbers in PIECE.findall(path):
        if command == "z":
            written.append("z")
            at = begun
            continue
        flat = [round(float(number) * unit) for number in numbers.split()]
        points = list(zip(flat[::2], flat[1::2], strict=True))
        steps = " ".join(
            f"{short((x - at[0]) / unit, decimals)} {short((y - at[1]) / unit, decimals)}" for x, y in points
        )
        written.append(command.lower() + steps.replace(" -", "-"))
        at = points[-1]
        if command == "M":
            begun = at
    return "".join(written)


def short(number, decimals=1):
    text = f"{number:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("0.", ".") if text.lstrip("-").startswith("0.") else text
