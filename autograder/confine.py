"""What a process gives up before it runs a stranger's code; by system calls alone, of the standard library's ctypes.

Twice: the nursery enters namespaces of its own, in whose file system there is nothing but Python, the system's
libraries and the allowed packages, all read-only. Each submission, forked from it, then gets process ids and a folder
of its own, and gives up every capability, the file system but that folder (Landlock), the dangerous system calls
(seccomp) and its claim to resources (limits).
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from autograder.syscalls import DENIED, LOCKING, MACHINES, NEWER, numbers

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    1 << 28,
    1 << 29,
    1 << 30,
)
NAMESPACES = {"user": NEWUSER, "mount": NEWNS, "pid": NEWPID, "network": NEWNET, "ipc": NEWIPC, "uts": NEWUTS}
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, AT_FDCWD, AT_RECURSIVE, MNT_DETACH = 1, 2, -100, 0x8000, 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446  # the same on every machine
TICK = 0.02  # seconds between two looks at what a submission uses
INSIDE = 1000  # the user that a submission sees itself as
NOBODY = 65534  # the user that root becomes
SCRATCH = "/scratch"  # where a submission may write; not /tmp, below which the interpreter may lie
PACKAGES = "/packages"  # where the allowed packages are, in the nursery's file system

libc = ctypes.CDLL(None, use_errno=True)
holding = ctypes.PyDLL(None, use_errno=True)  # Python's lock meanwhile


class CannotConfine(Exception):
    """This machine lacks what confinement needs: says which feature."""


def call(name, *args):
    """A function of libc, or a system call by its number; OSError if it fails."""
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return checked(
        name, libc.syscall(ctypes.c_long(name), *wide) if isinstance(name, int) else getattr(libc, name)(*wide)
    )


def checked(name, result):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def fork_alone():
    """As os.fork, for a process without other threads: without what is done then for their sake."""
    return checked("fork", holding.fork())


@contextlib.contextmanager
def needing(feature):
    try:
        yield
    except OSError as error:
        raise CannotConfine(f"{feature} ({error})") from None


def mount(source, target, kind=None, flags=0, data=None):
    encoded = [text.encode() if text is not None else None for text in (source, target, kind)]
    call("mount", *encoded, flags, data.encode() if data else None)


def read_only(path, recursive=True):
    attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    call(MOUNT_SETATTR, AT_FDCWD, str(path).encode(), AT_RECURSIVE * recursive, attributes, len(attributes))


# ---- the nursery


def outer_user():
    """The user and group, seen from outside, that the code is to run as: nobody where this is root and may be it."""
    if os.geteuid() != 0 or not maps(NOBODY, "/proc/self/uid_map") or not maps(NOBODY, "/proc/self/gid_map"):
        return os.geteuid(), os.getegid()
    return NOBODY, NOBODY


def maps(number, path):
    ranges = (line.split() for line in Path(path).read_text().splitlines())
    return any(int(first) <= number < int(first) + int(count) for first, _, count in ranges)


def unshare():
    """Leave every namespace of the machine. The process outside then says, by `map_users`, who we are."""
    if outer_user() == (NOBODY, NOBODY):
        os.setgroups([])
    for name, flag in NAMESPACES.items():
        with needing(f"{name} namespaces"):
            call("unshare", flag)


def map_users(pid):
    user, group = outer_user()
    for name, text in (("setgroups", "deny"), ("uid_map", f"{INSIDE} {user} 1"), ("gid_map", f"{INSIDE} {group} 1")):
        with needing("user namespaces"):
            Path(f"/proc/{pid}/{name}").write_text(text)


def move_in(packages: Mapping[str, str], sources: Mapping[str, str]):
    """Into a file system that has nothing but Python, the system's libraries, `packages` and `sources`."""
    with needing("mounts in a namespace of one's own"):
        # Opened as who we were: the interpreter may lie in a folder that only that user may enter.
        there = {target: os.open(path, os.O_PATH | os.O_CLOEXEC) for target, path in trees(packages, sources).items()}
        os.setresgid(INSIDE, INSIDE, INSIDE)
        os.setresuid(INSIDE, INSIDE, INSIDE)
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # changing users cleared it, and our /proc entry with it
        libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        build("/tmp", there)
        os.chdir("/tmp")
        call("pivot_root", b".", b".")
        call("umount2", b".", MNT_DETACH)
        os.chdir(SCRATCH)


def trees(packages, sources):
    """What is to be seen, by the path where it is to be seen."""
    wanted = {f"{PACKAGES}/{name}": path for name, path in packages.items()}
    wanted |= {f"/sources/autograder/{name}": path for name, path in sources.items()}
    wanted |= {f"/dev/{name}": f"/dev/{name}" for name in ("null", "zero", "random", "urandom")}
    return wanted | {path: path for path in (*libraries(), "/etc/ld.so.cache") if os.path.exists(path)}


def libraries():
    """Folders with the standard library and with shared libraries, and as little else as can be."""
    found = [os.path.dirname(os.__file__)]
    if sys.base_prefix != "/usr":
        found += [f"{sys.base_prefix}/lib", f"{sys.base_prefix}/lib64"]
    multiarch = getattr(sys.implementation, "_multiarch", "")
    several = [f"/lib/{multiarch}", f"/usr/lib/{multiarch}"] if multiarch else []
    return [
        *found,
        "/lib64",
        "/usr/lib64",
        *([path for path in several if os.path.exists(path)] or ["/lib", "/usr/lib"]),
    ]


def build(root, there):
    mount("none", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    for target, opened in sorted(there.items()):
        source, place = f"/proc/self/fd/{opened}", Path(root + target)
        if place.exists():
            continue  # below a tree that is there already
        if os.path.isdir(source):
            place.mkdir(parents=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        mount(source, str(place), None, MS_BIND)
        read_only(place)
        os.close(opened)
        hide_packages(place)
    for name in ("proc", "etc", SCRATCH):
        Path(root + "/" + name).mkdir(exist_ok=True)
    if not Path(root, "tmp").exists():
        Path(root, "tmp").symlink_to(SCRATCH)
    Path(root, "etc", "passwd").write_text(f"student:x:{INSIDE}:{INSIDE}::{SCRATCH}:\n")
    try:
        mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid")  # shorter to list
    except OSError:
        mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def hide_packages(place):
    """An empty folder over each one of packages that comes with an interpreter: they are not on the list."""
    found = [*place.glob("python3*/*-packages"), *place.glob("*-packages")] if place.name.startswith("lib") else []
    for path in found:
        if path.is_dir() and not path.is_symlink():
            mount("none", str(path), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755")


def shut():
    """When all is loaded: this package's files are gone, and nothing is written again."""
    for name in os.listdir("/sources/autograder"):
        call("umount2", f"/sources/autograder/{name}".encode(), MNT_DETACH)
        os.unlink(f"/sources/autograder/{name}")
    os.removedirs("/sources/autograder")
    read_only("/", recursive=False)


def prepare():
    """Work out once what every submission needs."""
    with contextlib.suppress(CannotConfine):  # said when a submission is to be confined
        seccomp_filter()
    for name in ("capset", "kill", "waitpid", "prctl", "setns"):
        getattr(libc, name)


# ---- a submission


def end_all():
    """Every process in this namespace but its first, which is this one. There is hardly ever any: no exceptions."""
    libc.kill(-1, 9)
    while libc.waitpid(-1, None, 0) > 0:
        pass


def give_up(scratch_mb: int):
    """In a process just forked from the nursery into a process namespace of its own: all rights but to compute."""
    options = f"size={scratch_mb}m,nr_inodes=4096,mode=700"
    with needing("mounts in a namespace of one's own"):
        call("unshare", NEWNS | NEWIPC)
        call("umount2", b"/proc", MNT_DETACH)
        mount("none", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
        os.chdir(SCRATCH)
    with needing("the right to give up rights"):
        call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with needing("Landlock"):
        landlock(reading=["/"], writing=[SCRATCH, "/dev/null"])
    with needing("seccomp"):
        seccomp()


def landlock_abi():
    return libc.syscall(ctypes.c_long(LANDLOCK_CREATE), None, ctypes.c_long(0), ctypes.c_long(1))


def landlock(reading: Iterable[str], writing: Iterable[str]):
    """From now on only these can be read or written, TCP is closed, and no other process can be signalled."""
    abi = landlock_abi()
    everything = (1 << 13) - 1 | sum(1 << bit for bit, since in ((13, 2), (14, 3), (15, 5)) if abi >= since)
    of_files = everything & (1 | 2 | 4 | 1 << 14 | 1 << 15)
    network, scoped = 3 * (abi >= 4), 3 * (abi >= 6)
    attributes = struct.pack("QQQ", everything, network, scoped)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    rules = call(LANDLOCK_CREATE, attributes, len(attributes), 0)
    for paths, access in ((reading, 4 | 8), (writing, everything & ~1)):
        for path in paths:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", access if os.path.isdir(path) else access & of_files, opened)
            call(LANDLOCK_ADD, rules, 1, rule, 0)
            os.close(opened)
    call(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def seccomp():
    """From now on the system calls in DENIED fail with "not permitted", and what is not known here with "unknown"."""
    code, length = seccomp_filter()
    held = ctypes.create_string_buffer(code, len(code))
    call("prctl", PR_SET_SECCOMP, 2, struct.pack("HxxxxxxP", length, ctypes.addressof(held)), 0, 0)


@lru_cache
def seccomp_filter():
    """The filter as the kernel wants it, and its number of lines."""
    if platform.machine() not in MACHINES:
        raise CannotConfine(f"a list of the system calls of {platform.machine()} (there is one for {[*MACHINES]})")
    machine, number = numbers(platform.machine())
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, refuse, unknown = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
    architecture, called, first_argument, second_argument = 4, 0, 16, 24  # where they are in what the filter sees
    program = [(load, 0, 0, architecture), (equal, 1, 0, machine), (answer, 0, 0, kill), (load, 0, 0, called)]
    program += [(at_least, 0, 1, NEWER), (answer, 0, 0, unknown)]
    # The flags of clone3 lie where a filter cannot see them; libc falls back to clone.
    program += [(equal, 0, 1, number["clone3"]), (answer, 0, 0, unknown)]
    for name in DENIED:
        if name in number:
            program += [(equal, 0, 1, number[name]), (answer, 0, 0, refuse)]
    namespaces = NEWCGROUP | sum(NAMESPACES.values())
    program += [(equal, 0, 3, number["clone"]), (load, 0, 0, first_argument), (any_bit, 0, 1, namespaces)]
    program += [(answer, 0, 0, refuse), (load, 0, 0, called)]
    program += [(equal, 0, 2 + 2 * len(LOCKING), number["fcntl"]), (load, 0, 0, second_argument)]
    for command in LOCKING:
        program += [(equal, 0, 1, command), (answer, 0, 0, refuse)]
    program += [(load, 0, 0, called)]
    program += [(equal, 0, 3, number["prlimit64"]), (load, 0, 0, first_argument), (equal, 1, 0, 0)]  # one's own
    program += [(answer, 0, 0, refuse), (answer, 0, 0, allow)]
    return b"".join(struct.pack("HBBI", *line) for line in program), len(program)


def address_space() -> int:
    """Bytes of it that this process has claimed."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit(used: int, memory_mb: int, processes: int, file_mb: int, confined: bool, **_):
    """No more address space than this above what was `used`, nor more processes, larger files, or open files."""
    wanted = {
        resource.RLIMIT_AS: used + (memory_mb << 20),
        resource.RLIMIT_NPROC: processes + 3,  # the nursery, the first process and its copy
        resource.RLIMIT_FSIZE: file_mb << 20,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    if not confined:
        del wanted[resource.RLIMIT_NPROC]  # it would count what else this user runs
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
