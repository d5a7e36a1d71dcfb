"""The built book, a browser, and a small book of which a test can break things."""

import fcntl
import functools
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The network is cut: no name but this machine's resolves.
CUT = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@pytest.fixture(scope="session")
def site():
    """The folder of the built book; it is built if it is not up to date, by one process at a time."""
    out = ROOT / "_build"
    out.mkdir(exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = build(ROOT)
    assert done.returncode == 0, done.stderr
    return out / "html"


def build(root, *arguments):
    """Run `python -m book build` on the book in `root`."""
    code = (
        f"from pathlib import Path; from book.__main__ import main; main({['build', *arguments]}, Path({str(root)!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def served(site):
    """The address of the built book on this machine."""
    with serving(site) as address:
        yield address


class serving:
    """Serves a folder on a free port, in a thread, while the block runs."""

    def __init__(self, folder):
        handler = functools.partial(Silent, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="session")
def browser(launch):
    running = launch(CUT)
    yield running
    running.close()


@pytest.fixture
def small_book(tmp_path):
    return new_book(tmp_path)


@pytest.fixture(scope="session")
def make_small_book():
    return new_book


def new_book(tmp_path):
    """A book of one page and an index, with the real configuration and its own copy of what chapters import."""
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: chapters/index\nchapters:\n- file: chapters/one\n")
    (tmp_path / "regopt").mkdir()
    (tmp_path / "regopt" / "__init__.py").write_text("ANSWER = 42\n")
    chapters = tmp_path / "chapters"
    (chapters / "terms").mkdir(parents=True)
    (chapters / "references").mkdir()
    (chapters / "references" / "one.bib").write_text(
        "@article{one, author={Ada One}, title={On One}, journal={J}, year={2001}, doi={10.1/1}}\n"
    )
    (chapters / "index.md").write_text("# A small book\n\nText.\n")
    (chapters / "one.md").write_text(HEADER + "# One\n\n{footcite:t}`one`\n\n```{footbibliography}\n```\n")
    return tmp_path


HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
  display_name: Python 3
---

"""
