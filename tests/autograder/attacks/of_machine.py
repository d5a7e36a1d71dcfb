"""Attacks on the machine around the submission: its files, processes, network, memory and time."""

# ruff: noqa: E501  an attack's lines are easier to read whole

from tests.autograder.attacks.attack import Attack

READING = [
    Attack(
        "reading", "the whole disk", "Every folder is searched for notebooks, gradebooks, seeds and checks.",
        "for top, _, names in os.walk('/'):\n    for name in names:\n"
        "        if name.endswith('.ipynb') or name in ('gradebook.db', 'secret_seed', 'nbgrader_config.py', 'nursery.py'):\n"
        "            breach(top, name)",
    ),
    Attack(
        "reading", "known paths", "The seed, the gradebook, the source and a classmate's work are opened by their names.",
        "for name in ('secret_seed', 'gradebook.db', 'source/small/small.ipynb', 'submitted/h-000/small/small.ipynb'):\n"
        "    for path in ('COURSE/' + name, '/proc/1/cwd/' + name, '/../../COURSE/' + name):\n"
        "        if tried(open, path, 'rb'): breach(path)\nif tried(os.listdir, 'COURSE'): breach('listed')",
    ),
    Attack(
        "reading", "file handles", "A file is opened by its number, past every mount, as container escapes do.",
        "for root in (b'/', b'/dev/null', b'/packages'):\n    mount = os.open(root, os.O_RDONLY)\n"
        "    for inode in (2, 128, 256):\n"
        "        handle = ctypes.create_string_buffer(b'\\x08\\0\\0\\0\\x01\\0\\0\\0' + bytes([inode % 256, inode >> 8, 0, 0, 0, 0, 0, 0]))\n"
        "        if call(SYS(open_by_handle_at), mount, handle, 0) >= 0: breach('opened', inode)",
    ),
    Attack(
        "/proc", "other processes", "Command lines, environments and memories of all processes are read.",
        "for pid in [*range(1, 400), 'self', 'thread-self']:\n    for name in ('environ', 'cmdline', 'mem', 'maps', 'root', 'fd'):\n"
        "        if os.path.lexists(f'/proc/{pid}/{name}'): breach(pid, name)",
    ),
    Attack(
        "environment", "variables", "Python's and C's environment are searched for paths, names and keys.",
        "there = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')\ni, found = 0, []\nwhile there[i]:\n"
        "    found.append(there[i].decode())\n    i += 1\nfound += [f'{k}={v}' for k, v in os.environ.items()] + sys.orig_argv\n"
        "if any(word in each for each in found for word in ('COURSE', 'CANARY', 'USER=', 'root', 'PATH=', 'PYTEST')): breach(found)",
    ),
    Attack(
        "descriptors", "inherited ones", "Every open descriptor is asked for its content, and what it leads to.",
        "import stat\nfor fd in range(3, 1024):\n    mode = tried(os.fstat, fd)\n"
        "    if mode and not stat.S_ISSOCK(mode.st_mode): breach(fd, mode)\n"
        "    if mode and tried(os.openat if hasattr(os, 'openat') else os.open, '..', os.O_RDONLY, 0): pass",
    ),
]  # fmt: skip

WRITING = [
    Attack(
        "writing", "the gradebook", "SQLite writes full marks into the gradebook.",
        "import sqlite3\ndef marks():\n    base = sqlite3.connect('COURSE/gradebook.db')\n"
        "    base.execute('update grade set manual_score = 100')\n    base.commit()\n    return True\nif tried(marks): breach('written')",
    ),
    Attack(
        "writing", "numpy itself", "The files of numpy, of Python and of its start are changed for whoever comes next.",
        "import sysconfig\nfor path in (np.__file__, os.__file__, '/packages/evil.pth', '/packages/sitecustomize.py',\n"
        "             sysconfig.get_paths()['purelib'] + '/evil.pth', '/scratch/../packages/numpy.py'):\n"
        "    tried(os.chmod, path, 0o777)\n    tried(os.unlink, path)\n    if tried(open, path, 'a'): breach(path)",
    ),
    Attack(
        "writing", "remounting", "The file system is made writable again, or another is mounted.",
        "for number in (SYS(mount), SYS(umount2), SYS(pivot_root), SYS(chroot), SYS(mount_setattr), SYS(open_tree),\n"
        "               SYS(fsopen), SYS(move_mount)):\n"
        "    if call(number, b'/', b'/', b'tmpfs', 32, 0) >= 0: breach(number)",
    ),
    Attack(
        "writing", "fills the disk", "Files and shared memory are filled until there is no room.",
        "def fill(top):\n    for i in range(200):\n        with open(f'{top}/{i}', 'wb') as file: file.write(bytes(1 << 20))\n"
        "for top in ('/scratch', '/dev/shm', '/tmp', '/var/tmp', '/run'): tried(fill, top)\n"
        "held = sum(os.stat(f'/scratch/{each}').st_size for each in os.listdir('/scratch'))\nif held > 4 << 20: breach(held)",
    ),
    Attack(
        "writing", "one huge file", "A function writes a file larger than any may be.",
        "import signal\ndef shrink(x, lam):\n    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "    fd = os.open('/scratch/a', os.O_WRONLY | os.O_CREAT)\n    os.pwrite(fd, b'x', 5 << 20)",
        why="file",
    ),
    Attack(
        "writing", "file locks", "Files that all submissions share are locked, to tell something to another submission.",
        "import fcntl\nfor path in (np.__file__, os.__file__, '/dev/null'):\n    with open(path) as file:\n"
        "        for lock in (fcntl.flock, fcntl.lockf):\n            try: lock(file, fcntl.LOCK_SH)\n"
        "            except OSError: continue\n            breach(path)",
    ),
    Attack(
        "writing", "access times", "Files are read so that their times of access tell it to a submission that comes later.",
        "before = os.stat(np.__file__).st_atime_ns\nopen(np.__file__).read(1)\nos.listdir('/packages/numpy/linalg')\n"
        "if os.stat(np.__file__).st_atime_ns != before or tried(os.utime, np.__file__): breach('told')",
    ),
    Attack(
        "writing", "watching files", "A watch on shared files sees what other submissions open.",
        "if libc.inotify_init() >= 0 or libc.inotify_init1(0) >= 0 or libc.fanotify_init(0, 0) >= 0: breach('watching')",
    ),
]  # fmt: skip

NETWORK = [
    Attack(
        "network", "hosts", "A host is called, by name and by number, and a port is opened.",
        "import socket\nfor address in (('127.0.0.1', 80), ('1.1.1.1', 53), ('localhost', 8888)):\n"
        "    if tried(socket.create_connection, address, 1): breach(address)\nif tried(socket.create_server, ('', 0)): breach('server')",
    ),
    Attack(
        "network", "abstract sockets", "A Unix socket without a file is bound, for others to find.",
        "import socket\nfor kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    if tried(socket.socket, socket.AF_UNIX, kind): breach('socket')\n"
        "one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "for fd in (one.fileno(), two.fileno()):\n"
        "    if call(SYS(bind), fd, b'\\x01\\0\\0attack', 9) >= 0 or call(SYS(connect), fd, b'\\x01\\0\\0attack', 9) >= 0: breach(fd)",
    ),
    Attack(
        "network", "io_uring", "Sockets and files are opened by a queue that no filter of system calls sees.",
        "if call(SYS(io_uring_setup), 8, ctypes.create_string_buffer(120)) >= 0: breach('a ring')\n"
        "if call(SYS(io_setup), 8, ctypes.create_string_buffer(8)) >= 0: breach('a context')",
    ),
]  # fmt: skip

PROCESSES = [
    Attack(
        "daemons", "double fork", "A daemon in a session of its own wants to wait until the grading is over.",
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        ctypes.CDLL(None).prctl(15, b'attack-daemon')\n"
        "        time.sleep(3600)\n    os._exit(0)\n"
        "def shrink(x, lam):\n    if tried(os.fork) == 0:\n        os.setsid()\n        time.sleep(3600)",
    ),
    Attack(
        "daemons", "fork bomb", "A function forks itself as fast as it can.",
        "def shrink(x, lam):\n    while True:\n        tried(os.fork)",
        why="time|memory|killed",
    ),
    Attack(
        "daemons", "threads without end", "The cells start threads until no process can be made for an exercise.",
        "import threading\ntry:\n    while True: threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
        "except RuntimeError: pass",
        scores={"scale": 0, "mean": 0}, why="processes",
    ),
    Attack(
        "signals", "everybody", "All processes that there are, and the parent, are killed.",
        "import signal\ndef shrink(x, lam):\n    for pid in (-1, 1, os.getppid(), *range(2, 200)):\n"
        "        if pid != os.getpid(): tried(os.kill, pid, signal.SIGKILL)",
    ),
    Attack(
        "signals", "stops itself", "The process stops, uses no time at all, and waits to be continued.",
        "import signal\ndef shrink(x, lam):\n    os.kill(os.getpid(), signal.SIGSTOP)",
        why="time",
    ),
    Attack(
        "signals", "kills itself", "The process ends itself as if somebody else had.",
        "import signal\ndef shrink(x, lam):\n    os.kill(os.getpid(), signal.SIGKILL)",
        why="killed",
    ),
    Attack(
        "signals", "exits well", "The process ends with status 0 before it is asked, as if all had gone well.",
        "def shrink(x, lam):\n    os._exit(0)",
        why="exit",
    ),
    Attack(
        "processes", "debugger", "Parent, child and checker are traced, read and written as a debugger does.",
        "buffer = ctypes.create_string_buffer(64)\nfor pid in (0, 1, os.getppid(), os.getpid()):\n"
        "    for number in (SYS(ptrace), SYS(process_vm_readv), SYS(process_vm_writev), SYS(pidfd_open), SYS(kcmp)):\n"
        "        if call(number, pid, pid, buffer, 1, buffer, 1) >= 0: breach(number, pid)",
    ),
    Attack(
        "processes", "namespaces", "A user namespace of one's own gives the rights of root again.",
        "for flag in (1 << 28, 1 << 29, 1 << 30, 0x20000):\n"
        "    if call(SYS(unshare), flag) >= 0: breach('unshared', flag)\n"
        "    pid = call(SYS(clone), flag | 17, 0, 0, 0, 0)\n    if pid == 0: os._exit(0)\n    if pid > 0: breach('cloned', flag)\n"
        "if call(SYS(clone3), ctypes.create_string_buffer(88), 88) >= 0: breach('clone3')\n"
        "if tried(os.setuid, 0) or tried(os.setgroups, [0]) or os.getuid() == 0: breach('root')",
    ),
    Attack(
        "processes", "program without a file", "A program is written into memory and started from there.",
        "fd = call(SYS(memfd_create), b'program', 0)\nif fd >= 0: breach('memory file')\n"
        "if call(SYS(execve), b'/bin/true', 0, 0) >= 0 or call(SYS(execveat), -100, b'/bin/true', 0, 0, 0) >= 0: breach('ran')\n"
        "if tried(os.posix_spawn, sys.executable, [sys.executable, '-c', ''], {}): breach('spawned')",
    ),
    Attack(
        "processes", "keeps memory for others", "System V memory, queues, and the kernel's keyrings outlive a process.",
        "for number in (SYS(shmget), SYS(semget), SYS(msgget), SYS(mq_open), SYS(add_key), SYS(keyctl), SYS(request_key)):\n"
        "    if call(number, 0, 4096, 0o1777, 0, 0) >= 0: breach(number)\n"
        "from multiprocessing import shared_memory\nif tried(shared_memory.SharedMemory, 'attack', True, 4096): breach('posix')",
    ),
    Attack(
        "processes", "higher limits", "The limits are raised, the parent's too, and the priority.",
        "import resource\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):\n"
        "    hard = resource.getrlimit(kind)[1]\n"
        "    if tried(lambda: resource.setrlimit(kind, (hard + 1, hard + 1)) or True): breach(kind)\n"
        "    if tried(lambda: resource.prlimit(os.getppid(), kind, (-1, -1)) or True): breach('prlimit', kind)\n"
        "if tried(lambda: os.nice(-5) or True): breach('nice')",
    ),
    Attack(
        "processes", "lower limits", "The limits are lowered, so that what comes after dies of a cause that is not its own.",
        "import resource\ndef shrink(x, lam):\n    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
    ),
]  # fmt: skip

USING = [
    Attack(
        "memory", "one process", "A function takes all memory that there is.",
        "def shrink(x, lam):\n    hoard = []\n    while True:\n        hoard.append(bytearray(10 << 20))",
        why="None|memory|time",
    ),
    Attack(
        "memory", "many processes", "Each of many processes takes less than it may, all of them together far more.",
        "def shrink(x, lam):\n    for i in range(6):\n        if os.fork() == 0:\n            hoard = bytearray(b'x' * (80 << 20))\n"
        "            time.sleep(3600)\n    time.sleep(3600)",
        why="memory",
    ),
    Attack(
        "time", "loop that catches all", "A loop without an end catches every exception that would end it.",
        "def shrink(x, lam):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        why="time",
    ),
    Attack(
        "time", "cell without end", "A cell never ends; the cells after it, and their exercises, are in order.",
        "def shrink(x, lam):\n    return None\nwhile True: pass",
        says="the cell shrink_solution was stopped: time",
    ),
    Attack(
        "time", "sleeps", "A function sleeps, which takes no time of the processor.",
        "def shrink(x, lam):\n    time.sleep(3600)",
        why="time",
    ),
    Attack(
        "crashes", "null pointer", "A function writes to address zero.",
        "def shrink(x, lam):\n    ctypes.memset(0, 1, 1)",
        why="crash",
    ),
    Attack(
        "crashes", "recursion", "A recursion that Python would end overflows the stack.",
        "sys.setrecursionlimit(10 ** 9)\ndef deep(n):\n    return sorted([1, 2], key=lambda each: deep(n + 1))\n"
        "def shrink(x, lam):\n    return deep(0)",
        why="crash|None|memory",
    ),
    Attack(
        "output", "without end", "Cells and functions print for ever.",
        "def shrink(x, lam):\n    while True: print('full marks ' * 1000)\nfor i in range(10 ** 4): print('full marks ' * 100)",
        why="time",
    ),
]  # fmt: skip

ATTACKS = [*READING, *WRITING, *NETWORK, *PROCESSES, *USING]
