"""The shell that a submission's cells run in: IPython without a terminal, its outputs kept as nbformat dicts."""

import ast
import base64
import contextlib
import io
import linecache
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

OVERHEAD = 100  # characters that an output takes besides its text
WARM = 8  # runs of a function before Python has made it faster
# What most submissions do, in one way or another.
USUAL = (
    "import numpy as np\nimport matplotlib.pyplot as plt",
    "def double(x, *, times=1):\n    return 2 * np.sign(x) * np.maximum(np.abs(x), 0) ** times",
    "np.array([1.5, 2.0]), double(np.ones(3)), 1.5",
    "print(double(np.arange(3.0)))\nassert np.allclose(double(1.0), 2), 'no'",
    "assert double(1.0) == 3, 'no'",
)
FIGURE = "plt.plot([1, 2])\nplt.xlabel('x')\nplt.show()"


class Outputs(list):
    """nbformat outputs, up to a number of characters."""

    limit = 1 << 20
    left = limit

    def restart(self):
        self.clear()
        self.left = self.limit

    def put(self, size, output):
        if self.left < 0:
            return
        self.left -= size + OVERHEAD
        if self.left < 0:
            output = {"output_type": "stream", "name": "stderr", "text": f"[more than {self.limit} characters]\n"}
        self.append(output)

    def write(self, name, text):
        if self.left >= 0 and self and self[-1].get("name") == name and len(text) <= self.left:
            self.left -= len(text)
            self[-1]["parts"].append(text)
        else:
            self.put(len(text), {"output_type": "stream", "name": name, "parts": [text]})

    def finished(self):
        """As they are sent: with the parts of a stream joined."""
        joined = []
        for output in self:
            if "parts" in output:
                output = {"output_type": "stream", "name": output["name"], "text": "".join(output["parts"])}
            joined.append(output)
        return joined


OUTPUTS = Outputs()


class Stream(io.TextIOBase):
    def __init__(self, name):
        self.name = name

    def write(self, text):
        OUTPUTS.write(self.name, text)
        return len(text)

    def writable(self):
        return True


class Publisher(DisplayPublisher):
    def publish(self, data, *_, **__):
        size = sum(len(str(value)) for value in data.values())
        OUTPUTS.put(size, {"output_type": "display_data", "data": encoded(data), "metadata": {}})

    def clear_output(self, wait=False):
        OUTPUTS.clear()


class Hook(DisplayHook):
    source = ""  # of the cell

    @property
    def prompt_count(self):
        return self.shell.execution_count  # type: ignore[union-attr]  # only a cell that is kept in a history counts on

    def quiet(self):
        return self.semicolon_at_end_of_expression(self.source)

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        size = sum(len(str(value)) for value in format_dict.values())
        output = {"output_type": "execute_result", "data": encoded(format_dict), "metadata": {}}
        OUTPUTS.put(size, {**output, "execution_count": Shell.instance().execution_count})

    def finish_displayhook(self):
        pass


def encoded(data):
    """A bundle of representations with its pictures as text, as a notebook has them."""
    return {
        mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value for mime, value in data.items()
    }


class Transformers(TransformerManager):
    """IPython's, but what is Python already is left as it is, for as long as nobody adds a way to change it."""

    def __init__(self):
        super().__init__()
        self.own = self.all()

    def all(self):
        return [*self.cleanup_transforms, *self.line_transforms, *self.token_transformers]

    def transform_cell(self, cell):
        if self.all() == self.own and is_plain(cell):
            return cell if cell.endswith("\n") else cell + "\n"
        return super().transform_cell(cell)


def is_plain(cell):
    """Whether IPython leaves a cell as it is: valid Python, without what looks like a prompt.

    No backslash: one that escapes nothing warns whenever it is parsed.
    """
    if not cell or cell[0].isspace() or any(mark in cell for mark in (">>>", "In [", "...:", "\\")):
        return False
    try:
        ast.parse(cell)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


class Shell(InteractiveShell):
    def enable_gui(self, gui=None):
        pass  # there is no event loop to join

    def should_run_async(self, raw_cell, *, transformed_cell=None, **rest):
        # IPython compiles each cell once more to see whether it awaits something: not without one of these words.
        perhaps = transformed_cell is None or "await" in transformed_cell or "async" in transformed_cell
        return perhaps and super().should_run_async(raw_cell, transformed_cell=transformed_cell, **rest)

    def _tee(self, channel):
        return contextlib.nullcontext()  # else all that is printed would be kept a second time, without a limit

    def _showtraceback(self, etype, evalue, stb):
        lines = [str(line)[:2000] for line in stb][-20:]
        # Always: it says more than all that was printed before it.
        OUTPUTS.append(
            {"output_type": "error", "ename": etype.__name__, "evalue": str(evalue)[:2000], "traceback": lines}
        )


def make() -> Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Plain"  # the others read and colour the source of every frame
    shell = Shell.instance(config=config, displayhook_class=Hook, display_pub_class=Publisher)
    shell.run_line_magic("matplotlib", "inline")
    shell.builtin_trap.__enter__()  # functions are called outside cells, too
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    shell.input_transformer_manager = Transformers()
    warm_up(shell)
    return shell


def warm_up(shell: Shell):
    """Run some cells and forget them: what Python and its libraries make at a first time is then made for everybody."""
    history: Any = shell.history_manager
    kept: list[dict] = [shell.user_ns, shell.user_ns_hidden, shell.user_ns["_oh"], shell.compile._filename_map]
    kept += [linecache.cache, history.outputs, history.output_hist_reprs, vars(sys)]
    before = [dict(each) for each in kept]
    for number, source in enumerate((*USUAL * WARM, FIGURE)):
        run(shell, number, source)
    for name in ("_", "__", "___"):
        setattr(shell.displayhook, name, "")
    for each, items in zip(kept, before, strict=True):
        for key in each.keys() - items.keys():
            del each[key]
        each.update(items)
    with contextlib.suppress(AttributeError):  # matplotlib forgets its fonts at a fork: each copy would free them
        sys.modules["matplotlib.font_manager"]._get_font.cache_clear()  # type: ignore[attr-defined]
    shell.execution_count = 1
    shell.last_execution_result, shell.last_execution_succeeded = None, True
    OUTPUTS.restart()


def run(shell: Shell, number: int, source: str):
    """Run a cell; its outputs, and what it raised as one line or None."""
    OUTPUTS.restart()
    shell.execution_count = number
    shell.displayhook.source = source  # type: ignore[attr-defined]
    result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    return OUTPUTS.finished(), f"{type(error).__name__}: {error}" if error else None
