"""The shell of a submission does what IPython's own does, and begins as new."""

import jupytext
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.async_helpers import _should_be_async
from IPython.core.inputtransformer2 import TransformerManager

from autograder.masters import SOLUTIONS, assignments
from autograder.sandbox import Budget, Sandbox
from autograder.shell import Transformers, is_plain

BUDGET = Budget(cpu_seconds=5, wall_seconds=60, memory_mb=300, processes=8, file_mb=4, output_kb=64)
PLAIN = [
    "a = 1",
    "import numpy as np\nx = np.ones(3) % 2 != 1\n",
    "def f(x):\n    return x\n\n\n\n",
    'def f(x):\n    """What? !ls %time\n    %magic\n    !ls\n    x?\n    """',
    "x = (5\n% 3\n/ 2)",
    "x = 1  # what?",
    "x = '''\n%time\n'''",
    "x = 1\n...\ny = 2",
    "await f()",
    "return 5",
    "x = 5\r\ny = 6\r\n",
    "x = 5\n\x0cy = 6",
    "ls",
    "def f():\n\treturn 1",
]
OTHER = [
    "",
    "   ",
    "\n\nx = 1",
    "    x = 1\n    y = 2",
    "%time x",
    "%%timeit\nx",
    "!ls",
    "x = !ls",
    "x = %pwd",
    "np.ones?",
    ">>> x = 1\n>>> y",
    "In [1]: x = 1",
    "In [1]: int",
    "x\n   ...: y",
    'def f():\n    """\n    >>> f()\n    """',
    "/f x",
    ",f x",
    "def f(:",
    "x = \0",
    "x = '\\d'",
]
WORDS = ["x", "=", " ", "\n", "%", "!", "?", "...", "(", ")", "'", ">>>", "#", "1", ":", "in"]


class TestTransformers:
    """A cell comes out as it comes out of IPython's own."""

    @pytest.mark.parametrize("cell", PLAIN)
    def test_plain_cells(self, cell):
        assert is_plain(cell)
        assert Transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)

    @pytest.mark.parametrize("cell", OTHER)
    def test_others_are_left_to_it(self, cell):
        assert not is_plain(cell)
        assert Transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)

    def test_cells_of_the_course(self):
        texts = [jupytext.read(SOLUTIONS / f"{name}.md") for name in assignments()]
        cells = [cell.source for text in texts for cell in text.cells if cell.cell_type == "code"]
        assert sum(map(is_plain, cells)) > 50
        for cell in cells:
            assert Transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)

    @given(st.lists(st.sampled_from(WORDS)))
    def test_any_cell(self, parts):
        cell = "".join(parts)
        if is_plain(cell):
            assert Transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)

    @pytest.mark.parametrize("kind", ["cleanup_transforms", "line_transforms", "token_transformers"])
    def test_one_that_a_cell_adds_sees_every_cell(self, kind):
        manager = Transformers()
        getattr(manager, kind).append(None)
        with pytest.raises((TypeError, AttributeError)):
            manager.transform_cell("a = 1")


def test_a_submission_finds_nothing_of_the_rehearsal():
    cells = [
        "print(sorted(name for name in dir() if not name.startswith('__')), [_, __, ___, Out, _oh])",
        "shell = get_ipython()\nimport linecache, sys\n"
        "print(shell.last_execution_succeeded, len(shell.compile._filename_map), hasattr(sys, 'last_value'))\n"
        "print([name for name in linecache.cache if 'ipython' in name and 'site' not in name])",
        "np",
        "f",
        "1 + 1",
        "_, Out, _5, shell.history_manager.outputs[1]",
    ]
    with Sandbox() as sandbox, sandbox.run(cells, BUDGET) as submission:
        names, state, np, f, _, out = submission.cells
    own = ["In", "Out", "_", "_dh", "_ih", "_oh", "exit", "get_ipython", "open", "quit"]
    assert names.outputs[0]["text"].startswith(f"{own} ['', '', '', {{}}, {{}}]")
    assert state.outputs[0]["text"].startswith("True 2 False\n")
    assert [np.error, f.error] == [f"NameError: name '{name}' is not defined" for name in ("np", "f")]
    assert out.outputs[0]["data"]["text/plain"] == "(2, {5: 2}, 2, [])"


def test_a_cell_may_await():
    cells = [
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 7",
        "await f()",
        "async with asyncio.timeout(5):\n    x = 8",
        "[x async for x in f()]",
        "x",
    ]
    with Sandbox() as sandbox, sandbox.run(cells, BUDGET) as submission:
        _, seven, eight, wrong, x = submission.cells
    assert seven.outputs[0]["data"]["text/plain"] == "7"
    assert eight.error is None
    assert wrong.error.startswith("TypeError")
    assert x.outputs[0]["data"]["text/plain"] == "8"


@given(st.lists(st.sampled_from([*WORDS, "async", "await", "def f(", "with", "for", "return"]), max_size=12))
def test_without_one_of_the_words_no_cell_awaits(words):
    """What Shell.should_run_async relies on."""
    cell = " ".join(words)
    assert not _should_be_async(cell) or "async" in cell or "await" in cell
