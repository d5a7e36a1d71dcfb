"""The formula in an optimizer's docstring is Python: run line by line, it takes the steps that the function takes."""

import numpy as np
import pytest

from tests.evidence import agree
from tests.regopt.plain import PLAIN, Plain
from tests.regopt.steps import arguments, changing_rates, hard_gradients, relative, start

SHAPE = (3, 4)


@pytest.mark.parametrize(("name", "step"), PLAIN.items(), ids=PLAIN)
def test_the_docstrings_lines_are_what_the_function_does(name, step):
    settings = arguments(name, SHAPE)
    del settings["lr"]
    w, state = start(SHAPE), None
    plain = Plain(step, w, **settings)
    got, expected = [], []
    for grad, lr in zip(hard_gradients(SHAPE), changing_rates(), strict=True):
        w, state = step(w, grad, state, lr=lr, **settings)
        expected.append(plain.step(grad, lr))
        got.append(w)
        for field in plain.arrays(state):
            agree(name, "the lines of its docstring", *relative(getattr(state, field), plain.names[field]))
    agree(name, "the lines of its docstring", *relative(np.stack(got), np.stack(expected)))
