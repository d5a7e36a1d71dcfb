"""What the optimizer steps share: their state checked, their results allocated once, their averages.

The arithmetic writes into given arrays, because a fresh array of a million numbers costs more than the sum it holds.
Each optimizer's docstring has the plain lines; `tests/regopt/test_plain_lines.py` runs them and holds the two together.
"""

from typing import Any

import numpy as np

from regopt._arguments import alike, refuse, require

__all__: list[str] = []


def prepare(State: Any, w, grad, state, out) -> tuple[np.ndarray, np.ndarray, Any, list[np.ndarray]]:
    """Checked `w`, `grad` and `state`, and the arrays that receive the new `w` and the new state, in this order.

    Every field of `State` but `step` is an array like `w`; before the first step they are zero.
    """
    w, grad = alike(w=w, grad=grad)
    if state is None:
        state = State(*(0 if name == "step" else np.zeros_like(w) for name in State._fields))
    state = expect_state(State, state)
    for name, array in state._asdict().items():
        if name != "step":
            expect_array(f"state.{name}", array, w.dtype, w.shape)
    return w, grad, state, receivers(w, grad, arrays_of(state), out)


def expect_state(State: Any, state: Any) -> Any:
    """The state, which must come from an earlier step of the same optimizer."""
    require(isinstance(state, State), "state", f"None or the {State.__name__} of the step before", type(state).__name__)
    return state


def arrays_of(state: Any) -> list[np.ndarray]:
    """The arrays that a state holds."""
    return [] if state is None else [value for value in state if isinstance(value, np.ndarray)]


def receivers(w: np.ndarray, grad: np.ndarray, kept: list[np.ndarray], out: Any) -> list[np.ndarray]:
    """Arrays for the new `w` and for the new value of each array in `kept`: fresh ones, or those of `out`.

    `out` is a pair `(w, state)`; it may be the very pair that goes into the step, which is then overwritten.
    """
    old = [w, *kept]
    if out is None:
        return [np.empty_like(array) for array in old]
    require(isinstance(out, tuple) and len(out) == 2, "out", "a pair (w, state)", type(out).__name__)
    new = [out[0], *(arrays_of(out[1]) or [np.empty_like(array) for array in kept])]
    require(len(new) == len(old), "out", f"{len(old)} arrays, as (w, state) holds them", f"{len(new)} arrays")
    for i, array in enumerate(new):
        expect_array("each array of out", array, old[i].dtype, old[i].shape)
        others = [grad, *(old[j] for j in range(len(old)) if j != i), *new[:i]]
        apart = not any(np.shares_memory(array, other) for other in others)
        require(apart, "out", "apart in memory from grad, and each of its arrays from the others", "an overlap")
    return new


def expect_array(name: str, array: Any, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """It must be an array of this dtype and shape."""
    if isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape:
        return
    got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    refuse(name, f"an array {dtype} {shape}", got)


def average(old, new, beta, out, spare):
    """out = beta old + (1 - beta) new."""
    np.multiply(new, 1 - beta, out=spare)
    np.multiply(old, beta, out=out)
    np.add(out, spare, out=out)


def average_square(old, new, beta, out, spare):
    """out = beta old + (1 - beta) new^2; the factor first, so that new^2 overflows no earlier than the sum."""
    np.multiply(new, 1 - beta, out=spare)
    np.multiply(spare, new, out=spare)
    np.multiply(old, beta, out=out)
    np.add(out, spare, out=out)


def over_root(top, square, eps, correction, out, eps_inside=False):
    """out = top / (sqrt(square / correction) + eps), or with eps under the root; 0/0 is 0."""
    if eps_inside:
        np.divide(square, correction, out=out)
        np.add(out, eps, out=out)
        np.sqrt(out, out=out)
    else:
        np.sqrt(square, out=out)
        np.divide(out, correction**0.5, out=out)
        np.add(out, eps, out=out)
    divide(top, out, eps)


def divide(top, bottom, eps):
    """bottom = top / bottom, where `bottom` is zero only if `eps` is (or vanishes in this dtype); 0/0 is 0."""
    still = (top == 0) & (bottom == 0) if bottom.dtype.type(eps) == 0 else None
    np.divide(top, bottom, out=bottom)
    if still is not None:
        bottom[still] = 0


def descend(w, lr, direction, out, keep=None):
    """out = keep w - lr direction; `direction` is used up. Without `keep` it is 1, at one pass less over memory."""
    np.multiply(direction, lr, out=direction)
    if keep is not None:
        w = np.multiply(w, keep, out=out)
    np.subtract(w, direction, out=out)
