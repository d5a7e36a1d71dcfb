"""A figure in a kernel: the author's own ipywidgets, and Python redrawing at every change."""

import html
from uuid import uuid4
from xml.etree import ElementTree

from IPython.display import HTML, display
from ipywidgets import Button, HBox, Play, VBox, interactive_output

from explore.table import tabulated


def live_figure(drawing, alt, play):
    # Another notebook in the same window may draw a figure of the same name.
    prefix = f"{drawing.name}-{uuid4().hex[:8]}"

    def show(**_):
        frame = drawing.frame(tuple(control.at for control in drawing.controls))
        display(HTML(still(frame, alt, prefix)))

    for control in drawing.controls:
        control.widget.description = control.label
        control.widget.style.description_width = "initial"  # else a long label is cut
    buttons = [reset_button(drawing.controls)]
    if play:
        buttons.insert(0, play_button(next(control for control in drawing.controls if control.name == play)))
    widgets = {control.name: control.widget for control in drawing.controls}
    display(VBox([*widgets.values(), HBox(buttons), interactive_output(show, widgets)]))


def still(frame, alt, prefix):
    """One frame as html that needs no style sheet."""
    svg, _ = tabulated([frame.svg], 0, prefix)
    svg.set("aria-label", f"{alt}. {frame.caption}")
    svg.set("style", svg.get("style", "") + ";max-width:100%;height:auto")
    return f"<div>{ElementTree.tostring(svg, 'unicode')}<p>{html.escape(frame.caption)}</p></div>"


def reset_button(controls):
    def reset(_):
        for control in controls:
            control.move(control.start)

    button = Button(description="Reset")
    button.on_click(reset)
    return button


def play_button(control):
    button = Play(min=0, max=len(control.values) - 1, value=control.start, interval=200)

    def lead(change):
        if control.at != change["new"]:
            control.move(change["new"])

    def follow(_):
        button.value = control.at

    button.observe(lead, "value")
    control.widget.observe(follow, "value")
    return button
