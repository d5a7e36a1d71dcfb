"""Many submissions: judged side by side, written into the gradebook by one process, and gone on with after a stop."""

import fcntl
import gc
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection, wait
from typing import Any

from autograder.confine import PR_SET_PDEATHSIG, libc
from autograder.course import Course
from autograder.desk import Desk
from autograder.early import core_of
from autograder.errors import GraderError
from autograder.grade import Assignment
from autograder.gradebook import Entry, Part, Writer
from autograder.launch import Nursery

TOGETHER = 0.5  # seconds of verdicts that go into the gradebook in one transaction
PATIENCE = 1800.0  # seconds for one submission, far beyond what its budgets allow: then its worker is given up
LEAVING = 5.0  # seconds in which the workers of a run that was killed are gone
DIED = "the grader's own process ended while it judged this submission, twice; this is not the student's fault"


@dataclass(frozen=True)
class Result:
    """One submission of a run: what its verdict file holds, and whether it was judged in this run."""

    record: dict[str, Any]
    judged: bool


def folders(course: Course, step: str, assignment: str, student: str = "*") -> list[str]:
    """The students of whom there is something in `submitted/` or another of nbgrader's folders."""
    found = (course.root / step).glob(f"{student}/{assignment}")
    return sorted(path.parent.name for path in found if path.is_dir() and not path.parent.name.startswith("."))


def entry(record: dict[str, Any]) -> Entry:
    """What a verdict file puts into the gradebook."""
    parts = {
        n: Part(each["grades"], each["comments"], each["reason"] is not None) for n, each in record["notebooks"].items()
    }
    timestamp = datetime.fromisoformat(record["timestamp"]) if record["timestamp"] else None
    return Entry(record["student"], timestamp, parts)


@contextmanager
def alone(course: Course) -> Iterator[None]:
    """One run at a time in a course."""
    with open(course.root / ".grading", "w") as file:
        deadline = time.monotonic() + LEAVING
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise GraderError(f"another run is grading in {course.root}: wait for its end") from None
                time.sleep(0.1)
        yield


class Shelf:
    """Verdicts on their way into the gradebook, a few at a time."""

    def __init__(self, course: Course, writer: Writer):
        self.course, self.writer = course, writer
        self.waiting: list[dict[str, Any]] = []
        self.since = time.monotonic()

    def put(self, record: dict[str, Any]) -> None:
        if not self.waiting:
            self.since = time.monotonic()
        self.waiting.append(record)
        if time.monotonic() - self.since > TOGETHER:
            self.flush()

    def flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        new: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for record in waiting:
            path = self.course.verdict(record["student"], record["assignment"])
            (new if path.with_suffix(".new").exists() else known).append(record)
        self.writer.write([entry(record) for record in new])
        self.writer.write([entry(record) for record in known], fresh=False)
        for record in new:
            path = self.course.verdict(record["student"], record["assignment"])
            path.with_suffix(".new").replace(path)


OpenSandbox = Callable[..., AbstractContextManager[Any]]


def run(
    course: Course,
    assignment: Assignment,
    students: Iterable[str],
    writer: Writer,
    open_sandbox: OpenSandbox,
    *,
    jobs: int = 1,
    force: bool = False,
    begun: Sequence[Nursery] = (),
) -> Iterator[Result]:
    """Grade; each submission when it is judged. However this ends, what was judged goes into the gradebook.

    `begun` are nurseries that the first workers take, one each: `open_sandbox` is then given it.
    """
    shelf = Shelf(course, writer)
    crew = Crew(course, assignment, open_sandbox, force, begun)
    try:
        for result in crew.judge(students, jobs):
            shelf.put(result.record)
            yield result
    finally:
        crew.stop()
        shelf.flush()


@dataclass
class Worker:
    """A process that judges, and the submission that it has."""

    process: Any
    pipe: Connection
    student: str | None = None
    since: float = 0.0

    def give(self, student: str) -> None:
        self.student, self.since = student, time.monotonic()
        with suppress(OSError):  # it died; reading from it says so
            self.pipe.send(student)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(5)
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Crew:
    """The workers of a run."""

    def __init__(
        self,
        course: Course,
        assignment: Assignment,
        open_sandbox: OpenSandbox,
        force: bool,
        begun: Sequence[Nursery] = (),
    ):
        self.course, self.assignment, self.open_sandbox, self.force = course, assignment, open_sandbox, force
        self.begun = [*begun]
        self.workers: list[Worker] = []

    def judge(self, students: Iterable[str], jobs: int) -> Iterator[Result]:
        """Every submission once; one whose worker dies, twice."""
        todo = deque(students)
        deaths: Counter[str] = Counter()
        self.workers = [self.hire(place) for place in range(min(jobs, len(todo)))]
        while todo or any(worker.student for worker in self.workers):
            for worker in self.workers:
                if worker.student is None and todo:
                    worker.give(todo.popleft())
                elif worker.student and time.monotonic() - worker.since > PATIENCE:
                    worker.process.kill()
            ready = wait([worker.pipe for worker in self.workers if worker.student], timeout=5)
            for number, worker in enumerate(self.workers):
                if worker.pipe not in ready or worker.student is None:
                    continue
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    worker.stop()
                    self.workers[number] = self.hire(number)
                    deaths[worker.student] += 1
                    if deaths[worker.student] < 2:
                        todo.appendleft(worker.student)
                        continue
                    answer = Result(Desk(self.course, self.assignment, None).refuse(worker.student, DIED), True)
                worker.student = None
                if isinstance(answer, GraderError):
                    raise answer
                yield answer

    def hire(self, place: int) -> Worker:
        fork = multiprocessing.get_context("fork")  # checks and torch are loaded once, and their memory is shared
        ours, theirs = fork.Pipe()
        begun = self.begun.pop(0) if self.begun else None
        process = fork.Process(target=self.work, args=(ours, theirs, place, begun))
        process.start()
        theirs.close()
        if begun:
            begun.leave()
        return Worker(process, ours)

    def work(self, ours: Connection, pipe: Connection, place: int, begun: Nursery | None) -> None:
        """What a worker does, in its own process."""
        ours.close()
        for another in self.begun:
            another.leave()
        os.sched_setaffinity(0, {core_of(place)})
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a parent that is killed takes its workers along
        warnings.simplefilter("ignore")  # of numpy, about what students return
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        with suppress(EOFError, OSError):  # the parent is gone
            try:
                gc.freeze()  # what is loaded is not searched for garbage again and again
                with self.open_sandbox(begun) if begun else self.open_sandbox() as sandbox:
                    desk = Desk(self.course, self.assignment, sandbox, self.force)
                    while True:
                        pipe.send(_judged(desk, pipe.recv()))
            except GraderError as error:
                pipe.send(error)

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()


def _judged(desk: Desk, student: str) -> Result:
    try:
        return Result(*desk.judge(student))
    except GraderError:
        raise
    except Exception as error:  # a fault of the grader's costs this submission its verdict, not the run
        reason = f"the grader failed ({type(error).__name__}: {error}); this is not the student's fault"
        return Result(desk.refuse(student, reason), True)
