"""A figure in a kernel, without the browser: JupyterLab has changes handled by two threads of the kernel."""

import time
from threading import Thread

import matplotlib.pyplot as plt
from ipywidgets import IntSlider

from explore.controls import read_control
from explore.drawing import Drawing
from explore.live import live_figure


def test_two_threads_draw_one_after_the_other():
    drawn, at_work, most_at_work = [], [], []

    def slow(t):
        at_work.append(t)
        most_at_work.append(len(at_work))
        fig, _ = plt.subplots()
        time.sleep(0.02)
        drawn.append(t)
        at_work.pop()
        return fig, f"step {t}"

    # Two figures, as a page has: pyplot is one for both.
    sliders = [IntSlider(min=0, max=9, value=0) for _ in range(2)]
    for slider in sliders:
        live_figure(Drawing(slow, [read_control("t", slider)]), "A figure that takes its time", None)

    def drag(slider):
        for t in range(1, 10):
            slider.value = t

    threads = [Thread(target=drag, args=(slider,)) for slider in sliders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most_at_work) == 1
    assert drawn.count(5) == 2


def test_a_figure_is_not_among_those_that_pyplot_shows_while_it_is_drawn():
    before = plt.get_fignums()
    drawing = Drawing(lambda t: (plt.subplots()[0], f"step {t}"), [read_control("t", IntSlider(min=0, max=1))])
    fig, _ = drawing.draw((0,))
    assert plt.get_fignums() == before
    assert not plt.fignum_exists(fig.number)
