"""Running the chapters side by side, once for each text and each state of the code they import."""

import hashlib
import logging
import os
import re
import shutil
import time
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor

from book.errors import BookError

# What a chapter's outputs depend on besides its own text.
IMPORTED = ["regopt/**/*.py", "explore/**/*.py", "constraints.txt", "evidence.json"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
READER = {"name": "myst_nb_md", "type": "plugin"}


def fingerprint(root: Path, patterns: list[str]) -> str:
    """A short hash of the names and contents of the files that the patterns find."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            total.update(f"{path.relative_to(root)} {len(content)}\n".encode() + content)
    return total.hexdigest()[:16]


def cache_path(root: Path, out: Path) -> Path:
    """Where outputs are kept. Another state of the code is another folder, and older ones are thrown away."""
    caches = out / ".jupyter_cache"
    path = caches / (fingerprint(root, IMPORTED) + fingerprint(Path(__file__).with_name("kernel"), ["**/*.*"]))
    for stale in caches.glob("*"):
        if stale != path:
            shutil.rmtree(stale)
    return path


def execute(root: Path, out: Path, names: list[str], timeout: int) -> Path:
    """Execute what is not in the cache, and return the cache. BookError names every page that raises."""
    path = cache_path(root, out)
    cache = get_cache(path)
    for record in cache.list_project_records():
        cache.remove_nb_from_project(record.pk)
    files = [str(root / f"{name}.md") for name in names]
    for file in files:
        cache.add_nb_to_project(file, read_data=READER)
    waiting = [record.uri for record in cache.list_unexecuted()]
    if waiting:
        print(f"executing {len(waiting)} of {len(files)} notebooks on {os.cpu_count()} cores", flush=True)
        logging.getLogger("jupyter_cache").setLevel(logging.CRITICAL)
        quiet = logging.getLogger("book.execution")
        quiet.setLevel(logging.CRITICAL)
        start = time.monotonic()
        result = load_executor("local-parallel", cache, quiet).run_and_cache(filter_uris=waiting, timeout=timeout)
        print(f"executed in {time.monotonic() - start:.0f} s", flush=True)
        failed = result.excepted + result.errored
        if failed:
            raise BookError("\n".join(_failure(root, cache, uri) for uri in sorted(failed)))
    return path


def _failure(root: Path, cache, uri: str) -> str:
    """The cell and its traceback, and below them one line: the page and what its cell raised."""
    text = COLOUR.sub(
        "", cache.get_project_record(uri).traceback or "its kernel died, or the file is no notebook"
    ).strip()
    _, _, cell = text.rpartition("executing the following cell:\n")
    return f"{cell}\n{Path(uri).relative_to(root)}: a cell raises {text.splitlines()[-1]}"


def write_notebooks(root: Path, out: Path, names: list[str], path: Path, note: str) -> None:
    """Write every executed chapter, outputs and all, as `notebooks/<name>.ipynb`; a `note` comes before its title."""
    from myst_nb.core.read import myst_nb_reader_plugin

    cache = get_cache(path)
    for name in names:
        try:
            _, executed = cache.merge_match_into_notebook(myst_nb_reader_plugin(str(root / f"{name}.md")))
        except KeyError:
            raise BookError(f"{name}.md was changed while the chapters were executed: build again") from None
        if note:
            executed.cells.insert(0, nbformat.v4.new_markdown_cell(note, id="note"))
        file = out / "notebooks" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(executed, file)
