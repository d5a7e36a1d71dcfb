"""The directive `terms`: the glossary blocks of all chapters as one, in the order of the alphabet."""

import re
from pathlib import Path

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

BLOCK = re.compile(r"^(`{3,})\{glossary\}\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)


class Terms(SphinxDirective):
    """Takes no argument: reads chapters/terms/*.md."""

    def run(self):
        lines = StringList()
        for path in sorted(Path(self.env.srcdir, "chapters", "terms").glob("*.md")):
            self.env.note_dependency(str(path))
            for match in BLOCK.finditer(text := path.read_text()):
                first = text[: match.start(2)].count("\n")
                for number, line in enumerate(match[2].splitlines()):
                    lines.append(line, str(path), first + number)
                lines.append("", str(path), first)
        block = StringList(["````{glossary}", ":sorted:", "", *lines, "````"])
        container = _container()
        self.state.nested_parse(block, self.content_offset, container)
        return container.children


def _container():
    from docutils.nodes import Element

    return Element()


def setup(app):
    app.add_directive("terms", Terms)
