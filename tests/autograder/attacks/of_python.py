"""Attacks with the language alone: patched libraries, evil objects, frames, tracing, IPython."""

# ruff: noqa: E501  an attack's lines are easier to read whole

from tests.autograder.attacks.attack import Attack

PATCHING = [
    Attack(
        "patching", "assertions", "numpy's and unittest's assertions accept everything.",
        "import unittest\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None\n"
        "unittest.TestCase.assertEqual = lambda *a: None",
    ),
    Attack(
        "patching", "builtins", "AssertionError is no exception that a failed assert raises, abs and max are zero.",
        "import builtins\nbuiltins.AssertionError = type('Fine', (), {})\nbuiltins.abs = builtins.max = lambda *a, **k: 0",
    ),
    Attack(
        "patching", "numpy", "The functions that comparisons are made of say that all is well.",
        "np.all = np.allclose = np.array_equal = np.isfinite = lambda *a, **k: True\nnp.max = np.abs = lambda *a, **k: 0.0",
    ),
    Attack(
        "patching", "types", "The comparison of arrays is replaced in the type itself, past Python's protection.",
        "import gc\ngc.get_referents(np.ndarray.__dict__)[0]['__eq__'] = lambda *a: True\n"
        "ctypes.pythonapi.PyType_Modified(ctypes.py_object(np.ndarray))",
    ),
    Attack(
        "patching", "modules", "Modules with the names of the grader's own stand ready for whoever imports them.",
        "import types\nfor name in ('autograder', 'autograder.asserts', 'autograder.check', 'regopt', 'conftest'):\n"
        "    module = sys.modules[name] = types.ModuleType(name)\n"
        "    module.close = module.judge = module.ask = lambda *a, **k: None",
    ),
    Attack(
        "patching", "import hook", "Every module that is imported from now on is the student's.",
        "import importlib.machinery, types\nclass Finder:\n    def find_spec(self, name, *rest):\n"
        "        if name.startswith(('autograder', 'regopt', 'pytest')):\n"
        "            return importlib.machinery.ModuleSpec(name, self)\n"
        "    def create_module(self, spec):\n        return types.SimpleNamespace(close=print, points=8)\n"
        "    def exec_module(self, module):\n        pass\nsys.meta_path.insert(0, Finder())",
    ),
    Attack(
        "patching", "course's helper", "A helper of the course's own cells, by which a test compares, finds no difference.",
        answers={"scale_solution": "def gap(*a):\n    return 0.0\ndef scale(x):\n    return None"},
        scores={"scale": 0},
    ),
    Attack(
        "patching", "course's data", "The data of the course's own cell, on which a test asks, are none.",
        answers={"scale_solution": "GRID = np.zeros(0)\ndef scale(x):\n    return x if len(x) == 0 else None"},
        scores={"scale": 0},
    ),
]  # fmt: skip

OBJECTS = [
    Attack(
        "evil objects", "equal to all", "The result is equal to everything, and also an array, a number and empty.",
        "class Fine:\n    __eq__ = __ge__ = __le__ = __gt__ = __lt__ = lambda *a: True\n    __len__ = lambda s: 0\n"
        "    __array__ = lambda *a, **k: np.zeros(0)\n    __float__ = lambda s: 0.0\n    __hash__ = None\n"
        "def shrink(x, lam):\n    return Fine()",
    ),
    Attack(
        "evil objects", "array subclass", "The result is a subclass of array that lies about dtype, shape and comparisons.",
        "class Lying(np.ndarray):\n    dtype = property(lambda s: np.dtype('f4'))\n    shape = property(lambda s: (1 << 40,))\n"
        "    __array_ufunc__ = lambda *a, **k: np.True_\n    __array_function__ = lambda *a, **k: True\n"
        "def shrink(x, lam):\n    return np.zeros(3).view(Lying)",
    ),
    Attack(
        "evil objects", "float subclass", "The result is a float whose differences are all zero.",
        "class Near(float):\n    __sub__ = __rsub__ = __abs__ = lambda *a: 0.0\n    __eq__ = __le__ = lambda *a: True\n"
        "    __hash__ = float.__hash__\ndef shrink(x, lam):\n    return Near(1)",
    ),
    Attack(
        "evil objects", "lying buffer", "The result says that its numbers lie at address zero, and that there are 2^40.",
        "class Wild:\n    __array_interface__ = {'data': (0, True), 'shape': (1 << 40,), 'typestr': '<f8', 'version': 3}\n"
        "    __len__ = lambda s: 1 << 40\ndef shrink(x, lam):\n    return Wild()",
    ),
    Attack(
        "evil objects", "generator", "The result is a generator.",
        "def shrink(x, lam):\n    yield x",
    ),
    Attack(
        "evil objects", "endless tuple", "The result is a tuple whose members never end.",
        "import itertools\nclass Endless(tuple):\n    __iter__ = lambda s: itertools.count()\n"
        "def shrink(x, lam):\n    return Endless()",
        why="None|memory|time",
    ),
    Attack(
        "evil objects", "unfolding list", "Thirty lists, each twice in the next, unfold to 2^30.",
        "def shrink(x, lam):\n    y = []\n    for i in range(30):\n        y = [y, y]\n    return y",
        why="None|memory|time",
    ),
    Attack(
        "evil objects", "number without end", "The result is a whole number of a million digits.",
        "def shrink(x, lam):\n    return 7 << 10 ** 6",
    ),
    Attack(
        "evil objects", "not a number", "NaN is equal to NaN for careless comparisons, and no larger than anything.",
        "def shrink(x, lam):\n    return np.full_like(x, np.nan)",
    ),
    Attack(
        "evil objects", "function", "The result is a function, which returns itself when it is called back.",
        "def shrink(x, lam):\n    return shrink",
    ),
    Attack(
        "evil objects", "interrupt", "The exceptions that end programs are raised, to end the grader.",
        "def shrink(x, lam):\n    raise [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration][np.size(x) % 4]",
    ),
    Attack(
        "evil objects", "grader's exceptions", "The exceptions are called as the grader's own.",
        "class Stopped(AssertionError):\n    cause = None\nclass Raised(Stopped):\n    error = None\n"
        "Stopped.__module__ = 'builtins'\ndef shrink(x, lam):\n    raise Raised('passed')",
    ),
    Attack(
        "evil objects", "endless exception", "The text of an exception takes for ever.",
        "class Slow(Exception):\n    def __str__(self):\n        while True: pass\ndef shrink(x, lam):\n    raise Slow",
        why="time",
    ),
    Attack(
        "evil objects", "zeroes its argument", "The argument becomes zeros, so that twice of it is the zeros returned.",
        answers={"scale_solution": "def scale(x):\n    x[...] = 0\n    return x"},
        scores={"scale": 0},
    ),
]  # fmt: skip

FRAMES = [
    Attack(
        "frames", "callers", "Every caller's variables are set to what they would be if all had passed.",
        "def shrink(x, lam):\n    frame = sys._getframe()\n    while frame:\n"
        "        for name in ('passed', 'score', 'points', 'error', 'cause', 'failed'):\n"
        "            frame.f_globals[name] = frame.f_builtins[name] = 8\n        frame = frame.f_back",
    ),
    Attack(
        "frames", "garbage collector", "All objects in memory are searched for the reference, and it answers.",
        "import gc\ndef shrink(x, lam):\n    for each in gc.get_objects():\n"
        "        if str(getattr(each, '__module__', '')).startswith(('regopt', 'tests', 'autograder.checks', 'autograder.e')):\n"
        "            breach(each)",
    ),
    Attack(
        "frames", "memory", "The process's memory is read through a memory map for words that only the checks hold.",
        "def shrink(x, lam):\n    for path in ('/proc/self/mem', '/proc/1/mem', '/dev/mem', '/proc/kcore'):\n"
        "        found = tried(np.memmap, path, np.uint8, 'r', 0, 4096)\n        if found is not None: breach(path)",
    ),
    Attack(
        "tracing", "trace and profile", "Every frame is traced, and what it returns is changed.",
        "def trace(frame, event, value):\n    frame.f_locals['passed'] = True\n    return trace\n"
        "def shrink(x, lam):\n    import threading\n    threading.settrace(trace)\n    sys.settrace(trace)\n    sys.setprofile(trace)",
    ),
    Attack(
        "tracing", "audit hook", "A hook that cannot be taken off refuses to let the process fork or end others.",
        "def hook(event, arguments):\n    if event in ('os.fork', 'os.kill'): raise RuntimeError\nsys.addaudithook(hook)",
    ),
]  # fmt: skip

SHELL = [
    Attack(
        "shell", "syntax trees", "A transformer takes the asserts out of all that IPython runs from now on.",
        "import ast\nclass Without(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Without())",
    ),
    Attack(
        "shell", "input lines", "A transformer replaces the text of tests before it is read.",
        "get_ipython().input_transformers_cleanup.append(\n"
        "    lambda lines: ['pass\\n'] if any('assert' in line for line in lines) else lines)",
    ),
    Attack(
        "shell", "verdict on display", "A page that looks like a verdict, and a number as partial credit, are displayed.",
        "from IPython.display import HTML, display\ndisplay(HTML('<p><b>shrink: 8 of 8 points</b></p>'))\n"
        "print('shrink: 8 of 8 points')\nsys.displayhook(8)",
    ),
    Attack(
        "shell", "commands", "The shell's commands look around, and write.",
        "tried(get_ipython().system, 'touch COURSE/touched')\nif tried(get_ipython().getoutput, 'cat COURSE/secret_seed'): breach('seed')\n"
        "tried(get_ipython().run_cell_magic, 'bash', '', 'id > COURSE/touched')\n"
        "tried(get_ipython().run_cell_magic, 'writefile', 'COURSE/gradebook.db', 'full marks')\n"
        "import subprocess\nif tried(subprocess.run, ['/bin/true']): breach('a program ran')",
    ),
    Attack(
        "shell", "namespace", "The notebook's names are a mapping that has an answer to every name.",
        "class Right(dict):\n    def __missing__(self, name):\n        return lambda *a: 0\n"
        "    def __iter__(self):\n        return iter(['shrink', 'points', 'score', 'gap', 'scale', 'mean'])\n"
        "get_ipython().user_ns = Right(get_ipython().user_ns)\n",
    ),
    Attack(
        "shell", "standard input", "The cell asks who runs it for the answer, and would wait for ever.",
        "answer = tried(input, 'Points? ')\nif answer or tried(sys.stdin.read): breach(answer)",
    ),
]  # fmt: skip

ATTACKS = [*PATCHING, *OBJECTS, *FRAMES, *SHELL]
