"""A figure in a kernel: the author's own ipywidgets, and Python redrawing at every change."""

import html
from threading import RLock

from IPython.display import HTML, clear_output, display
from ipywidgets import Button, HBox, Output, Play, VBox

from explore.picture import inline, unique

# JupyterLab has some changes handled by the kernel's main thread and some by another, and matplotlib knows no threads.
ONE_AT_A_TIME = RLock()


def live_figure(drawing, alt, play):
    prefix, output = unique(drawing.name), Output()

    def show(_=None):
        with ONE_AT_A_TIME, output:
            clear_output(wait=True)
            frame = drawing.frame(tuple(control.at for control in drawing.controls))
            picture = inline(frame.svg, f"{alt}. {frame.caption}", prefix)
            display(HTML(f"{picture}<p>{html.escape(frame.caption)}</p>"))

    for control in drawing.controls:
        control.widget.description = control.label
        control.widget.style.description_width = "initial"  # else a long label is cut
        control.widget.observe(show, "value")
    buttons = [reset_button(drawing.controls)]
    if play:
        buttons.insert(0, play_button(next(control for control in drawing.controls if control.name == play)))
    display(VBox([*(control.widget for control in drawing.controls), HBox(buttons), output]))
    show()


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
