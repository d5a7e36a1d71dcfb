"""The gate and the caches, on a small book in which things are broken on purpose."""

import json
import re

from tests.book.conftest import build

CELL = "\n```{code-cell} ipython3\n%s\n```\n"
# What an author may get wrong, and what the build says of it, with the place.
MISTAKES = {
    "{ref}`nowhere`": r"chapters/one.md:\d+: WARNING: undefined label: 'nowhere'",
    "{term}`nothing`": r"chapters/one.md:\d+: WARNING: term not in glossary: 'nothing'",
    "{eq}`eq-none`": r"chapters/one.md:\d+: WARNING: equation not found: eq-none",
    "{footcite:t}`nobody`": r"chapters/one.md:\d+: WARNING: could not find bibtex key \"nobody\"",
    r"$\frac{1$": r"chapters/one.md:\d+: WARNING: an equation does not parse \(Missing close brace\): \\frac\{1",
    r"$$\undefined x$$": r"an equation does not parse \(Undefined control sequence \\undefined\)",
    "![](../picture.png)": r"the picture \S*picture.png has no alt text",
    "[text](absent.md)": r"chapters/one.md:\d+: WARNING: .*absent.md",
    CELL % "import sys\nprint('oh', file=sys.stderr)": r"chapters/one.md:\d+: WARNING: stderr was found",
    CELL
    % "import matplotlib.pyplot as plt\nplt.plot([1, 2]);": r"chapters/one.md:\d+: WARNING: a cell displays a bare",
    "```{quiz}\nQ?\n\n- [x] yes\n- [ ] no\n```": r"chapters/one.md:\d+: WARNING: a choice needs a reason.*yes",
    "```{quiz}\nQ?\n\n- [ ] no\n\n  Why.\n```": r"chapters/one.md:\d+: WARNING: a quiz needs a right choice",
    "```{quiz}\nQ?\n\n- yes\n\n  Why.\n```": r"chapters/one.md:\d+: WARNING: a choice starts with \[x\]",
    "```{quiz}\nQ?\n```": r"chapters/one.md:\d+: WARNING: a quiz is a question and then a list",
    "```{quiz}\nQ?\n\n- [x] {ref}`one-label`\n\n  Why.\n```": r"the link 'One' stands in a title or choice",
    "````{dropdown} See {ref}`one-label`\nText\n````": r"chapters/one.md.*the link 'One' stands in a title or choice",
}


def attempt(book):
    """What the build of the book says when it fails."""
    done = build(book)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.rstrip()


def succeed(book, *arguments):
    """What the build of the book says when it succeeds."""
    done = build(book, *arguments)
    assert done.returncode == 0, done.stderr
    # What a kernel says of itself while it shuts down is not the build's.
    assert not [line for line in done.stderr.splitlines() if not line.startswith("[IPKernelApp]")]
    return done.stdout


def page(book, name="one"):
    return (book / "_build" / "html" / "chapters" / f"{name}.html").read_text()


def append(path, text):
    path.write_text(path.read_text() + text)


def outputs(book):
    """What the cells of the notebook that is offered for download have put out."""
    assert '_sources/chapters/one.ipynb"' in page(book)
    notebook = json.loads((book / "_build/html/_sources/chapters/one.ipynb").read_text())
    return ["".join(output["data"]["text/plain"]) for cell in notebook["cells"] for output in cell.get("outputs", [])]


class TestGate:
    def test_every_mistake_is_reported_and_again_on_a_rebuild(self, small_book):
        one = small_book / "chapters" / "one.md"
        (small_book / "picture.png").write_bytes(PNG)
        one.write_text(one.read_text().replace("# One", "(one-label)=\n# One") + "\n\n".join(["", *MISTAKES]))
        said = attempt(small_book)
        missing = [pattern for pattern in MISTAKES.values() if not re.search(pattern, said)]
        assert not missing, said
        assert sorted(attempt(small_book).splitlines()) == sorted(said.splitlines())

    def test_a_raising_cell_fails_the_build_until_it_is_mended(self, small_book):
        one = small_book / "chapters" / "one.md"
        good = one.read_text()
        one.write_text(good + CELL % "raise ValueError('lam must be >= 0, got -1')")
        for _ in range(2):
            assert (
                attempt(small_book).splitlines()[-1]
                == "chapters/one.md: a cell raises ValueError: lam must be >= 0, got -1"
            )
        one.write_text(good)
        succeed(small_book)

    def test_a_footnote_without_its_bibliography_is_a_link_to_nowhere(self, small_book):
        one = small_book / "chapters" / "one.md"
        one.write_text(one.read_text().replace("```{footbibliography}\n```", ""))
        assert re.search(r"chapters/one.md: links to #\S+, where nothing has that name", attempt(small_book))


class TestCaches:
    def test_what_changed_decides_what_is_done(self, small_book):
        one = small_book / "chapters" / "one.md"
        index = small_book / "_build" / "html" / "index.html"
        append(one, CELL % "from regopt import ANSWER\nANSWER")

        assert "executing 1 of 1" in succeed(small_book)
        assert ">42\n" in page(small_book)
        assert "doi:10.1/1" in page(small_book)
        assert "url=chapters/index.html" in index.read_text()

        written = index.stat().st_mtime_ns
        assert succeed(small_book).startswith("nothing changed")
        assert index.stat().st_mtime_ns == written

        append(one, "\nMore prose.\n")
        assert "executing" not in succeed(small_book)
        assert "More prose." in page(small_book)
        assert outputs(small_book) == ["42"], "the notebook to download lost its outputs: the page came from the cache"

        (small_book / "regopt" / "__init__.py").write_text("ANSWER = 43\n")
        assert "executing 1 of 1" in succeed(small_book)
        assert ">43\n" in page(small_book)
        assert outputs(small_book) == ["43"]

    def test_only_one_page_is_executed_and_written(self, small_book):
        one = small_book / "chapters" / "one.md"
        two = small_book / "chapters" / "two.md"
        two.write_text(one.read_text().replace("# One", "# Two") + CELL % "1 / 0")
        append(one, CELL % "6 * 7" + "\n{doc}`two`\n")
        append(small_book / "_toc.yml", "- file: chapters/two\n")
        one_alone = ("--only", "chapters/one.md", "--out", str(small_book / "elsewhere"))
        assert "executing 1 of 1" in succeed(small_book, *one_alone)
        assert (small_book / "elsewhere/html/chapters/one.html").is_file()
        assert not (small_book / "elsewhere/html/chapters/two.html").exists()
        assert not (small_book / "_build").exists()
        append(one, "\n{ref}`nowhere`\n")
        done = build(small_book, *one_alone)
        assert done.returncode == 1
        assert re.fullmatch(r"chapters/one.md:\d+: WARNING: undefined label: 'nowhere'", done.stderr.strip())


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6300010000050001"
    "0d0a2db40000000049454e44ae426082"
)
