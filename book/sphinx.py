"""The book's Sphinx extension: what its pages need beyond Jupyter Book, each part in a module of its own."""

import os
import shutil
from pathlib import Path

from book import equations, icons, launch, progress, quiz, rules, runs, sharing, terms

HERE = Path(__file__).parent


def configure(app, config):
    """Settings that name files, or that Jupyter Book's own keys do not reach."""
    config.templates_path.append(str(HERE / "templates"))
    config.html_static_path.append(str(HERE / "static"))
    config.bibtex_bibfiles = sorted(
        str(path.relative_to(app.srcdir)) for path in Path(app.srcdir, "chapters", "references").glob("*.bib")
    )
    out = Path(app.outdir).parent
    if out.is_relative_to(app.srcdir):
        config.exclude_patterns.append(f"{out.relative_to(app.srcdir)}/**")
    config.html_favicon = os.path.relpath(HERE / "static" / "favicon.svg", app.confdir)
    # Never the CDN: a chapter's controls are those of explore, which bring their own script.
    config.nb_ipywidgets_js = {}
    config.html_context["default_mode"] = "auto"  # without it the theme complains on the console of a first visit
    config.html_theme_options["use_fullscreen_button"] = False
    config.html_theme_options["use_repository_button"] = bool(config.html_theme_options.get("repository_url"))


def only_these(app, env, added, changed, removed):
    """With --only, read these pages again even where their text is the same: the code they import may not be."""
    return app.config.book_only


def publish_notebooks(app):
    """Put the executed notebooks where a page's download button points."""
    source = Path(app.config.book_notebooks)
    if app.config.book_notebooks and source.is_dir():
        shutil.copytree(source, Path(app.outdir) / "_sources", dirs_exist_ok=True)


def drop_deprecated_roles(app, pagename, templatename, context, doctree):
    """docutils gives the entries of a bibliography a role that ARIA has withdrawn, in a list that then has no items."""
    body = context.get("body", "").replace(' role="doc-biblioentry"', "")
    context["body"] = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')


def finished(app, exception):
    equations.finish(app, exception)
    if not exception:
        publish_notebooks(app)
        progress.write(app)
        sharing.write_sitemap(app, app.env.found_docs)
        sharing.draw_card(app)
        icons.cut(Path(app.outdir))


def setup(app):
    app.add_config_value("comments_config", {}, "env")  # Jupyter Book sets it, for an extension that is left out
    app.add_config_value("book_notebooks", "", "env")
    app.add_config_value("book_only", [], "env")
    for part in (equations, launch, quiz, rules, runs, sharing, terms):
        part.setup(app)
    app.add_css_file("math/math.css")
    app.add_css_file("book.css")
    app.add_js_file("quizzes.js", loading_method="defer")
    app.add_js_file("book.js", loading_method="defer")
    app.connect("config-inited", configure)
    app.connect("builder-inited", equations.start)
    app.connect("html-page-context", drop_deprecated_roles)
    app.connect("env-get-outdated", only_these)
    app.connect("build-finished", finished)
    # Equations are written by one process.
    return {"parallel_read_safe": True, "parallel_write_safe": False}
