"""Which pages the book has, and whether their files are fit to be built."""

import re
from pathlib import Path

import yaml
from sphinx_external_toc.parsing import MalformedError, parse_toc_data

from book.errors import BookError
from book.settings import read_yaml

CODE_CELL = re.compile(r"^(```+|:::+)\{code-cell\}", re.MULTILINE)
HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


def pages(root: Path) -> list[str]:
    """The pages of _toc.yml in its order, without suffix: ["chapters/index", ...]."""
    toc = root / "_toc.yml"
    if not toc.is_file():
        raise BookError(f"_toc.yml is missing in {root}: run this where the repository is")
    try:
        site = parse_toc_data(read_yaml(toc))
    except (MalformedError, AttributeError, TypeError) as error:
        raise BookError(f"_toc.yml is not a table of contents ({error}): compare it with git's last version") from None
    names = [site.root.docname]
    for name in names:
        names += [child for child in site[name].child_files() if child not in names]
    return [name.removesuffix(".md") for name in names]


def check(root: Path, names: list[str]) -> None:
    """Raise BookError for a page that has no file, or that has cells and no header."""
    for name in names:
        path = root / f"{name}.md"
        if not path.is_file():
            raise BookError(f"_toc.yml names {name}, and there is no {name}.md: write it, or take the line out")
        text = path.read_text()
        if CODE_CELL.search(text) and not is_notebook(text):
            raise BookError(
                f"{name}.md has code cells and no jupytext header, so none would run: "
                "copy the lines between --- and --- from the top of another chapter"
            )


def is_notebook(text: str) -> bool:
    """Whether the text starts with a jupytext header that names a kernel."""
    match = HEADER.match(text)
    if not match:
        return False
    try:
        header = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return False
    return isinstance(header, dict) and "jupytext" in header and "kernelspec" in header


def notebooks(root: Path, names: list[str]) -> list[str]:
    """Those of the pages that are executed."""
    return [name for name in names if is_notebook((root / f"{name}.md").read_text())]
