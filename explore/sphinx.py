"""The Sphinx side: kernels learn that this is a static build, and pages get the script and the style."""

import os
import posixpath
from pathlib import Path

from explore.page import without_tables


def prepare(app, config):
    os.environ["EXPLORE_STATIC"] = "1"
    config.html_static_path.append(str(Path(__file__).parent / "static"))


def move_tables(app, pagename, templatename, context, doctree):
    place = f"_static/figures/{pagename}"

    def address(file):
        return posixpath.relpath(f"{place}/{file}", posixpath.dirname(pagename) or ".")

    context["body"] = without_tables(context.get("body", ""), Path(app.outdir) / place, address)


def setup(app):
    app.connect("config-inited", prepare)
    app.connect("html-page-context", move_tables)
    app.add_js_file("explore.js", loading_method="defer")
    app.add_css_file("explore.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
