"""The form in which an exercise is written: inputs, properties with points, named mistakes, right solutions."""

import inspect
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograder.errors import Stopped
from autograder.values import array, copied, difference, is_tensor, shown, size_of

MOST_REMEMBERED = 256 * 2**20  # bytes of results in one judgement


class Call:
    """What one call of the student's function gets: `Call(x, 0.5)` for `f(x, 0.5)`.

    A numpy scalar becomes an array of no dimension (-x of such an array is one): a function of arrays gets arrays.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        self.args = tuple(map(_as_array, args))
        self.kwargs = {key: _as_array(value) for key, value in kwargs.items()}

    def copy(self, unlock: bool = False) -> "Call":
        return Call(*copied(self.args, unlock), **copied(self.kwargs, unlock))

    def text(self, name: str) -> str:
        """The call as a student would write it."""
        named = [f"{key}={shown(value)}" for key, value in self.kwargs.items()]
        return f"{name}({', '.join([*map(shown, self.args), *named])})"


def _as_array(value):
    return np.array(value) if isinstance(value, np.generic) else value


@dataclass(frozen=True, eq=False)
class Property:
    """One thing that must hold for every input; `words` say it to the student."""

    name: str
    words: str
    points: int
    check: Callable[..., None]


@dataclass(frozen=True, eq=False)
class Answer:
    """An implementation with a name: a right solution, or a mistake whose `words` say what was done."""

    name: str
    words: str
    functions: Mapping[str, Callable]


class Exercise:
    """What is asked of one or more functions that belong together; see "To add an exercise" in CONTRIBUTING.md.

    `inputs(rng)` yields the hidden calls, `public` is a hypothesis strategy of calls that a student may see.
    `random=True` says that the functions draw from a Generator, so that two right answers may differ; mistakes are then
    told apart by what `use` measures, within `tolerance`.
    """

    def __init__(
        self,
        *names: str,
        inputs: Callable[[np.random.Generator], Iterable[Call]],
        public: Any,
        random: bool = False,
        tolerance: float | None = None,
    ):
        self.name, self.names = names[0], names
        self.inputs, self.public, self.random = inputs, public, random
        self.tolerance = tolerance
        self.properties: list[Property] = []
        self.mistakes: list[Answer] = []
        self.solutions: list[Answer] = []
        self._use: Callable[..., Any] = lambda function, *args, **kwargs: function(*args, **kwargs)

    @property
    def points(self) -> int:
        return sum(each.points for each in self.properties)

    def run(self, functions: Iterable[Callable], call: Call) -> Any:
        """What the functions do with one input: the result of the call, or of `use` where the exercise has one."""
        return self._use(*functions, *call.args, **call.kwargs)

    def use(self, function: Callable) -> Callable:
        """Decorator: how the functions are used on one input. What it returns is what mistakes are recognised by."""
        self._use = function
        return function

    def solution(self, answer: Any) -> Any:
        """Decorator of a right solution; the first one is the reference."""
        self.solutions.append(self._answer(answer))
        return answer

    def mistake(self, answer: Any) -> Any:
        """Decorator of a wrong implementation that people really write; its docstring is what the student reads."""
        self.mistakes.append(self._answer(answer))
        return answer

    def _answer(self, answer):
        if not inspect.isclass(answer):
            functions = {self.name: answer}
        else:
            functions = {name: inspect.unwrap(getattr(answer, name)) for name in self.names if hasattr(answer, name)}
        if self.solutions:
            functions = {**self.solutions[0].functions, **functions}
        return Answer(answer.__name__, words(answer), functions)

    @lru_cache(maxsize=256)  # noqa: B019  exercises live as long as the process
    def hidden(self, seed: int) -> tuple[Call, ...]:
        """The hidden inputs of this seed; other exercises get others."""
        calls = tuple(self.inputs(np.random.default_rng([seed, zlib.crc32(self.name.encode())])))
        if not calls:
            raise ValueError("inputs(rng) yields no call: every property would hold")
        return calls

    def property(self, points: int) -> Callable[[Callable], Callable]:
        """Decorator of a property worth `points`; its docstring is what the student reads."""

        def add(check):
            self.properties.append(Property(check.__name__, words(check), points, check))
            return check

        return add


def words(documented: Any) -> str:
    """The first paragraph of the docstring, as one line."""
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


class Raised(Exception):
    """A student's function raised `error`, in a call made by a check."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error


@dataclass
class Seen:
    """One call of a student's function and what came of it."""

    function: str
    call: Call
    maker: str = ""  # the key of the call that returned this function, if one did
    result: Any = None
    error: BaseException | None = None
    size: int = 0

    @property
    def text(self) -> str:
        return self.call.text(self.function)


class Student:
    """A student's function as a check sees it.

    It gets copies that it may write into: that cannot change what the check compares with, and costs points where a
    property asks for it, not everywhere. (A Generator is handed over as it is: drawing from it is its use.) Every call
    is remembered: the same call must give the same answer, and a counter-example shows the calls.
    """

    def __init__(
        self, name: str, function: Callable, seen: "list[Seen] | None" = None, lend: bool = False, maker: str = ""
    ):
        self.__name__ = name
        self._function, self._lend, self._maker = function, lend, maker
        self.seen: list[Seen] = [] if seen is None else seen

    def lending(self) -> "Student":
        """The same function, but it gets the very arrays of the caller, who then looks whether they changed."""
        return Student(self.__name__, self._function, self.seen, True, self._maker)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Call(*args, **kwargs)
        seen = Seen(self.__name__, call.copy(unlock=not self._lend), self._maker)
        self.seen.append(seen)
        if not self._lend:
            call = Call(*map(_lent, call.args), **{key: _lent(value) for key, value in call.kwargs.items()})
        try:
            result = self._function(*call.args, **call.kwargs)
            seen.size = size_of(result)
            if sum(each.size for each in self.seen) > MOST_REMEMBERED:
                raise ValueError(f"the results are more than {MOST_REMEMBERED // 2**20} MB in all")
            result = copied(result)
        except Stopped:
            raise
        except BaseException as error:
            if type(error) is KeyboardInterrupt:  # of the instructor; a student's one is a subclass of StudentError
                raise
            seen.error = error
            raise Raised(error) from error
        if callable(result):
            result = Student(seen.text, result, self.seen, maker=_key(seen))
        seen.result = result
        return copied(result)


def _lent(value):
    return value if isinstance(value, np.random.Generator) else copied(value, unlock=True)


def as_student(exercise: Exercise, functions: Mapping[str, Callable]) -> list[Student]:
    """The functions of an exercise, sharing one memory of calls."""
    seen: list[Seen] = []
    return [Student(name, functions[name], seen) for name in exercise.names]


def failure(check: Property, functions: list[Student], call: Call) -> Exception | None:
    """Why the property does not hold for this input: AssertionError, Raised, or what a strange result led to."""
    given = call.copy()
    try:
        with warnings.catch_warnings(action="ignore"):  # they cost a student nothing
            check.check(*functions, *given.args, **given.kwargs)
    except Stopped:
        raise
    except Exception as error:
        return error
    return None


def unsteady(seen: list[Seen]) -> bool:
    """Whether the same call gave two different answers."""
    first: dict[str, Seen] = {}
    for each in seen:
        known = first.setdefault(_key(each), each)
        if (known.error is None) != (each.error is None) or difference(each.result, known.result, rtol=1e-4):
            return True
    return False


def remembered(function: Callable, most: int = 4096) -> Callable:
    """A slow right answer, worked out once: the hidden inputs are the same for all submissions."""
    known: dict[str, Any] = {}

    def answer(*args, **kwargs):
        key = _key(Seen("", Call(*args, **kwargs)))
        if key not in known:
            if len(known) >= most:
                known.clear()
            known[key] = function(*args, **kwargs)
        return copied(known[key])

    return answer


def _key(seen):
    return repr((seen.maker, seen.function, _bits(seen.call.args), _bits(seen.call.kwargs)))


def _bits(value):
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, hash(value.tobytes()), value.flags.writeable)
    if is_tensor(value):
        return _bits(array(value))
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, dict):
        return {key: _bits(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_bits(entry) for entry in value]
    return value
