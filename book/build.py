"""From _toc.yml to pages: check, execute, write; a page with a problem fails the build."""

import contextlib
import io
import json
import os
import re
import shutil
import time
from pathlib import Path

from book import execution, launch, links, pages
from book.errors import BookError
from book.settings import settings

REDIRECT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>To the first page</title>
<link rel="icon" href="_static/favicon.svg"><meta http-equiv="refresh" content="0; url={first}"></head>
<body><a href="{first}">To the first page</a></body></html>
"""
# What a finished build depends on, besides what its chapters import.
SOURCES = ["_config.yml", "_toc.yml", "chapters/**/*.*", "explore/static/*"]


def build(root: Path, out: Path, only: list[str]) -> Path:
    """Build the book into `out`/html and return that folder. `only`: execute and write just these pages."""
    start = time.monotonic()
    config = settings(root)
    names = pages.pages(root)
    pages.check(root, names)
    for name in only:
        if name not in names:
            raise BookError(f"{name} is not in _toc.yml: add the line `- file: {name}`")
    html = out / "html"
    stamp = out / "built.json"
    state = {
        "sources": execution.fingerprint(root, SOURCES + execution.IMPORTED),
        "book": execution.fingerprint(Path(__file__).parent, ["**/*.*"]),
        "only": only,
    }
    if (html / "index.html").is_file() and stamp.is_file() and json.loads(stamp.read_text()) == state:
        print(f"nothing changed: {html} is up to date ({time.monotonic() - start:.1f} s)")
        return html
    stamp.unlink(missing_ok=True)
    notebooks = pages.notebooks(root, only or names)
    with kernel_environment(root, out):
        cache = execution.execute(root, out, notebooks, config["execute"]["timeout"])
        execution.write_notebooks(root, out, notebooks, cache, launch.note(config["repository"]["url"]))
        problems = run_sphinx(root, out, cache, only)
    if problems:
        raise BookError("\n".join(problems))
    (html / "index.html").write_text(REDIRECT.format(first=f"{names[0]}.html"))
    stamp.write_text(json.dumps(state))
    print(f"built {len(only or names)} pages into {html} ({time.monotonic() - start:.0f} s)")
    return html


@contextlib.contextmanager
def kernel_environment(root: Path, out: Path):
    """What the kernels of the chapters find in their environment."""
    ipython = out / "ipython"
    shutil.copytree(Path(__file__).with_name("kernel"), ipython, dirs_exist_ok=True)
    wanted = {
        "IPYTHONDIR": str(ipython),
        "EXPLORE_STATIC": "1",
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def run_sphinx(root: Path, out: Path, cache: Path, only: list[str]) -> list[str]:
    """Write the pages, and return what Sphinx complains of, one line or more each."""
    from jupyter_book.sphinx import build_sphinx  # seconds; a build that finds nothing changed does not need it

    names = pages.pages(root)
    overrides = {
        "external_toc_path": str(root / "_toc.yml"),
        "latex_individualpages": False,
        "nitpicky": True,
        "nb_execution_cache_path": str(cache),
        "book_notebooks": str(out / "notebooks"),
    }
    if only:
        others = set(names) - set(only)
        overrides["nb_execution_excludepatterns"] = [f"{name}.md" for name in sorted(others)]
        overrides["book_only"] = only
    else:
        shutil.rmtree(out / "html", ignore_errors=True)
    warnings, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(warnings), contextlib.redirect_stdout(said):
        code = build_sphinx(
            root,
            out / "html",
            path_config=root / "_config.yml",
            noconfig=True,
            confoverrides=overrides,
            doctreedir=out / ".doctrees",
            filenames=[str(root / f"{name}.md") for name in only],
            freshenv=not only,
            warningiserror=True,
            keep_going=True,
        )
    problems = split_problems(execution.COLOUR.sub("", warnings.getvalue()), root)
    if only:
        mine = tuple(f"{name}.md" for name in only)
        problems = [problem for problem in problems if "search index couldn't be loaded" not in problem]
        ours = [problem for problem in problems if problem.startswith(mine) or not problem.startswith("chapters/")]
        if len(ours) < len(problems):
            print(f"({len(problems) - len(ours)} problems in pages that this build leaves out)")
        problems = ours
    elif code and not problems:
        problems = [f"Sphinx stopped without saying why ({code}): {said.getvalue()[-2000:]}"]
    return problems or links.broken(out / "html", names, only or names)


def split_problems(text: str, root: Path) -> list[str]:
    """One string for each problem, its continuation lines with it; paths relative to the repository."""
    problems: list[str] = []
    for line in text.replace(f"{root}{os.sep}", "").splitlines():
        if re.search(r"(WARNING|ERROR|CRITICAL|SEVERE|error): ", line) or not problems:
            problems.append(line)
        else:
            problems[-1] += f"\n{line}"
    return [problem for problem in problems if problem.strip()]
