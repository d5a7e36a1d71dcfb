"""What makes copies of the nursery cheap. Everything works without it: only slower.

A fork copies an entry for each mapping and each page, and each page again when somebody writes into it first. So there
should be few mappings, large pages, and new objects should lie together instead of here and there among the old ones.
"""

import contextlib
import ctypes
import mmap
from pathlib import Path

MADV_HUGEPAGE, MADV_COLLAPSE = 14, 25
READ, WRITE, EXECUTE = 1, 2, 4  # PROT_*
HUGE = 2 << 20
SMALL = 512  # bytes: up to these, Python has pools of its own, one size each
POOL = 16 << 10
LARGEST_PROGRAM = 12 << 20  # bytes: of what is larger most is never run
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2

libc = ctypes.CDLL(None)
address, length = ctypes.c_void_p, ctypes.c_size_t
libc.mmap.argtypes = [address, length, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mremap.argtypes = [address, length, length, ctypes.c_int, address]
libc.mmap.restype = libc.mremap.restype = address
libc.munmap.argtypes = [address, length]
libc.mprotect.argtypes = libc.madvise.argtypes = [address, length, ctypes.c_int]


def compact():
    """When all is loaded."""
    fill_holes()
    join_libraries()
    enlarge_programs()
    collapse()


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
    first = libc.mmap(None, size + HUGE, READ | WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    start, _ = whole_pages(first, first + size + HUGE)
    libc.munmap(first, start - first)
    libc.munmap(start + size, first + HUGE - start)
    return start


def libraries():
    """By shared library its mappings: first and last address, rights."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for first, last, rights, name in mappings():
        if ".so" in name:
            found.setdefault(name, []).append((first, last, rights))
    return found


def mappings():
    for line in Path("/proc/self/maps").read_text().splitlines():
        extent, rights, _, _, _, *name = line.split(maxsplit=5)
        first, last = (int(number, 16) for number in extent.split("-"))
        yield first, last, rights, name[0] if name else ""


def protect(first, last, rights):
    return libc.mprotect(first, last - first, rights) == 0


def advise(first, last, what):
    return libc.madvise(first, last - first, what) == 0


def whole_pages(first, last):
    """The large pages between two addresses."""
    return -(-first // HUGE) * HUGE, last // HUGE * HUGE


def collapse():
    """Ask for large pages for what is loaded."""
    for first, last, rights, name in mappings():
        first, last = whole_pages(first, last)
        if rights == "rw-p" and name in ("", "[heap]") and first < last:
            advise(first, last, MADV_HUGEPAGE)
            advise(first, last, MADV_COLLAPSE)
