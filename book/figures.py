"""Pictures that cells draw become SVG in the page: in the colours of its theme, with a written alternative."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)
# The name that myst-nb gives a picture, and its alternative text where nobody wrote one.
UNWRITTEN = re.compile(r"(.*/)?[0-9a-f]{64}(\.\w+)?|")
THEMED = {"#000000": "currentColor", "#ffffff": "var(--pst-color-background)"}
COORDINATES = re.compile(r'(\s(?:d|x|y|x1|x2|y1|y2|points|width|height)=")([^"]*)(")')
NUMBER = re.compile(r"-?\d+\.\d+")


class Pictures(SphinxPostTransform):
    """Replaces pictures of cells by inline SVG, and warns of one without a written alternative."""

    default_priority = 20  # after myst-nb has chosen what to show of an output
    formats = ("html",)

    def run(self, **kwargs):
        for number, node in enumerate(list(self.document.findall(nodes.image))):
            if UNWRITTEN.fullmatch(node.get("alt", "")):
                logger.warning(
                    "a picture without a text alternative: write `mystnb: {image: {alt: ...}}` at the top of its cell",
                    location=node,
                )
            path = Path(node["uri"])
            if not path.is_absolute():
                path = Path(self.env.srcdir) / path
            if path.suffix == ".svg" and "jupyter_execute" in path.parts:
                html = inline_svg(path.read_text(), node.get("alt", ""), f"p{number}-")
                node.replace_self(nodes.raw("", html, format="html"))


def inline_svg(svg: str, alt: str, prefix: str) -> str:
    """The drawing as an element of a page: themed colours, ids of its own, two decimals."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, themed in THEMED.items():
        svg = svg.replace(f": {colour}", f": {themed}")
    svg = COORDINATES.sub(lambda match: match[1] + NUMBER.sub(_round, match[2]) + match[3], svg)
    referenced = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda match: f' id="{prefix}{match[1]}"' if match[1] in referenced else "", svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", svg)
    # matplotlib draws black text and lines by leaving the colour out
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg ", f'<svg class="picture" role="img" aria-label="{label}" fill="currentColor" ', 1)


def _round(match) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def setup(app):
    app.add_post_transform(Pictures)
