import numpy as np
import pytest

from bench import optimizers as bench
from tests.regopt.plain import SPECIAL
from tests.regopt.steps import optimizers


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(bench, "SHAPE", (4, 3))
    monkeypatch.setattr(bench, "ROUNDS", 2)


@pytest.mark.parametrize("name", optimizers())
def test_every_optimizer_is_timed(name, capsys, monkeypatch):
    monkeypatch.setattr(bench.sys, "argv", ["bench", name])
    bench.main()
    printed = capsys.readouterr().out
    assert printed.splitlines()[2].startswith(name)
    assert "x" in printed.splitlines()[2]


@pytest.mark.parametrize("name", sorted(set(optimizers()) - SPECIAL))
def test_all_columns_do_the_same_work(name, monkeypatch):
    """Each call is one step: pure and in place are then at the same weights, and the others run."""
    seen = {}

    def calls_kept(calls):
        seen.update(calls)
        return dict.fromkeys(calls, 1.0)

    monkeypatch.setattr(bench, "milliseconds", calls_kept)
    bench.row(name)
    pure, in_place, plain = (seen[column]() for column in ("pure", "in place", "plain"))
    np.testing.assert_allclose(in_place, pure, rtol=1e-6)
    assert plain.shape == pure.shape
    seen["torch"]()
