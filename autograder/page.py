"""A page of feedback that asks no other host for anything: nbgrader's own, with its mathematics as MathML."""

import atexit
import re
from functools import lru_cache
from html import escape

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder import sanitise


class FeedbackPage(HTMLExporter):
    @pass_context
    def markdown2html(self, context, source):
        attachments = context.get("cell", {}).get("attachments", {})
        return MarkdownWithMath(renderer=Renderer(escape=False, attachments=attachments)).render(source)


class Renderer(IPythonRenderer):
    def inline_math(self, body):
        return mathml(body, display=False)

    def block_math(self, body):
        return mathml(body, display=True)

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


def mathml(tex: str, display: bool) -> str:
    """What browsers draw by themselves; the text as it was written where it is no TeX."""
    tex = sanitise.TEX.sub("", tex)
    try:
        html = _typesetter().typeset(tex, display).get("html", "")
    except (OSError, ValueError):  # it died of this text; another one is started for the next
        _typesetter.cache_clear()
        html = ""
    found = re.search("<math.*</math>", html, re.DOTALL)
    return found[0] if found else f"<code>{escape(tex)}</code>"


@lru_cache
def _typesetter():
    from book.equations import Typesetter  # here, because Sphinx takes a second to load

    made = Typesetter()
    atexit.register(made.close)
    return made
