"""The built book holds no line of the checks or of the solutions, but what the chapters themselves say."""

import pytest

from autograder.masters import assignments
from tests.given_away import given_away, secret_lines


@pytest.mark.parametrize("assignment", assignments())
def test_no_page_gives_a_line_away(site, assignment):
    assert len(secret_lines(assignment)) > 20
    texts = [path for name in ("*.html", "searchindex.js", "*.ipynb", "*.md", "*.py") for path in site.rglob(name)]
    assert len(texts) > 10
    found = {path.name: lines for path in texts if (lines := given_away(assignment, path.read_text(errors="replace")))}
    assert found == {}


def test_one_that_does_is_found():
    name = assignments()[0]
    line = secret_lines(name)[0]
    assert given_away(name, f"<pre><span>{line[:5]}</span>{line[5:]}</pre>") == [line]
