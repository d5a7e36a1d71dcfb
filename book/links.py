"""Links inside of the book that lead nowhere without Sphinx noticing: a footnote without its bibliography, say."""

import re
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINK = re.compile(r'\s(?:href|src|data-src)="([^"]+)"')
ID = re.compile(r'\sid="([^"]+)"')


def broken(html: Path, names: list[str], written: list[str]) -> list[str]:
    """What is wrong with the links of the `written` pages, a line each. Of all the `names` some may not be written."""
    unwritten = {html / f"{name}.html" for name in set(names) - set(written)}
    ids = cache(lambda page: {unescape(name) for name in ID.findall(page.read_text())})
    problems = []
    for name in written:
        page = html / f"{name}.html"
        for link in dict.fromkeys(LINK.findall(page.read_text())):
            url = urlsplit(unescape(link))
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            if url.scheme or url.netloc or target in unwritten:
                continue
            if not target.exists():
                problems.append(f"{name}.md: links to {link}, which does not exist")
            elif url.fragment and target.suffix == ".html" and unquote(url.fragment) not in ids(target):
                problems.append(f"{name}.md: links to {link}, where nothing has that name")
    return problems
