"""Every picture has a written alternative, and takes its colours from the page: the build holds authors to both."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


class Pictures(SphinxPostTransform):
    """Warns of a picture that a cell displayed by itself, and of one without words."""

    default_priority = 20  # after myst-nb has chosen what to show of an output
    formats = ("html",)

    def run(self, **kwargs):
        for node in self.document.findall(nodes.image):
            if "jupyter_execute" in re.split(r"[/\\]", node["uri"]):
                logger.warning(
                    "a cell displays a bare picture, black on white and without words: "
                    'end it with show(fig, alt="..."), from explore',
                    location=node,
                )
            elif not node.get("alt", "").strip():
                logger.warning("the picture %s has no alt text: write one", node["uri"], location=node)


def setup(app):
    app.add_post_transform(Pictures)
