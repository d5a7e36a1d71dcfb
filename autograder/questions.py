"""What a check asks of a student's functions, and what they answer.

The same question is asked once, whichever properties want to know: a function that knows which property is asking
could please each of them and be right nowhere. Some are asked once more at the end: the answers must be the same.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from autograder.errors import Stopped
from autograder.exercise import Call, Exercise, Property
from autograder.values import UNCHANGING, array, copied, difference, is_tensor, size_of

MOST_AGAIN = 6  # questions that are asked once more
MOST_REMEMBERED = 256 * 2**20  # bytes of results in one judgement


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
    key: str  # the same for the same question
    maker: str = ""  # the key of the call that returned this function, if one did
    lent: bool = False
    result: Any = None
    error: BaseException | None = None
    wrote: dict[int, np.ndarray] = field(default_factory=dict)  # by place, the arrays that it wrote into

    @property
    def text(self) -> str:
        return self.call.text(self.function)

    def given(self) -> Call:
        """The arguments that the function gets."""
        return self.call.copy() if self.lent else lent(self.call)

    def note(self, given: Call) -> None:
        """What has changed in the arguments."""
        pairs = zip(arrays(given), arrays(self.call), strict=True)
        self.wrote = {
            place: new for place, (new, old) in enumerate(pairs) if new.flags.writeable and bits(new) != bits(old)
        }

    def write_into(self, call: Call) -> None:
        """What it wrote, into the arguments of one who wants to see it."""
        for place, value in enumerate(arrays(call)):
            if place in self.wrote:
                value[...] = self.wrote[place]


class Answers:
    """What the functions of an exercise were asked, in order; and the answer to each question that can be kept."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.kept: dict[str, Seen] = {}
        self.size = 0


class Student:
    """A student's function as a check sees it.

    It gets copies that it may write into: that cannot change what the check compares with, and costs points where a
    property asks for it, not everywhere. (A Generator is handed over as it is: drawing from it is its use.)
    """

    def __init__(
        self, name: str, function: Callable, answers: Answers | None = None, lend: bool = False, maker: str = ""
    ):
        self.__name__ = name
        self._function, self._lend, self._maker = function, lend, maker
        self.answers = Answers() if answers is None else answers

    @property
    def seen(self) -> list[Seen]:
        return self.answers.seen

    def lending(self) -> "Student":
        """The same function, but its caller looks whether the arguments were written into."""
        return Student(self.__name__, self._function, self.answers, True, self._maker)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Call(*args, **kwargs)
        key = self.key(call)
        seen = self.answers.kept.get(key) if plain(call) else None
        if seen is None:
            seen = self.question(call, key)
            given = call if self._lend else lent(call)
            self.hear(seen, given, *self._ask(given))
        elif self._lend:
            seen.write_into(call)
        self.seen.append(seen)
        if seen.error is not None:
            raise Raised(seen.error) from seen.error
        return copied(seen.result)

    def key(self, call: Call) -> str:
        """The same for the same question."""
        return repr((self._maker, self.__name__, bits(call, unlock=not self._lend)))

    def question(self, call: Call, key: str) -> Seen:
        return Seen(self.__name__, call.copy(unlock=not self._lend), key, self._maker, self._lend)

    def ask_each(self, questions: list[Seen]) -> list[Seen]:
        """The same questions answered, in as few turns as the function can be asked in."""
        given = [each.given() for each in questions]
        each = getattr(self._function, "each", None)
        outcomes = each([(call.args, call.kwargs) for call in given]) if each else map(self._ask, given)
        for question, call, outcome in zip(questions, given, outcomes, strict=True):
            self.hear(question, call, *outcome)
        return questions

    def _ask(self, given: Call) -> tuple[Any, BaseException | None]:
        try:
            with warnings.catch_warnings(action="ignore"):  # they cost a student nothing
                return self._function(*given.args, **given.kwargs), None
        except Stopped:
            raise
        except BaseException as error:
            if type(error) is KeyboardInterrupt:  # of the instructor; a student's one is a subclass of StudentError
                raise
            return None, error

    def hear(self, question: Seen, given: Call, result: Any, error: BaseException | None) -> None:
        """Keep what came of a question."""
        try:
            if error is None:
                self.answers.size += size_of(result)
                if self.answers.size > MOST_REMEMBERED:
                    raise ValueError(f"the results are more than {MOST_REMEMBERED // 2**20} MB in all")
                result = copied(result)
        except Exception as strange:
            error = strange
        question.error = error
        if error is None:
            own = Student(question.text, result, self.answers, maker=question.key) if callable(result) else result
            question.result = own
        if plain(question.call):
            question.note(given)
            self.answers.kept.setdefault(question.key, question)


def lent(call: Call) -> Call:
    """Copies of the arguments; a Generator is handed over as it is."""
    return Call(*map(_lent, call.args), **{key: _lent(value) for key, value in call.kwargs.items()})


def _lent(value):
    return value if isinstance(value, np.random.Generator) else copied(value, unlock=True)


def plain(value: Any) -> bool:
    """Whether the same question can have only one answer: neither a generator nor a function is asked about."""
    if isinstance(value, Call):
        return all(map(plain, value.args)) and all(map(plain, value.kwargs.values()))
    if isinstance(value, tuple):
        return all(map(plain, value))
    return type(value) in UNCHANGING or isinstance(value, np.ndarray)


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays in a call that is plain, in order."""
    if isinstance(value, Call):
        value = (*value.args, *value.kwargs.values())
    if isinstance(value, tuple):
        return [found for each in value if type(each) not in UNCHANGING for found in arrays(each)]
    return [value] if isinstance(value, np.ndarray) else []


def as_student(exercise: Exercise, functions: Mapping[str, Callable]) -> list[Student]:
    """The functions of an exercise, sharing one memory of answers."""
    answers = Answers()
    return [Student(name, functions[name], answers) for name in exercise.names]


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


# ---- many questions at once


class _First(BaseException):
    """Ends a property at its first question."""


class _Listener(Student):
    """Stands for a student's function until the first question."""

    def __init__(self, name: str, lend: bool = False):
        super().__init__(name, print, lend=lend)

    def lending(self) -> "_Listener":
        return _Listener(self.__name__, lend=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Call(*args, **kwargs)
        raise _First(self.__name__, self._lend, call.copy(), self.key(call))


@lru_cache(maxsize=256)
def first_questions(exercise: Exercise, seed: int) -> dict[str, list[tuple[str, bool, Call, str]]]:
    """By property, what it asks first about each hidden input: name of the function, whether it lends, call and key.

    The first question follows from the input alone, so all of them can be asked before the first is answered; but for
    one that a right answer to another one stands in: whoever reads all of them must not find an answer there.
    """
    found: dict[str, list[tuple[str, bool, Call, str]]] = {}
    for check in exercise.properties:
        found[check.name] = []
        for call in exercise.hidden(seed):
            try:
                failure(check, [_Listener(name) for name in exercise.names], call)
            except _First as first:
                name, lend, asked, key = first.args
                if plain(asked):
                    found[check.name].append((name, lend, asked, key))
    asked = {key: (name, call) for some in found.values() for name, _, call, key in some}
    given = {key: _numbers(call) for key, (_, call) in asked.items()}
    answers = [_numbers(_right(exercise, *asked[key]), but=given[key]) for key in asked]
    telling = {key for key in asked if _tells(given[key], answers)}
    return {name: [each for each in some if each[3] not in telling] for name, some in found.items()}


def _right(exercise, name, call):
    try:
        with warnings.catch_warnings(action="ignore"):
            return exercise.solutions[0].functions[name](*call.copy().args, **call.copy().kwargs)
    except Exception:
        return None


def _numbers(value: Any, but: "list[np.ndarray] | None" = None) -> list[np.ndarray]:
    """The arrays and the broken numbers in a value, without those that are among others."""
    if isinstance(value, Call):
        value = (*value.args, *value.kwargs.values())
    if isinstance(value, tuple | list):
        return [each for entry in value for each in _numbers(entry, but)]
    if not isinstance(value, float | np.ndarray | np.generic) or array(value).dtype.kind not in "fc":
        return []
    found = array(value)
    return [] if but and _among(found, but) else [found]


def _tells(given: list[np.ndarray], answers: list[list[np.ndarray]]) -> bool:
    return any(_among(each, given) for answer in answers for each in answer)


def _among(number: np.ndarray, numbers: list[np.ndarray]) -> bool:
    """Whether it, or its opposite, is one of these, and not nothing but zeros and ones."""
    alike = [each for each in numbers if each.shape == number.shape]
    if not alike or np.all((number == 0) | (number == 1) | (number == -1)):
        return False
    return any(_same(each, number) or _same(-each, number) for each in alike)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """As np.allclose, at a fifth of its cost: all questions are compared with all answers."""
    with np.errstate(all="ignore"):
        close = np.isfinite(other) & (abs(one - other) <= 1e-6 * abs(other))
        return bool(np.all(close | (one == other) | (np.isnan(one) & np.isnan(other))))


def foresee(exercise: Exercise, check: Property, students: list[Student], seed: int) -> None:
    """Ask at once what the property is going to ask first, where it is not known yet."""
    for student in students:
        questions: dict[str, Seen] = {}
        for name, lend, call, key in first_questions(exercise, seed)[check.name]:
            if name == student.__name__ and key not in student.answers.kept and key not in questions:
                questions[key] = (student.lending() if lend else student).question(call, key)
        if questions:
            student.ask_each(list(questions.values()))


def unsteady(students: list[Student]) -> bool:
    """Whether the same call gave two different answers; some of what was asked is asked again, last things first."""
    answers = students[0].answers
    first: dict[str, Seen] = {}
    for seen in answers.seen:
        if first.setdefault(seen.key, seen) is not seen and _differ(seen, first[seen.key]):
            return True
    for student in students:
        asked = [seen for seen in answers.kept.values() if seen.function == student.__name__ and not seen.maker]
        asked = asked[:: -max(1, -(-len(asked) // MOST_AGAIN))]
        again = [Seen(seen.function, seen.call, seen.key, lent=seen.lent) for seen in asked]
        if any(map(_differ, student.ask_each(again), asked)):
            return True
    return False


def _differ(one: Seen, other: Seen) -> bool:
    if (one.error is None) != (other.error is None):
        return True
    return difference(one.result, other.result, rtol=1e-4) is not None


def remembered(function: Callable, most: int = 4096) -> Callable:
    """A slow right answer, worked out once: the hidden inputs are the same for all submissions."""
    known: dict[str, Any] = {}

    def answer(*args, **kwargs):
        key = repr(bits(Call(*args, **kwargs)))
        if key not in known:
            if len(known) >= most:
                known.clear()
            known[key] = function(*args, **kwargs)
        return copied(known[key])

    return answer


def bits(value: Any, unlock: bool = False) -> Any:
    """All that a function can tell two values apart by, as if arrays could be written into when `unlock` is set."""
    if type(value) in UNCHANGING:
        return value
    if isinstance(value, np.ndarray):
        flags = value.flags
        layout = flags.c_contiguous, flags.f_contiguous, unlock or flags.writeable
        return (value.dtype.str, value.shape, layout, hash(value.tobytes()))
    if isinstance(value, list | tuple):
        return [bits(entry, unlock) for entry in value]
    if isinstance(value, Call):
        return [bits(value.args, unlock), bits(value.kwargs, unlock)]
    if isinstance(value, dict):
        return {key: bits(entry, unlock) for key, entry in value.items()}
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return bits(array(value), unlock) if is_tensor(value) else value
