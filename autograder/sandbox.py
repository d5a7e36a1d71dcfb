"""Where a submission runs. This is the trusted side; what runs beside the submission is in autograder/nursery.py."""

import builtins
import contextlib
import json
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from autograder import confine
from autograder.errors import GraderError, Stopped, StudentError
from autograder.line import Channel, HungUp, Line
from autograder.wire import WireError, frame, outputs_text

ROOT = Path(__file__).parents[1]
CAPABILITIES: dict[str, tuple[str, ...]] = {"numpy": ("numpy", "matplotlib", "ipython", "ipywidgets")}
CAPABILITIES["torch"] = (*CAPABILITIES["numpy"], "torch")
SOURCES = (
    "__init__",
    "confine",
    "line",
    "nursery",
    "shell",
    "syscalls",
    "wire",
)  # what the nursery needs of this package
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",  # else each thread claims 64 MB of the limit
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # the order of a set is then the same each time
    "PYTHONDONTWRITEBYTECODE": "1",
}
BOOT = """
import json, os, socket, sys
root, descriptor, packages, sources, capability, confined = json.loads(sys.argv[1])
sys.path.insert(0, root)
from autograder import confine
if confined:
    control = socket.socket(fileno=descriptor)
    try:
        if os.geteuid() == 0:
            os.setgroups([])
        confine.unshare()
        control.send(b'{"unshared": true}')
        control.recv(1)
        child = os.fork()
        if child:
            control.close()
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
        confine.move_in(packages, sources)
    except confine.CannotConfine as error:
        control.send(json.dumps({"lacks": str(error)}).encode())
        os._exit(1)
    sys.path[0], packages = "/sources", confine.PACKAGES
    del sys.modules["autograder"]
    control.detach()
sys.path.append(packages)
from autograder import nursery
del sys.path[0]
nursery.main(descriptor, capability, confined)
"""
CELLS = 8  # times the CPU time of one cell are for all of them together
LOSSES = 3  # nurseries in one submission
PATIENCE = 60.0  # seconds above a budget's own after which the nursery itself is given up


@dataclass(frozen=True)
class Budget:
    """What a cell, or an exercise, may use. CPU time decides; wall time is a backstop for what sleeps."""

    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    processes: int
    file_mb: int
    output_kb: int


@dataclass
class CellResult:
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    cause: str | None = None


@lru_cache
def packages(capability: str) -> dict[str, str]:
    """Path by name of what a submission may import: the files of some distributions and of those that they need."""
    todo, seen, found = list(CAPABILITIES[capability]), set(), {}
    while todo:
        name = todo.pop()
        dist = distribution(name)
        if dist.metadata["Name"] in seen:
            continue
        seen.add(dist.metadata["Name"])
        for text in dist.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo.append(needed.name)
        tops = {file.parts[0] for file in dist.files or ()} - {"..", "__pycache__"}
        found.update({top: str(dist.locate_file(top)) for top in tops})
    return found


class Nursery:
    """The trusted end of a process of autograder/nursery.py."""

    def __init__(self, capability: str, unconfined: bool):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.folder = tempfile.TemporaryDirectory() if unconfined else None
        allowed: Any = packages(capability)
        if self.folder:
            for name, path in allowed.items():
                Path(self.folder.name, name).symlink_to(path)
            allowed = self.folder.name
        folder = self.folder.name if self.folder else confine.SCRATCH
        arguments = [str(ROOT), theirs.fileno(), allowed, sources(), capability, not unconfined]
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", "-c", BOOT, json.dumps(arguments)],
                env=ENVIRONMENT | dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), folder),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd="/",
            )
        try:
            if not unconfined:
                self.hear("unshared", PATIENCE)
                confine.map_users(self.process.pid)
                self.control.send(b".")
            self.hear("ready", PATIENCE)
        except BaseException:
            self.close()
            raise

    def tell(self, command: str, *descriptors: int, **arguments):
        try:
            socket.send_fds(self.control, [json.dumps([command, arguments]).encode()], descriptors)
        except OSError:
            raise Stopped("nursery") from None

    def hear(self, key: str, seconds: float) -> dict[str, Any]:
        """The nursery's answer, which has this key."""
        ready, _, _ = select.select([self.control], [], [], seconds)
        data = b""
        with contextlib.suppress(OSError):
            data = self.control.recv(1 << 16) if ready else b""
        if not data:
            raise Stopped("nursery")
        answer = json.loads(data)
        if "lacks" in answer:
            raise GraderError(
                f"This machine cannot confine submissions, it lacks {answer['lacks']}: enable it or, if you trust "
                "every submission with all that you may do here, ask for --unconfined"
            )
        assert key in answer, f"the nursery told {answer} where {key} was due"
        return answer

    def close(self):
        self.control.close()
        self.process.kill()
        self.process.wait()
        if self.folder:
            self.folder.cleanup()


def sources():
    return {f"{name}.py": str(Path(__file__).with_name(f"{name}.py")) for name in SOURCES}


class Sandbox:
    """Runs one submission after the other. `unconfined` runs them with all rights of whoever started this."""

    def __init__(self, capability: str = "numpy", unconfined: bool = False):
        if capability not in CAPABILITIES:
            raise GraderError(f"capability must be one of {', '.join(CAPABILITIES)}, got {capability!r}")
        self.capability, self.unconfined = capability, unconfined
        self.nursery: Nursery | None = None

    def __enter__(self):
        if self.unconfined:
            print("UNCONFINED: submissions run with all that you may do on this machine", file=sys.stderr)
        self.ready()
        return self

    def __exit__(self, *_):
        self.lose()

    def ready(self) -> Nursery:
        """The nursery; a new one if the last was lost."""
        if self.nursery is None:
            self.nursery = Nursery(self.capability, self.unconfined)
        return self.nursery

    def lose(self):
        """Give up a nursery that does not answer."""
        if self.nursery:
            self.nursery.close()
            self.nursery = None

    @contextlib.contextmanager
    def run(self, cells: list[str], budget: Budget) -> Iterator["Submission"]:
        submission = Submission(self, cells, budget)
        try:
            submission.ready()
            yield submission
        finally:
            submission.close()


class Process:
    """The first process of a submission."""

    def __init__(self, nursery: Nursery, budget: Budget):
        self.nursery, self.budget = nursery, budget
        self.running, self.cpu = True, 0.0
        connection, theirs = socket.socketpair()
        self.deadline = time.monotonic() + PATIENCE
        connection.settimeout(PATIENCE)
        self.channel = Channel(connection, self.wait, max_text=outputs_text(budget.output_kb))
        with theirs:
            nursery.tell("start", theirs.fileno(), budget=asdict(budget))
        nursery.hear("pid", PATIENCE)
        kind, *text = self.hear()
        if kind != "ready":
            raise GraderError(f"This machine cannot confine submissions: {text}")

    def wait(self, *others: socket.socket) -> list:
        """The sockets that can be read; the nursery stops what takes too long, unless it is itself at its end."""
        ready, _, _ = select.select(
            [self.channel.connection, *others], [], [], max(0, self.deadline - time.monotonic())
        )
        if not ready:
            self.nursery.process.kill()
            raise Stopped("nursery")
        return ready

    def hear(self) -> list:
        try:
            return self.channel.receive()[0]
        except HungUp:
            raise Stopped(self.end()) from None
        except WireError:
            raise Stopped(self.end("wire")) from None

    def ask(self, budget: Budget, gentle: bool, *command, descriptors=()):
        """Give the process something to do, watched."""
        self.deadline = time.monotonic() + budget.wall_seconds + PATIENCE
        self.nursery.tell(
            "look", gentle=gentle, cpu=budget.cpu_seconds, wall=budget.wall_seconds, memory=budget.memory_mb
        )
        try:
            socket.send_fds(self.channel.connection, [b"."], descriptors)
            self.channel.send(frame(list(command)))
        except (OSError, HungUp):
            raise Stopped(self.end()) from None

    def rest(self, alone: bool) -> str | None:
        """No longer watched; why it was stopped, if it was. `alone`: what it had started is ended."""
        self.nursery.tell("rest", alone=alone)
        answer = self.nursery.hear("cpu", PATIENCE)
        self.cpu += answer["cpu"]
        return answer["stopped"]

    def run_cell(self, number: int, source: str) -> CellResult:
        self.ask(self.budget, True, "cell", number, source)
        answer = self.hear()
        stopped = self.rest(alone=False)
        try:
            kind, outputs, error = answer
            if kind != "ran" or type(outputs) is not list or type(error) not in (str, type(None)):
                raise WireError("no outputs")
            return CellResult(plain(outputs), error and plain(error)[:2000], stopped)
        except (ValueError, WireError):
            raise Stopped(self.end("wire")) from None

    def end(self, cause: str | None = None) -> str:
        """End it; why it had ended before, if it had."""
        self.running = False
        self.channel.connection.close()
        self.nursery.tell("end")
        answer = self.nursery.hear("status", PATIENCE)
        return cause or answer["stopped"] or cause_of(answer["status"])


class Submission:
    """The cells of a submission, each run once, and the state that they left.

    A process that is lost is replaced by one that runs the cells again, but for those that came to no good end.
    """

    def __init__(self, sandbox: Sandbox, sources: list[str], budget: Budget):
        self.sandbox, self.sources, self.budget = sandbox, sources, budget
        self.results: dict[int, CellResult] = {}
        self.process: Process | None = None
        self.spent = 0.0
        self.lost_nurseries = 0

    @property
    def cells(self) -> list[CellResult]:
        return [self.results[number] for number in range(len(self.sources))]

    def ready(self) -> Process:
        """A process that ran every cell that can be run."""
        while self.process is None or not self.process.running:
            number = None
            try:
                self.process = Process(self.sandbox.ready(), self.budget)
                for number in range(len(self.sources)):
                    if number not in self.results or self.results[number].cause is None:
                        self.run_cell(self.process, number)
            except Stopped as stopped:
                self.process = None
                if stopped.cause == "nursery":
                    self.sandbox.lose()
                    self.lost_nurseries += 1
                    if self.lost_nurseries == 1:
                        continue  # not the cell's doing, or it will be so again
                if number is None or self.lost_nurseries > LOSSES:
                    raise
                self.spent += self.budget.cpu_seconds
                self.results[number] = CellResult(cause=stopped.cause)
        return self.process

    def run_cell(self, process: Process, number: int):
        if self.spent > CELLS * self.budget.cpu_seconds:
            self.results[number] = CellResult(cause="time")
            return
        before = process.cpu
        result = process.run_cell(number + 1, self.sources[number])
        self.spent += max(process.cpu - before, self.budget.cpu_seconds * (result.cause is not None))
        if number not in self.results or result.cause:
            self.results[number] = result

    @contextlib.contextmanager
    def fork(self, budget: Budget) -> Iterator["Student"]:
        """The state that the cells left, in a copy for one exercise."""
        student = Student(self, budget)
        try:
            yield student
        finally:
            student.close()

    def close(self):
        if self.process and self.process.running:
            with contextlib.suppress(Stopped):
                self.process.end()


class Student(Mapping):
    """The names that a submission's cells defined: functions as proxies, values as copies."""

    def __init__(self, submission: Submission, budget: Budget):
        self.submission, self.budget = submission, budget
        self.cause: str | None = None
        self.line: Calls | None = None
        self.process: Process | None = None
        try:
            self.process = submission.ready()
            ours, theirs = socket.socketpair()
            with theirs:
                self.process.ask(budget, False, "fork", asdict(budget), descriptors=[theirs.fileno()])
            ours.settimeout(budget.wall_seconds + PATIENCE)
            self.line = Calls(self, ours)
        except Stopped as stopped:
            self.cause = stopped.cause

    def call(self, number, *args):
        if self.line is None:
            raise Stopped(self.cause or "nursery")
        return self.line.call(number, args, {})

    def __getitem__(self, name):
        return self.call(0, name)

    def __contains__(self, name):
        return name in self.names()

    def __iter__(self):
        return iter(self.names())

    def __len__(self):
        return len(self.names())

    def names(self) -> list[str]:
        names = self.call(1)
        return [name for name in names if type(name) is str] if type(names) is list else []

    def lost(self, cause: str | None = None) -> Stopped:
        """It ended, or must now; the exception that says why."""
        process = self.process
        if self.cause is None and process is not None:
            try:
                if cause is None:
                    kind, *status = process.hear()  # how the copy ended is told by the process that it was made from
                    if kind != "gone" or len(status) != 1 or type(status[0]) is not int:
                        raise Stopped(process.end("wire"))
                    self.process = None
                    cause = process.rest(alone=True) or cause_of(status[0])
                self.cause = cause
            except Stopped as stopped:
                self.cause = stopped.cause
        return Stopped(self.cause or "nursery")

    def close(self):
        if self.line:
            self.line.channel.connection.close()
        if self.process and self.process.running:
            with contextlib.suppress(Stopped):
                self.process.rest(alone=True)
                if self.process.hear()[0] != "gone":
                    self.process.end()


class Calls(Line):
    """Calls to the functions of one exercise; whatever is wrong with the wire ends that exercise."""

    def __init__(self, student: Student, connection: socket.socket):
        channel = Channel(connection, self.wait)
        fatal = (Stopped, KeyboardInterrupt, SystemExit)
        super().__init__(channel, student_error, leads=True, fatal=fatal)
        self.student = student

    def wait(self):
        process = self.student.process
        if process is None or self.channel.connection not in process.wait(self.channel.connection):
            raise HungUp("the process is gone")

    def call(self, number, args, kwargs):
        if self.student.cause:
            raise Stopped(self.student.cause)
        try:
            return super().call(number, args, kwargs)
        except HungUp:
            raise self.student.lost() from None
        except WireError:
            raise self.student.lost("wire") from None
        except Stopped as stopped:
            self.student.cause = stopped.cause
            raise


def cause_of(status: int) -> str:
    """Why a process ended that nobody stopped."""
    if status >= 0:
        return "exit"
    causes: dict[int, str] = {signal.SIGKILL: "killed", signal.SIGXFSZ: "file", signal.SIGXCPU: "time"}
    return causes.get(-status, "crash")


def student_error(names: list[str], text: str) -> StudentError:
    return next((KINDS[name] for name in names if name in KINDS), StudentError)(text)


def _kind(builtin):
    def __init__(self, text):
        self.args = (text,)

    def __str__(self):
        return self.args[0]

    return type(builtin.__name__, (StudentError, builtin), {"__init__": __init__, "__str__": __str__})


# Not those that mean something to whoever they pass through, or that cannot be made from a text alone.
_STRANGE = (
    StopIteration,
    StopAsyncIteration,
    UnicodeDecodeError,
    UnicodeEncodeError,
    UnicodeTranslateError,
    SyntaxError,
)
KINDS = {
    name: _kind(builtin)
    for name, builtin in vars(builtins).items()
    if isinstance(builtin, type)
    and issubclass(builtin, Exception)
    and builtin is not Exception
    and not issubclass(builtin, (*_STRANGE, BaseExceptionGroup))
}


def plain(value, depth=0):
    """JSON that everybody can write again: not nested without end, and no half characters."""
    if depth > 20:
        raise WireError("nested too deep")
    if type(value) is str:
        return value.encode("utf-8", "replace").decode()
    if type(value) is list:
        return [plain(item, depth + 1) for item in value]
    if type(value) is dict:
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in value.items()}
    return value
