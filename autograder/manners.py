"""What every function of arrays is asked besides its numbers: to keep the number type, and to write into nothing."""

from typing import Any

import numpy as np

from autograder.asserts import close, not_written_into, same_type
from autograder.exercise import Call, Exercise
from autograder.values import copied


def ask_for_manners(exercise: Exercise, rtol: float | None = None) -> None:
    """Two properties of one point each, and the two mistakes that they catch.

    For functions of arrays, the first of which gives the number type of the arrays that they return, one or several;
    the numbers are compared with those of the first solution, so that manners alone earn nothing. Functions that belong
    together, and steps that follow each other, are asked as the exercise uses them.
    """
    count = len(exercise.names)

    def right(*args, **kwargs):
        return exercise.run(exercise.solutions[0].functions.values(), Call(*copied(args), **copied(kwargs)))

    @exercise.property(points=1)
    def keeps_float32(*given, **kwargs):
        """float32 in gives float32 out, with the right numbers."""
        functions, args = given[:count], given[count:]
        first = next(each for each in args if isinstance(each, np.ndarray))
        if first.dtype != np.float32:
            return
        got = exercise.run(functions, Call(*args, **kwargs))
        same_type(got, like=first)
        close(got, right(*args, **kwargs), rtol=rtol)

    @exercise.property(points=1)
    def leaves_its_arguments_alone(*given, **kwargs):
        """What the function is given is the same after the call as before, and the answer is right."""
        lent, args = [each.lending() for each in given[:count]], given[count:]
        got = not_written_into(lambda *args, **kwargs: exercise.run(lent, Call(*args, **kwargs)), *args, **kwargs)
        close(got, right(*args, **kwargs), rtol=rtol)

    def reference(*args, **kwargs):
        return exercise.solutions[0].functions[exercise.name](*args, **kwargs)

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
