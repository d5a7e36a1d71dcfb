"""What a student wrote or drew, made safe for an instructor's browser: no script, no form, no page laid over the page.

Formgrader and nbgrader's feedback put the HTML of a student's cells into a page as it is. Mathematics and pictures
stay. A markdown cell that renders to nothing dangerous is left exactly as it was written.
"""

import base64
import binascii
import html as entities
import re
from typing import Any

import nh3
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

# What mistune makes of markdown, and the harmless HTML that people write between it.
TAGS = (nh3.ALLOWED_TAGS - {"area", "map", "nav", "header", "footer"}) | {"font", "input", "tfoot", "section"}
NAMES = {
    *("align", "alt", "title", "width", "height", "style", "class", "id", "href", "src", "colspan", "rowspan", "span"),
    *("start", "type", "disabled", "checked", "open", "border", "color", "size", "dir", "lang", "scope", "valign"),
}
HARMFUL_TAGS = {
    *(
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "applet",
        "form",
        "button",
        "select",
        "textarea",
        "option",
        "link",
    ),
    *("meta", "base", "svg", "math", "video", "audio", "source", "track", "picture", "dialog", "template", "slot"),
    *("canvas", "marquee", "frame", "frameset", "noscript", "noembed", "xmp", "plaintext", "title", "body", "html"),
}
HARMFUL_SCHEMES = {"javascript", "vbscript", "data", "file", "blob", "about", "view-source", "filesystem", "attachment"}
SVG_TAGS = {
    *("svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "use"),
    *("clipPath", "linearGradient", "radialGradient", "stop", "marker", "pattern", "mask", "symbol", "image", "title"),
}
SVG_NAMES = {
    *(
        "xmlns",
        "xmlns:xlink",
        "version",
        "viewBox",
        "preserveAspectRatio",
        "width",
        "height",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
    ),
    *(
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "fx",
        "fy",
        "d",
        "points",
        "dx",
        "dy",
        "rotate",
        "textLength",
        "transform",
        "id",
    ),
    *("class", "style", "href", "xlink:href", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "offset"),
    *("stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-miterlimit", "opacity"),
    *("stop-color", "stop-opacity", "clip-path", "clip-rule", "clipPathUnits", "gradientUnits", "gradientTransform"),
    *("spreadMethod", "font-family", "font-size", "font-style", "font-weight", "text-anchor", "dominant-baseline"),
    *("markerWidth", "markerHeight", "refX", "refY", "orient", "marker-start", "marker-mid", "marker-end", "mask"),
    *("patternUnits", "patternContentUnits", "patternTransform", "maskUnits", "visibility", "display", "overflow"),
}
XMLNS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
STYLES = re.compile(
    r"(color|background-color|text-align|vertical-align|font-weight|font-style|font-size|font-family|width|height|"
    r"max-width|max-height|white-space|text-decoration|(margin|padding|border)(-[a-z]+)*)"
)
STYLE_VALUE = re.compile(r"[\w\s#%.,'\"()]*(-[a-z][\w\s#%.,'\"()]*)*")  # no negative length
# Classes that mistune, pygments and pandas write; formgrader's and Bootstrap's own must not be borrowed.
CLASSES = re.compile(
    r"anchor-link|highlight|hll|dataframe|task-list-item(-checkbox)?|language-[\w+#.-]+|[a-z][a-z0-9]{0,2}"
)
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
PICTURE_ADDRESS = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")
# Mathematics and code, in which a < is no tag; what comes of setting them aside is looked at again. As in all of these
# expressions, no text makes the search slow: an environment that is never closed is given up after some lines.
VERBATIM = re.compile(
    r"\$\$.+?\$\$|\$[^$\n]+\$|\\begin\{([a-z]+\*?)\}.{0,5000}?\\end\{\1\}|```.*?```|~~~.*?~~~|`[^`\n]+`", re.DOTALL
)
LINK = re.compile(r"(https?:|mailto:|#|[^:/\\&][^:\\&]*$|$)", re.IGNORECASE)
# What lets TeX reach the page around it, in MathJax 2 and 3. A run of backslashes is searched from its start alone.
TEX = re.compile(
    r"(?<!\\)\\++\s*+(?=(href|style|class|cssId|mmlToken|bbox|require|data|unicode|includegraphics|url)\b)"
)
SUSPECT = re.compile(r"[<&\[]|mermaid|" + TEX.pattern)
CONTROL = re.compile("[\ue000\ue001\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
SIGNATURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
PICTURE_FILES = {".png": SIGNATURES["image/png"], ".gif": SIGNATURES["image/gif"]} | dict.fromkeys(
    (".jpg", ".jpeg"), SIGNATURES["image/jpeg"]
)
LONGEST_MARKDOWN = 20_000  # characters, pictures not counted: rendering time grows with the square of hostile text
LONGEST_TEXT = 100_000
LOOKALIKES = str.maketrans("<>&[]`~$\\!", "‹›＆［］ˋ∼＄＼ǃ")  # what is left when a cell can be shown in no other way
MAX_LINES = 1000  # as nbgrader's LimitOutput


def text(value: Any) -> str:
    """`value` as notebooks hold it (a string or a list of lines) without what no editor can type."""
    if isinstance(value, list):
        value = "".join(line for line in value if isinstance(line, str))
    return CONTROL.sub("\ufffd", value) if isinstance(value, str) else ""


def _styles(value: str) -> bool:
    for declaration in filter(str.strip, value.split(";")):
        name, _, what = declaration.partition(":")
        if (
            not STYLES.fullmatch(name.strip().lower())
            or not STYLE_VALUE.fullmatch(what.strip())
            or "url(" in what.lower()
        ):
            return False
    return True


def _attribute(tag: str, name: str, value: str) -> str | None:
    allowed = True
    if name == "style":
        allowed = _styles(value)
    elif name == "class":
        allowed = all(CLASSES.fullmatch(each) for each in value.split())
    elif name == "id":
        allowed = bool(re.fullmatch("h[1-6]", tag))
    elif name == "src":
        here = LINK.match(value) and not re.match("https?:|mailto:", value, re.IGNORECASE)
        allowed = bool(PICTURE.fullmatch(value) or here)
    elif name == "href":
        allowed = bool(LINK.match(value))
    elif name == "type":
        allowed = tag == "ol" or value == "checkbox"
    return value if allowed else None


def _svg_attribute(tag: str, name: str, value: str) -> str | None:
    if name in ("href", "xlink:href"):
        return value if re.fullmatch(r"#[\w.-]+", value) or (tag == "image" and PICTURE.fullmatch(value)) else None
    rest = re.sub(r"url\(['\"]?#[\w.-]+['\"]?\)", "", value.lower())
    harmful = "url(" in rest or "expression" in rest or (name == "style" and ("position" in rest or "\\" in rest))
    return None if harmful else value


_strict = nh3.Cleaner(
    tags=TAGS,
    attributes={"*": NAMES},
    attribute_filter=_attribute,
    link_rel=None,
    url_schemes={"http", "https", "mailto", "data"},
)
# The same parser that lets everything through: where the two differ there was something to take out.
_lenient = nh3.Cleaner(
    tags=TAGS | HARMFUL_TAGS,
    clean_content_tags=set(),
    attributes={},
    generic_attribute_prefixes={""},
    link_rel=None,
    url_schemes={"http", "https", "mailto"} | HARMFUL_SCHEMES,
    strip_comments=False,
)
_svg = nh3.Cleaner(
    tags=SVG_TAGS,
    attributes={"*": SVG_NAMES},
    attribute_filter=_svg_attribute,
    link_rel=None,
    url_schemes={"data", "http"},
)


def html(value: str) -> str:
    """An HTML fragment without what could run, leave the page, or be laid over it."""
    return TEX.sub("", _strict.clean(value))


def svg(value: str) -> str | None:
    """An SVG picture of shapes and text alone; None where nothing of it is left."""
    start = value.find("<svg")
    cleaned = _svg.clean(value[max(start, 0) :]).replace("&nbsp;", "&#160;").strip() if start >= 0 else ""
    if not cleaned.startswith("<svg") or not cleaned.endswith("</svg>"):
        return None
    return re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", cleaned).replace("<svg", f"<svg {XMLNS}", 1)


def _harmless(source: str, attachments: dict[str, Any]) -> bool:
    """Whether nbconvert, and so formgrader and the feedback, makes nothing dangerous of this markdown."""
    if len(source) > LONGEST_MARKDOWN:
        return False
    try:
        rendered = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments)).render(source)
    except (InvalidNotebook, RecursionError, ValueError, KeyError, StopIteration):
        return False
    tags = (match[1].lower() for match in re.finditer(r"<([^\s<>]*)", rendered))
    if any(tag.strip("/") not in TAGS for tag in tags) or TEX.search(entities.unescape(rendered)):
        return False
    return _strict.clean(rendered) == _lenient.clean(rendered)


def _scheme(address: str) -> str:
    while (plain := entities.unescape(address)) != address:
        address = plain
    address = re.sub(r"[\s\\<>\x00-\x20]", "", address).lower()
    return address.partition(":")[0] if re.match(r"[^/?#]*:", address) else ""


def _neutral(source: str, attachments: dict[str, Any]) -> str:
    """The same markdown with every HTML tag shown as text that is not allowed, and no link that is not one."""

    def tag(match: re.Match) -> str:
        found = match[0]
        known = re.match(r"</?([a-z][a-z0-9]*)[\s/>]", found.lower())
        harmless = known and known[1] in TAGS and found.endswith(">") and _strict.clean(found) == _lenient.clean(found)
        return found if harmless or re.fullmatch(r"<https?://[\w./?#=%~+:@-]+>", found) else "&lt;" + found[1:]

    def link(match: re.Match) -> str:
        bang, label, opening, address = match.groups()
        scheme = _scheme(address)
        if scheme == "attachment":
            known = address.strip().removeprefix("attachment:") in attachments
            return match[0] if known else f"{bang}{label}{opening}missing"
        if scheme == "data" and PICTURE.fullmatch(address.strip()):
            return match[0]
        if scheme not in ("", "http", "https", "mailto") or address.strip().startswith(("/", "\\")):
            return f"{bang}{label}{opening}#removed"
        elsewhere = bang and scheme  # such a picture tells its host who looks at it; a link to it does not
        return match[0][1:] if elsewhere else match[0]

    source = re.sub(r"&(#0*92|#x0*5c|bsol);?", "", source, flags=re.IGNORECASE)
    kept, source = _set_aside("\ue001", VERBATIM, TEX.sub("", source).replace("mermaid", "text"))
    source = re.sub(r"<[a-zA-Z/!?][^<>]*>?", tag, source)
    source = re.sub(r"(!?)(\[[^\[\]]*\])(\(\s*|:\s*)(<[^<>\n]*>|[^\s()<>]*)", link, source)
    return _put_back("\ue001", kept, source)


def _set_aside(mark: str, what: re.Pattern, source: str) -> tuple[list[str], str]:
    """What matches, and the source with `mark`, a number and `mark` for each; no text of a student's holds a mark."""
    kept: list[str] = []

    def aside(match: re.Match) -> str:
        kept.append(match[0])
        return f"{mark}{len(kept) - 1}{mark}"

    return kept, what.sub(aside, source)


def _put_back(mark: str, kept: list[str], source: str) -> str:
    return re.sub(f"{mark}(\\d+){mark}", lambda match: kept[int(match[1])], source)


def markdown(source: str, attachments: dict[str, Any] | None = None) -> str:
    """A markdown cell that renders to nothing dangerous: as written if it does, else as much of it as can be."""
    attachments = attachments or {}
    if not SUSPECT.search(source):
        return source
    pictures, short = _set_aside("\ue000", PICTURE_ADDRESS, re.sub("[\ue000\ue001]", "", source))
    attempts = [lambda: short, lambda: _neutral(short, attachments)] if len(short) <= LONGEST_MARKDOWN else []
    for attempt in attempts:
        if _harmless(candidate := attempt(), attachments):
            return _put_back("\ue000", pictures, candidate)
    return source[:LONGEST_TEXT].translate(LOOKALIKES)


def picture(mime: str, data: Any) -> str | None:
    """Base64 of a picture that is one; None for anything else under that name."""
    if mime == "image/svg+xml":
        try:
            cleaned = svg(base64.b64decode(text(data)).decode())
        except (binascii.Error, ValueError):
            return None
        return base64.b64encode(cleaned.encode()).decode() if cleaned else None
    try:
        raw = base64.b64decode("".join(text(data).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return text(data) if raw.startswith(SIGNATURES.get(mime, ())) and SIGNATURES.get(mime) else None


def attachments(value: Any) -> dict[str, dict[str, str]]:
    """The pictures attached to a markdown cell."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in value.items() if isinstance(value, dict) else ():
        pictures = (
            {mime: data for mime in bundle if (data := picture(mime, bundle[mime]))} if isinstance(bundle, dict) else {}
        )
        if pictures and re.fullmatch(r"[\w .()%+-]+", name):
            kept[name] = pictures
    return kept


def _lines(value: str) -> str:
    lines = value.split("\n")
    return value if len(lines) <= MAX_LINES else "\n".join([*lines[: MAX_LINES - 1], "... Output truncated ..."])


def _bundle(data: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    for mime, value in data.items() if isinstance(data, dict) else ():
        cleaned: str | None = None
        if mime in SIGNATURES:
            cleaned = picture(mime, value)
        elif mime == "image/svg+xml":
            cleaned = svg(text(value))
        elif mime == "text/html":
            cleaned = html(text(value))
        elif mime == "text/markdown":
            cleaned = markdown(text(value))
        elif mime == "text/latex":
            cleaned = TEX.sub("", text(value))
        elif mime == "text/plain":
            cleaned = _lines(text(value))
        if cleaned is not None:
            kept[mime] = cleaned
    return kept


def output(value: Any) -> dict[str, Any] | None:
    """One output of a code cell, whatever was sent as one; None for what cannot be shown, as scripts and widgets."""
    if not isinstance(value, dict):
        return None
    kind = value.get("output_type")
    if kind == "stream":
        return {
            "output_type": kind,
            "name": "stderr" if value.get("name") == "stderr" else "stdout",
            "text": _lines(text(value.get("text"))),
        }
    if kind == "error":
        traceback = value.get("traceback")
        lines = [text(line) for line in traceback[-100:]] if isinstance(traceback, list) else []
        return {
            "output_type": kind,
            "ename": text(value.get("ename")),
            "evalue": text(value.get("evalue")),
            "traceback": lines,
        }
    data = _bundle(value.get("data"))
    if kind not in ("display_data", "execute_result") or not data:
        return None
    shown: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
    if kind == "execute_result":
        count = value.get("execution_count")
        shown["execution_count"] = count if type(count) is int and 0 <= count < 1 << 31 else None
    return shown
