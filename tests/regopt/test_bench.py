import itertools

import pytest

from bench import library


@pytest.mark.parametrize("name", library.PAIRS)
def test_both_sides_of_each_line_run(name):
    for function in library.PAIRS[name]():
        function()


def test_the_ratio_is_of_the_medians(monkeypatch):
    cpu = itertools.accumulate(itertools.cycle([2.0, 5.0, 1.0, 7.0]))  # ours takes 5 between two looks, theirs 7
    wall = iter(range(100))
    monkeypatch.setattr(library.time, "process_time", lambda: next(cpu))
    monkeypatch.setattr(library.time, "perf_counter", lambda: next(wall))
    assert library.medians(lambda: None, lambda: None) == (5.0, 7.0)
