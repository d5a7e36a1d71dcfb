"""What properties say most often. The messages are shown for public inputs only."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Call
from autograder.questions import Raised, Student
from autograder.values import array, difference, shown


def close(got: Any, expected: Any, *, rtol: float | None = None, atol: float = 0.0) -> None:
    """Same structure, same shapes, no NaN, and numbers equal up to rounding: see `values.difference`."""
    text = difference(got, expected, rtol=rtol, atol=atol, equal_nan=False)
    assert text is None, text


def same_type(got: Any, like: Any) -> None:
    """`got` is an array of the same number type as the array `like`; of a tuple, every array in it that has entries."""
    if isinstance(got, list | tuple):
        for part in got:
            if isinstance(part, list | tuple) or np.ndim(part):
                same_type(part, like)
        return
    assert array(got).dtype == like.dtype, f"got {array(got).dtype}, expected {like.dtype}"


def unchanged(function: Student, *args: Any, **kwargs: Any) -> Any:
    """Call the function, assert that it wrote into none of its arguments, and give its result."""
    return not_written_into(function.lending(), *args, **kwargs)


def not_written_into(lending: Callable, *args: Any, **kwargs: Any) -> Any:
    """The same for a use of functions that get the very arrays."""
    before, given = Call(*args, **kwargs).copy(), Call(*args, **kwargs).copy()
    result = lending(*given.args, **given.kwargs)
    for was, now in zip(_values(before), _values(given), strict=True):
        assert difference(now, was, rtol=0.0) is None, f"an argument was {shown(was)} before, and is {shown(now)} after"
    return result


def _values(call):
    return [*call.args, *call.kwargs.values()]


def pair(answer: Any, like: Any) -> tuple[Any, np.ndarray]:
    """A loss, one number, and its gradient, an array of the shape of `like`."""
    assert isinstance(answer, tuple | list), f"got {shown(answer)}, expected a pair, a number and its gradient"
    assert len(answer) == 2, f"got {len(answer)} values, expected a pair, a number and its gradient"
    loss, grad = answer
    assert np.shape(loss) == (), f"the first is one number, got shape {np.shape(loss)}"
    assert np.shape(grad) == like.shape, f"got a gradient of shape {np.shape(grad)}, expected {like.shape}"
    return loss, array(grad)


def same_direction(got: Any, expected: Any) -> None:
    """Two gradients are the same up to a factor above zero."""
    size, right = np.sum(np.abs(got)), np.sum(np.abs(expected))
    assert (size > 0) == (right > 0), "only one of the gradients is zero"
    if right > 0:
        close(got / size, np.asarray(expected / right))


def last_digits(z: np.ndarray) -> float:
    """An `atol` where z - log sum exp z is one right way, and known to the rounding of z; what is wrong is far off."""
    return 8 * float(np.finfo(z.dtype).eps) * float(np.max(np.abs(z), initial=1))


def on_average(estimate: Any, expected: Any, deviation: Any) -> None:
    """An estimate whose standard deviation is `deviation` lies within 6.5 of them.

    A right function fails with a chance of 8e-11 for each number (both tails of the normal distribution, which a mean
    of 10,000 draws and more follows), whatever its draws are and in whatever order. To notice an error of size d with a
    chance above 1 - 1e-9, draw so often that `deviation` is below d / 12.6.
    """
    estimate, expected, deviation = np.broadcast_arrays(array(estimate), expected, deviation)
    far = np.abs(estimate - expected) > 6.5 * deviation + 1e-9 * np.abs(expected)
    if np.any(far | ~np.isfinite(estimate)):
        i = int(np.argmax(far | ~np.isfinite(estimate)))
        allowed = f"within {shown(float(6.5 * deviation.flat[i]))} of {shown(float(expected.flat[i]))}"
        raise AssertionError(f"got {shown(float(estimate.flat[i]))} on average, expected a value {allowed}")


def refuses(argument: str, function: Student, *args: Any, **kwargs: Any) -> None:
    """The call raises a ValueError that names the argument."""
    try:
        result = function(*args, **kwargs)
    except Raised as raised:
        error = raised.error
    else:
        raise AssertionError(f"returned {shown(result)}, expected a ValueError that names {argument}")
    assert isinstance(error, ValueError), f"raised {type(error).__name__}, expected a ValueError"
    assert argument in str(error), f"the message of the ValueError does not name {argument}"
