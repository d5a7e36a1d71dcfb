"""Which lines of the checks and the solutions stand in a text that students read, and in none that they may."""

import ast
import html
import re
from functools import lru_cache

from autograder.masters import ROOT, SOLUTIONS

FEWEST = 9  # tokens of a line that nobody writes by chance
TOKEN = re.compile(r"\w+|[^\w\s]")
HIDDEN = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END (?:SOLUTION|HIDDEN TESTS)", re.DOTALL)


@lru_cache(maxsize=200)  # the pages of a book, for one assignment after the other
def plain(text: str) -> str:
    """Without white space, and without the marks of HTML."""
    return re.sub(r"\s+", "", html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", text)))


@lru_cache
def secret_lines(assignment: str) -> list[str]:
    """Of the code of its checks, without what docstrings say to students, and of its solutions."""
    master = (SOLUTIONS / f"{assignment}.md").read_text()
    checks = (ROOT / "autograder" / "checks" / f"{assignment}.py").read_text()
    tree = ast.parse(checks)
    told = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    told |= {node.lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    lines = [line for number, line in enumerate(checks.split("\n"), 1) if number not in told]
    lines += [line for part in HIDDEN.findall(master) for line in part.split("\n")]
    public = plain(HIDDEN.sub("", master)) + "".join(plain(path.read_text()) for path in _chapters())
    return [line.strip() for line in lines if len(TOKEN.findall(line)) >= FEWEST and plain(line) not in public]


@lru_cache
def _chapters():
    return tuple(sorted((ROOT / "chapters").rglob("*.md")))


def given_away(assignment: str, text: str) -> list[str]:
    there = plain(text)
    return [line for line in secret_lines(assignment) if plain(line) in there]
