"""What a submission can do and what becomes of it: run as it would be, confined, and called over the wire."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.errors import GraderError, Stopped, StudentError
from autograder.raised import KINDS
from autograder.sandbox import Budget, Sandbox

BUDGET = Budget(cpu_seconds=1, wall_seconds=20, memory_mb=300, processes=8, file_mb=4, output_kb=64)
SHORT = Budget(cpu_seconds=0.3, wall_seconds=1.5, memory_mb=300, processes=8, file_mb=4, output_kb=64)
STUBBORN = "while True:\n    try:\n        for i in range(10**9): pass\n    except BaseException: pass"
SOFT = "import numpy as np\ndef soft_threshold(x, lam):\n    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def cells(sandbox, *sources, budget=BUDGET):
    with sandbox.run(list(sources), budget) as submission:
        return submission.cells


def texts(result):
    """What a cell printed or showed, as text."""
    return [
        output.get("text") or output["data"]["text/plain"]
        for output in result.outputs
        if output["output_type"] != "error"
    ]


def ask(sandbox, source, *args, name="f", budget=BUDGET):
    """What the submission's function returns."""
    with sandbox.run([source], budget) as submission, submission.fork(budget) as student:
        return student[name](*args)


def loss(function, *args):
    """Why the process was lost in which this function was called."""
    with pytest.raises(Stopped) as caught:
        function(*args)
    return caught.value.cause


def members(sandbox):
    """Processes that the nursery has started and that are not over."""
    nursery = sandbox.nursery.process.pid
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {nursery}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {nursery}


class TestCells:
    def test_they_run_in_order_and_share_their_names(self, sandbox):
        first, _, third = cells(sandbox, "a = 1", "a += 1", "print(a)")
        assert (first.outputs, first.error, first.cause) == ([], None, None)
        assert texts(third) == ["2\n"]

    def test_an_error_ends_its_cell_and_no_other(self, sandbox):
        first, second = cells(sandbox, "a = 1\nb = 1 / 0\na = 2", "print(a)")
        assert first.error == "ZeroDivisionError: division by zero"
        assert first.outputs[0]["ename"] == "ZeroDivisionError"
        assert first.cause is None
        assert texts(second) == ["1\n"]

    @pytest.mark.parametrize(
        "source", ["def f(:", "raise SystemExit", "exit()", "1 +", "", "%%nothing", "!ls", "\ud800"]
    )
    def test_strange_cells(self, sandbox, source):
        strange, after = cells(sandbox, source, "print('after')")
        assert strange.cause is None
        assert texts(after) == ["after\n"]

    def test_outputs_are_as_a_notebook_has_them(self, sandbox):
        source = "import sys\nprint('a', end=''); print('b')\nprint('c', file=sys.stderr)\ndisplay('d')\n'e'"
        assert cells(sandbox, source)[0].outputs == [
            {"output_type": "stream", "name": "stdout", "text": "ab\n"},
            {"output_type": "stream", "name": "stderr", "text": "c\n"},
            {"output_type": "display_data", "data": {"text/plain": "'d'"}, "metadata": {}},
            {"output_type": "execute_result", "data": {"text/plain": "'e'"}, "metadata": {}, "execution_count": 1},
        ]

    def test_warnings_are_only_shown(self, sandbox):
        (result,) = cells(sandbox, "import numpy as np\nx = np.log(np.zeros(1))")
        assert result.error is None
        assert "RuntimeWarning" in texts(result)[0]

    def test_plots(self, sandbox):
        inline = "%matplotlib inline\nfrom matplotlib import pyplot\npyplot.plot([1]);"
        drawn, again = cells(sandbox, inline, "pyplot.plot([2])")
        for result in (drawn, again):
            assert result.error is None
            assert result.outputs[-1]["data"]["image/png"].startswith("iVBOR")

    def test_what_notebooks_use_of_ipython(self, sandbox):
        results = cells(
            sandbox,
            "get_ipython().run_line_magic('precision', '3')",
            "%timeit -n1 -r1 pass",
            "from IPython.display import display, Markdown\ndisplay(Markdown('*a*'))",
            "import asyncio\nawait asyncio.sleep(0)",
            "import ipywidgets\nipywidgets.interact(lambda x: x, x=3);",
            "_ = ipywidgets.IntSlider()\n_",
            "_ + 1 if isinstance(_, int) else None",
        )
        assert [result.error for result in results] == [None] * len(results)

    def test_a_first_cell_finds_nothing_that_was_there_before(self, sandbox):
        source = """
import matplotlib.pyplot as plt, numpy as np
print(sorted(name for name in globals() if not name.startswith("__")), Out)
print(plt.get_fignums(), plt.figure().number, np.get_printoptions()["precision"], get_ipython().execution_count)
print(np.random.get_state()[1][0], get_ipython().last_execution_result)
plt.close()"""
        (result,) = cells(sandbox, source)
        assert result.error is None
        lines = texts(result)[0].split("\n")
        names = "'In', 'Out', '_', '_dh', '_ih', '_oh', 'exit', 'get_ipython', 'np', 'open', 'plt', 'quit'"
        assert lines[0] == f"[{names}] {{}}"
        assert lines[1:3] == ["[] 1 8 1", "0 None"]

    def test_what_changes_cells_changes_them(self, sandbox):
        """Cells that are Python already are not looked at, until there is something that looks at all."""
        first = "def shout(lines):\n    return [line.replace('1', '7') for line in lines]\nget_ipython()"
        added = ".input_transformers_post.append(shout)"
        results = cells(sandbox, "In [3]: print(5)", ">>> print(4)", "print(1)", first + added, "print(1)", "1;", "2")
        assert [texts(result) for result in results] == [["5\n"], ["4\n"], ["1\n"], [], ["7\n"], [], ["2"]]
        (result,) = cells(sandbox, "%%capture\nprint(1)")
        assert texts(result) == []

    def test_input_is_refused(self, sandbox):
        assert cells(sandbox, "input()")[0].error.startswith("EOFError")

    @pytest.mark.parametrize("source", ["print('x' * 100)", "print('x' * 10**6)", "display(1)", "print(1); display(1)"])
    def test_outputs_have_a_limit(self, sandbox, source):
        budget = replace(SHORT, output_kb=4)
        first, second = cells(sandbox, f"for i in range(10**4): {source}", "print('after')", budget=budget)
        assert len(str(first.outputs)) < 7000
        assert "more than 4096 characters" in texts(first)[-1]
        assert texts(second) == ["after\n"]

    def test_draws_without_a_seed_are_the_same_each_time(self, sandbox):
        source = "import random, numpy as np\ndef f(): return random.random(), np.random.rand()"
        assert ask(sandbox, source) == ask(sandbox, source)
        with sandbox.run([source, "import random; random.seed(3); random.random()"], BUDGET) as submission:
            with submission.fork(BUDGET) as student:
                first = student["f"]()
            with submission.fork(BUDGET) as student:
                assert student["f"]() == first

    def test_the_order_of_a_set_is_the_same_in_every_nursery(self, sandbox):
        source = "print(list({'a', 'b', 'c', 'd', 'e', 'f'}))"
        first = cells(sandbox, source)
        sandbox.lose()
        assert cells(sandbox, source) == first


class TestLostCells:
    """A cell that hangs or ends the process costs itself; those before and after it are as they would be without."""

    @pytest.mark.parametrize(
        ("source", "cause"),
        [
            ("while True: pass", "time"),
            ("import time; time.sleep(1000)", "time"),
            (STUBBORN, "time"),
            ("import os; os._exit(0)", "exit"),
            ("import os; os.kill(os.getpid(), 9)", "exit|killed"),
            ("import ctypes; ctypes.string_at(0)", "crash"),
            ("import os\nfor fd in range(3, 99):\n    try: os.close(fd)\n    except OSError: pass", "exit"),
            ("import os\nfor fd in range(3, 99):\n    try: os.write(fd, b'x' * 99)\n    except OSError: pass", "wire"),
        ],
        ids=["loop", "sleep", "catches", "exit", "kill", "segfault", "closes", "writes"],
    )
    def test_it_is_named_and_later_cells_run(self, sandbox, source, cause):
        before, lost, after = cells(sandbox, "a = [1]", source, "a.append(2); print(a)", budget=SHORT)
        if cause == "exit|killed":  # the first process of a namespace cannot kill itself
            assert lost.cause in (None, "killed")
        else:
            assert lost.cause == cause
        assert before.cause is None
        assert texts(after) == ["[1, 2]\n"]

    def test_a_loop_keeps_what_stood_before_it_in_its_cell(self, sandbox):
        lost, after = cells(sandbox, "b = 5\nprint('so far')\nwhile True: pass", "print(b)", budget=SHORT)
        assert lost.cause == "time"
        assert texts(lost)[0] == "so far\n"
        assert texts(after) == ["5\n"]

    def test_memory(self, sandbox):
        lost, after = cells(sandbox, "x = bytearray(1 << 30)", "print('after')")
        assert lost.error.startswith("MemoryError")
        assert texts(after) == ["after\n"]

    def test_memory_of_many_processes(self, sandbox):
        source = (
            "import os, time\nfor i in range(6):\n    if os.fork() == 0:\n        x = bytearray(100 << 20)\n"
            "        time.sleep(60)\ntime.sleep(60)"
        )
        lost, after = cells(sandbox, source, "print('after')")
        assert lost.cause == "memory"
        assert texts(after) == ["after\n"]
        assert len(members(sandbox)) == 1

    def test_memory_that_the_nursery_had_loaded_is_not_its_own(self, sandbox):
        plots = (
            "import matplotlib.pyplot as plt, time\nfor _ in range(4):\n    plt.plot(range(1000))\n"
            "    plt.title('a $x^2$')\n    plt.show()\ntime.sleep(0.3)"
        )
        (result,) = cells(sandbox, plots, budget=replace(BUDGET, memory_mb=65))
        assert (result.cause, result.error) == (None, None)
        lost = cells(sandbox, "x = bytearray(55 << 20)\n" + plots, budget=replace(BUDGET, memory_mb=90))[0]
        assert lost.cause == "memory"

    def test_many_of_them_are_not_waited_for(self, sandbox):
        results = cells(sandbox, *["while True: pass"] * 20, budget=SHORT)
        assert {result.cause for result in results} == {"time"}
        assert sum(bool(result.outputs) for result in results) < 10

    def test_a_cell_that_behaves_otherwise_when_it_is_run_again(self, sandbox):
        source = "import os\nif os.path.exists('again'): os._exit(0)\nopen('again', 'w').close()"
        results = cells(sandbox, source, "import os; os._exit(1)", "print('after')")
        assert [result.cause for result in results] == [None, "exit", None]  # the file was gone, too


class TestExercises:
    def test_functions_of_the_cells_are_called(self, sandbox):
        got = ask(sandbox, SOFT, np.array([-3.0, 0.5, 2.0]), 1.0, name="soft_threshold")
        np.testing.assert_array_equal(got, [-2.0, 0.0, 1.0])

    def test_each_has_its_own_copy_of_the_state(self, sandbox):
        source = "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)"
        with sandbox.run([source], BUDGET) as submission:
            for _ in range(3):
                with submission.fork(BUDGET) as student:
                    assert student["f"](0) == 1
                    assert student["f"](0) == 2

    def test_it_is_a_mapping(self, sandbox):
        source = "x = 0.1\n_hidden = 1\ndef f(): pass\nbad = {1}"
        with sandbox.run([source], BUDGET) as submission, submission.fork(BUDGET) as student:
            assert {"x", "f"} <= set(student)
            assert "_hidden" not in student
            assert "nothing" not in student
            assert student["x"] == 0.1
            assert student.get("nothing") is None
            with pytest.raises(KeyError):
                student["nothing"]
            with pytest.raises(StudentError, match="a set"):
                student["bad"]

    def test_exceptions(self, sandbox):
        with pytest.raises(StudentError) as caught:
            ask(sandbox, "def f(): raise ValueError('no')")
        assert isinstance(caught.value, ValueError)
        assert str(caught.value) == "no"
        for kind in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "StopIteration", "BaseException"):
            with pytest.raises(StudentError):
                ask(sandbox, f"def f(): raise {kind}('no')")

    @pytest.mark.parametrize("name", KINDS)
    def test_every_builtin_exception_can_be_told(self, name):
        error = KINDS[name]("text")
        assert isinstance(error, StudentError)
        assert str(error) == "text"

    @pytest.mark.parametrize(
        ("source", "cause"),
        [
            ("while True: pass", "time"),
            ("import time; time.sleep(1000)", "time"),
            ("import os; os._exit(0)", "exit"),
            ("import os; os.kill(os.getpid(), 9)", "killed"),
            ("import ctypes; ctypes.string_at(0)", "crash"),
            ("import os; os.abort()", "crash"),
            ("import os\n while True:\n  try: os.fork()\n  except OSError: pass", "time"),
            ("import os; os.closerange(3, 99); return 5", "exit"),
            ("import os, socket; [os.write(fd, b'[' * 99) for fd in map(int, '3456') if stat(fd)]", "wire"),
        ],
        ids=["loop", "sleep", "exit", "kill", "segfault", "abort", "fork bomb", "closes", "writes"],
    )
    @pytest.mark.parametrize("last", [False, True], ids=["copy", "itself"])
    def test_one_that_is_lost_is_named_and_costs_itself(self, sandbox, source, cause, last):
        stat = "import os\ndef stat(fd):\n    try: return bool(os.fstat(fd))\n    except OSError: return False"
        with sandbox.run([stat, f"def f():\n {source}", "def g(): return 1"], SHORT) as submission:
            with submission.fork(SHORT, last=last) as student:
                f, g = student["f"], student["g"]
                if last and cause == "killed":  # the first process of a namespace cannot kill itself
                    assert (f(), g()) == (None, 1)
                    return
                assert loss(f) == cause
                assert loss(g) == cause
            with submission.fork(SHORT) as student:
                assert student["g"]() == 1

    @pytest.mark.parametrize("last", [False, True], ids=["copy", "itself"])
    def test_memory_of_many_processes(self, sandbox, last):
        source = (
            "import os, time\ndef f():\n    for i in range(6):\n        if os.fork() == 0:\n"
            "            x = bytearray(100 << 20)\n            time.sleep(60)\n    time.sleep(60)"
        )
        with sandbox.run([source], BUDGET) as submission, submission.fork(BUDGET, last=last) as student:
            assert loss(student["f"]) == "memory"

    def test_a_thread_that_the_cells_left_changes_nothing(self, sandbox):
        draws = "import random, threading, time\ndef f():\n    return random.random(), threading.active_count()"
        thread = "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()"
        alone, beside = (ask(sandbox, f"{draws}\n{more}") for more in ("", thread))
        assert alone == beside
        assert alone[1] == 1

    def test_the_last_has_the_state_itself_and_any_other_after_it_another_run(self, sandbox):
        cells = ["import os\nx = [0]", "def f():\n    x[0] += 1\n    return x[0], os.getpid()"]
        with sandbox.run(cells, BUDGET) as submission:
            with submission.fork(BUDGET) as student:
                assert student["f"]()[0] == 1
                assert student["f"]() == (2, 2)
            with submission.fork(BUDGET, last=True) as student:
                assert student["f"]() == (1, 1)
            with submission.fork(BUDGET) as student:
                assert student["f"]()[0] == 1

    def test_a_large_array_is_a_memory_error(self, sandbox):
        with pytest.raises(MemoryError):
            ask(sandbox, "import numpy as np\ndef f(): return np.ones(10**9)")

    def test_memory_of_a_few_processes_is_theirs(self, sandbox):
        source = (
            "import os, time\ndef f():\n    for i in range(3):\n        if os.fork() == 0:\n"
            "            x = bytearray(10 << 20)\n            time.sleep(0.3)\n            os._exit(0)\n"
            "    return [os.wait()[1] for i in range(3)]"
        )
        assert ask(sandbox, source) == [0, 0, 0]

    def test_more_processes_than_allowed_cannot_be_started(self, sandbox):
        source = (
            "import threading, time\ndef f(n):\n    for i in range(n):\n"
            "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    return n"
        )
        assert ask(sandbox, source, 6) == 6
        with pytest.raises(RuntimeError, match="can't start new thread"):
            ask(sandbox, source, 20)

    def test_cells_that_leave_too_many_threads(self, sandbox):
        source = (
            "import threading, time\ntry:\n    while True: threading.Thread(target=time.sleep, args=(60,)).start()\n"
            "except RuntimeError: pass\ndef f(): return 1"
        )
        assert loss(ask, sandbox, source) == "processes"

    def test_files(self, sandbox):
        assert ask(sandbox, "def f():\n    open('a', 'w').write('b')\n    return open('a').read()") == "b"
        if not sys.base_prefix.startswith("/tmp/"):  # else /tmp has the interpreter, and is read-only
            assert ask(sandbox, "def f():\n    open('/tmp/a', 'w').write('b')\n    return open('/tmp/a').read()") == "b"
        with pytest.raises(OSError, match="File too large"):
            ask(sandbox, "def f(): open('a', 'wb').write(bytes(5 << 20))")
        with pytest.raises(OSError, match="No space left"):
            ask(sandbox, "def f():\n    for i in range(3): open(str(i), 'wb').write(bytes(3 << 20))")
        with pytest.raises(FileNotFoundError):
            ask(sandbox, "def f(): open('a')")

    def test_nothing_is_left_running(self, sandbox):
        source = (
            "import os, time\ndef daemon():\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
            "            time.sleep(1000)\n        os._exit(0)\ndaemon()\ndef f():\n    daemon()\n    return 1"
        )
        assert ask(sandbox, source) == 1
        assert len(members(sandbox)) == 1

    def test_a_function_that_calls_back_without_end(self, sandbox):
        with sandbox.run(["def f(g):\n while True: g(1)"], SHORT) as submission, submission.fork(SHORT) as student:
            assert loss(student["f"], lambda x: x) == "time"

    def test_calls_back_have_a_limit_whoever_they_keep_busy(self, sandbox, monkeypatch):
        monkeypatch.setattr("autograder.line.MAX_BACK", 100)
        source = "def f(g, n):\n for _ in range(n): g(1)\n return n"
        with sandbox.run([source], BUDGET) as submission, submission.fork(BUDGET) as student:
            assert student["f"](lambda x: x, 99) == 99
            assert loss(student["f"], lambda x: x, 100) == "time"
        assert len(members(sandbox)) == 1
        assert ask(sandbox, SOFT, 1.0, 0.5, name="soft_threshold") == 0.5

    def test_an_error_of_the_check_leaves_all_in_order(self, sandbox):
        with pytest.raises(ZeroDivisionError), sandbox.run([SOFT], BUDGET) as submission, submission.fork(BUDGET):
            raise ZeroDivisionError
        assert ask(sandbox, SOFT, 1.0, 0.5, name="soft_threshold") == 0.5


class TestLosses:
    """kill -9, at any moment, of anything."""

    def test_of_the_nursery_while_an_exercise_runs(self, sandbox):
        with sandbox.run(["import time\ndef f(): time.sleep(60)\ndef g(): return 1"], BUDGET) as submission:
            with submission.fork(BUDGET) as student:
                threading.Timer(0.3, sandbox.nursery.process.kill).start()
                assert loss(student["f"]) == "nursery"
            with submission.fork(BUDGET) as student:
                assert student["g"]() == 1
        assert ask(sandbox, "def f(): return 2") == 2

    def test_of_the_nursery_while_cells_run(self, sandbox):
        nursery = sandbox.nursery.process
        threading.Timer(0.3, nursery.kill).start()
        first, second = cells(sandbox, "a = 1\nimport time; time.sleep(1)", "print(a)")
        assert nursery.wait() == -signal.SIGKILL
        assert (first.cause, second.cause) == (None, None)
        assert texts(second) == ["1\n"]

    def test_of_the_nursery_between_two_submissions(self, sandbox):
        sandbox.nursery.process.kill()
        sandbox.nursery.process.wait()  # or it may answer for a moment
        assert ask(sandbox, "def f(): return 2") == 2

    def test_of_any_process(self, sandbox):
        """Of each process in turn, the exercise that runs is lost with a name, and the next one is in order."""
        source = "import time\ndef f(): time.sleep(60)\ndef g(): return 1"
        for victim in range(3):
            with sandbox.run([source], BUDGET) as submission:
                with submission.fork(BUDGET) as student:
                    f = student["f"]
                    pids = sorted(members(sandbox))
                    assert len(pids) == 3  # the nursery proper, the first process, its copy
                    threading.Timer(0.2, os.kill, (pids[victim], signal.SIGKILL)).start()
                    assert loss(f) in ("nursery", "killed")
                with submission.fork(BUDGET) as student:
                    assert student["g"]() == 1

    def test_nothing_outlives_the_sandbox(self):
        with Sandbox() as sandbox, sandbox.run(["a = 1"], BUDGET) as submission, submission.fork(BUDGET) as student:
            assert student["a"] == 1
            pids = members(sandbox)
            assert len(pids) == 3
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() < deadline


class TestTorch:
    def test_tensors_and_gradients(self):
        source = (
            "import torch\ndef f(x):\n    y = (x ** 2).sum()\n    y.backward()\n    return x.grad, y\n"
            "f(torch.ones(2, requires_grad=True))"
        )
        with Sandbox("torch") as sandbox:
            gradient, value = ask(sandbox, source, torch.tensor([1.0, 2.0], requires_grad=True))
            assert torch.equal(gradient, torch.tensor([2.0, 4.0]))
            assert not value.requires_grad
            draws = {ask(sandbox, "import torch\ndef f(): return torch.rand(1)").item() for _ in range(2)}
            assert len(draws) == 1

    def test_not_where_it_is_not_allowed(self, sandbox):
        with pytest.raises(ModuleNotFoundError):
            ask(sandbox, "def f():\n    import torch")


class TestUnconfined:
    def test_it_is_loud_and_recorded_and_works(self, capfd):
        with Sandbox(unconfined=True) as sandbox:
            assert sandbox.unconfined
            assert "UNCONFINED" in capfd.readouterr().err
            assert ask(sandbox, SOFT, 2.0, 0.5, name="soft_threshold") == 1.5
            with pytest.raises(ModuleNotFoundError):
                ask(sandbox, "def f():\n    import scipy")
            with pytest.raises(ModuleNotFoundError):
                ask(sandbox, "def f():\n    import autograder")
            for line, cause in (("while True: pass", "time"), ("os._exit(0)", "exit"), ("os.abort()", "crash")):
                source = f"import os\ndef f():\n    {line}"
                with sandbox.run([source], SHORT) as submission, submission.fork(SHORT) as student:
                    assert loss(student["f"]) == cause
            lost, after = cells(sandbox, STUBBORN, "print(1)", budget=SHORT)
            assert lost.cause == "time"
            assert texts(after) == ["1\n"]

    def test_it_must_be_asked_for(self, sandbox):
        assert not sandbox.unconfined


def test_an_unknown_capability():
    with pytest.raises(GraderError, match="one of numpy, torch, got 'scipy'"):
        Sandbox("scipy")
