"""What a student reads: which property failed, the mistake if it is a known one, and the smallest public example."""

from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import HypothesisException

from autograder.exercise import Answer, Call, Exercise, Property
from autograder.questions import Raised, Seen, Student, as_student, failure
from autograder.values import difference, one_line, shown

if TYPE_CHECKING:
    from autograder.check import Verdict

CAUSES = {
    "missing": "The notebook does not define it.",
    "unsteady": "The same call gave two different answers: does it keep something between calls, or draw from a "
    "generator of its own?",
    "time": "It was stopped because it took too much time: is there a loop that never ends?",
    "memory": "It was stopped because it took too much memory.",
    "file": "It was stopped because it wrote too large a file.",
    "processes": "The cells left so many processes or threads running that it could not be started.",
    "exit": "It ended its own process instead of returning.",
    "crash": "Its process crashed, as a program does that writes where it may not.",
    "killed": "Its process was killed.",
    "wire": "Its process answered what no function can answer.",
    "nursery": "The grader lost the process in which it ran. If this comes again, tell your instructor.",
}

# By exercise, and then by mistake and the properties that failed: the example. See autograder/examples.py.
FOUND: dict[Exercise, dict[tuple[str, tuple[str, ...]], str | None]] = {}

# The database would carry examples from one submission to the next, and a deadline would measure the machine.
QUICK = settings(
    max_examples=100,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def words(verdict: "Verdict") -> str:
    """The verdict as plain text, for the student."""
    lines = [f"{verdict.exercise}: {verdict.score:g} of {verdict.max_score:g} points"]
    if verdict.error:
        lines += ["", "The check itself failed here. This is not your fault: your instructor sees why."]
    if verdict.cause:
        lines += ["", CAUSES.get(verdict.cause, f"It was stopped ({one_line(verdict.cause)}).")]
    for each in verdict.properties:
        got = each.points if each.passed else 0
        lines.append(f"  {'+' if each.passed else '-'} {got:g} of {each.points:g}  {each.words}")
    for mistake in verdict.mistakes:
        lines += ["", mistake.words]
    if verdict.counter_example:
        lines += ["", "The smallest example that shows it:", "", verdict.counter_example]
    return "\n".join(lines)


def counter_example(
    exercise: Exercise, functions: Mapping, failed: list[Property], mistake: Answer | None
) -> str | None:
    """The smallest public input on which a failed property fails, with got and expected; None if none is found."""
    for check in failed:
        call = smallest_of_mistake(exercise, mistake, check) if mistake else smallest(exercise, functions, check)
        found = call and text(exercise, functions, check, call)
        if call and mistake and not found:  # who steps in place does not change a zero: an example of its own, then
            call = smallest(exercise, functions, check)
            found = call and text(exercise, functions, check, call)
        if found:
            return found
    return None


def example_of(exercise: Exercise, mistake: Answer, failed: tuple[Property, ...]) -> str | None:
    """The example of a submission that behaves like this mistake in everything: nothing need be asked for it.

    None where the mistake raises: the student's own words may be others.
    """
    found = FOUND.setdefault(exercise, {})
    key = mistake.name, tuple(each.name for each in failed)
    if key not in found:
        found[key] = _example_of(exercise, mistake, failed)
    return found[key]


def _example_of(exercise, mistake, failed):
    for check in failed:
        call = smallest_of_mistake(exercise, mistake, check)
        students = as_student(exercise, mistake.functions)
        if call and not isinstance(failure(check, students, call), Raised):
            found = text(exercise, mistake.functions, check, call)
            if found:
                return found
    return None


@lru_cache(maxsize=1024)
def smallest_of_mistake(exercise: Exercise, mistake: Answer, check: Property) -> Call | None:
    """For a mistake of many submissions the search is made once."""
    return smallest(exercise, mistake.functions, check)


def smallest(exercise: Exercise, functions: Mapping, check: Property) -> Call | None:
    """The smallest public input that hypothesis finds on which the property fails; the same one every time."""
    try:
        return find(
            exercise.public,
            lambda call: fails(check, exercise, functions, call),
            settings=QUICK,
            random=Random(0),
        )
    except HypothesisException:  # none found, or not the same twice
        return None


def fails(check: Property, exercise: Exercise, functions: Mapping, call: Call) -> bool:
    """Whether the property fails here, and not for the course's own solution as well: that would teach a falsehood."""
    if failure(check, as_student(exercise, functions), call) is None:
        return False
    return failure(check, as_student(exercise, exercise.solutions[0].functions), call) is None


def text(exercise: Exercise, functions: Mapping, check: Property, call: Call) -> str | None:
    """The call that went wrong, what came back and what should have."""
    students = as_student(exercise, functions)
    error = failure(check, students, call)
    seen = students[0].seen
    if error is None or not seen:
        return None
    if isinstance(error, Raised):
        raised = f"{_type_name(error.error)}: {one_line(str(error.error))}"
        return f"{seen[-1].text}\n  raised    {raised}"
    if not exercise.random:
        for each in seen:
            expected = _right(exercise, each)
            if expected is not None and difference(each.result, expected.result):
                return f"{each.text}\n  returned  {shown(each.result)}\n  expected  {shown(expected.result)}"
    reason = str(error) if isinstance(error, AssertionError) else "the result is of another kind than expected"
    return f"{seen[-1].text}\n  returned  {shown(seen[-1].result)}\n  {one_line(reason)}"


def _type_name(error):
    """Of the builtin type that the student's code raised."""
    builtin = [each.__name__ for each in type(error).__mro__ if each.__module__ == "builtins"]
    return next((name for name in builtin if name not in ("Exception", "BaseException", "object")), "Exception")


def _right(exercise, seen: Seen) -> Seen | None:
    """The same call, made to the reference; None where the reference cannot make it (a state of the student's own)."""
    if seen.function not in exercise.names:
        return None
    reference = Student(seen.function, exercise.solutions[0].functions[seen.function])
    try:
        reference(*seen.call.args, **seen.call.kwargs)
    except Raised:
        return None
    return reference.seen[-1]
