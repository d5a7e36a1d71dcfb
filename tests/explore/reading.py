"""A page's figure read back in Python, by other code than wrote it: markup, table, and each frame put together."""

import base64
import gzip
import html
import json
import re
from itertools import product
from xml.etree import ElementTree


def table_of(markup):
    return json.loads(gzip.decompress(base64.b64decode(re.search(r'class="explore-table"[^>]*>([^<]*)<', markup)[1])))


def offered_in(markup):
    """What the page says of the controls before the table is there."""
    return json.loads(html.unescape(re.search(r'data-offered="([^"]*)"', markup)[1]))


def svg_in(markup):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", markup, re.DOTALL)[0])


def frames_in(markup):
    """For each position: the svg and the caption that the script would make of the markup."""
    table = table_of(markup)
    svg = svg_in(markup)
    nodes = list(svg.iter())
    for frame, position in enumerate(product(*(range(len(labels)) for _, labels, _ in offered_in(markup)["controls"]))):
        caption = None
        for number, key, values, which in table["columns"]:
            value = values[table["which"][which][frame]]
            if number < 0:
                caption = value
            elif key == "":
                nodes[number].text = value
            elif value is None:
                nodes[number].attrib.pop(key, None)
            else:
                nodes[number].set(key, value)
        yield position, svg, caption


def seen(svg):
    """What an svg shows, as nested tuples: hidden nodes left out, ids numbered as they come."""
    numbers = {}

    def number(match):
        return f"#{numbers.setdefault(match[0], len(numbers))}"

    def walk(node):
        attributes = {key: value for key, value in node.attrib.items() if key not in ("kind", "aria-label")}
        if "id" in attributes:
            attributes["id"] = "#" + attributes["id"]
        attributes = {
            key: re.sub(r"#[\w-]{8,}", number, value) if key in ("id", "href") or "url(" in value else value
            for key, value in attributes.items()
        }
        children = tuple(walk(child) for child in node if child.get("display") != "none")
        return node.tag, tuple(sorted(attributes.items())), (node.text or "").strip(), children

    return walk(svg)
