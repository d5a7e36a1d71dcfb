"""What a book says of itself to other sites, and the buttons to them: with the repository's address, and without."""

import json
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest

from tests.book.conftest import build

REPOSITORY, SITE = "https://github.com/someone/a-course", "https://someone.example/course/"
ELSEWHERE = ("colab", "mybinder", "github.com")


@pytest.fixture(scope="module")
def books(make_small_book, tmp_path_factory):
    """The pages of a small book, and its notebook, before and after it gets its two addresses."""
    book = make_small_book(tmp_path_factory.mktemp("published"))
    one, config = book / "chapters" / "one.md", book / "_config.yml"
    one.write_text(one.read_text() + '\nOf "one" & more.\n\n```{code-cell} ipython3\n6 * 7\n```\n')
    found = []
    for repository, site in [("", ""), (REPOSITORY, SITE)]:
        text = re.sub(r"(?m)^  url: .*$", f'  url: "{repository}"', config.read_text())
        config.write_text(re.sub(r"(?m)^  baseurl: .*$", f'  baseurl: "{site}"', text))
        done = build(book)
        assert done.returncode == 0, done.stderr
        html = book / "_build" / "html"
        found.append(
            SimpleNamespace(
                pages={path.name: path.read_text() for path in (html / "chapters").glob("*.html")},
                notebook=json.loads((html / "_sources/chapters/one.ipynb").read_text()),
                files={path.relative_to(html).as_posix(): path.read_bytes() for path in html.rglob("*.*")},
            )
        )
    return found


class TestWithoutAddresses:
    def test_no_button_leads_anywhere_else(self, books):
        for text in books[0].pages.values():
            links = re.findall(r'href="(https?://[^"]*)"', text)
            assert not [link for link in links if any(name in link for name in ELSEWHERE)]

    def test_no_sitemap_and_no_address_in_a_tag(self, books):
        assert "sitemap.xml" not in books[0].files
        assert 'property="og:title"' in books[0].pages["one.html"]
        assert "og:url" not in books[0].pages["one.html"]

    def test_the_notebook_starts_with_its_title(self, books):
        assert "".join(books[0].notebook["cells"][0]["source"]).startswith("# One")


class TestWithAddresses:
    def test_colab_and_binder_open_the_notebook_on_its_branch(self, books):
        links = re.findall(r'href="(https?://[^"]*)"', books[1].pages["one.html"])
        opened = [link for link in links if "colab" in link or "mybinder" in link]
        assert opened == [
            "https://colab.research.google.com/github/someone/a-course/blob/notebooks/chapters/one.ipynb",
            "https://mybinder.org/v2/gh/someone/a-course/notebooks?urlpath=lab/tree/chapters/one.ipynb",
        ]

    def test_a_page_without_a_notebook_has_no_such_button(self, books):
        assert not re.search("colab|mybinder", books[1].pages["index.html"])

    def test_the_notebook_says_what_to_install_and_installs_nothing(self, books):
        note, *others = books[1].notebook["cells"]
        assert note["cell_type"] == "markdown"
        assert f"`%pip install --no-deps git+{REPOSITORY}`" in "".join(note["source"])
        assert not [cell for cell in others if "pip install" in "".join(cell["source"])]
        assert "pip install" not in books[1].pages["one.html"]
        assert [output["data"]["text/plain"] for cell in others for output in cell.get("outputs", [])] == [["42"]]

    def test_the_sitemap_names_every_page(self, books):
        places = [node.text for node in ElementTree.fromstring(books[1].files["sitemap.xml"]).iterfind(".//{*}loc")]
        assert places == [f"{SITE}chapters/index.html", f"{SITE}chapters/one.html"]

    def test_a_link_to_a_page_has_a_preview(self, books):
        text = books[1].pages["one.html"]
        tags = dict(re.findall(r'<meta property="(og:[\w:]+)" content="([^"]*)"', text))
        assert tags["og:title"] == "One"
        assert tags["og:url"] == f"{SITE}chapters/one.html"
        assert tags["og:type"] == "article"
        assert tags["og:description"] == re.search(r'<meta name="description" content="([^"]*)"', text)[1] != ""
        assert books[1].files[tags["og:image"].removeprefix(SITE)].startswith(b"\x89PNG")
        assert len(tags["og:image:alt"]) > 20
