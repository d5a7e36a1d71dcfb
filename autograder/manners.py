"""What every function of arrays is asked besides its numbers: to keep the number type, and to write into nothing."""

from typing import Any

import numpy as np

from autograder.asserts import close, same_type, unchanged
from autograder.exercise import Exercise
from autograder.values import copied


def ask_for_manners(exercise: Exercise, rtol: float | None = None) -> None:
    """Two properties of one point each, and the two mistakes that they catch.

    For an exercise of one function of arrays, the first of which gives the number type of the arrays that it returns,
    one or several; its numbers are compared with those of the first solution, so that manners alone earn nothing.
    """

    def reference(*args, **kwargs):
        return exercise.solutions[0].functions[exercise.name](*args, **kwargs)

    @exercise.property(points=1)
    def keeps_float32(function, *args, **kwargs):
        """float32 in gives float32 out, with the right numbers."""
        first = next(each for each in args if isinstance(each, np.ndarray))
        if first.dtype != np.float32:
            return
        got = function(*args, **kwargs)
        same_type(got, like=first)
        close(got, reference(*args, **kwargs), rtol=rtol)

    @exercise.property(points=1)
    def leaves_its_arguments_alone(function, *args, **kwargs):
        """What the function is given is the same after the call as before, and the answer is right."""
        close(unchanged(function, *args, **kwargs), reference(*args, **kwargs), rtol=rtol)

    @exercise.mistake
    def turns_float32_into_float64(*args, **kwargs):
        """This turns float32 into float64: np.zeros, np.array and asarray(..., dtype=float) do unless told not to."""
        return _widened(reference(*args, **kwargs))

    @exercise.mistake
    def writes_into_its_arguments(*args, **kwargs):
        """This writes into what it was given: build a new array, for the caller still needs the old one."""
        answer = copied(reference(*copied(args), **kwargs))
        for each in args:
            if isinstance(each, np.ndarray):
                each += 1
        return answer


def _widened(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_widened, value))
    return value.astype(float) if isinstance(value, np.ndarray) else value
