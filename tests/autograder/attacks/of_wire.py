"""Attacks on the conversation with the checker: forged messages, late answers, other behaviour, hidden inputs told."""

# ruff: noqa: E501  an attack's lines are easier to read whole

from tests.autograder.attacks.attack import Attack

# The sockets of a process, and a frame as the wire has it.
FRAMES = """
import json, struct, stat
def sockets():
    return [fd for fd in range(3, 128) if (found := tried(os.fstat, fd)) and stat.S_ISSOCK(found.st_mode)]
def frame(message, text=None):
    text = json.dumps(message).encode() if text is None else text
    return struct.pack("<II", len(text), 0) + text
def send(data):
    for fd in sockets(): tried(os.write, fd, data)
"""
# A function keeps what it is given where only the checker's hidden inputs are so large, and tells it where it can.
HIDDEN = (
    "def hidden(x):\n    return x.ravel().tolist() if np.size(x) > 3 else None\n"
    "def public(x):\n    return np.ndim(x) == 1 and 0 < np.size(x) < 4\n"
)

WIRE = [
    Attack(
        "wire", "malformed", "What is no message is sent to the checker.",
        FRAMES + "def shrink(x, lam):\n    send(b'[' * 64)\n    return x",
        why="wire",
    ),
    Attack(
        "wire", "huge", "A message is announced that no memory could hold.",
        FRAMES + "def shrink(x, lam):\n    send(struct.pack('<II', 0xFFFFFFFF, 0xFFFFFFFF))\n    time.sleep(60)",
        why="wire",
    ),
    Attack(
        "wire", "out of order", "The answers to calls that were not yet made are sent in advance.",
        FRAMES + "def shrink(x, lam):\n    for serial in (99, 1, 2, 3): send(frame(['return', serial, 0.0, []]))\n    return x",
        why="wire",
    ),
    Attack(
        "wire", "forged values", "The answer holds types, functions and sizes that were never lent or sent.",
        FRAMES + "def shrink(x, lam):\n    send(frame(['return', 3, ['l', ['o', 99], ['a', '|O', [1 << 40], 'C'], ['T']], []]))\n"
        "    return x",
        why="wire",
    ),
    Attack(
        "wire", "deep", "The answer is a hundred thousand lists in each other.",
        FRAMES + "def shrink(x, lam):\n    send(frame(None, b'[' * 10 ** 5 + b']' * 10 ** 5))\n    return x",
        why="wire",
    ),
    Attack(
        "wire", "calls of its own", "The checker is called: its functions by number, when nothing was asked.",
        FRAMES + "def shrink(x, lam):\n    send(frame(['call', 1, 0, ['t', 'score'], ['d']]))\n    return x",
        why="wire",
    ),
    Attack(
        "wire", "late answers", "A thread answers calls after the function has returned.",
        FRAMES + "import threading\ndef late():\n    for serial in range(200):\n        time.sleep(0.001)\n"
        "        send(frame(['return', serial, 0.0, []]))\n"
        "def shrink(x, lam):\n    threading.Thread(target=late, daemon=True).start()\n    return None",
        why="wire|None",
    ),
    Attack(
        "wire", "another process answers", "The checker's socket is handed to a sibling, which the cells had started.",
        FRAMES + "import socket\nhere, there = socket.socketpair()\nif os.fork() == 0:\n"
        "    _, fds, _, _ = socket.recv_fds(there, 1, 8)\n"
        "    for serial in range(200): [tried(os.write, fd, frame(['return', serial, 0.0, []])) for fd in fds]\n    os._exit(0)\n"
        "def shrink(x, lam):\n    socket.send_fds(here, [b'x'], sockets())\n    time.sleep(0.2)\n    os._exit(0)",
        why="wire|exit",
    ),
    Attack(
        "wire", "closes everything", "Every descriptor is closed.",
        "def shrink(x, lam):\n    os.closerange(0, 1024)\n    return x",
        why="exit",
    ),
    Attack(
        "wire", "forged outputs", "What is sent in the place of a cell's outputs has shapes that no output has.",
        FRAMES + "send(frame(['ran', [5, None, [], {'output_type': 'error', 'traceback': 7}, {'output_type': {}, 'data': 0},\n"
        "      {'output_type': 'stream', 'text': [[1]]}, {'output_type': 'execute_result', 'data': {'text/html': 3}}], None]))\n"
        "os._exit(0)",  # or what it loses beside shrink would depend on who is faster
        scores={"scale": 0, "mean": 0}, why="wire|exit",
    ),
    Attack(
        "wire", "never says the end", "The first process never tells that an exercise's copy has ended.",
        "frame = sys._getframe()\nwhile frame:\n    if frame.f_code.co_name == 'obey':\n        names = frame.f_globals\n"
        "        names['exercise'] = lambda *a, old=names['exercise']: (old(*a), time.sleep(3600))\n    frame = frame.f_back",
    ),
]  # fmt: skip

OTHERWISE = [
    Attack(
        "behaves otherwise", "the second time", "The first call of every kind is answered well, later ones are not.",
        "seen = set()\ndef shrink(x, lam):\n    key = x.tobytes(), x.shape, x.dtype\n    first = key not in seen\n    seen.add(key)\n"
        "    return x - np.clip(x, -lam, lam) if first else None",
        why="unsteady",
    ),
    Attack(
        "behaves otherwise", "public inputs", "Small inputs, which a student may see, are answered; the others are not.",
        "def shrink(x, lam):\n    return x - np.clip(x, -lam, lam) if 0 < np.size(x) <= 3 else None",
    ),
    Attack(
        "behaves otherwise", "who asks", "The calls are counted, and each property gets what pleases that property.",
        "calls = [0]\ndef shrink(x, lam):\n    calls[0] += 1\n"
        "    return x - np.clip(x, -lam, lam) if calls[0] <= 8 else np.zeros_like(x) if calls[0] <= 16 else 0 * x + lam",
        why="unsteady",
    ),
    Attack(
        "behaves otherwise", "the clock", "The answer is right in every other millisecond.",
        "def shrink(x, lam):\n    right = time.monotonic_ns() // 1000 % 2\n    return x - np.clip(x, -lam, lam) if right else x + 1",
        why="unsteady|None",
    ),
    Attack(
        "behaves otherwise", "the process", "Cells run well, and functions only in the process that ran the cells.",
        "home = os.getpid()\ndef shrink(x, lam):\n    return x - np.clip(x, -lam, lam) if os.getpid() == home else None",
    ),
]  # fmt: skip

TELLING = [
    Attack(
        "telling hidden inputs", "exceptions", "The hidden input is the text of an exception.",
        HIDDEN + "def shrink(x, lam):\n    if hidden(x): breach(hidden(x))\n    raise ValueError('no')",
        answers={"mean_solution": "def mean(x):\n    if max(x) > 1000: breach(x)\n    return sum(x) / len(x)"},
        scores={"mean": 0},
    ),
    Attack(
        "telling hidden inputs", "prints", "The hidden input is printed, displayed and warned of.",
        HIDDEN + "import warnings\nfrom IPython.display import display\ndef shrink(x, lam):\n    if hidden(x):\n"
        "        text = 'BRE' + 'ACH' + str(hidden(x))\n        print(text)\n        display(text)\n        warnings.warn(text)\n"
        "        sys.__stderr__ and print(text, file=sys.__stderr__)\n        os.write(1, text.encode())\n        os.write(2, text.encode())",
    ),
    Attack(
        "telling hidden inputs", "a file", "It is kept in a file, and told by another copy of the notebook's state.",
        HIDDEN + "def shrink(x, lam):\n    if hidden(x): open('/scratch/kept', 'w').write(str(hidden(x)))\n"
        "    kept = tried(lambda: open('/scratch/kept').read())\n    if kept and public(x): breach(kept)",
    ),
    Attack(
        "telling hidden inputs", "shared memory", "It is kept in memory that the notebook's copies share.",
        HIDDEN + "import mmap\nshared = mmap.mmap(-1, 4096)\ndef shrink(x, lam):\n    if hidden(x): shared[:20] = str(hidden(x)[0]).ljust(20)[:20].encode()\n"
        "    elif shared[0] and public(x): breach(shared[:20])",
    ),
    Attack(
        "telling hidden inputs", "a pipe", "It waits in a pipe that the cells made.",
        HIDDEN + "ends, kept = os.pipe(), []\nos.set_blocking(ends[0], False)\nos.set_blocking(ends[1], False)\ndef shrink(x, lam):\n"
        "    if hidden(x): tried(os.write, ends[1], str(hidden(x)[0]).encode())\n"
        "    elif public(x):\n        kept.append(tried(os.read, ends[0], 99) or b'')\n        if any(kept): breach(kept)",
    ),
    Attack(
        "telling hidden inputs", "a thread", "A thread of the cells takes it through a pipe, and lays it among the names.",
        HIDDEN + "import threading\nends, kept = os.pipe(), []\n"
        "threading.Thread(target=lambda: [kept.append(os.read(ends[0], 99)) for _ in range(99)], daemon=True).start()\n"
        "def shrink(x, lam):\n    if hidden(x): os.write(ends[1], str(hidden(x)[0]).encode())\n    elif kept and public(x): breach(kept)",
    ),
    Attack(
        "telling hidden inputs", "signals", "Signals tell it to the process from which all copies are made.",
        HIDDEN + "import signal\nkept = []\nsignal.signal(signal.SIGUSR1, lambda *a: kept.append(1))\n"
        "def shrink(x, lam):\n    if hidden(x): os.kill(1, signal.SIGUSR1)\n    elif kept and public(x): breach(kept)",
    ),
    Attack(
        "telling hidden inputs", "process numbers", "So many processes are started that the next one's number tells it.",
        HIDDEN + "def shrink(x, lam):\n    for _ in range(4 if hidden(x) else 0):\n"
        "        if os.fork() == 0: os._exit(0)\n        os.wait()\n    if os.getpid() > 15 and public(x): breach(os.getpid())",
    ),
    Attack(
        "telling hidden inputs", "another exercise", "What one exercise was given is told by the exception of another.",
        "def shrink(x, lam):\n    return None",
        answers={
            "scale_solution": "def scale(x):\n    if max(x) > 1000: open('/scratch/kept', 'w').write(str(x))\n    return 2 * x",
            "mean_solution": "def mean(x):\n    kept = tried(lambda: open('/scratch/kept').read())\n    if kept: breach(kept)\n    return 0",
        },
        scores={"mean": 0},
    ),
]  # fmt: skip

ATTACKS = [*WIRE, *OTHERWISE, *TELLING]
