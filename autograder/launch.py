"""Starts a nursery: a clean Python in which only some packages can be imported, confined before it loads them."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from autograder import confine
from autograder.errors import GraderError, Stopped

ROOT = Path(__file__).parents[1]
CAPABILITIES: dict[str, tuple[str, ...]] = {"numpy": ("numpy", "matplotlib", "ipython", "ipywidgets")}
CAPABILITIES["torch"] = (*CAPABILITIES["numpy"], "torch")
SOURCES = (
    "__init__",
    "compact",
    "confine",
    "line",
    "nursery",
    "shell",
    "syscalls",
    "wire",
)  # what the nursery needs of this package
PATIENCE = 60.0  # seconds to wait for what takes no time, before the nursery is given up
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LD_BIND_NOW": "1",  # else each copy looks up each function of a library when it first calls it
    "MALLOC_ARENA_MAX": "1",  # else each thread claims 64 MB of the limit
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # the order of a set is then the same each time
    "PYTHONDONTWRITEBYTECODE": "1",
}
# What the new process runs. Nothing that a submission may not see is loaded, and nothing is imported from the machine's
# packages before they are out of reach.
BOOT = """
import gc, json, os, socket, sys
gc.disable()
root, descriptor, packages, sources, capability, confined, core = json.loads(sys.argv[1])
if core is not None:
    os.sched_setaffinity(0, {core})
sys.path.insert(0, root)
from autograder import confine
if confined:
    control = socket.socket(fileno=descriptor)
    try:
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


@lru_cache
def packages(capability: str) -> dict[str, str]:
    """Path by name of what a submission may import: the files of some distributions and of those that they need."""
    todo, seen, found = list(CAPABILITIES[capability]), set(), {}
    while todo:
        dist = distribution(todo.pop())
        if dist.metadata["Name"] in seen:
            continue
        seen.add(dist.metadata["Name"])
        for needed in map(Requirement, dist.requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo.append(needed.name)
        tops = {file.parts[0] for file in dist.files or ()} - {"..", "__pycache__"}
        found.update({top: str(dist.locate_file(top)) for top in tops})
    return found


class Nursery:
    """The trusted end of a process of autograder/nursery.py. It loads what it needs until `ready` is called, or longer.

    `core`: the one that it stays on. Who forks afterwards may leave the nursery to the new process: see `leave`.
    """

    def __init__(self, capability: str, unconfined: bool, core: int | None = None):
        self.capability, self.unconfined = capability, unconfined
        self.folder = tempfile.TemporaryDirectory() if unconfined else None
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = self.start(theirs.fileno(), capability, unconfined, core)
        if not unconfined:
            with self.starting():
                self.hear("unshared")
                confine.map_users(self.process.pid)
                self.control.send(b".")

    def ready(self):
        """Wait until it has loaded everything."""
        with self.starting():
            self.hear("ready")

    @contextlib.contextmanager
    def starting(self):
        try:
            yield
        except confine.CannotConfine as error:
            self.close()
            raise lacking(error) from None
        except Stopped:
            self.close()
            raise GraderError("the process that runs submissions did not start; its message stands above") from None
        except BaseException:
            self.close()
            raise

    def start(self, descriptor: int, capability: str, unconfined: bool, core: int | None):
        allowed: Any = packages(capability)
        home = confine.SCRATCH
        if self.folder:
            home = self.folder.name
            for name, path in allowed.items():
                Path(home, name).symlink_to(path)
            allowed = home
        sources = {f"{name}.py": str(ROOT / "autograder" / f"{name}.py") for name in SOURCES}
        arguments = [str(ROOT), descriptor, allowed, sources, capability, not unconfined, core]
        return subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-c", BOOT, json.dumps(arguments)],
            env=ENVIRONMENT | dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), home),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is heard by whoever started the run
            cwd="/",
        )

    def tell(self, command: str, *descriptors: int, **arguments):
        try:
            socket.send_fds(self.control, [json.dumps([command, arguments]).encode()], descriptors)
        except OSError:
            raise Stopped("nursery") from None

    def hear(self, key: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The nursery's answer that has this key; one that is silent is given up."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        while True:
            data = b""
            with contextlib.suppress(OSError):
                data = self.control.recv(1 << 16) if poll.poll(1000 * seconds) else b""
            if not data:
                self.kill()
                raise Stopped("nursery")
            answer = json.loads(data)
            if "lacks" in answer:
                raise confine.CannotConfine(answer["lacks"])
            if key in answer:
                return answer

    def kill(self):
        """Also as a child of this process's parent, which `self.process` would take for one that has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self.process.returncode is None:
                os.kill(self.process.pid, signal.SIGKILL)

    def leave(self):
        """To a process forked from this one: without the control of either the nursery ends."""
        self.control.close()

    def close(self):
        self.control.close()
        self.kill()
        self.process.wait()
        if self.folder:
            self.folder.cleanup()


SWITCHES = {  # settings of the kernel that forbid confinement, and the value that does
    "kernel/apparmor_restrict_unprivileged_userns": "1",
    "kernel/unprivileged_userns_clone": "0",
    "user/max_user_namespaces": "0",
}


def lacking(error: confine.CannotConfine) -> GraderError:
    paths = {name: Path("/proc/sys", name) for name in SWITCHES}
    wrong = [name for name, path in paths.items() if path.exists() and path.read_text().strip() == SWITCHES[name]]
    said = "".join(f"; {name.replace('/', '.', 1)} is {SWITCHES[name]}" for name in wrong)
    return GraderError(
        f"this machine cannot confine submissions, it lacks {error}{said}: enable it, or ask for --unconfined if you "
        "trust every submission with all that you may do here"
    )
