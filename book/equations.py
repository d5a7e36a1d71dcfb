"""Equations are typeset while the book is built, by MathJax in the Node that playwright carries.

A reader's browser gets finished HTML (with MathML inside, for screen readers), a style sheet and fonts cut down to
the characters that occur. No script runs for an equation, and one that does not parse is a warning with its place.
"""

import functools
import json
import logging
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import sphinx.util.logging
from docutils import nodes
from fontTools import subset
from playwright._impl._driver import compute_driver_executable
from sphinx.util.math import get_node_equation_number

logger = sphinx.util.logging.getLogger(__name__)
FACE = re.compile(r"@font-face[^{]*\{\s*font-family: MJX(?:TEX-)?(?P<family>\w+);[^}]*\}\s*")
FACES_USED = re.compile(r"\.TEX-(\w+)::before")
FONT = re.compile(r'url\("\./(?P<name>MathJax_[A-Za-z0-9-]+)\.woff"\) format\("woff"\)')
MARK = re.compile(r"[.,;:!?]+")
RULE = re.compile(r'(?P<selector>[^{}]+)\{[^{}]*?content: "(?P<text>(?:[^"\\]|\\.)*)"')
# What neither a style, nor a browser, nor a screen reader makes anything of, ten times an equation.
IDLE = re.compile(r' (?:stretchy="false"|unselectable="on"|xmlns="[^"]*"|data-mjx-[\w-]+="[^"]*")')


def mathjax_folder() -> Path:
    """Where the sphinx-mathjax-offline package keeps MathJax."""
    import importlib.util

    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("no MathJax", name="sphinx-mathjax-offline")
    return Path(spec.origin).parent / "static" / "mathjax"


class Typesetter:
    """A MathJax that waits for equations, one line of JSON each."""

    def __init__(self):
        node, _ = compute_driver_executable()
        self._process = subprocess.Popen(
            [node, Path(__file__).with_name("typeset.js"), mathjax_folder()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def _ask(self, **question) -> dict:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    @functools.cache  # noqa: B019  (one Typesetter lives as long as a build)
    def typeset(self, tex: str, display: bool) -> dict:
        """{"html": ...} or {"error": ...}."""
        return self._ask(tex=tex, display=display)

    def css(self) -> str:
        """The style of everything typeset so far."""
        return self._ask(css=True)["css"]

    def close(self) -> None:
        self._process.communicate()


def keep_punctuation(app, doctree, docname):
    """Take the mark that follows a formula in a line into it: between the two a browser may break the line."""
    for parent in doctree.findall(nodes.Element):  # a title's children may name another node as their parent
        for number, (formula, after) in enumerate(pairwise(parent.children), 1):
            if isinstance(formula, nodes.math) and isinstance(after, nodes.Text) and (mark := MARK.match(after)):
                formula.children = [nodes.Text(rf"{formula.astext()}\mbox{{{mark[0]}}}")]
                parent.children[number] = nodes.Text(after[mark.end() :])


def visit_inline(writer, node):
    writer.body.append(f'<span class="math">{_html(writer, node, node.astext(), display=False)}</span>')
    raise nodes.SkipNode


def visit_display(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    tex = node.astext()
    if not node["nowrap"] and r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    writer.body.append(_html(writer, node, tex, display=True) + "</div>\n")
    raise nodes.SkipNode


def _html(writer, node, tex: str, display: bool) -> str:
    answer = writer.builder.typesetter.typeset(tex, display)
    if "error" in answer:
        logger.warning("an equation does not parse (%s): %s", answer["error"], tex.strip(), location=node)
    return IDLE.sub("", answer.get("html", ""))


def start(app):
    app.builder.typesetter = Typesetter()


def finish(app, exception):
    """Write the style sheet, and the fonts that it names with just the characters that it names."""
    css = app.builder.typesetter.css()
    app.builder.typesetter.close()
    if exception:
        return
    used = {*FACES_USED.findall(css), "ZERO", "TEX"}
    css = FACE.sub(lambda face: face[0] if face["family"] in used else "", css)
    folder = Path(app.outdir) / "_static" / "math"
    folder.mkdir(parents=True, exist_ok=True)
    for face in FACE.finditer(css):
        (name,) = FONT.findall(face[0])
        source = mathjax_folder() / "output" / "chtml" / "fonts" / "woff-v2" / f"{name}.woff"
        cut_font(source, folder / f"{name}.woff2", characters(css, face["family"]))
    (folder / "math.css").write_text(FONT.sub(r'url("\g<name>.woff2") format("woff2")', css))


def characters(css: str, family: str) -> set[int]:
    """The codepoints that the style sheet draws with a font family: "TEX", or "I" for what has the class TEX-I."""
    found = set()
    for rule in RULE.finditer(css):
        named = FACES_USED.findall(rule["selector"])
        # Parts of a bracket that stretches have no class, and are taken from any of these four.
        stretchy = "stretchy" in rule["selector"] and family in ("S1", "S4", "TEX", "A")
        if stretchy or family in (named or ["TEX"]):
            found |= set(map(ord, re.sub(r"\\([0-9A-F]+) ?", _character, rule["text"])))
    return found


def _character(match) -> str:
    return chr(int(match[1], 16))


def cut_font(source: Path, target: Path, codepoints) -> None:
    """Write the font with these characters alone, as woff2; a font that has none of them stays whole."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    options = subset.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    with subset.load_font(str(source), options, lazy=False) as font:
        cutter = subset.Subsetter(options)
        has = set(font.getBestCmap())
        cutter.populate(unicodes=has & set(codepoints) or has)
        cutter.subset(font)
        subset.save_font(font, str(target), options)


def setup(app):
    app.connect("doctree-resolved", keep_punctuation)
    app.add_html_math_renderer("typeset", (visit_inline, None), (visit_display, None))
