"""The directive `quiz`: a question, choices, and a reason for each, shown at once when a choice is opened.

A choice is a <details> element, so that it answers without a script, to a click and to a key. The script
(static/book.js) only remembers what was opened.
"""

import re

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
MARK = re.compile(r"\[([ xX])\]\s*")


class quiz(nodes.General, nodes.Element):
    pass


class quiz_choice(nodes.General, nodes.Element):
    pass


class quiz_label(nodes.General, nodes.TextElement):
    pass


class Quiz(SphinxDirective):
    """Question first, then a list: `- [x]` a right choice, `- [ ]` a wrong one, the reason in a paragraph below it."""

    has_content = True
    option_spec = {"name": directives.unchanged}  # noqa: RUF012

    def run(self):
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        choices = body.children[-1] if body.children else None
        if len(body.children) < 2 or not isinstance(choices, nodes.bullet_list):
            return self._wrong("a quiz is a question and then a list of choices, `- [x] right` or `- [ ] wrong`")
        number = self.env.temp_data["quizzes"] = self.env.temp_data.get("quizzes", 0) + 1
        page = self.env.docname.rsplit("/", 1)[-1]
        name = nodes.make_id(self.options.get("name", f"{page}-quiz-{number}"))
        node = quiz("", *body.children[:-1], ids=[name])
        self.set_source_info(node)
        for place, item in enumerate(choices):
            problem = _problem(item)
            if problem:
                return self._wrong(f"{problem}: {item.astext()[:60]!r}")
            node += _choice(item, place)
        if not any(choice["right"] for choice in node.findall(quiz_choice)):
            return self._wrong("a quiz needs a right choice: `- [x] ...`")
        self.state.document.note_explicit_target(node)
        return [node]

    def _wrong(self, message):
        logger.warning(message, location=self.get_location())
        return []


def _problem(item) -> str:
    first = item.children[0] if item.children else None
    if not isinstance(first, nodes.paragraph) or not MARK.match(first.astext()):
        return "a choice starts with [x] where it is right and [ ] where it is wrong"
    if len(item.children) < 2:
        return "a choice needs a reason, in a paragraph of its own below it"
    return ""


def _choice(item, number):
    label, *reason = item.children
    text = label.children[0].astext()
    label.replace(label.children[0], nodes.Text(MARK.sub("", text, count=1)))
    return quiz_choice(
        "", quiz_label("", "", *label.children), *reason, number=number, right=text.lower().startswith("[x]")
    )


def visit_quiz(writer, node):
    writer.body.append(f'<div class="quiz" id="{node["ids"][0]}" role="group" aria-label="Quiz question">')


def depart_quiz(writer, node):
    writer.body.append("</div>")


def visit_choice(writer, node):
    writer.body.append(f'<details class="quiz-choice quiz-{"right" if node["right"] else "wrong"}">')


def depart_choice(writer, node):
    writer.body.append("</div></details>")


def visit_label(writer, node):
    letter = "ABCDEFGHIJ"[node.parent["number"]]
    writer.body.append(f'<summary><span class="quiz-letter">{letter}</span>')


def depart_label(writer, node):
    verdict = "Right." if node.parent["right"] else "Not this one."
    writer.body.append(f'</summary><div class="quiz-reason"><p class="quiz-verdict">{verdict}</p>')


def setup(app):
    app.add_directive("quiz", Quiz)
    app.add_node(quiz, html=(visit_quiz, depart_quiz))
    app.add_node(quiz_choice, html=(visit_choice, depart_choice))
    app.add_node(quiz_label, html=(visit_label, depart_label))
