"""The Sphinx side: kernels learn that this is a static build, and pages get the script and the style."""

import os
from pathlib import Path


def prepare(app, config):
    os.environ["EXPLORE_STATIC"] = "1"
    config.html_static_path.append(str(Path(__file__).parent / "static"))


def setup(app):
    app.connect("config-inited", prepare)
    app.add_js_file("explore.js", loading_method="defer")
    app.add_css_file("explore.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
