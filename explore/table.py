"""Many svg trees as one, and a table of what differs between them.

The one tree has a node for everything that any frame draws; a frame that lacks a node hides it. So a script only ever
sets attributes and texts: it builds nothing, and a step costs it a fraction of a millisecond.
"""

import re
from difflib import SequenceMatcher
from typing import Any
from xml.etree.ElementTree import Element

Column = tuple[int, str, list[str | None]]  # number of the node, attribute ("" is its text), a value per frame
REFERENCE = re.compile(r"(?<=url\(#)[\w-]+")


class Slot:
    """A node of the one tree: the element that each frame has there, or None."""

    def __init__(self, elements: list[Element | None]):
        self.elements = elements
        self.tag = next(element for element in elements if element is not None).tag
        self.children = [Slot(column) for column in aligned(elements)]

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def aligned(parents):
    """For each slot among the children: the child that each parent has there, or None."""
    kinds = [tuple(child.get("kind", "") for child in parent) if parent is not None else () for parent in parents]
    union: list[str] = []
    for sequence in dict.fromkeys(kinds):
        union = merged(union, list(sequence))
    places = {sequence: placed(sequence, union) for sequence in set(kinds)}
    columns: list[list[Element | None]] = [[None] * len(parents) for _ in union]
    for frame, (parent, sequence) in enumerate(zip(parents, kinds, strict=True)):
        for place, child in zip(places[sequence], parent if parent is not None else (), strict=True):
            columns[place][frame] = child
    return [column for column in columns if any(child is not None for child in column)]


def merged(first, second):
    """A sequence that contains both in their order."""
    both = []
    for _, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        both += first[a:b] if first[a:b] == second[c:d] else first[a:b] + second[c:d]
    return both


def placed(sequence, union):
    """Where in `union` each entry of `sequence` stands, leftmost."""
    places, after = [], 0
    for kind in sequence:
        after = union.index(kind, after) + 1
        places.append(after - 1)
    return places


def tabulated(svgs: list[Element], start: int, prefix: str) -> tuple[Element, list[Column]]:
    """The one tree as it looks at frame `start`, and a column for each attribute that differs.

    Ids are `prefix`-0, `prefix`-1, ...
    """
    root = Slot(list(svgs))
    slots = list(root.walk())
    names: list[dict[str, str]] = [{} for _ in svgs]
    named = (slot for slot in slots if any("id" in element.attrib for element in slot.elements if element is not None))
    for count, slot in enumerate(named):
        for frame, element in enumerate(slot.elements):
            if element is not None and "id" in element.attrib:
                names[frame][element.attrib["id"]] = f"{prefix}-{count}"
    columns: list[Column] = []
    looks = {}
    for number, slot in enumerate(slots):
        states = states_of(slot, names)
        looks[slot] = states[start]
        for key in sorted(set().union(*states)):
            column = [state.get(key) for state in states]
            if any(value != column[0] for value in column):
                columns.append((number, key, column))
    return built(root, looks), columns


def states_of(slot, names):
    """The attributes (and, under "", the text) of a node in every frame."""
    states: list[Any] = []
    for element, renamed in zip(slot.elements, names, strict=True):
        if element is None:
            states.append(None)
            continue
        state = {key: referring(key, value, renamed) for key, value in element.attrib.items() if key != "kind"}
        if not slot.children and element.text:
            state[""] = element.text
        states.append(state)
    # A frame that lacks the node hides it and leaves the rest as it was: nothing more to store.
    last = next(state for state in states if state is not None)
    for frame, state in enumerate(states):
        if state is None:
            states[frame] = {**last, "display": "none"}
        else:
            last = state
    return states


def referring(key, value, renamed):
    if key == "id":
        return renamed[value]
    if key == "href" and value[1:] in renamed:
        return "#" + renamed[value[1:]]
    return REFERENCE.sub(lambda match: renamed[match[0]], value)


def built(slot, looks):
    state = looks[slot]
    element = Element(slot.tag, {key: value for key, value in state.items() if key})
    element.text = state.get("")
    element.extend(built(child, looks) for child in slot.children)
    return element
