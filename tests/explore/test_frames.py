"""A frame of the static page is what Python draws for the same values."""

import pytest

from explore.controls import read_control
from explore.drawing import Drawing
from explore.page import static_figure
from tests.explore.figures import FIGURES
from tests.explore.reading import frames_in, seen


def drawing_of(name):
    function, alt, play, controls = FIGURES[name]
    return Drawing(function, [read_control(key, widget) for key, widget in controls().items()]), alt, play


@pytest.mark.parametrize("name", FIGURES)
def test_every_frame_is_what_python_draws(name):
    drawing, alt, play = drawing_of(name)
    markup = static_figure(drawing, alt, play)
    fresh, _, _ = drawing_of(name)
    different = set()
    for position, svg, caption in frames_in(markup):
        frame = fresh.frame(position)
        assert seen(svg) == seen(frame.svg), position
        assert caption == frame.caption
        different.add((seen(svg), caption))
    assert len(different) == len(drawing.positions)
