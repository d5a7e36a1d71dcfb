"""What the build holds authors to beyond what Sphinx does: pictures with words, no link in what one presses."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)
PRESSED = ("dropdown_title", "quiz_label")  # sphinx-design's and ours: a click on them opens something


class Rules(SphinxPostTransform):
    default_priority = 250  # after myst-nb has chosen what to show, after sphinx-design has made its titles
    formats = ("html",)

    def run(self, **kwargs):
        for node in self.document.findall(nodes.image):
            if "jupyter_execute" in re.split(r"[/\\]", node["uri"]):
                logger.warning(
                    "a cell displays a bare picture, black on white and without words: "
                    'end it with show(fig, alt="..."), from explore',
                    location=self.place(node),
                )
            elif not node.get("alt", "").strip():
                logger.warning("the picture %s has no alt text: write one", node["uri"], location=self.place(node))
        for node in self.document.findall(lambda node: node.tagname in PRESSED):
            for link in node.findall(nodes.reference):
                logger.warning(
                    "the link %r stands in a title or choice that a reader presses, and cannot be pressed itself: "
                    "move it into the text below",
                    link.astext(),
                    location=self.place(node),
                )

    def place(self, node):
        """Where the node stands, or what it stands in, or else the page."""
        while node is not None and not node.line:
            node = node.parent
        return node or self.env.docname


def setup(app):
    app.add_post_transform(Rules)
