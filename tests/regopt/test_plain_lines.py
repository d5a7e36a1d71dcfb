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
    "minimum": np.minimum,
    "norm": np.linalg.norm,
    "mean": np.mean,
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
    here = {**defaults(step), **settings, "w": w, "t": 0}
    if name == "adafactor":
        here["eps"] = np.finfo(float).eps
    _, first = step(w, w, **settings)
    arrays = {key: value for key, value in first._asdict().items() if isinstance(value, np.ndarray)}
    here |= {key: np.full_like(value, here.get(f"{key}0", 0.0)) for key, value in arrays.items()}
    got, expected = [], []
    lines = compile(formula(step), f"docstring of {name}", "exec")
    for grad, lr in zip(hard_gradients(SHAPE), changing_rates(), strict=True):
        w, state = step(w, grad, state, **(settings | {"lr": lr}))
        here |= {"grad": grad, "lr": lr}
        exec(lines, WORDS, here)
        got.append(w)
        expected.append(here["w"])
        for field in arrays:
            agree(name, "the lines of its docstring", *relative(getattr(state, field), here[field]))
    agree(name, "the lines of its docstring", *relative(np.stack(got), np.stack(expected)))
