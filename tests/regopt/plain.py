"""The plain lines of an optimizer: the formula in its docstring is Python, and can be run as a chapter shows it."""

import inspect
import re
import textwrap

import numpy as np

from tests.regopt.steps import optimizers

WORDS = {
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "norm": np.linalg.norm,
    "mean": np.mean,
}
SPECIAL = {"newton", "lbfgs"}  # one takes vectors only, the other's formula is two loops
PLAIN = {name: step for name, step in optimizers().items() if name not in SPECIAL}


class Plain:
    """Takes the steps of an optimizer by the lines of its docstring; `names` has what they speak of: `w`, `m`, `v`."""

    def __init__(self, step, w, **settings):
        text = textwrap.dedent(re.split(r"\n\s*\n", inspect.getdoc(step))[1])
        self.lines = compile(text, f"docstring of {step.__name__}", "exec")
        parameters = inspect.signature(step).parameters.values()
        self.names = {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY} | settings
        if step.__name__ == "adafactor":
            self.names["eps"] = float(np.finfo(w.dtype).eps)
        _, state = step(w, np.zeros_like(w), lr=0.0, **settings)
        for name in self.arrays(state):
            self.names[name] = np.full_like(getattr(state, name), self.names.get(f"{name}0", 0.0))
        self.names |= {"w": w, "t": 0}

    @staticmethod
    def arrays(state):
        """The names of the arrays in a state."""
        fields = {} if state is None else state._asdict()
        return [name for name, value in fields.items() if isinstance(value, np.ndarray)]

    def step(self, grad, lr):
        self.names |= {"grad": grad, "lr": lr}
        exec(self.lines, WORDS, self.names)
        return self.names["w"]
