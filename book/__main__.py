"""`python -m book build [--only chapters/x ...] [--out DIR]` and `python -m book serve [--port 8000]`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (before anything that an older Python cannot parse is imported)
    sys.exit(f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old for the book: install 3.11 or newer")

import argparse
from pathlib import Path

from book.errors import BookError

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> None:
    parser = argparse.ArgumentParser(prog="python -m book", description="Build the book, or build and serve it.")
    parser.add_argument("verb", choices=["build", "serve"])
    parser.add_argument("--only", nargs="+", default=[], metavar="chapters/NAME", help="execute and write these pages")
    parser.add_argument("--out", type=Path, default=root / "_build", metavar="DIR", help="where to (default: _build)")
    parser.add_argument("--port", type=int, default=8000, help="where to serve (default: 8000; 0: any free port)")
    given = parser.parse_args(arguments)
    only = [str(name).removesuffix(".md") for name in given.only]
    try:
        from book.build import build
        from book.serve import serve

        html = build(root, given.out.resolve(), only)
        if given.verb == "serve":
            serve(html, given.port)
    except BookError as error:
        sys.exit(f"{error}")
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed: run `make env`, then .venv/bin/python -m book {given.verb}")


if __name__ == "__main__":
    main()
