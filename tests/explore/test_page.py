"""What is refused at build time, and what the markup of a figure holds."""

import os
import re
import subprocess
import sys
import textwrap
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets import Checkbox, Dropdown, FloatSlider, IntSlider

import explore as package
from explore import explore, page, picture, show
from explore.page import static_figure
from regopt import soft_threshold
from tests.explore.figures import FIGURES, drawing_of, markup_of
from tests.explore.reading import svg_in, table_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shown(monkeypatch):
    """What a static page is given; a fresh page for each test."""
    bundles = []
    monkeypatch.setattr(package, "STATIC", True)
    monkeypatch.setattr(page, "shown", set())
    monkeypatch.setattr(picture, "display", lambda bundle, raw: bundles.append(bundle))
    yield bundles
    plt.close("all")


def line(k, caption=None):
    fig, ax = plt.subplots()
    ax.plot([0, k])
    return fig, caption or f"up to {k}"


def steps():
    return IntSlider(min=0, max=3, value=1)


class TestRefused:
    def test_more_than_400_frames(self, shown):
        def wide(a, b, c):
            raise AssertionError("drawn all the same")

        with pytest.raises(
            ValueError, match=r"wide must have at most 400 frames, got 420 \(a 21 x b 10 x c 2\): coarsen a"
        ):
            explore(
                alt="x",
                a=FloatSlider(min=0, max=1, step=0.05, value=0),
                b=Dropdown(options=list("abcdefghij")),
                c=Checkbox(),
            )(wide)

    def test_400_frames_are_not_too_many(self):
        drawing = package.Drawing(line, [package.read_control("k", IntSlider(min=1, max=400, value=1))])
        page.refuse_too_many(drawing)

    def test_one_more_is(self):
        drawing = package.Drawing(line, [package.read_control("k", IntSlider(min=0, max=400, value=1))])
        with pytest.raises(ValueError, match="got 401"):
            page.refuse_too_many(drawing)

    def test_a_generator_that_is_shared_between_frames(self, shown):
        rng = np.random.default_rng(0)

        def noisy(k):
            return line(k + rng.normal(), f"up to {k}")

        with pytest.raises(
            ValueError, match=r"noisy must draw the same picture .* got two for \{'k': 1\}: make its random"
        ):
            explore(alt="x", k=steps())(noisy)

    def test_a_caption_that_is_not_the_same_twice(self, shown):
        counter = count()
        with pytest.raises(ValueError, match="same picture"):
            explore(alt="x", k=steps())(lambda k: line(k, f"call {next(counter)}"))

    def test_a_caption_that_never_changes(self, shown):
        with pytest.raises(ValueError, match="must say what changes, got at every position 'a line'"):
            explore(alt="x", k=steps())(lambda k: line(k, "a line"))

    @pytest.mark.parametrize("caption", ["", " ", None, 3])
    def test_no_caption(self, shown, caption):
        def silent(k):
            return line(k)[0], caption

        with pytest.raises(
            ValueError, match=re.escape(f"the caption of silent must say in words what is seen, got {caption!r}")
        ):
            explore(alt="x", k=steps())(silent)

    def test_a_figure_alone(self, shown):
        def alone(k):
            return line(k)[0]

        with pytest.raises(
            ValueError, match="alone must return a figure and a caption in words, got Figure: `return fig, "
        ):
            explore(alt="x", k=steps())(alone)

    def test_no_alternative_text(self):
        with pytest.raises(TypeError, match="alt"):
            explore(k=steps())
        with pytest.raises(ValueError, match="alt must say in words what is to be seen, got ''"):
            explore(alt="", k=steps())

    def test_no_control(self):
        with pytest.raises(ValueError, match="a figure must have a control"):
            explore(alt="x")

    def test_playing_what_is_not_there(self):
        with pytest.raises(ValueError, match="play must name one of k, got 't'"):
            explore(alt="x", play="t", k=steps())

    def test_two_figures_of_one_name(self, shown):
        explore(alt="x", k=steps())(line)
        with pytest.raises(ValueError, match="got line twice: rename one"):
            explore(alt="x", k=steps())(line)

    def test_other_axes_at_another_position(self, shown):
        def split(k):
            fig, _ = plt.subplots(1 + (k == 3))
            return fig, str(k)

        with pytest.raises(ValueError, match=r"same axes at every position, got 1 at \{'k': 1\} and 2 at \{'k': 3\}"):
            explore(alt="x", k=steps())(split)

    def test_a_figure_too_wide_for_a_phone(self, shown):
        def wide(k):
            return plt.subplots(figsize=(8, 3))[0], str(k)

        with pytest.raises(ValueError, match=r"at most 6\.0 inches wide, got 8\.0: stack its panels"):
            explore(alt="x", k=steps())(wide)


class TestMarkup:
    def test_ids_are_of_one_element_each_and_all_referred_to_exist(self):
        markup = "".join(markup_of(name) for name in FIGURES)
        ids = re.findall(r'\sid="([^"]*)"', markup)
        assert len(ids) == len(set(ids)) > 10
        assert all(identifier.startswith("explore-") for identifier in ids)
        referred = re.findall(r'(?:url\(#|href="#|for=")([^")]+)', markup)
        assert referred
        assert set(referred) <= set(ids)

    def test_references_in_the_table_exist_too(self):
        markup = markup_of("bars")
        values = str([values for _, _, values, _ in table_of(markup)["columns"]])
        referred = re.findall(r"url\(#([^)]+)", values)
        assert referred
        assert set(referred) <= set(re.findall(r'\sid="([^"]*)"', markup))

    def test_the_words_of_the_start_are_there_without_a_script(self):
        markup = markup_of("ridge")
        svg = svg_in(markup)
        assert svg.get("role") == "img"
        assert svg.get("aria-label") == (
            "Degree-11 ridge fit to 30 noisy points. λ = 0.01: the training error is 0.056"
        )
        assert '<figcaption aria-live="polite">λ = 0.01: the training error is 0.056</figcaption>' in markup
        assert "stands still at ridge λ = 0.01." in markup

    def test_what_an_author_writes_is_text_and_not_markup(self):
        markup = static_figure(drawing_of("bars"), '<i> & "q"', None)
        assert "<i>" not in markup
        assert "<b>" not in markup
        assert svg_in(markup).get("aria-label", "").startswith('<i> & "q". 8 bars & a share of 0.5 < 1')

    def test_the_second_build_writes_the_same(self):
        script = "from tests.explore.figures import markup_of; print(markup_of('bars'), end='')"
        again = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert again == markup_of("bars")

    @pytest.mark.parametrize("name", FIGURES)
    def test_a_figure_is_at_most_20_kb(self, name):
        assert len(markup_of(name).encode()) <= 20_000


def test_the_example_of_the_guide_works_and_stands_in_contributing_as_well(shown):
    example = textwrap.dedent(re.search(r'\n    from .*?zero\."\n', package.__doc__, re.DOTALL)[0]).strip()
    exec(example, {"plt": plt, "np": np, "soft_threshold": soft_threshold, "WEIGHTS": np.linspace(-2, 2, 8)})
    assert shown[0]["text/plain"].endswith("λ = 0.1: 0 of eight weights are zero.")
    assert example[example.index("@explore") :] in (ROOT / "CONTRIBUTING.md").read_text()


class TestStill:
    def test_a_picture_has_words_and_ids_of_its_own(self, shown):
        open_before = plt.get_fignums()
        for _ in range(2):
            show(line(1)[0], alt='A "line"')
        first, second = (ElementTree.fromstring(bundle["text/html"]) for bundle in shown)
        assert first.get("class") == "explore"
        assert first[0].get("aria-label") == 'A "line"'
        assert first[0].get("role") == "img"
        ids = [{node.get("id") for node in tree.iter()} - {None} for tree in (first, second)]
        assert ids[0]
        assert ids[1]
        assert not ids[0] & ids[1]
        assert shown[0]["text/plain"] == 'A "line"'
        assert shown[0]["image/png"].startswith(b"\x89PNG")
        assert plt.get_fignums() == open_before

    def test_on_a_page_the_names_are_numbers(self, shown, monkeypatch):
        monkeypatch.setattr(picture, "STATIC", True)
        monkeypatch.setattr(picture, "pictures", count(1))
        for _ in range(2):
            show(line(1)[0], alt="A line")
        assert 'id="picture-1-0"' in shown[0]["text/html"]
        assert 'id="picture-2-0"' in shown[1]["text/html"]

    def test_without_words_there_is_none(self):
        with pytest.raises(ValueError, match="alt must say in words what is to be seen, got ' '"):
            show(line(1)[0], alt=" ")


class TestShown:
    def test_a_pdf_gets_a_picture_and_a_terminal_words(self, shown):
        explore(alt="A line", k=steps())(line)
        (bundle,) = shown
        assert bundle["text/html"].startswith('<figure class="explore" id="explore-line" ')
        assert bundle["image/png"].startswith(b"\x89PNG")
        assert bundle["text/plain"] == "A line. up to 1"

    def test_no_figure_is_left_open_for_the_notebook_to_show_again(self, shown):
        open_before = plt.get_fignums()
        explore(alt="A line", k=steps())(line)
        assert plt.get_fignums() == open_before

    def test_a_static_page_holds_no_widget_state(self):
        script = "import explore, ipywidgets; print(type(ipywidgets.IntSlider().comm).__name__)"
        said = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "EXPLORE_STATIC": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said == "DummyComm\n"


def test_the_layout_holds_the_labels_of_both_ends():
    """The widest tick label, at one end of the slider, is inside the picture, and the axes stand still."""

    def grows(k):
        fig, ax = plt.subplots()
        ax.plot([0, 10.0**k])
        ax.ticklabel_format(style="plain")
        return fig, str(k)

    drawing = package.Drawing(grows, [package.read_control("k", IntSlider(min=0, max=9, value=0))])
    outlines = set()
    for position in drawing.positions:
        svg = drawing.frame(position).svg
        outlines.add(next(ElementTree.tostring(node) for node in svg.iter("clipPath")).split(b">", 1)[1])
        left = [
            float(text.get("x", "0")) - 0.5 * 11 * len(text.text or "")
            for text in svg.iter("text")
            if "text-anchor:end" in text.get("style", "")
        ]
        assert min(left) > 0
    assert len(outlines) == 1
