"""The form in which an exercise is written: inputs, properties with points, named mistakes, right solutions."""

import inspect
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograder.values import copied, shown


class Call:
    """What one call of the student's function gets: `Call(x, 0.5)` for `f(x, 0.5)`.

    A numpy scalar becomes an array of no dimension (-x of such an array is one): a function of arrays gets arrays.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        self.args = tuple(map(_as_array, args))
        self.kwargs = {key: _as_array(value) for key, value in kwargs.items()}

    def copy(self, unlock: bool = False) -> "Call":
        call = object.__new__(Call)
        call.args, call.kwargs = copied(self.args, unlock), copied(self.kwargs, unlock)
        return call

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
