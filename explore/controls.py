"""A widget read as what a static page can offer: a finite list of values, each with its label."""

from dataclasses import dataclass
from typing import Any

from ipywidgets import Checkbox, Dropdown, FloatLogSlider, FloatSlider, IntSlider, SelectionSlider

NUMERIC = IntSlider | FloatSlider | FloatLogSlider
CHOICES = Dropdown | SelectionSlider


@dataclass(frozen=True)
class Control:
    name: str  # the parameter of the figure function
    label: str  # what the reader sees
    kind: str  # "slider", "menu" or "checkbox"
    values: list[Any]
    labels: list[str]  # one a value, all different: they also stand in the address of a shared position
    widget: Any
    start: int = 0

    @property
    def at(self):
        """The index of the widget's present value. (In a browser a log slider computes other last digits.)"""
        if isinstance(self.widget, CHOICES):
            return self.widget.index
        return min(range(len(self.values)), key=lambda i: abs(self.values[i] - self.widget.value))

    def move(self, index):
        if isinstance(self.widget, CHOICES):
            self.widget.index = index
        else:
            self.widget.value = self.values[index]


def read_control(name, widget):
    kind = "slider"
    if isinstance(widget, Checkbox):
        kind, values, labels = "checkbox", [False, True], ["no", "yes"]
    elif isinstance(widget, CHOICES):
        kind = "menu" if isinstance(widget, Dropdown) else "slider"
        pairs = [option if isinstance(option, tuple) else (str(option), option) for option in widget.options]
        labels, values = [label for label, _ in pairs], [value for _, value in pairs]
    elif isinstance(widget, NUMERIC):
        values = slider_values(widget)
        labels = [read_out(value, widget.readout_format) for value in values]
    else:
        raise ValueError(
            f"{name} must be an IntSlider, FloatSlider, FloatLogSlider, SelectionSlider, Dropdown or Checkbox "
            f"of ipywidgets, got {type(widget).__name__}"
        )
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(
                f"{name} must show each value differently, got {label!r} twice: set readout_format or options"
            )
    control = Control(name, widget.description or name, kind, values, labels, widget)
    start = control.at
    if start is None or (isinstance(widget, NUMERIC) and not close(values[start], widget.value)):
        raise ValueError(
            f"{name} must start on one of its values, got {widget.value}: choose one of {', '.join(labels)}"
        )
    return Control(name, widget.description or name, kind, values, labels, widget, start)


def slider_values(widget):
    count = int((widget.max - widget.min) / widget.step + 1e-9) + 1
    steps = [widget.min + i * widget.step for i in range(count)]
    if isinstance(widget, IntSlider):
        return steps
    if isinstance(widget, FloatLogSlider):
        steps = [widget.base**step for step in steps]
    return [float(f"{step:.12g}") for step in steps]  # 0.3, not 0.30000000000000004


def read_out(value, readout_format):
    """0.01, 1e-6: Python's own format, without the zero that pads its exponents."""
    digits, e, exponent = format(value, readout_format).partition("e")
    return f"{digits}e{int(exponent)}" if e else digits


def close(value, other):
    return abs(value - other) <= 1e-9 * max(abs(value), abs(other))
