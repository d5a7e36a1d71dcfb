"""A frame of the static page is what Python draws for the same values."""

import pytest

from tests.explore.figures import FIGURES, drawing_of, markup_of
from tests.explore.reading import frames_in, seen


@pytest.mark.parametrize("name", FIGURES)
def test_every_frame_is_what_python_draws(name):
    drawing = drawing_of(name)
    different = set()
    for position, svg, caption in frames_in(markup_of(name)):
        frame = drawing.frame(position)
        assert seen(svg) == seen(frame.svg), position
        assert caption == frame.caption
        different.add((seen(svg), caption))
    assert len(different) == len(drawing.positions)
