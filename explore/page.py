"""A figure as a piece of a static page: one svg, its controls, and the table that explore.js reads."""

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from explore.picture import display_with_png
from explore.table import tabulated

MAX_FRAMES = 400
TABLE = re.compile(r'(<script type="text/plain" class="explore-table" data-name="([^"]*)")>([^<]+)</script>')
shown: set[str] = set()


def show_static(drawing, alt, play):
    if drawing.name in shown:
        raise ValueError(f"each figure of a page must have a name of its own, got {drawing.name} twice: rename one")
    shown.add(drawing.name)
    markup = static_figure(drawing, alt, play)
    fig, caption = drawing.draw(drawing.start)
    display_with_png(markup, fig, f"{alt}. {caption}")


def refuse_too_many(drawing):
    counts = [len(control.values) for control in drawing.controls]
    total = 1
    for count in counts:
        total *= count
    if total > MAX_FRAMES:
        steps = " x ".join(f"{control.name} {count}" for control, count in zip(drawing.controls, counts, strict=True))
        most = drawing.controls[counts.index(max(counts))].name
        raise ValueError(f"{drawing.name} must have at most {MAX_FRAMES} frames, got {total} ({steps}): coarsen {most}")


def frames_of(drawing):
    """Every frame, in the order of the positions. The start is drawn first and again last: nothing may have changed."""
    before, first = drawing.frame(drawing.start), drawing.start
    frames = [before if position == first else drawing.frame(position) for position in drawing.positions]
    after = drawing.frame(first)
    if ElementTree.tostring(before.svg) != ElementTree.tostring(after.svg) or before.caption != after.caption:
        raise ValueError(
            f"{drawing.name} must draw the same picture for the same values, got two for {drawing.values(first)}: "
            "make its random generator inside of it, from a fixed seed"
        )
    if len({frame.caption for frame in frames}) == 1 < len(frames):
        raise ValueError(
            f"the caption of {drawing.name} must say what changes, got at every position {before.caption!r}"
        )
    return frames


def static_figure(drawing, alt, play):
    refuse_too_many(drawing)
    frames = frames_of(drawing)
    start = drawing.positions.index(drawing.start)
    svg, columns = tabulated([frame.svg for frame in frames], start, f"explore-{drawing.name}")
    caption = frames[start].caption
    svg.set("aria-label", f"{alt}. {caption}")
    controls = drawing.controls
    table = packed([*columns, (-1, "", [frame.caption for frame in frames])])
    offered = {
        "alt": alt,
        "play": [control.name for control in controls].index(play) if play else None,
        "controls": [[control.name, control.labels, control.start] for control in controls],
    }
    rows = "".join(row(drawing.name, control) for control in controls)
    stands = ", ".join(f"{control.label} = {control.labels[control.start]}" for control in controls)
    buttons = '<button type="button" class="explore-play">Play</button>' if play else ""
    buttons += '<button type="button" class="explore-reset">Reset</button>'
    return (
        f'<figure class="explore" id="explore-{drawing.name}" data-offered="{html.escape(compact(offered))}">'
        f"<noscript><style>#explore-{drawing.name} .explore-controls{{display:none}}</style>"
        f"<p>Without JavaScript this picture stands still at {html.escape(stands)}.</p></noscript>"
        f'<div class="explore-controls" role="group" aria-label="Controls: {html.escape(alt)}" hidden>'
        f'{rows}<div class="explore-buttons">{buttons}</div></div>'
        f"{ElementTree.tostring(svg, 'unicode')}"
        f'<figcaption aria-live="polite">{html.escape(caption)}</figcaption>'
        f'<script type="text/plain" class="explore-table" data-name="{drawing.name}">{table}</script></figure>'
    )


def without_tables(markup: str, folder: Path, address: Callable[[str], str]) -> str:
    """Move each figure's table into a script in `folder`, for the figure to ask for: most are looked at and not moved.

    A script, because a page that is read from a file may load nothing else. `address` says where the page finds it; a
    hash keeps a browser from using last week's.
    """

    def moved(match):
        tag, name, table = match.groups()
        text = f'(window.exploreTables ??= {{}})["{name}"] = "{table}";\n'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.js").write_text(text)
        version = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f'{tag} data-src="{address(f"{name}.js")}?v={version}"></script>'

    return TABLE.sub(moved, markup)


def row(name, control):
    number, label = f"explore-{name}-{control.name}", html.escape(control.label)
    if control.kind == "slider":
        now = html.escape(control.labels[control.start])
        return (
            f'<div class="explore-row"><label for="{number}">{label}</label><span aria-hidden="true"> = {now}</span>'
            f'<input type="range" id="{number}" name="{control.name}" min="0" max="{len(control.values) - 1}" '
            f'value="{control.start}" aria-valuetext="{now}" autocomplete="off"></div>'
        )
    if control.kind == "checkbox":
        checked = " checked" if control.start else ""
        return (
            f'<div class="explore-row"><label for="{number}"><input type="checkbox" id="{number}" name="{control.name}"'
            f'{checked} autocomplete="off"> {label}</label></div>'
        )
    options = "".join(
        f"<option{' selected' if i == control.start else ''}>{html.escape(text)}</option>"
        for i, text in enumerate(control.labels)
    )
    return (
        f'<div class="explore-row"><label for="{number}">{label}</label> '
        f'<select id="{number}" name="{control.name}" autocomplete="off">{options}</select></div>'
    )


def packed(columns):
    """What the script needs, as base64 of gzip of JSON: each column's distinct values, and which one each frame has.

    Many columns change in the same frames: what each frame has is written once for all of them.
    """
    whiches: list[list[int]] = []
    entries = []
    for number, key, column in columns:
        distinct = {value: i for i, value in enumerate(dict.fromkeys(column))}
        which = [distinct[value] for value in column]
        if which not in whiches:
            whiches.append(which)
        entries.append([number, key, list(distinct), whiches.index(which)])
    data = compact({"columns": entries, "which": whiches}).encode()
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def compact(data):
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
