"""What the modules ask of their arguments: numbers, arrays of one dtype, labels, probabilities."""

import numpy as np
import pytest

from regopt._arguments import (
    alike,
    as_float,
    as_floats,
    distributions,
    fraction,
    labelled,
    nonnegative,
    one_of,
    positive,
)


class TestNumbers:
    @pytest.mark.parametrize("number", [0.5, np.float32(0.5), np.array(0.5)])
    @pytest.mark.parametrize("rule", [nonnegative, positive, fraction])
    def test_become_python_floats_so_that_float32_stays_float32(self, rule, number):
        (got,) = rule(lr=number)
        assert type(got) is float
        assert got == 0.5

    @pytest.mark.parametrize(
        ("rule", "bad"),
        [
            (nonnegative, -1e-300),
            (nonnegative, np.inf),
            (positive, 0.0),
            (positive, np.inf),
            (fraction, -1e-300),
            (fraction, 1.0),
            *(
                (rule, bad)
                for rule in (nonnegative, positive, fraction)
                for bad in (np.nan, None, "0.5", 0.5j, np.ones(1))
            ),
        ],
        ids=lambda value: getattr(value, "__name__", str(value)),
    )
    def test_outside_of_the_rule_are_refused_by_name_and_value(self, rule, bad):
        with pytest.raises(ValueError) as caught:
            rule(rate=bad)
        assert str(caught.value).startswith("rate must be a number")
        assert str(caught.value).endswith(f"got {bad}")

    def test_an_unknown_word_is_refused_by_name_and_value(self):
        one_of(("lr", "plain"), decay="plain")
        with pytest.raises(ValueError, match=r"^decay must be 'lr' or 'plain', got 'both'$"):
            one_of(("lr", "plain"), decay="both")

    def test_at_the_edge_are_taken(self):
        assert nonnegative(lr=0) == [0.0]
        assert fraction(beta1=0) == [0.0]
        assert positive(lr=5e-324) == [5e-324]


class TestArrays:
    @pytest.mark.parametrize("dtype", [bool, np.int8, int, np.uint8])
    def test_whole_numbers_become_float64(self, dtype):
        ones = np.ones(2, dtype)
        assert [array.dtype for array in (*alike(w=ones, grad=ones), as_float(ones), *as_floats(ones))] == [float] * 4

    def test_of_several_dtypes_take_the_widest(self):
        single, double = np.ones(2, np.float32), np.ones(2)
        assert [array.dtype for array in alike(w=single, grad=double)] == [float] * 2
        assert [array.dtype for array in alike(w=single, grad=np.ones(2, np.int8))] == [np.float32] * 2

    def test_that_are_floats_are_not_copied(self):
        single = np.ones(2, np.float32)
        assert as_float(single) is single
        assert all(array is single for array in (*alike(w=single, grad=single), *as_floats(single, single)))

    def test_lists_are_arrays_of_float64_and_plain_numbers_take_the_dtype_of_the_others(self):
        single = np.ones(2, np.float32)
        assert [array.dtype for array in as_floats(single, [1.0, 2.0])] == [float] * 2
        assert [array.dtype for array in as_floats(single, 1, 2.0)] == [np.float32] * 3


class TestLabelled:
    def test_labels_of_another_shape_are_refused_with_the_shape_that_is_wanted(self):
        with pytest.raises(ValueError, match=r"^labels must be of shape \(4, 2\), got \(4,\)$"):
            labelled("logits", np.ones((4, 2, 3)), np.zeros(4, int))


class TestDistributions:
    def test_may_be_one_certain_class(self):
        np.testing.assert_array_equal(distributions("p", np.ones(1)), [1.0])

    @pytest.mark.parametrize("away", [-1, 1])
    def test_may_be_a_ten_thousandth_away_from_one_and_no_more(self, away):
        distributions("p", np.array([[0.5, 0.5 + away * 0.9e-4], [0.5, 0.5]]))
        with pytest.raises(ValueError, match=r"^p must be rows that sum to 1, got sums from"):
            distributions("p", np.array([[0.5, 0.5 + away * 1.1e-4], [0.5, 0.5]]))
