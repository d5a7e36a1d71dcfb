"""Where a submission runs. This is the trusted side; what runs beside the submission is in autograder/nursery.py."""

import contextlib
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.confine import TICK, CannotConfine
from autograder.errors import GraderError, Stopped, StudentError
from autograder.launch import CAPABILITIES, PATIENCE, Nursery, lacking
from autograder.line import Channel, Endless, HungUp, Line
from autograder.raised import student_error
from autograder.wire import WireError, frame, outputs_text

CELLS = 8  # times the CPU time of one cell are for all of them together
LOSSES = 3  # nurseries in one submission
HUNG_UP = 1.0  # seconds for a process that hung up to end by itself, or to say that its copy has ended
MAX_SOURCE = 1 << 28  # bytes of a cell

__all__ = ["Budget", "CellResult", "Sandbox", "Stopped", "Student", "StudentError", "Submission"]


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


class Sandbox:
    """Runs one submission after the other. `unconfined` runs them with all rights of whoever started this."""

    def __init__(self, capability: str = "numpy", unconfined: bool = False, begun: Nursery | None = None):
        if capability not in CAPABILITIES:
            raise GraderError(f"capability must be one of {', '.join(CAPABILITIES)}, got {capability!r}")
        self.capability, self.unconfined = capability, unconfined
        self.nursery: Nursery | None = None
        self.begun = begun  # a nursery that is still loading

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
            nursery, self.begun = self.begun or Nursery(self.capability, self.unconfined), None
            nursery.ready()
            try:
                Process(nursery, Budget(1, 1, 1, 1, 1, 1)).end()  # does it work here?
            except BaseException:
                nursery.close()
                raise
            self.nursery = nursery
        return self.nursery

    def lose(self):
        if self.nursery:
            self.nursery.close()
            self.nursery = None

    @contextlib.contextmanager
    def run(self, cells: list[str], budget: Budget) -> Iterator["Submission"]:
        submission = Submission(self, cells, budget)
        try:
            submission.run_cells()
            yield submission
        finally:
            submission.close()


class Submission:
    """The cells of a submission, each run once, and the state that they left.

    A process that is lost is replaced by one that runs the cells again, but for those that came to no good end.
    """

    def __init__(self, sandbox: Sandbox, sources: list[str], budget: Budget):
        self.sandbox, self.sources, self.budget = sandbox, sources, budget
        self.cells: list[CellResult] = []
        self.process: Process | None = None
        self.spent = 0.0
        self.lost_nurseries = 0

    def run_cells(self):
        try:
            self.ready()
        except Stopped as stopped:
            self.cells += [CellResult(cause=stopped.cause) for _ in self.sources[len(self.cells) :]]

    def ready(self) -> "Process":
        """A process that ran every cell that can be run."""
        while self.process is None or not self.process.running:
            number = None
            try:
                self.process = Process(self.sandbox.ready(), self.budget)
                for number in range(len(self.sources)):
                    if number >= len(self.cells) or self.cells[number].cause is None:
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
                self.cells[number:] = [CellResult(cause=stopped.cause), *self.cells[number + 1 :]]
        return self.process

    def run_cell(self, process: "Process", number: int):
        if self.spent > CELLS * self.budget.cpu_seconds:
            self.cells[number:] = [CellResult(cause="time"), *self.cells[number + 1 :]]
            return
        before = process.cpu
        result = process.run_cell(number + 1, self.sources[number])
        self.spent += max(process.cpu - before, self.budget.cpu_seconds * (result.cause is not None))
        if number == len(self.cells):
            self.cells.append(result)
        elif result.cause:
            self.cells[number] = result

    @contextlib.contextmanager
    def fork(self, budget: Budget, last=False) -> Iterator["Student"]:
        """The state that the cells left, in a copy for one exercise; if that is lost, using it raises Stopped.

        The `last` exercise has the state itself, which saves a copy. Any other after it takes another run of the cells.
        """
        student = Student(self, budget, last)
        try:
            yield student
        finally:
            student.close()

    def renew(self):
        """Copies are from now on made of another run of the cells, which shares nothing with those made before."""
        self.close()

    def close(self):
        if self.process and self.process.running:
            with contextlib.suppress(Stopped):
                self.process.end()


class Process:
    """The first process of a submission: it runs the cells, and copies itself for each exercise."""

    def __init__(self, nursery: Nursery, budget: Budget):
        self.nursery, self.budget = nursery, budget
        self.running, self.watched, self.since, self.cpu = True, False, 0.0, 0.0
        self.deadline = time.monotonic() + PATIENCE
        connection, theirs = socket.socketpair()
        connection.settimeout(PATIENCE)
        self.channel = Channel(connection, self.wait, max_text=outputs_text(budget.output_kb))
        try:
            with theirs:
                nursery.tell("start", theirs.fileno(), budget=vars(budget))
            nursery.hear("pid")
            kind, *text = self.hear()
        except BaseException:
            connection.close()
            raise
        if kind != "ready":
            raise lacking(CannotConfine(*text))

    def wait(self, *others: socket.socket) -> set[int]:
        """Until there is something to read: from the process, or from these; the descriptors of those that have it."""
        poll = select.poll()
        for connection in (self.channel.connection, *others):
            poll.register(connection, select.POLLIN)
        ready = poll.poll(1000 * max(0.0, self.deadline - time.monotonic()))
        if not ready:  # the nursery would have stopped it long ago if it were only slow
            raise Stopped(self.end("time"))
        return {descriptor for descriptor, _ in ready}

    def hear(self) -> list:
        try:
            return self.channel.receive()[0]
        except HungUp:
            raise Stopped(self.end(patience=HUNG_UP)) from None
        except WireError:
            raise Stopped(self.end("wire")) from None

    def ask(self, budget: Budget, at: str, *what, descriptors=()):
        """Give the process something to do, watched."""
        self.deadline = time.monotonic() + budget.wall_seconds + PATIENCE
        if not (self.watched and at == "cell"):
            self.since = time.monotonic()
            self.nursery.tell("look", at=at, cpu=budget.cpu_seconds, wall=budget.wall_seconds, memory=budget.memory_mb)
        try:
            message = b"." + frame([at, *what], max_text=MAX_SOURCE)
            sent = socket.send_fds(self.channel.connection, [message], descriptors)
            if sent < len(message):
                self.channel.connection.sendall(message[sent:])
        except OSError:
            raise Stopped(self.end(patience=HUNG_UP)) from None

    def rest(self, alone=False, again=False) -> str | None:
        """No longer watched; why it was stopped, if it was.

        `alone`: what it had started is ended. `again`: it is watched for another cell.
        """
        self.watched, self.since = again, time.monotonic()
        self.nursery.tell("rest", alone=alone, again=again)
        answer = self.nursery.hear("cpu")
        self.cpu += answer["cpu"]
        self.deadline = time.monotonic() + PATIENCE
        return answer["stopped"]

    def run_cell(self, number: int, source: str) -> CellResult:
        self.ask(self.budget, "cell", number, plain(source))
        answer = self.hear()
        # As long as the nursery has not looked yet it has stopped nothing, and one watch does for several quick cells.
        self.watched = quick = time.monotonic() - self.since < TICK
        stopped = None if quick else self.rest(again=True)
        try:
            kind, outputs, error = answer
            if kind != "ran" or type(outputs) is not list or type(error) not in (str, type(None)):
                raise WireError("no outputs")
            return CellResult(plain(outputs), error and plain(error)[:2000], stopped)
        except (ValueError, WireError):
            raise Stopped(self.end("wire")) from None

    def end(self, cause: str | None = None, patience=0.0) -> str:
        """End it; why it had ended before, if it had."""
        self.running = False
        self.channel.connection.close()
        self.nursery.tell("end", patience=patience)
        answer = self.nursery.hear("status")
        return cause or answer["stopped"] or ("wire" if answer["status"] is None else cause_of(answer["status"]))


class Student(Mapping):
    """The names that a submission's cells defined: functions as proxies, values as copies."""

    def __init__(self, submission: Submission, budget: Budget, last: bool):
        self.at = "itself" if last else "copy"
        self.cause: str | None = None
        self.process: Process | None = None
        self.line: Calls | None = None
        for attempt in range(2):
            try:
                self.process = submission.ready()
                self.line = Calls(self, self.process, budget)
                return
            except Stopped as stopped:
                if attempt or stopped.cause != "nursery":  # a nursery lost before anything was asked is nobody's doing
                    self.cause = stopped.cause
                    return

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
                self.cause = cause or self.why(process)
            except Stopped as stopped:
                self.cause = stopped.cause
        return Stopped(self.cause or "nursery")

    def why(self, process: Process) -> str:
        """Why it ended: of a copy, told by the process that it is a copy of, unless the nursery had stopped it."""
        if self.at == "itself":
            return process.end(patience=HUNG_UP)
        kind, *status = process.hear()
        if kind != "gone" or len(status) != 1 or type(status[0]) not in (int, str):
            return process.end("wire")
        self.process = None
        stopped = process.rest(alone=True)
        return stopped or ("processes" if type(status[0]) is str else cause_of(status[0]))

    def close(self):
        if self.line:
            self.line.channel.connection.close()
        if self.process and self.process.running:
            with contextlib.suppress(Stopped):
                if self.at == "itself":
                    self.process.end()
                    return
                self.process.rest(alone=True)
                self.process.deadline = time.monotonic() + HUNG_UP
                if self.process.hear()[0] != "gone":
                    self.process.end()


class Calls(Line):
    """Calls to the functions of one exercise; whatever is wrong with the wire ends that exercise."""

    def __init__(self, student: Student, process: Process, budget: Budget):
        ours, theirs = socket.socketpair()
        ours.settimeout(budget.wall_seconds + PATIENCE)
        super().__init__(Channel(ours, self.wait), student_error, leads=True, fatal=(Stopped, KeyboardInterrupt))
        self.student = student
        try:
            with theirs:
                process.ask(budget, student.at, vars(budget), descriptors=[theirs.fileno()])
        except BaseException:
            ours.close()
            raise

    def wait(self):
        process = self.student.process
        if process is None or self.channel.connection.fileno() not in process.wait(self.channel.connection):
            raise HungUp("the process is gone")

    def call(self, number, args, kwargs):
        with self.ending():
            return super().call(number, args, kwargs)

    def call_each(self, number, calls):
        with self.ending():
            return super().call_each(number, calls)

    @contextlib.contextmanager
    def ending(self):
        """What goes wrong on the wire is the end of the exercise."""
        if self.student.cause:
            raise Stopped(self.student.cause)
        try:
            yield
        except HungUp:
            raise self.student.lost() from None
        except Endless:
            raise self.student.lost("time") from None
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
