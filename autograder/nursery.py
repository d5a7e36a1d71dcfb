"""The untrusted side: a process that has everything loaded and knows nothing, and the submissions forked from it.

The nursery runs no stranger's code. It forks a submission into a process namespace of its own, watches what all of its
processes use together, and stops what uses too much. A submission runs cells, and forks a copy of itself for each
exercise but the last, which it answers for itself.
"""

import _thread
import builtins
import contextlib
import gc
import json
import os
import random
import re
import select
import signal
import socket
import sys
import time
import traceback

import numpy as np

from autograder import compact, confine, shell
from autograder.line import Channel, Line
from autograder.wire import frame, json_value, outputs_text

GRACE_CPU, GRACE_WALL = 1.0, 5.0  # seconds for a cell to end after it was interrupted
PAGE = os.sysconf("SC_PAGE_SIZE")
CLOCK = os.sysconf("SC_CLK_TCK")
COMMAND = 1 << 16  # bytes of a message between the sandbox and the nursery
LOADED = re.compile(rb"/memfd:loaded .*\n(?:\w+: .*\n)*?Pss: +(\d+) kB\n(?:\w+: .*\n)*?Anonymous: +(\d+) kB")


class Nursery:
    def __init__(self, control: socket.socket, the_shell, confined: bool):
        self.control, self.shell, self.confined = control, the_shell, confined
        self.child = 0
        self.watch: Watch | None = None
        self.used = confine.address_space()
        self.own_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if confined else -1

    def serve(self):
        """Do what the sandbox asks, until it is gone."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        while True:
            if not poll.poll(confine.TICK * 1000 if self.watch else None) and self.watch:
                self.watch.look()
                continue
            data, descriptors, _, _ = socket.recv_fds(self.control, COMMAND, 1)
            if not data:
                return
            command, arguments = json_value(data.decode())[0]
            getattr(self, command)(*descriptors, **arguments)

    def tell(self, **what):
        self.control.send(json.dumps(what).encode())

    def start(self, cells: int, budget: dict):
        if self.confined:
            confine.call("unshare", confine.NEWPID)  # of what is forked from now on
        self.child = fork()
        if self.child == 0:
            self.control.close()
            live(cells, budget | {"used": self.used, "confined": self.confined}, self.shell)
        if self.confined:
            confine.call("setns", self.own_namespace, confine.NEWPID)
        os.close(cells)
        self.tell(pid=self.child)

    def look(self, at: str, cpu: float, wall: float, memory: int):
        """Watch the submission from now on: a "cell", a "copy" of it that answers, or "itself" when it answers."""
        self.watch = Watch(self.child, self.confined, at, cpu, wall, memory << 20)

    def rest(self, alone: bool, again: bool):
        """Watch no longer; tell what was used and why it was stopped.

        `alone`: and end what the submission started. `again`: and watch another cell from now on.
        """
        watch, self.watch = self.watch, None
        if alone and watch:
            watch.end_others()
        self.tell(cpu=watch.cpu([self.child]) if watch else 0.0, stopped=watch and watch.stopped)
        self.watch = watch.anew() if again and watch else None

    def end(self, patience: float):
        """Of the submission; with its first process the kernel ends all of its processes.

        One that hung up may be about to end by itself: its status then says why, and is waited for.
        """
        watch, self.watch = self.watch, None
        status = self.status(patience)
        if self.child and status is None:
            for pid in processes(self.child, self.confined):
                end(pid)
            os.waitpid(self.child, 0)
        self.child = 0
        self.tell(status=status, stopped=watch and watch.stopped)

    def status(self, patience):
        """How the submission's first process ended; None if it did not in time."""
        deadline = time.monotonic() + patience
        while self.child:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.002)
        return None


class Watch:
    """What a submission may use from now on, all of its processes taken together."""

    def __init__(self, child, confined, at, cpu_allowed, wall_allowed, memory_allowed):
        self.anew = lambda: Watch(child, confined, at, cpu_allowed, wall_allowed, memory_allowed)
        self.child, self.confined, self.at = child, confined, at
        self.cpu_allowed, self.wall_allowed, self.memory_allowed = cpu_allowed, wall_allowed, memory_allowed
        self.stopped: str | None = None
        self.cpu_before, self.cpu_seen = cpu_seconds(child), 0.0
        self.since = time.monotonic()

    def cpu(self, pids):
        # That of a process that nobody waited for is gone with it: what was seen stays seen.
        self.cpu_seen = max(self.cpu_seen, sum(map(cpu_seconds, pids)) - self.cpu_before)
        return self.cpu_seen

    def look(self):
        pids = processes(self.child, self.confined)
        cpu, wall = self.cpu(pids), time.monotonic() - self.since
        if self.stopped:
            self.end_others()
            if cpu > self.cpu_allowed + GRACE_CPU or wall > self.wall_allowed + GRACE_WALL:
                end(self.child)
        elif memory(pids, self.memory_allowed) > self.memory_allowed:
            self.stop("memory", cpu, wall)
        elif cpu > self.cpu_allowed or wall > self.wall_allowed:
            self.stop("time", cpu, wall)

    def stop(self, cause, cpu, wall):
        """An exercise is ended; a cell is interrupted first, and ended when that does not help."""
        self.stopped, self.cpu_allowed, self.wall_allowed = cause, cpu, wall
        self.end_others()
        if self.at == "cell":
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGINT)
        elif self.at == "itself":
            end(self.child)

    def end_others(self):
        for pid in processes(self.child, self.confined):
            if pid != self.child:
                end(pid)


def processes(child, confined):
    """Of a submission: of all that the nursery can see when it is confined, else of the session that it began."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    if confined:
        return [pid for pid in pids if pid != os.getpid()]
    return [pid for pid in pids if (fields := stat(pid)) and int(fields[3]) == child]


def stat(pid):
    """The fields of /proc/<pid>/stat that follow the name, state first; empty if it is gone."""
    return content(pid, "stat").rpartition(b")")[2].split()


def content(pid, file):
    """Of a small file of /proc/<pid>; nothing if the process is gone."""
    try:
        opened = os.open(f"/proc/{pid}/{file}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(opened, 1 << 13)
    except OSError:
        return b""
    finally:
        os.close(opened)


def cpu_seconds(pid):
    """Of a process and of those of its children that have ended."""
    fields = stat(pid)
    return sum(map(int, fields[11:15])) / CLOCK if fields else 0.0


def memory(pids, allowed):
    """Bytes of memory that these processes have and no file can give back, what they share counted once.

    Exactly only when it matters: that is much slower to read. What the nursery had loaded is nobody's.
    """
    most = sum(int((content(pid, "statm") or b"0 0").split()[1]) for pid in pids) * PAGE
    if most <= allowed:
        return most
    return sum(kilobytes(pid, (b"Pss_Anon:", b"Pss_Shmem:")) - loaded(pid) for pid in pids) << 10


def kilobytes(pid, names):
    lines = content(pid, "smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def loaded(pid):
    """Kilobytes that it has, unchanged, of the file in which what the nursery loaded lies: see `compact.lay_down`."""
    try:
        with open(f"/proc/{pid}/smaps", "rb") as file:
            return sum(max(0, int(pss) - int(changed)) for pss, changed in LOADED.findall(file.read()))
    except OSError:
        return 0


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# ---- a submission


def live(descriptor, budget, the_shell):
    """The life of a submission's first process."""
    try:
        with socket.socket(fileno=descriptor) as cells:
            channel = Channel(cells, max_text=1 << 28)
            try:
                settle(descriptor, budget)
            except (OSError, confine.CannotConfine) as error:
                channel.send(frame(["failed", str(error)]))
                return
            channel.send(frame(["ready"]))
            obey(channel, the_shell, budget)
    finally:
        os._exit(0)


def settle(descriptor, budget):
    """Give up everything that a submission does not need, with nothing open but the way to the sandbox."""
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, 1 << 16)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    random.seed(0)
    shell.Outputs.limit = budget["output_kb"] << 10
    confine.limit(**budget)
    if budget["confined"]:
        confine.give_up(budget["file_mb"])


def obey(channel, the_shell, budget):
    while True:
        _, descriptors, _, _ = socket.recv_fds(channel.connection, 1, 1)
        (command, *arguments), _ = channel.receive()
        if command == "cell":
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                outputs, error = shell.run(the_shell, *arguments)
            except KeyboardInterrupt:
                outputs, error = shell.OUTPUTS.finished(), "KeyboardInterrupt: "
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            channel.send(frame(["ran", outputs, error], max_text=outputs_text(budget["output_kb"])))
        elif command == "copy":
            status = exercise(descriptors[0], channel, the_shell, budget | arguments[0])
            channel.send(frame(["gone", status]))
        else:
            confine.limit(**budget | arguments[0])
            answer(descriptors[0], the_shell.user_ns)
            return


def exercise(descriptor, channel, the_shell, budget):
    """Answer calls in a copy of this process, until it ends; how it ended, or why there could be none."""
    try:
        pid = fork()
    except OSError as error:  # the cells left as many processes and threads as there may be
        os.close(descriptor)
        return str(error)
    if pid == 0:
        try:
            channel.connection.close()
            confine.limit(**budget)
            answer(descriptor, the_shell.user_ns)
        finally:
            os._exit(0)
    os.close(descriptor)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if os.getpid() == 1:  # that is: in a namespace of its own; anywhere else this would kill all that is the user's
        confine.end_all()  # whatever it had started, too
    return status


def fork():
    """As os.fork, but without what Python and its libraries do then for the sake of other threads, if there are none.

    They make locks anew, and touch a hundred pages for it, each of which is then copied.
    """
    if _thread._count() == 0:
        return confine.fork_alone()
    drawn = random.getstate()
    pid = os.fork()
    if pid == 0:
        random.setstate(drawn)  # it was seeded anew
    return pid


def answer(descriptor, names):
    def lookup(name):
        return names[name]

    def listing():
        return [name for name in names if type(name) is str and not name.startswith("_")]

    with socket.socket(fileno=descriptor) as calls:
        Line(Channel(calls), raised, leads=False, lent=[lookup, listing]).serve()


def raised(kinds, text):
    kind = next((kind for name in kinds if isinstance(kind := getattr(builtins, name, None), type)), Exception)
    return kind(text) if issubclass(kind, Exception) else Exception(text)


def warm_up():
    """Answer some calls: see `shell.warm_up`."""
    given = np.ones(3), np.ones((2, 2), np.float32)[:, ::2], np.float64(1.5), 0.5, 3, "text", None, [1.0], (True,)

    def double(*args, **kwargs):
        args[0][...] = 2
        return args, kwargs

    def fails(*args, **kwargs):
        raise ValueError("no")

    for _ in range(shell.WARM):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            line = Line(Channel(ours), raised, leads=True)
            for function in (0, 1):
                _, question, _ = line.question(function, given, {"rng": np.random.default_rng(0)})
                ours.sendall(question)
            ours.shutdown(socket.SHUT_WR)
            Line(Channel(theirs), raised, leads=False, lent=[double, fails]).serve()


def main(descriptor, capability, confined):
    """Load what a submission may use, and serve."""
    if capability == "torch":
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
    import ipywidgets  # noqa: F401

    the_shell = shell.make()
    sys.excepthook = lambda *error: traceback.print_exception(*error, file=sys.__stderr__)  # sys.stderr is the cells'
    warm_up()
    confine.prepare()
    # A submission that draws without a seed of its own draws the same each time.
    np.random.seed(0)  # noqa: NPY002
    for name in [name for name in sys.modules if name.partition(".")[0] == "autograder"]:
        del sys.modules[name]
    sys.argv, sys.orig_argv = [""], [""]
    gc.collect()
    compact.compact()
    gc.freeze()  # or the first collection in a child would copy every page
    gc.enable()  # while all was loaded it was off: there was no garbage
    if confined:
        confine.shut()
    with socket.socket(fileno=descriptor) as control:
        nursery = Nursery(control, the_shell, confined)
        nursery.tell(ready=True)
        nursery.serve()
