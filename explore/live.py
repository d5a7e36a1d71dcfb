"""A figure in a kernel: the author's own ipywidgets, and Python redrawing at every change."""

import html
from xml.etree import ElementTree

import ipywidgets
from IPython.display import HTML, display

from explore.table import tabulated


def inline(svg, alt, prefix):
    """The svg as html, with ids that no other picture has."""
    still, _ = tabulated([svg], 0, prefix)
    still.set("aria-label", alt)
    return f'<div class="explore" style="max-width:540px">{still_text(still)}</div>'


def still_text(svg):
    svg.set("style", svg.get("style", "") + ";max-width:100%;height:auto")
    return ElementTree.tostring(svg, "unicode")


def live_figure(drawing, alt, play, widgets, prefix):
    controls = dict(zip(widgets, drawing.controls, strict=True))

    def show(**values):
        position = tuple(controls[name].at(value) for name, value in values.items())
        frame = drawing.frame(position)
        display(HTML(inline(frame.svg, f"{alt}. {frame.caption}", prefix) + f"<p>{html.escape(frame.caption)}</p>"))

    buttons = [reset_button(drawing, widgets)]
    if play:
        buttons.insert(0, play_button(controls[play], widgets[play]))
    picture = ipywidgets.interactive_output(show, dict(widgets))
    display(ipywidgets.VBox([*widgets.values(), ipywidgets.HBox(buttons), picture]))


def reset_button(drawing, widgets):
    def reset(_):
        for widget, control in zip(widgets.values(), drawing.controls, strict=True):
            widget.value = control.values[control.start]

    button = ipywidgets.Button(description="Reset")
    button.on_click(reset)
    return button


def play_button(control, widget):
    button = ipywidgets.Play(min=0, max=len(control.values) - 1, value=control.start, interval=200)

    def follow(change):
        button.value = control.at(change["new"])

    def lead(change):
        if control.at(widget.value) != change["new"]:
            widget.value = control.values[change["new"]]

    button.observe(lead, "value")
    widget.observe(follow, "value")
    return button
