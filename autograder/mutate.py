"""`python -m autograder.mutate`: every small change of a solution must lose points, or it is shown why it cannot.

mutmut makes the changes; the grader's own checks judge them. Changes that make no difference stand with the reason in
`solutions/equivalent.toml`.
"""

import signal
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from libcst import FunctionDef, MetadataWrapper, parse_module
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

from autograder.check import ask, exercises
from autograder.errors import Stopped
from autograder.exercise import Exercise
from autograder.masters import SOLUTIONS, assignments, solution_code
from autograder.questions import as_student, failure
from autograder.selftest import SEEDS, solved_names

CPU_SECONDS = 3.0  # the right solution takes a tenth of one for all its calls
WANTED = 0.98


@dataclass(frozen=True)
class Mutant:
    """A solution with one small change in a function; `change` is "old line -> new line"."""

    function: str
    change: str
    code: str


def mutants(code: str) -> Iterator[Mutant]:
    """Every change that mutmut knows, made inside a function."""
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = MetadataWrapper(parse_module(code)).visit(visitor)
    for each in visitor.mutations:
        function = each.contained_by_top_level_function
        if function is not None:
            changed = cast(FunctionDef, deep_replace(function, each.original_node, each.mutated_node))
            before, after = (module.code_for_node(each).strip() for each in (function, changed))
            yield Mutant(function.name.value, _change(before, after), code.replace(before, after))


def mutants_of(exercise: Exercise, code: dict[str, str]) -> list[Mutant]:
    """Those of the cells in which the functions of the exercise stand; their helpers are mutated too."""
    cells = [list(mutants(cell)) for cell in code.values()]
    return [each for cell in cells if {each.function for each in cell} & {*exercise.names} for each in cell]


def _change(before, after):
    old, new = before.split("\n"), after.split("\n")
    start = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    length = len(old) - start - next(i for i, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b)
    lines = (old[start : start + length], new[start : start + length + len(new) - len(old)])
    return " -> ".join(" ".join(map(str.strip, each)) for each in lines)


def survives(mutant: Mutant, exercise: Exercise, names: dict[str, Any]) -> bool:
    """Whether the mutant has full marks at every seed. One that never ends is stopped as in grading, and has not."""
    names = dict(names)
    try:
        exec(compile(mutant.code, "mutant", "exec"), names)
    except Exception:
        return False
    signal.signal(signal.SIGVTALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        return not any(_fails(exercise, names, seed) for seed in SEEDS)
    except Stopped:
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _fails(exercise, names, seed):
    """Whether it loses points; the first property that fails is enough."""
    calls = exercise.hidden(seed)
    for check in exercise.properties:
        students = as_student(exercise, names)
        if any(failure(check, students, call) for call in calls):
            return True
    return len(ask(exercise, names, seed)[0]) < len(exercise.properties)


def _out_of_time(*_):
    raise Stopped("time")


@lru_cache
def mutate(assignment: str, folder: Path = SOLUTIONS) -> dict[str, tuple[int, list[str]]]:
    """For each exercise the number of mutants, and the changes that survived."""
    solved, code = solved_names(assignment, folder), solution_code(assignment, folder)
    found = {}
    for name, exercise in exercises(assignment).items():
        made = mutants_of(exercise, code)
        found[name] = len(made), [each.change for each in made if survives(each, exercise, solved)]
    return found


def main(names: list[str], folder: Path = SOLUTIONS) -> int:
    """Print what survived; 0 if `equivalent.toml` lists all of it and, over all assignments, enough were killed."""
    listed = tomllib.loads((folder / "equivalent.toml").read_text())
    made, survived, complaints = 0, 0, []
    for assignment in names or assignments(folder):
        for name, (number, survivors) in mutate(assignment, folder).items():
            reasons = listed.get(assignment, {}).get(name, {})
            made, survived = made + number, survived + len(survivors)
            print(f"{assignment} {name}: {number - len(survivors)} of {number} mutants killed")
            print(
                *(f"    survived: {each}\n        {reasons.get(each, 'NOT LISTED')}" for each in survivors),
                sep="\n",
                end="",
            )
            complaints += [
                f"{name}: ask for more, or list as equivalent: {each}" for each in survivors if each not in reasons
            ]
            complaints += [
                f"{name}: does not survive, take it off the list: {each}" for each in reasons.keys() - survivors
            ]
    killed = 1 - survived / max(made, 1)
    print(f"\nkilled: {killed:.1%} of {made}")
    if killed <= WANTED and not names:
        complaints.append(f"only {killed:.1%} are killed; wanted: more than {WANTED:.0%}")
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
