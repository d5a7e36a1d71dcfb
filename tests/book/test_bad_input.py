"""What a person may get wrong around the book: each is told in one line, without a traceback."""

import socket
import subprocess
import sys

import pytest

from book import execution
from book.__main__ import main
from book.errors import BookError
from book.serve import serve
from tests.book.conftest import HEADER, ROOT, serving

TOC = "format: jb-book\nroot: chapters/index\nchapters:\n"


def told(root, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["build", *arguments], root)
    assert isinstance(caught.value.code, str)
    return caught.value.code


@pytest.mark.parametrize(
    ("toc", "message"),
    [
        ("chapters: [", "_toc.yml line 1 is not YAML"),
        (TOC + "- fil: chapters/one\n", "_toc.yml is not a table of contents"),
        (TOC + "- chapters/one\n", "_toc.yml is not a table of contents"),
        ("just words\n", "_toc.yml is not a table of contents"),
        ("format: jb-boook\nroot: chapters/index\n", "_toc.yml is not a table of contents"),
        (
            TOC + "- file: chapters/adamw\n",
            "_toc.yml names chapters/adamw, and there is no chapters/adamw.md: write it",
        ),
        (None, "_toc.yml is missing in"),
    ],
)
def test_table_of_contents(toc, message, small_book):
    (small_book / "_toc.yml").unlink()
    if toc is not None:
        (small_book / "_toc.yml").write_text(toc)
    said = told(small_book)
    assert said.startswith(message)
    assert "\n" not in said


@pytest.mark.parametrize("header", ["", "---\ntitle: One\n---\n\n", "---\njupytext: {}\n---\n\n", "---\n: [\n---\n\n"])
def test_cells_without_a_header(header, small_book):
    one = small_book / "chapters" / "one.md"
    one.write_text(one.read_text().replace(HEADER, header) + "\n```{code-cell} ipython3\n1 + 1\n```\n")
    said = told(small_book)
    assert said.startswith("chapters/one.md has code cells and no jupytext header, so none would run: copy the lines")
    assert "\n" not in said


def test_a_page_that_the_book_does_not_have(small_book):
    said = told(small_book, "--only", "chapters/two.md")
    assert said == "chapters/two is not in _toc.yml: add the line `- file: chapters/two`"


def test_a_page_that_changes_while_it_is_executed(small_book, tmp_path):
    with pytest.raises(BookError) as caught:
        execution.write_notebooks(small_book, tmp_path, ["chapters/one"], tmp_path / "cache", "")
    assert str(caught.value) == "chapters/one.md was changed while the chapters were executed: build again"


def test_a_repository_that_has_no_buttons(small_book):
    config = small_book / "_config.yml"
    config.write_text(config.read_text().replace('url: ""', "url: https://github.com/only-an-owner", 1))
    said = told(small_book)
    assert said.startswith(
        "repository url in _config.yml must be https://github.com/OWNER/NAME, or empty, got https://"
    )
    assert "\n" not in said


def test_a_broken_configuration(small_book):
    (small_book / "_config.yml").write_text("title: [\n")
    assert told(small_book).startswith("_config.yml line 2 is not YAML")


def test_a_taken_port(tmp_path):
    with serving(tmp_path) as address, pytest.raises(BookError) as caught:
        serve(tmp_path, int(address.rsplit(":", 1)[1]))
    assert str(caught.value).endswith("is taken: stop what uses it, or take another: make serve PORT=8001")
    assert "\n" not in str(caught.value)


def test_a_port_that_is_none(tmp_path):
    with pytest.raises(BookError, match="port 70000 is not between 0 and 65535"):
        serve(tmp_path, 70000)


def test_an_old_python():
    code = "import sys, runpy; sys.version_info = (3, 10, 4); runpy.run_module('book', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Python 3.10 is too old for the book: install 3.11 or newer\n"


def make_env(tmp_path, python, pip):
    """What `make env` says with this python3, and this python in the environment that it makes."""
    for name, script in {"python3": python, "venv/bin/python": pip}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    command = ["make", "--no-print-directory", "env", f"PYTHON={tmp_path}/python3", f"VENV={tmp_path}/venv"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_make_with_an_old_python(tmp_path):
    old = "import sys; sys.version_info = (3, 10, 4); exec(sys.argv[1])"
    done = make_env(tmp_path, f"exec {sys.executable} -c '{old}' \"$2\"", "exit 0")
    said = done.stderr.splitlines()
    assert said[0] == "Python 3.10 is too old: install 3.11 or newer, or name one: make PYTHON=python3.12 ..."
    assert len(said) == 2  # the other is make's own "Error 1"


def test_make_without_a_network(tmp_path):
    done = make_env(tmp_path, f'exec {sys.executable} "$@"', "echo 'ERROR: no route to host' >&2; exit 1")
    assert done.returncode
    assert done.stderr.startswith("ERROR: no route to host\n")
    assert done.stdout.splitlines()[-1].startswith("pip could not install requirements.txt: is there a network?")
    assert not (tmp_path / "venv" / ".installed").exists()


def test_served_on_this_machine_alone(tmp_path):
    """`serve` says where it serves, and nobody else on the network is answered."""
    (tmp_path / "index.html").write_text("here")
    code = f"from pathlib import Path; from book.serve import serve; serve(Path({str(tmp_path)!r}), 0)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline()
        port = int(line.partition("http://localhost:")[2].split()[0])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.makefile().read().endswith("here")
        assert server.poll() is None
        server.terminate()
    assert line == f"the book is on http://localhost:{port} (Ctrl-C stops it)\n"
