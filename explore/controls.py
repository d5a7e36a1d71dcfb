"""A widget read as what a static page can offer: a finite list of values, each with its label."""

from dataclasses import dataclass
from typing import Any

import ipywidgets


@dataclass(frozen=True)
class Control:
    name: str  # the parameter of the figure function
    label: str  # what the reader sees
    kind: str  # "slider", "menu" or "checkbox"
    values: list[Any]
    labels: list[str]  # one a value, all different: they also stand in the address of a shared position
    start: int

    def at(self, value):
        """The index of a value that the live widget reports (a log slider's differ in the last digit)."""
        if value in self.values:
            return self.values.index(value)
        return min(range(len(self.values)), key=lambda i: abs(self.values[i] - value))


def read_control(name, widget):
    label = getattr(widget, "description", "") or name
    if isinstance(widget, ipywidgets.Checkbox):
        return Control(name, label, "checkbox", [False, True], ["no", "yes"], int(widget.value))
    if isinstance(widget, (ipywidgets.Dropdown, ipywidgets.SelectionSlider)):
        kind = "menu" if isinstance(widget, ipywidgets.Dropdown) else "slider"
        pairs = [
            option if isinstance(option, tuple) and len(option) == 2 else (str(option), option)
            for option in widget.options
        ]
        labels, values = (list(column) for column in zip(*pairs, strict=True))
        start = widget.index
    elif isinstance(widget, (ipywidgets.IntSlider, ipywidgets.FloatSlider, ipywidgets.FloatLogSlider)):
        kind, values = "slider", slider_values(widget)
        labels = [read_out(value, widget.readout_format) for value in values]
        start = closest(name, values, widget.value)
    else:
        raise ValueError(
            f"{name} must be an ipywidgets IntSlider, FloatSlider, FloatLogSlider, SelectionSlider, Dropdown "
            f"or Checkbox, got {type(widget).__name__}"
        )
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(
            f"{name} must show each value differently, got {twice!r} twice: give it a finer readout_format"
        )
    return Control(name, label, kind, values, labels, start)


def slider_values(widget):
    count = int((widget.max - widget.min) / widget.step + 1e-9) + 1
    steps = [widget.min + i * widget.step for i in range(count)]
    if isinstance(widget, ipywidgets.IntSlider):
        return steps
    if isinstance(widget, ipywidgets.FloatLogSlider):
        # Twelve digits: 0.1 and not 0.10000000000000002.
        return [float(f"{widget.base**step:.12g}") for step in steps]
    return [float(f"{step:.12g}") for step in steps]


def read_out(value, readout_format):
    """0.01, 1e-6: Python's own format, without the zero that pads its exponents."""
    digits, e, exponent = format(value, readout_format).partition("e")
    return f"{digits}e{int(exponent)}" if e else digits


def closest(name, values, value):
    index = min(range(len(values)), key=lambda i: abs(values[i] - value))
    if abs(values[index] - value) > 1e-9 * max(1e-300, abs(value), abs(values[index])):
        raise ValueError(f"{name} must start on one of its steps, got {value}: the nearest is {values[index]}")
    return index
