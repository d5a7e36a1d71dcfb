"""How the library refuses a bad value: the same way in every module."""

import numpy as np

__all__: list[str] = []


def require(holds, name, rule, value):
    """Raise the ValueError that names the argument, its rule and its value, unless `holds` throughout.

    Write the condition that is wanted (`lam >= 0`), not the one that is feared (`lam < 0`): NaN then fails it.
    """
    if holds is not True and not np.all(holds):  # np.all takes 3 us, and a step of an optimizer asks twenty times
        raise ValueError(f"{name} must be {rule}, got {value}")
