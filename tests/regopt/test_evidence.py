import json
import re

import numpy as np
import pytest

from tests import evidence
from tests.curriculum import CHAPTERS
from tests.regopt.test_contract import FUNCTIONS


class TestEvidenceIsNotStale:
    def test_every_function_has_evidence_and_nothing_else_has(self):
        assert set(evidence.load()["functions"]) == set(FUNCTIONS), evidence.WRITE

    def test_every_name_of_the_curriculum_is_there(self):
        assert {name for names in CHAPTERS.values() for name in names} <= set(evidence.load()["functions"])

    def test_versions_are_those_installed(self):
        assert evidence.load()["versions"] == evidence.versions(), evidence.WRITE

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_one_comparison_at_least_is_as_close_as_promised(self, name):
        assert min(evidence.load()["functions"][name].values()) <= 1e-10


class TestAgree:
    """With evidence of its own: what a test run would do with another evidence.json."""

    @pytest.fixture(autouse=True)
    def _own_evidence(self, monkeypatch):
        known = {"functions": {"f": {"a closed form": 1e-12, "exactly": 0.0}}}
        monkeypatch.setattr(evidence, "load", lambda: known)
        monkeypatch.delenv(evidence.RECORDS, raising=False)

    @pytest.mark.parametrize(("got", "expected"), [(1 + 9e-12, 1), (1e6 * (1 + 9e-12), 1e6), ([], []), (0, 9e-12)])
    def test_a_difference_of_the_known_size_passes(self, got, expected):
        evidence.agree("f", "a closed form", got, expected)

    @pytest.mark.parametrize(
        ("got", "expected", "message"),
        [
            (1 + 2e-11, 1, "f differs from a closed form by 2e-11, in evidence.json by 1e-12: find out why, or run"),
            (1 + 2e-10, 1, r"f differs from a closed form by 2e-10 \(allowed 1e-10\)"),
            (np.nan, 1, "by nan"),
            (np.nan, np.nan, "by nan"),
            ([1, 1], 1, r"f: shape \(2,\), but a closed form gives \(\)"),
        ],
    )
    def test_a_larger_one_fails(self, got, expected, message):
        with pytest.raises(AssertionError, match=message):
            evidence.agree("f", "a closed form", got, expected)

    @pytest.mark.parametrize(("name", "against"), [("g", "a closed form"), ("f", "torch")])
    def test_an_unknown_comparison_fails(self, name, against):
        with pytest.raises(
            AssertionError, match=f"does not know that {name} is checked against {against}: run `python"
        ):
            evidence.agree(name, against, 1.0, 1.0)

    def test_rounding_is_forgiven_where_the_difference_was_zero(self):
        evidence.agree("f", "exactly", 1 + 9e-14, 1)
        with pytest.raises(AssertionError, match=r"differs from exactly by 1\.2e-13"):
            evidence.agree("f", "exactly", 1 + 1.2e-13, 1)

    def test_records_keep_the_largest_difference_of_all_processes(self, monkeypatch, tmp_path):
        monkeypatch.setenv(evidence.RECORDS, str(tmp_path))
        evidence.agree("g", "torch", 3e-11, 0)
        evidence.agree("g", "torch", 1e-11, 0)
        (tmp_path / "1.jsonl").write_text(json.dumps(["g", "torch", 5.54e-11]) + "\n")
        assert evidence.collect(tmp_path) == {"g": {"torch": 5.5e-11}}


def test_the_page_shows_every_module():
    page = (evidence.ROOT / "chapters/appendices/evidence.md").read_text()
    modules = {function.__module__.removeprefix("regopt._") for function in FUNCTIONS.values()}
    assert modules == set(re.findall(r'^show\("(\w+)"\)$', page, re.MULTILINE))
