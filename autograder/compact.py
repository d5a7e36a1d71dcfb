"""What makes copies of the nursery cheap. Everything works without it: only slower.

A fork copies an entry for each mapping and each page in use, and each page again when somebody writes into it first. So
there should be few mappings, few pages in use, large ones for what is run, and new objects should lie together instead
of here and there among the old ones.
"""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import re
import struct
from pathlib import Path

MADV_HUGEPAGE, MADV_COLLAPSE = 14, 25
READ, WRITE, EXECUTE = 1, 2, 4  # PROT_*
HUGE = 2 << 20
SMALL = 512  # bytes: up to these, Python has pools of its own, one size each
POOL = 16 << 10
LARGEST_PROGRAM = 12 << 20  # bytes: of what is larger most is never run
MREMAP_MAYMOVE, MREMAP_FIXED, MAP_FIXED = 1, 2, 16
MFD_CLOEXEC, MFD_ALLOW_SEALING = 1, 2
# What a file would not do: be emptied in a copy, be in no copy, be dropped, hold returns, be of huge pages or a device.
OWN_WAYS = {"wf", "dc", "dp", "ss", "ht", "io", "pf"}
F_ADD_SEALS, SEALS = 1033, 1 | 2 | 4 | 8  # no more seals, not shorter, not longer, not written to
ROOM = 1 << 16  # bytes for a context and its stack
MAPPING = re.compile(
    r"^(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)\n(?:\w+: .*\n)*?Rss: +(\d+) kB\n(?:\w+: .*\n)*?VmFlags: (.*)$", re.M
)

libc = ctypes.CDLL(None)
address, length = ctypes.c_void_p, ctypes.c_size_t
libc.mmap.argtypes = [address, length, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mremap.argtypes = [address, length, length, ctypes.c_int, address]
libc.mmap.restype = libc.mremap.restype = address
libc.pwrite.argtypes, libc.pwrite.restype = [ctypes.c_int, address, length, ctypes.c_long], ctypes.c_ssize_t
libc.munmap.argtypes = [address, length]
libc.mprotect.argtypes = libc.madvise.argtypes = [address, length, ctypes.c_int]


def compact():
    """When all is loaded."""
    fill_holes()
    join_libraries()
    enlarge_programs()
    lay_down()


def fill_holes():
    """Take what is free between the objects: what a copy makes then lies on a few new pages, not on many old ones."""
    python = ctypes.pythonapi.PyObject_Malloc
    python.argtypes, python.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    for size in range(SMALL, 0, -16):
        fill(python, size, size)
    size = POOL
    while size > 16:
        fill(libc.malloc, size, (size + 8 + 15) // 16 * 16)
        size = size * 3 // 4 if size > 2 * SMALL else size - 16


def fill(allocate, size, distance):
    """Take blocks of this size until a whole pool of them comes in one piece: then no hole is left."""
    before = together = 0
    for _ in range((1 << 20) // size):
        block = allocate(size)
        together = together + distance if block == before + distance else distance
        before = block
        if together > POOL - 2 * distance:
            return


def join_libraries():
    """One mapping for what a library reads and runs, one for what it writes, where the linker left three and two.

    What the linker made read-only once it had written into it is writable again: a submission could do that, too.
    """
    for parts in libraries().values():
        text = [first for first, _, rights in parts if "x" in rights]
        if not text or not any("w" in rights for _, _, rights in parts):
            continue
        data = min(first for first, _, rights in parts if "w" in rights)
        for first, last, rights in parts:
            if "w" not in rights:
                written_once = last == data and first > max(text)
                protect(first, last, READ | WRITE if written_once else READ | EXECUTE)


def enlarge_programs():
    """Put what the libraries run on large pages, which a copy has at once; small ones it asks for, 16 at a time.

    Not every process may read its own memory as a file. Otherwise a mapping that is longer than its file would end it.
    """
    with contextlib.suppress(OSError), open("/proc/self/mem", "rb", buffering=0) as memory:
        for parts in libraries().values():
            for first, last, rights in parts:
                first, last = whole_pages(first, last)
                if "x" in rights and 0 < last - first <= LARGEST_PROGRAM:
                    enlarge(first, last - first, memory)


def enlarge(first, size, memory):
    """Replace a program by the same in memory of our own, if that can be had in large pages."""
    start = reserve(size)
    advise(start, start + size, MADV_HUGEPAGE)
    memory.seek(first)
    copied = 0
    with contextlib.suppress(OSError):
        copied = memory.readinto((ctypes.c_char * size).from_address(start))
    if copied == size and advise(start, start + size, MADV_COLLAPSE) and protect(start, start + size, READ | EXECUTE):
        libc.mremap(start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, first)
    else:
        libc.munmap(start, size)


def reserve(size):
    """The address of this much memory, which begins with a large page."""
    first = claim(size + HUGE, mmap.MAP_PRIVATE)
    start, _ = whole_pages(first, first + size + HUGE)
    libc.munmap(first, start - first)
    libc.munmap(start + size, first + HUGE - start)
    return start


def claim(size, sharing):
    """The address of so much empty memory."""
    first = libc.mmap(None, size, READ | WRITE, sharing | mmap.MAP_ANONYMOUS, -1, 0)
    if first == address(-1).value:
        raise OSError(errno.ENOMEM, f"no room for {size} bytes")
    return first


def libraries():
    """By shared library its mappings: first and last address, rights."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for first, last, rights, name, *_ in mappings():
        if ".so" in name:
            found.setdefault(name, []).append((first, last, rights))
    return found


def mappings():
    """First and last address, rights, name, flags, and how many bytes are in use."""
    for first, last, rights, name, used, flags in MAPPING.findall(Path("/proc/self/smaps").read_text()):
        yield int(first, 16), int(last, 16), rights, name, flags, int(used) << 10


def protect(first, last, rights):
    return libc.mprotect(first, last - first, rights) == 0


def advise(first, last, what):
    return libc.madvise(first, last - first, what) == 0


def whole_pages(first, last):
    """The large pages between two addresses."""
    return -(-first // HUGE) * HUGE, last // HUGE * HUGE


def lay_down():
    """Put all that is loaded into a file in memory, mapped where it was.

    Then only those pages are in use that somebody used since, and what lies side by side is one mapping. That all of it
    can be both written and run takes nothing away: a submission may make such memory for itself.
    """
    if len(os.listdir("/proc/self/task")) > 1 or not (hasattr(libc, "makecontext") and hasattr(libc, "memfd_create")):
        return
    file = libc.memfd_create(b"loaded", MFD_CLOEXEC | MFD_ALLOW_SEALING)  # os may lack it where libc does not
    if file < 0:
        return
    room, offset, found = claim(3 * ROOM, mmap.MAP_SHARED), 0, blocks()
    with contextlib.suppress(OSError):
        make_in_large_pages(file, sum(last - first for first, last in found))
    for first, last in found:
        while first < last:
            # In vain, but now it is known how much of it can be read, and that there is memory for that.
            size = max(libc.pwrite(file, first, last - first, offset), 0) // mmap.PAGESIZE * mmap.PAGESIZE
            size, block = until_block(file, offset, size)
            if size:
                in_one_go(
                    room,
                    (libc.pwrite, file, first, size, offset),
                    (libc.mmap, first, size, READ | WRITE | EXECUTE, mmap.MAP_PRIVATE | MAP_FIXED, file, offset),
                )
            offset += size
            first += size + block or mmap.PAGESIZE
    fcntl.fcntl(file, F_ADD_SEALS, SEALS)  # an error if anybody could still write into it, for all submissions
    os.close(file)
    libc.munmap(room, 3 * ROOM)


def make_in_large_pages(file, size):
    """Make the file this long or longer. Of the entries for a large page a fork copies many in one go."""
    size = -(-size // HUGE) * HUGE
    os.ftruncate(file, size)
    start = reserve(size)
    try:
        if libc.mmap(start, size, READ, mmap.MAP_SHARED | MAP_FIXED, file, 0) != start:
            return
        for place in range(0, size, HUGE):
            os.pwrite(file, b"\0", place)  # of no page no large one is made
            advise(start + place, start + place + HUGE, MADV_COLLAPSE)
    finally:
        libc.munmap(start, size)


def until_block(file, offset, size):
    """How much of this comes before a block that malloc has from the system by itself, and how long that is.

    Such a one grows by mremap: of a file it would get what comes next there, and an end (SIGBUS) where nothing comes.
    """
    if size:
        with mmap.mmap(file, size, mmap.MAP_PRIVATE, mmap.PROT_READ, offset=offset) as seen:
            words = memoryview(seen).cast("Q")
            step = mmap.PAGESIZE // 8
            starts = words[0::step].tolist(), words[1::step].tolist()
            words.release()
        for number, (before, length) in enumerate(zip(*starts, strict=True)):
            place, length = number * mmap.PAGESIZE, length - 2
            if before == 0 and length > 0 and length % mmap.PAGESIZE == 0 and place + length <= size:
                return place, length
    return size, 0


def blocks():
    """First and last address of what lies side by side, without what the system has there, and what is hardly used."""
    found: list[list[int]] = []
    for first, last, rights, name, flags, used in mappings():
        enlarged = "x" in rights and not name
        special = rights[3] == "s" or "r" not in rights or (name.startswith("[") and name != "[heap]")
        special = special or not OWN_WAYS.isdisjoint(flags.split())
        if special or enlarged or (last - first > HUGE and used < (last - first) / 2):
            continue
        if found and found[-1][1] == first:
            found[-1][1] = last
        else:
            found.append([first, last])
    return found


def in_one_go(room, *calls):
    """Call functions of libc one after the other, and nothing of Python in between, as contexts that follow another."""
    contexts = [room + number * ROOM for number in range(len(calls) + 1)]
    for (function, *arguments), context, after in zip(calls, contexts[1:], [*contexts[2:], contexts[0]], strict=True):
        libc.getcontext(address(context))
        ctypes.memmove(context + 8, struct.pack("PPiP", after, context + ROOM // 2, 0, ROOM // 2), 32)
        libc.makecontext(address(context), function, len(arguments), *map(length, arguments))
    libc.swapcontext(address(contexts[0]), address(contexts[1]))
