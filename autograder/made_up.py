"""Made-up submissions: right, wrong in each named way, lazy, hostile. For the demo and the benchmark."""

import ast
import builtins
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import zip_longest
from types import ModuleType
from typing import Any

from autograder.check import exercises
from autograder.exercise import Answer, Exercise
from autograder.masters import solution_code

# Each stands in the place of a right solution's first line. What they want is points, a look around, or mischief.
HOSTILE = {
    "ends its process": "import os\nos._exit(0)",
    "never ends": "while True:\n    pass",
    "takes all memory": "hoard = bytearray(1 << 40)",
    "patches the assertions": (
        "np.testing.assert_allclose = lambda *a, **k: None\n"
        "import builtins\nbuiltins.AssertionError = type('Fine', (), {})"
    ),
    "looks for the gradebook": (
        "import glob, sqlite3\nfor path in glob.glob('/**/gradebook.db', recursive=True):\n"
        "    sqlite3.connect(path).execute('update grade set manual_score = 100')"
    ),
    "calls a host": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:8888')",
    "starts many processes": "import os\nfor _ in range(1000):\n    os.fork()",
    "prints without end": "while True:\n    print('full marks ' * 1000)",
    "looks into its callers' frames": (
        "import sys\nframe = sys._getframe()\n"
        "while frame:\n    frame.f_globals['score'] = 100\n    frame = frame.f_back"
    ),
    "answers whatever is asked": (
        "class Fine:\n    __eq__ = __ge__ = __le__ = lambda *a: True\n    __array__ = lambda *a, **k: np.zeros(0)"
    ),
}
SCRIPT = "<img src=x onerror=\"document.title = 'HIT'\"> <script>document.title = 'HIT'</script>"

# The mistakes of autograder/manners.py, which are made of a right answer.
ILL_MANNERED = {
    "turns_float32_into_float64": (
        "    def wide(each):\n        return each.astype(float) if isinstance(each, np.ndarray) else each\n\n"
        "    answer = {right}(*args, **kwargs)\n"
        "    return tuple(map(wide, answer)) if isinstance(answer, tuple) else wide(answer)"
    ),
    "writes_into_its_arguments": (
        "    arrays = [each for each in args if isinstance(each, np.ndarray)]\n"
        "    answer = {right}(*[each.copy() if isinstance(each, np.ndarray) else each for each in args], **kwargs)\n"
        "    for each in arrays:\n        each += 1\n    return answer"
    ),
}


class NotAlone(Exception):
    """The function needs what a notebook does not have."""


def right(assignment: str, variant: int = 0) -> dict[str, str]:
    """By cell, the text's own solutions; another `variant` takes another right solution wherever there is one."""
    code = solution_code(assignment)
    for exercise in exercises(assignment).values():
        answer = exercise.solutions[variant % len(exercise.solutions)]
        if variant and (other := _replacing(code, answer)):
            code.update(other)
    return code


def wrong(assignment: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Every named mistake in some submission: of each exercise the first, then of each the second, and so on."""
    columns = [list(_mistakes(assignment, each)) for each in exercises(assignment).values()]
    for row in zip_longest(*columns):
        found = [each for each in row if each]
        code = solution_code(assignment)
        for _, cells in found:
            code.update(cells)
        yield [name for name, _ in found], code


def _mistakes(assignment: str, exercise: Exercise) -> Iterator[tuple[str, dict[str, str]]]:
    code = solution_code(assignment)
    for mistake in exercise.mistakes:
        if mistake.name in ILL_MANNERED:
            cell = next(key for key, text in code.items() if f"def {exercise.name}(" in text)
            yield mistake.name, {cell: _ill_mannered(code[cell], exercise.name, ILL_MANNERED[mistake.name])}
        elif cells := _replacing(code, mistake):
            yield mistake.name, cells


def _ill_mannered(code: str, name: str, body: str) -> str:
    right = f"right_{name}"
    return f"{code}\n\n\n{right} = {name}\n\n\ndef {name}(*args, **kwargs):\n{body.format(right=right)}"


def lazy(assignment: str) -> Iterator[dict[str, str]]:
    """Nothing written; something that only looks like it; the first half; what passes the examples alone."""
    code = solution_code(assignment)
    yield {}
    yield {name: _with_body(text, "return 0.0") for name, text in code.items()}
    yield {name: _with_body(text, "return None") for name, text in code.items()}
    yield {name: text for number, (name, text) in enumerate(code.items()) if number < len(code) // 2}
    yield dict.fromkeys(code, "# I did not understand this one")


def hostile(assignment: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Right work, with an attack in its first cell."""
    code = solution_code(assignment)
    first = next(iter(code))
    for name, attack in HOSTILE.items():
        yield name, {**code, first: f"{attack}\n"}


def notebook(released: dict[str, Any], code: dict[str, str], answer: str | None = None) -> dict[str, Any]:
    """The released notebook with this code in its cells, and an answer in those for words."""
    made = copy.deepcopy(released)
    for cell in made["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        name = mark.get("grade_id", "").removesuffix("_solution")
        if mark.get("solution") and not mark.get("grade") and name in code:
            cell["source"] = code[name]
        elif mark.get("solution") and mark.get("grade") and answer is not None and cell["cell_type"] == "markdown":
            cell["source"] = answer
    return made


def _replacing(code: dict[str, str], answer: Answer) -> dict[str, str] | None:
    """By cell, the text of an answer; None where it cannot stand alone."""
    cells = {}
    try:
        for name, function in answer.functions.items():
            cell = next(key for key, text in code.items() if f"def {name}(" in text)
            if function.__module__.startswith("autograder.checks"):
                cells[cell] = standalone(function, name)
    except (NotAlone, StopIteration, OSError):
        return None
    return cells or None


def standalone(function: Callable, name: str) -> str:
    """The source of a function of a check module under another name, with what it uses of its module before it."""
    module = sys.modules[function.__module__]
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise NotAlone(name)
    definition.name, definition.decorator_list = name, []
    if ast.get_docstring(definition) is not None:  # it names the mistake
        definition.body = definition.body[1:]
    parts: dict[str, str] = {}
    _collect(module, definition, {name}, parts)
    return "\n\n\n".join([*parts.values(), ast.unparse(definition)])


def _collect(module: ModuleType, definition: ast.FunctionDef, known: set[str], parts: dict[str, str]) -> None:
    nodes = list(ast.walk(definition))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)} - bound - known - set(vars(builtins))
    for name in sorted(used - parts.keys() - {"np"}):
        value = vars(module).get(name)
        if not inspect.isfunction(value) or value.__module__ != module.__name__:
            parts[name] = _statement(module, name)
            continue
        helper = ast.parse(inspect.getsource(value)).body[0]
        if not isinstance(helper, ast.FunctionDef) or helper.decorator_list:
            raise NotAlone(name)
        _collect(module, helper, known | {name}, parts)
        parts[name] = ast.unparse(helper)


def _statement(module: ModuleType, name: str) -> str:
    """A constant or an import of the standard library, as the module has it."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            if statement.targets[0].id == name and isinstance(statement.value, ast.Constant):
                return ast.unparse(statement)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            top = (statement.module or "") if isinstance(statement, ast.ImportFrom) else statement.names[0].name
            names = {alias.asname or alias.name for alias in statement.names}
            if name in names and top.split(".")[0] in sys.stdlib_module_names:
                return ast.unparse(statement)
    raise NotAlone(name)


def _with_body(code: str, body: str) -> str:
    tree = ast.parse(code)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.body = ast.parse(body).body
    return ast.unparse(tree)
