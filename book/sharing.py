"""What other sites read: OpenGraph tags on every page, and a sitemap where the address of the book is known."""

from html import escape
from pathlib import Path
from xml.sax.saxutils import escape as escape_xml

from docutils import nodes


def add_tags(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    tags = {
        "og:title": app.env.titles[pagename].astext(),
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:description": first_paragraph(doctree),
    }
    if app.config.html_baseurl:
        base = app.config.html_baseurl.rstrip("/")
        tags["og:url"] = f"{base}/{pagename}.html"
        tags["og:image"] = f"{base}/_static/card.png"
        tags["og:image:alt"] = "Soft-thresholding: two lines of slope one, joined by a flat piece at zero"
    written = "".join(f'<meta property="{name}" content="{escape(text)}" />\n' for name, text in tags.items())
    description = f'<meta name="description" content="{escape(tags["og:description"])}" />\n'
    context["metatags"] = context.get("metatags", "") + description + written


def first_paragraph(doctree) -> str:
    """The page's first paragraph outside of any box, at most 200 characters, whole words."""
    for section in doctree.findall(nodes.section):
        for child in section.children:
            if isinstance(child, nodes.paragraph):
                text = " ".join(child.astext().split())
                return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"
    return ""


def write_sitemap(app, names):
    if not app.config.html_baseurl:
        return
    base = app.config.html_baseurl.rstrip("/")
    lines = "\n".join(f"<url><loc>{escape_xml(f'{base}/{name}.html')}</loc></url>" for name in sorted(names))
    (Path(app.outdir) / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>\n'
    )


def draw_card(app):
    """The picture that a link to the book is shown with."""
    if not app.config.html_baseurl:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.08, 0.12, 0.84, 0.6))
    axes.plot([-3, -1, 1, 3], [-2, 0, 0, 2], linewidth=4)
    axes.axhline(0, color="grey", linewidth=1)
    axes.set_axis_off()
    figure.text(0.08, 0.84, app.config.html_title, size=34)
    figure.savefig(Path(app.outdir) / "_static" / "card.png")


def setup(app):
    app.connect("html-page-context", add_tags)
