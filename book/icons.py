"""The icons that pages draw, and no others: the theme's style sheet and its icon fonts, cut down to what is used.

The theme would load all of Font Awesome as a script of 540 KB compressed (templates/static/webpack-macros.html leaves
it out) or as fonts of 300 KB.
"""

import re
from pathlib import Path

from book.equations import cut_font

RULE = re.compile(r'(?:\.fa-[\w-]+:before,?)+\{content:"\\[0-9a-f]+"\}')
NAME = re.compile(r"fa-[\w-]+")
CODEPOINT = re.compile(r'"\\([ef][0-9a-f]{3})"|"([\ue000-\uf8ff])"')
FALLBACK = re.compile(r',url\([^)]*\.ttf\) format\("truetype"\)')


def cut(html: Path) -> None:
    """Take unused icons out of the style sheet and the fonts of the site in `html`."""
    static = html / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    used = set()
    for path in [*html.rglob("*.html"), *static.rglob("*.js")]:
        if path.name != "fontawesome.js":
            used |= set(NAME.findall(path.read_text()))
    css = RULE.sub(lambda rule: rule[0] if used & set(NAME.findall(rule[0])) else "", sheet.read_text())
    sheet.write_text(FALLBACK.sub("", css))
    codepoints = set()
    for path in static.rglob("*.css"):
        for escaped, literal in CODEPOINT.findall(path.read_text()):
            codepoints.add(int(escaped, 16) if escaped else ord(literal))
    for font in (static / "vendor" / "fontawesome" / "webfonts").glob("*"):
        if font.suffix == ".woff2":
            cut_font(font, font, codepoints)
        else:
            font.unlink()
    for unused in [*static.rglob("*.map"), static / "scripts" / "fontawesome.js"]:
        unused.unlink()
