"""The formula in an optimizer's docstring is Python: run line by line, it takes the steps that the function takes."""

import inspect
import re
import textwrap

import numpy as np
import pytest

from tests.evidence import agree
from tests.regopt.steps import arguments, changing_rates, hard_gradients, optimizers, relative, start

SHAPE = (3, 4)
PLAIN = {
    name: step
    for name, step in optimizers().items()
    if step.__module__ in {"regopt._adaptive", "regopt._adamw", "regopt._momentum", "regopt._adam_family"}
}
WORDS = {
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "norm": np.linalg.norm,
    "mean": np.mean,
    "abs": np.abs,
}


def formula(step):
    """The second paragraph of the docstring."""
    return textwrap.dedent(re.split(r"\n\s*\n", inspect.getdoc(step))[1])


def defaults(step):
    parameters = inspect.signature(step).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind == parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(("name", "step"), PLAIN.items(), ids=PLAIN)
def test_the_docstrings_lines_are_what_the_function_does(name, step):
    settings = arguments(name, SHAPE)
    w, state = start(SHAPE), None
    _, zero = step(w, np.zeros(SHAPE), lr=0.0, **{key: value for key, value in settings.items() if key != "lr"})
    here = {**defaults(step), **settings, "w": w, "t": 0}
    here |= {key: np.zeros_like(value) for key, value in zero._asdict().items() if key != "step"}
    got, expected = [], []
    lines = compile(formula(step), f"docstring of {name}", "exec")
    for grad, lr in zip(hard_gradients(SHAPE), changing_rates(), strict=True):
        w, state = step(w, grad, state, **(settings | {"lr": lr}))
        here |= {"grad": grad, "lr": lr}
        exec(lines, WORDS, here)
        got.append(w)
        expected.append(here["w"])
        for field, value in state._asdict().items():
            if field != "step":
                agree(name, "the lines of its docstring", *relative(value, here[field]))
    agree(name, "the lines of its docstring", *relative(np.stack(got), np.stack(expected)))
