import pytest

from tests import mutate

LIST = """
[[equivalent]]
function = "f"
old = "x > 0"
new = "x >= 0"
why = "both are 0 at 0"
"""
CHANGES = {"regopt._a.x_f__mutmut_1": ("f", "x > 0", "x >= 0"), "regopt._a.x__g__mutmut_2": ("_g", "1", "2")}


@pytest.fixture(autouse=True)
def _own_list(monkeypatch, tmp_path):
    (tmp_path / "a.toml").write_text(LIST)
    monkeypatch.setattr(mutate, "EQUIVALENT", tmp_path)


@pytest.mark.parametrize(
    ("codes", "killed", "wrong"),
    [
        ([0, 1], 1, []),
        ([0, 3], 1, []),
        ([36, 1], 1, []),
        ([0, 0], 0, ["x__g__mutmut_2 survives (exit 0)"]),
        ([0, 36], 0, ["x__g__mutmut_2 survives (exit 36)"]),
        ([0, 33], 0, ["x__g__mutmut_2 survives (exit 33)"]),
        ([0, None], 0, ["x__g__mutmut_2 survives (exit None)"]),
        ([1, 1], 2, ["a.toml lists a change of f that no longer survives"]),
    ],
)
def test_only_a_failing_test_kills_and_only_the_list_excuses(codes, killed, wrong):
    dead, problems = mutate.judge("a", dict(zip(CHANGES, codes, strict=True)), CHANGES.get)
    assert dead == killed
    assert [expected in problem for expected, problem in zip(wrong, problems, strict=True)] == [True] * len(wrong)


def test_a_mutant_is_known_by_its_function():
    assert [mutate.function_of(mutant) for mutant in CHANGES] == ["f", "_g"]


def test_every_committed_list_can_be_read_and_gives_reasons(monkeypatch):
    monkeypatch.undo()
    for path in mutate.EQUIVALENT.glob("*.toml"):
        assert (mutate.ROOT / "regopt" / f"_{path.stem}.py").exists()
        for change, why in mutate.listed(path.stem).items():
            assert why, f"{path}: say why nothing can notice {change}"
