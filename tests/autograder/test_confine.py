"""What a confined process has, and what it cannot reach: each wall also alone, in case another falls."""

import errno
import json
import os
import platform
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from autograder import confine
from autograder.errors import GraderError
from autograder.launch import packages
from autograder.sandbox import Budget, Sandbox
from autograder.syscalls import DENIED, JUDGED, NEWER, numbers

ROOT = Path(__file__).parents[2]
BUDGET = Budget(cpu_seconds=5, wall_seconds=60, memory_mb=300, processes=8, file_mb=4, output_kb=64)
HELPERS = """
import os, sys, ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *arguments):
    result = libc.syscall(number, *map(ctypes.c_long, arguments))
    return -ctypes.get_errno() if result < 0 else result
def failure(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def inside(sandbox):
    """`inside(expression)` is its value in a submission."""

    def value(expression):
        source = f"{HELPERS}\ndef value(): return {expression}"
        with sandbox.run([source], BUDGET) as submission, submission.fork(BUDGET) as student:
            return student["value"]()

    return value


def forked(function):
    """What `function` returns in a fork of this process."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(send, json.dumps(function()).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(send)
    with open(receive) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(said)


def error_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


class TestWhatThereIs:
    def test_the_environment(self, inside):
        threads = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
        own = {
            "HOME",
            "TMPDIR",
            "MPLCONFIGDIR",
            "LANG",
            "LD_BIND_NOW",
            "MALLOC_ARENA_MAX",
            "PYTHONHASHSEED",
            "PYTHONDONTWRITEBYTECODE",
        }
        # matplotlib and IPython set some as they are loaded
        assert set(inside("list(os.environ)")) <= threads | own | {"MPLBACKEND", "COLUMNS", "LINES", "KMP_INIT_AT_FORK"}
        assert inside("os.environ['HOME']") == "/scratch"
        assert inside("(sys.argv, sys.orig_argv)") == ([""], [""])

    def test_the_file_system(self, inside):
        top = set(inside("os.listdir('/')"))
        assert {"packages", "scratch", "dev", "etc", "tmp"} <= top
        assert "sources" not in top
        assert not top & {"work", "home", "mnt", "media", "srv", "var", "run", "sys", "boot", "opt"} - {
            Path(sys.base_prefix).parts[1]
        }
        assert inside("os.listdir('/proc')") == []
        assert inside("os.listdir('/scratch')") == []
        assert sorted(inside("os.listdir('/dev')")) == ["null", "random", "urandom", "zero"]
        assert sorted(inside("os.listdir('/etc')")) in (["passwd"], ["ld.so.cache", "passwd"])

    def test_no_file_of_the_course_is_there(self, inside):
        for path in (ROOT, ROOT / "autograder", ROOT / "regopt", Path.home(), Path("/etc/shadow"), Path("/var")):
            assert inside(f"os.path.exists({str(path)!r})") in (False, path in Path(os.__file__).parents)
        found = inside(
            "[os.path.join(top, name) for top, _, names in os.walk('/') for name in names "
            "if 'autograder' in top or 'regopt' in top or name.endswith('.ipynb')]"
        )
        assert found == []

    def test_packages_are_those_on_the_list(self, inside):
        there = set(inside("os.listdir('/packages')"))
        assert there == set(packages("numpy"))
        assert {"numpy", "matplotlib", "IPython", "ipywidgets", "PIL"} <= there
        assert not there & {
            "scipy",
            "sklearn",
            "torch",
            "regopt",
            "autograder",
            "nbgrader",
            "pytest",
            "pip",
            "setuptools",
        }
        assert "torch" in packages("torch")
        assert not set(packages("torch")) & {"scipy", "sklearn", "regopt", "autograder", "pytorch_optimizer"}

    @pytest.mark.parametrize("name", ["scipy", "sklearn", "torch", "regopt", "autograder", "pip", "nbgrader"])
    def test_no_other_can_be_imported_from_anywhere(self, inside, name):
        folders = "[top for top, _, _ in os.walk('/') if top.endswith(('-packages', 'lib', 'python3'))]"
        everywhere = f"sys.path.extend({folders})"
        assert inside(f"({everywhere}, __import__('importlib.util').util.find_spec({name!r}))[1] is None")

    def test_it_is_nobody_without_rights(self, inside):
        assert inside("(os.getresuid(), os.getresgid())") == ((1000,) * 3, (1000,) * 3)
        assert set(inside("os.getgroups()")) <= {1000, 65534}  # those that it keeps mean nothing here
        capget = {"x86_64": 125, "aarch64": 90}[platform.machine()]
        source = (
            f"(lambda head, data: (syscall({capget}, ctypes.addressof(head), ctypes.addressof(data)), data.raw))"
            "(ctypes.create_string_buffer((0x20080522).to_bytes(4, 'little') + bytes(4), 8),"
            " ctypes.create_string_buffer(24))"
        )
        assert inside(source) == (0, bytes(24))
        assert inside("failure(os.setuid, 0)") in ("EPERM", "EINVAL")

    def test_outside_it_is_nobody_or_who_started_it(self, sandbox):
        pid = sandbox.nursery.process.pid
        nursery = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        user = int(re.search(r"Uid:\t(\d+)", Path(f"/proc/{nursery}/status").read_text())[1])
        assert user == (65534 if os.geteuid() == 0 else os.geteuid())
        groups = re.search(r"Groups:\t(.*)", Path(f"/proc/{nursery}/status").read_text())[1].split()
        assert "0" not in groups or os.getegid() == 0 != os.geteuid()

    def test_it_sees_no_process_but_its_own(self, inside):
        assert inside("(os.getpid(), os.getppid())")[1] == 1
        assert (
            inside("[pid for pid in range(3, 2000) if failure(os.kill, pid, 0) != 'ESRCH' and pid != os.getpid()]")
            == []
        )
        assert inside("failure(os.kill, 1, 9)") in (None, "EPERM")  # the first of a namespace is deaf to it
        assert inside("(os.kill(1, 9) if failure(os.kill, 1, 0) is None else None, 5)")[1] == 5

    def test_nothing_can_be_written_but_in_scratch(self, inside):
        for path in (
            "/a",
            "/packages/a",
            "/packages/numpy/a",
            "/etc/passwd",
            "/dev/a",
            "/proc/a",
            "/usr/lib/a",
            "/sources/a",
        ):
            assert inside(f"failure(open, {path!r}, 'w')") in ("EACCES", "EROFS", "ENOENT", "EPERM")
        assert inside("failure(os.mkdir, '/scratch/a')") is None
        assert inside("failure(os.chmod, '/packages/typing_extensions.py', 0o777)") in ("EACCES", "EROFS", "EPERM")

    def test_there_is_no_network(self, inside):
        assert inside("failure(__import__('socket').socket)") == "EPERM"
        assert inside("[pair.close() for pair in __import__('socket').socketpair()]") == [None, None]  # asyncio's

    def test_open_descriptors(self, inside):
        assert inside("[fd for fd in range(200) if failure(os.fstat, fd) is None]") in (
            [0, 1, 2, 3],
            [0, 1, 2, 4],
            [0, 1, 2, 5],
        )

    def test_limits(self, inside):
        names = ("CORE", "NOFILE", "FSIZE", "NPROC")
        limits = [inside(f"__import__('resource').getrlimit(__import__('resource').RLIMIT_{name})") for name in names]
        assert limits == [(0, 0), (128, 128), (4 << 20, 4 << 20), (11, 11)]
        raising = "__import__('resource').setrlimit(__import__('resource').RLIMIT_FSIZE, (1 << 40, 1 << 40))"
        with pytest.raises(ValueError, match="not allowed to raise maximum limit"):
            inside(raising)


class TestSystemCalls:
    def test_each_denied_one_is_refused(self, inside):
        _, number = numbers(platform.machine())
        denied = [number[name] for name in DENIED if name in number]
        assert len(denied) > 70
        assert inside(f"[syscall(number, 0, 0, 0, 0, 0, 0) for number in {denied}]") == [-errno.EPERM] * len(denied)

    def test_new_ones_are_unknown(self, inside):
        _, number = numbers(platform.machine())
        assert (
            inside(f"[syscall(number) for number in ({NEWER}, {NEWER + 20}, {number['clone3']})]")
            == [-errno.ENOSYS] * 3
        )

    @pytest.mark.parametrize("flag", [*confine.NAMESPACES.values(), confine.NEWCGROUP])
    def test_no_namespace_can_be_made(self, inside, flag):
        _, number = numbers(platform.machine())
        assert inside(f"syscall({number['clone']}, {flag | 17}, 0, 0, 0, 0)") == -errno.EPERM

    def test_limits_of_others_cannot_be_changed(self, inside):
        _, number = numbers(platform.machine())
        assert inside(f"syscall({number['prlimit64']}, 1, 0, 0, 0)") == -errno.EPERM
        assert inside(f"syscall({number['prlimit64']}, 0, 0, 0, 0)") == 0

    @pytest.mark.parametrize(
        ("machine", "header"),
        [("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "/usr/include/asm-generic/unistd.h")],
    )
    def test_numbers_are_those_of_the_kernel(self, machine, header):
        if not Path(header).exists():
            header = "/usr/include/asm/unistd_64.h" if machine == "x86_64" else header
        if not Path(header).exists():
            pytest.skip(f"no {header} on this machine: install the kernel's headers (linux-libc-dev)")
        kernel = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text()))
        _, number = numbers(machine)
        assert {name: int(kernel.get(name, -1)) for name in number} == number
        assert not {name for name in (DENIED | JUDGED).keys() - number.keys() if name in kernel}
        assert int(kernel["landlock_create_ruleset"]) == confine.LANDLOCK_CREATE
        assert int(kernel["mount_setattr"]) == confine.MOUNT_SETATTR


class TestEachWallAlone:
    def test_landlock(self, tmp_path):
        (tmp_path / "open").mkdir()
        (tmp_path / "open" / "file").write_text("a")
        (tmp_path / "closed").write_text("a")

        def walled():
            confine.call("prctl", confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            confine.landlock(reading=[tmp_path / "open"], writing=[])
            return [
                error_of(open, tmp_path / "open" / "file"),
                error_of(open, tmp_path / "closed"),
                error_of(open, tmp_path / "open" / "file", "w"),
                error_of(os.listdir, "/"),
                error_of(os.execv, "/bin/true", ["true"]),
                error_of(os.kill, os.getppid(), 0) if confine.landlock_abi() >= 6 else "EPERM",
            ]

        assert forked(walled) == [None, "EACCES", "EACCES", "EACCES", "EACCES", "EPERM"]

    def test_seccomp(self):
        def walled():
            confine.call("prctl", confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            confine.seccomp()
            import socket

            return [
                error_of(socket.socket),
                error_of(os.execv, "/bin/true", ["true"]),
                error_of(confine.call, "unshare", 0),
            ]

        assert forked(walled) == ["EPERM", "EPERM", "EPERM"]

    def test_limits(self):
        def walled():
            confine.limit(confine.address_space(), 100, 8, 1, confined=False)
            try:
                bytearray(200 << 20)
            except MemoryError:
                return len(bytearray(50 << 20))

        assert forked(walled) == 50 << 20


SCRIPT = "from autograder.sandbox import Sandbox\nwith Sandbox(): print('confined')"
WITHOUT = """
import sys
from autograder import confine, syscalls
confine.DENIED = {name: None for name in sys.argv[1:]}
confine.numbers = lambda machine: (syscalls.numbers(machine)[0], syscalls.numbers(machine)[1] | EXTRA)
confine.call("prctl", confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
confine.seccomp()
"""


def run(command, **environment):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, timeout=120
    )


class TestRefusal:
    """A machine that lacks a feature is refused before anything runs, and the feature is named."""

    @pytest.mark.parametrize("space", ["user", "mnt", "pid", "net", "ipc", "uts"])
    def test_without_namespaces(self, space):
        command = f'echo 0 > /proc/sys/user/max_{space}_namespaces && exec {sys.executable} -c "{SCRIPT}"'
        done = run(["unshare", "--user", "--map-root-user", "sh", "-c", command])
        names = {"mnt": "mount", "net": "network"}
        assert done.stdout == ""
        assert (
            f"GraderError: this machine cannot confine submissions, it lacks {names.get(space, space)} namesp"
            in done.stderr
        )

    def test_without_a_second_mount_namespace(self):
        command = f'echo 1 > /proc/sys/user/max_mnt_namespaces && exec {sys.executable} -c "{SCRIPT}"'
        done = run(["unshare", "--user", "--map-root-user", "sh", "-c", command])
        assert done.stdout == ""
        assert "it lacks mounts in a namespace of one's own" in done.stderr

    @pytest.mark.parametrize(
        ("feature", "missing"),
        [("Landlock", "landlock_create_ruleset"), ("seccomp", "prctl"), ("mounts in a namespace", "mount_setattr")],
    )
    def test_without_other_features(self, feature, missing):
        extra = {
            "landlock_create_ruleset": 444,
            "prctl": {"x86_64": 157, "aarch64": 167}[platform.machine()],
            "mount_setattr": 442,
        }
        done = run([sys.executable, "-c", WITHOUT.replace("EXTRA", str(extra)) + SCRIPT, missing])
        assert done.stdout == ""
        if missing == "prctl":
            feature = "the right to give up rights"
        assert f"GraderError: this machine cannot confine submissions, it lacks {feature}" in done.stderr

    def test_an_unknown_machine(self, monkeypatch):
        monkeypatch.setattr(platform, "machine", lambda: "riscv64")
        with pytest.raises(confine.CannotConfine, match="system calls of riscv64"):
            confine.seccomp()

    def test_where_root_cannot_become_nobody(self):
        """In a namespace in which there is only root, as in a container of an ordinary user."""
        done = run(["unshare", "--user", "--map-root-user", sys.executable, "-c", SCRIPT])
        assert done.stdout == "confined\n", done.stderr

    def test_a_nursery_that_cannot_start(self, monkeypatch, capfd):
        from autograder import launch

        monkeypatch.setattr(launch, "BOOT", "raise SystemExit('no')")
        with pytest.raises(GraderError, match="did not start; its message stands above"), Sandbox():
            pytest.fail("it started")
        assert capfd.readouterr().err == "no\n"


# In a mount namespace: a folder above the interpreter's is a new one, with these rights and nothing else in it.
AGAIN = """
mount --bind {base} {aside} && mount -t tmpfs -o mode={mode} none {above} && mkdir -p {base} &&
mount --move {aside} {base} && cd {root} && exec {run}
"""


class TestAsWhom:
    """What holds for this user holds for an ordinary one and for root, wherever the interpreter lies."""

    def again(self, tmp_path, above, mode, run_as, command):
        aside = tmp_path / "aside"
        aside.mkdir()
        run_it = f"{run_as} {sys.executable} {command}"
        script = AGAIN.format(base=sys.base_prefix, aside=aside, mode=mode, above=above, root=ROOT, run=run_it)
        return run(["unshare", "--mount", "sh", "-c", script], HOME="/var/empty", PYTHONDONTWRITEBYTECODE="1")

    def test_an_ordinary_user(self, tmp_path):
        if os.geteuid() != 0:  # the tests above were run by one
            return
        closed = [path for path in Path(sys.base_prefix).parents[::-1] if not path.stat().st_mode & 1]
        tests = f"-m pytest -n0 -q --noconftest -p no:cacheprovider --basetemp=/tmp/of-{os.getpid()} {__file__}"
        done = self.again(
            tmp_path,
            *(closed[0] if closed else tmp_path, 755),
            "setpriv --reuid=12345 --regid=12345 --clear-groups",
            f"{tests} -k 'WhatThereIs or without_a_second'",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 15

    def test_root_with_an_interpreter_that_only_root_may_enter(self, tmp_path):
        if os.geteuid() != 0:  # one who is no root enters it as who they are
            return
        done = self.again(tmp_path, Path(sys.base_prefix).parent, 700, "", f'-c "{SCRIPT}"')
        assert done.stdout == "confined\n", done.stderr
