"""The directive `runs`: how long each notebook ran, and when."""

from datetime import UTC, datetime

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util.docutils import SphinxDirective


class runs(nodes.General, nodes.Element):
    """Stands for the table until every page has been read."""


class Runs(SphinxDirective):
    """Takes no argument."""

    def run(self):
        return [runs()]


def fill(app, doctree, docname):
    for node in list(doctree.findall(runs)):
        data = NbMetadataCollector.get_doc_data(app.env)
        done = {name: run for name in app.env.found_docs if (run := data.get(name, {}).get("exec_data"))}
        rows = [_row("Notebook", "Executed", "Seconds")]
        for name in sorted(done, key=lambda name: -(done[name]["runtime"] or 0)):
            when = datetime.fromtimestamp(done[name]["mtime"], UTC).strftime("%Y-%m-%d %H:%M UTC")
            link = nodes.reference(
                "",
                app.env.titles[name].astext(),
                internal=True,
                refuri=app.builder.get_relative_uri(docname, name),
            )
            seconds = "" if done[name]["runtime"] is None else f"{done[name]['runtime']:.1f}"
            rows.append(_row(link, when, seconds))
        node.replace_self(_table(rows))


def _row(*cells):
    row = nodes.row()
    for cell in cells:
        inline = nodes.Text(cell) if isinstance(cell, str) else cell
        row += nodes.entry("", nodes.paragraph("", "", inline))
    return row


def _table(rows):
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in rows[0]), cols=len(rows[0]))
    group += nodes.thead("", rows[0])
    group += nodes.tbody("", *rows[1:])
    return nodes.table("", group, classes=["colwidths-auto"])


def setup(app):
    app.add_directive("runs", Runs)
    app.add_node(runs)
    app.connect("doctree-resolved", fill)
