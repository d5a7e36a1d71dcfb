"""What a widget becomes, and what is refused."""

import pytest
from ipywidgets import (
    Checkbox,
    Dropdown,
    FloatLogSlider,
    FloatSlider,
    FloatText,
    IntSlider,
    RadioButtons,
    SelectionSlider,
)

from explore.controls import read_control

READ = {
    "a step that binary numbers cannot hold": (
        FloatSlider(min=0, max=0.3, step=0.1, value=0.2),
        ("slider", [0, 0.1, 0.2, 0.3], ["0.00", "0.10", "0.20", "0.30"], 2),
    ),
    "a range that is no multiple of the step": (
        FloatSlider(min=1, max=2, step=0.4, value=1),
        ("slider", [1, 1.4, 1.8], ["1.00", "1.40", "1.80"], 0),
    ),
    "a log slider": (
        FloatLogSlider(min=-6, max=0, step=3, value=1e-3),
        ("slider", [1e-6, 1e-3, 1], ["1e-6", "0.001", "1"], 1),
    ),
    "a log slider of base 2": (
        FloatLogSlider(base=2, min=-1, max=1, step=1, value=2),
        ("slider", [0.5, 1, 2], ["0.5", "1", "2"], 2),
    ),
    "integers": (IntSlider(min=-2, max=4, step=3, value=1), ("slider", [-2, 1, 4], ["-2", "1", "4"], 1)),
    "a menu of values": (Dropdown(options=[1, 10]), ("menu", [1, 10], ["1", "10"], 0)),
    "a menu of labels and values": (
        Dropdown(options=[("few", 3), ("many", 30)], value=30),
        ("menu", [3, 30], ["few", "many"], 1),
    ),
    "labels on a slider": (
        SelectionSlider(options=[("a half", 0.5), ("all", 1.0)]),
        ("slider", [0.5, 1.0], ["a half", "all"], 0),
    ),
    "a box": (Checkbox(value=True), ("checkbox", [False, True], ["no", "yes"], 1)),
}

REFUSED = {
    "another widget": (FloatText(), "lam must be an IntSlider, .*, got FloatText"),
    "a widget that looks like a menu": (RadioButtons(options="ab"), "got RadioButtons"),
    "no widget": (3, "lam must be an IntSlider, .*, got int"),
    "a readout too coarse": (
        FloatSlider(min=0, max=0.01, step=0.001, value=0),
        r"lam must show each value differently, got '0\.00' twice: set readout_format",
    ),
    "a start between two steps": (
        FloatSlider(min=0, max=1, step=0.25, value=0.3),
        r"lam must start on one of its values, got 0\.3: choose one of 0\.00, 0\.25, 0\.50",
    ),
    "a log slider's start between two steps": (FloatLogSlider(min=-2, max=0, step=1, value=0.05), r"got 0\.05"),
    "an integer between two steps": (IntSlider(min=0, max=10, step=5, value=3), r"got 3: choose one of 0, 5, 10"),
    "a menu with nothing chosen": (Dropdown(options=["a"], value=None), "got None: choose one of a"),
}


@pytest.mark.parametrize("case", READ)
def test_a_widget_is_read(case):
    widget, expected = READ[case]
    control = read_control("lam", widget)
    assert (control.kind, control.values, control.labels, control.start) == expected


@pytest.mark.parametrize("case", REFUSED)
def test_a_widget_is_refused(case):
    widget, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as error:
        read_control("lam", widget)
    assert "\n" not in str(error.value)


def test_the_label_is_the_description_else_the_name():
    assert read_control("lam", IntSlider(description="ridge λ", min=0, max=1)).label == "ridge λ"
    assert read_control("lam", IntSlider(min=0, max=1)).label == "lam"


@pytest.mark.parametrize("case", READ)
def test_a_widget_is_moved_and_asked_where_it_is(case):
    control = read_control("lam", READ[case][0])
    for index in range(len(control.values)):
        control.move(index)
        assert control.at == index
    control.move(control.start)  # the cases are shared


def test_a_value_of_the_browser_is_its_step():
    control = read_control("lam", FloatLogSlider(min=-2, max=0, step=1, value=0.1))
    control.widget.value = 0.1 * (1 + 1e-12)
    assert control.values[control.at] == 0.1
