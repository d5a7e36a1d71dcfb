"""A submitted notebook in whatever state, put back into the released shape; every repair is told."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course import Cell, Notebook
from autograder.repair import LARGEST, Unreadable, read, repair


def cell(grade_id=None, kind="code", source="", **mark):
    metadata = {"nbgrader": {"grade_id": grade_id, **mark}} if grade_id else {}
    return Cell(grade_id or f"plain-{source[:5]}", kind, source, metadata, {})


HIDDEN = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(2) == 4\n### END HIDDEN TESTS"
NOTEBOOK = Notebook(
    "n",
    (
        cell("title", "markdown", "# Title", locked=True),
        cell(source="import numpy as np"),
        cell("f_solution", source="def f(x):\n    raise NotImplementedError()", solution=True),
        cell("f", source=HIDDEN, grade=True, locked=True, points=2),
        cell("g_solution", source="def g(x):\n    raise NotImplementedError()", solution=True),
        cell("g", source="assert g(1) == 3", grade=True, locked=True, points=1),
        cell("why", "markdown", "Your answer", grade=True, solution=True, points=1),
    ),
    {},
)
WRITTEN = {"f_solution": "def f(x):\n    return 2 * x", "g_solution": "def g(x):\n    return 3 * x", "why": "Because."}


def submitted():
    """An honest submission, as JSON."""
    cells = []
    for each in NOTEBOOK.cells:
        source = "assert f(1) == 2" if each.grade_id == "f" else WRITTEN.get(each.grade_id, each.source)
        cells.append(
            {"cell_type": each.kind, "id": each.id, "metadata": copy.deepcopy(each.metadata), "source": source}
        )
    return cells


def of(cells, grade_id):
    return next(c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def own(source, kind="code"):
    return {"cell_type": kind, "id": "x", "metadata": {}, "source": source}


def ids(repaired):
    return [line.origin.grade_id or "plain" if line.origin else "own" for line in repaired.lines]


def sources(repaired):
    return {line.origin.grade_id: line.source for line in repaired.lines if line.origin}


WHOLE = ["title", "plain", "f_solution", "f", "g_solution", "g", "why"]


def test_an_honest_notebook_is_left_as_it_is():
    repaired = repair(submitted(), NOTEBOOK)
    assert ids(repaired) == WHOLE
    assert repaired.repairs == []
    assert {name: sources(repaired)[name] for name in WRITTEN} == WRITTEN
    assert sources(repaired)["f"] == HIDDEN


def test_cells_of_ones_own_stay_where_they_were():
    cells = submitted()
    cells.insert(3, own("def helper(): pass"))
    repaired = repair(cells, NOTEBOOK)
    assert ids(repaired) == ["title", "plain", "f_solution", "own", "f", "g_solution", "g", "why"]
    assert repaired.repairs == []


def broken(change):
    cells = submitted()
    return change(cells) or cells


def duplicate(cells):
    cells.insert(2, {**of(cells, "f_solution"), "source": "def f(x):\n    return -1"})


def delete(cells):
    cells.remove(of(cells, "f"))
    cells.remove(of(cells, "why"))


def reorder(cells):
    return [*cells[:2], cells[4], cells[5], cells[2], cells[3], cells[6]]


def retype(cells):
    of(cells, "f_solution")["cell_type"] = "markdown"
    of(cells, "why")["cell_type"] = "code"


def retag(cells):
    of(cells, "f")["metadata"] = {
        "tags": ["skip-execution"],
        "nbgrader": {"grade_id": "f", "points": 99, "grade": False},
    }


def rename(cells):
    of(cells, "g_solution")["metadata"]["nbgrader"]["grade_id"] = "h_solution"


def strip(cells):
    for each in cells:
        each["metadata"] = {}


def strip_ids(cells):
    strip(cells)
    for each in cells:
        del each["id"]


def edit_test(cells):
    of(cells, "f")["source"] = "pass"


def edit_text(cells):
    of(cells, "title")["source"] = "# <script>alert(1)</script>"


def invent(cells):
    cells.append({**own("def g(x):\n    return 0"), "metadata": {"nbgrader": {"grade_id": "bonus", "points": 100}}})


def no_cells(cells):
    return [3, None, "x", {"cell_type": "code"}, {"source": 3}, *cells]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (duplicate, ["f_solution was there 2 times"]),
        (delete, ["f was missing", "why was missing"]),
        (reorder, ["changed their order"]),
        (retype, ["f_solution had become a markdown cell", "why had become a code cell"]),
        (retag, []),
        (rename, ["g_solution had lost its mark and was called h_solution"]),
        (strip, ["f_solution had lost its mark", "f had lost its mark", "why had lost its mark"]),
        (strip_ids, ["f_solution had lost its mark", "f had lost its mark"]),
        (edit_test, ["f is read-only and had been changed"]),
        (edit_text, ["title is read-only and had been changed"]),
        (invent, ["no cell bonus"]),
        (no_cells, ["cell 1 is not a cell", "cell 5 is not a cell"]),
    ],
)
def test_repairs(change, told):
    repaired = repair(broken(change), NOTEBOOK)
    assert [name for name in ids(repaired) if name != "own"] == WHOLE
    assert all(any(text in line for line in repaired.repairs) for text in told), repaired.repairs
    assert sources(repaired)["f"] == HIDDEN
    assert sources(repaired)["title"] == "# Title"
    kinds = {line.origin.grade_id: line.kind for line in repaired.lines if line.origin}
    assert kinds == {each.grade_id: each.kind for each in NOTEBOOK.cells}
    assert len({line.id for line in repaired.lines}) == len(repaired.lines)


@pytest.mark.parametrize(
    "change", [duplicate, reorder, retype, retag, rename, strip, strip_ids, edit_test, invent, no_cells]
)
def test_honest_work_survives(change):
    repaired = repair(broken(change), NOTEBOOK)
    assert sources(repaired)["f_solution"] == WRITTEN["f_solution"]
    assert sources(repaired)["g_solution"] == WRITTEN["g_solution"]
    assert WRITTEN["why"] in [line.source for line in repaired.lines]


def test_a_cell_of_a_test_is_never_the_students_own():
    cells = submitted()
    cells.append({**own("score = 100"), "metadata": of(cells, "f")["metadata"]})
    repaired = repair(cells, NOTEBOOK)
    assert [line.source for line in repaired.lines if line.origin and line.origin.grade_id == "f"] == [HIDDEN]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["code", "f", "f_solution"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "id", "attachments", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(anything, max_size=6))
def test_cells_of_any_shape(cells):
    repaired = repair(cells, NOTEBOOK)
    assert [name for name in ids(repaired) if name not in ("own", "plain")] == [n for n in WHOLE if n != "plain"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"cells": [', "not JSON"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"[]", "no notebook"),
        (b"3", "no notebook"),
        (b"{}", "no cells"),
        (b'{"cells": 3}', "no cells"),
        (b"[" * 100_000, "not JSON"),
        (b'{"cells": [' + b"{}," * 600 + b"{}]}", "at most 500"),
        (b'{"cells": [' + b"[]," * 900_000 + b"3]}", "more than 1000000 parts"),
        (b"x" * (LARGEST + 1), "32 MB"),
    ],
)
def test_files_that_are_no_notebook(tmp_path, content, reason):
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(path)


def test_a_notebook_for_another_language_is_read_and_told(tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {"kernelspec": {"language": "julia"}}}))
    cells, told = read(path)
    assert cells == []
    assert "julia" in told[0]
