"""What every optimizer of the library promises: pure by default, in place on demand, little memory, clear refusals."""

import inspect
import tracemalloc

import numpy as np
import pytest

from tests.regopt.steps import arguments, hard_gradients, optimizers, start

SHAPE = (4, 4)
each_optimizer = pytest.mark.parametrize(("name", "step"), optimizers().items(), ids=optimizers())
IN_PLACE = {name: step for name, step in optimizers().items() if "out" in inspect.signature(step).parameters}
CHANGE_THE_GRADIENT = ("adam_l2", "lars")  # into one of their own, before they take the step of another optimizer
each_in_place = pytest.mark.parametrize(("name", "step"), IN_PLACE.items(), ids=IN_PLACE)


def flat(w, state):
    return [w, *(value for value in state or () if isinstance(value, np.ndarray))]


def with_arrays(state, change):
    """The state with each of its arrays changed."""
    values = (change(value) if isinstance(value, np.ndarray) else value for value in state or ())
    return state and type(state)(*values)


def copied(pair):
    w, state = pair
    return w.copy(), with_arrays(state, np.copy)


class TestOut:
    @each_in_place
    def test_the_pair_that_goes_in_may_be_overwritten(self, name, step):
        pure = written = step(start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        written = copied(written)
        for grad in hard_gradients(SHAPE):
            memory = flat(*written)
            pure = step(pure[0], grad, pure[1], **arguments(name, SHAPE))
            written = step(written[0], grad, written[1], out=written, **arguments(name, SHAPE))
            for got, expected, before in zip(flat(*written), flat(*pure), memory, strict=True):
                np.testing.assert_array_equal(got, expected)
                assert got is before

    @each_in_place
    def test_another_pair_is_filled_and_the_first_left_alone(self, name, step):
        grad = hard_gradients(SHAPE)[1]
        first = step(start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        kept, other = copied(first), copied(first)
        expected = step(*first[:1], grad, first[1], **arguments(name, SHAPE))
        got = step(first[0], grad, first[1], out=other, **arguments(name, SHAPE))
        for array, wanted, buffer in zip(flat(*got), flat(*expected), flat(*other), strict=True):
            np.testing.assert_array_equal(array, wanted)
            assert array is buffer
        for array, before in zip(flat(*first), flat(*kept), strict=True):
            np.testing.assert_array_equal(array, before)

    @each_in_place
    def test_before_the_first_step_there_is_no_state_to_write_to(self, name, step):
        w = start(SHAPE)
        expected = step(w.copy(), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        got = step(w, hard_gradients(SHAPE)[0], out=(w, None), **arguments(name, SHAPE))
        assert got[0] is w
        for array, wanted in zip(flat(*got), flat(*expected), strict=True):
            np.testing.assert_array_equal(array, wanted)

    @each_in_place
    def test_what_does_not_fit_is_refused(self, name, step):
        w, state = step(start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        grad = hard_gradients(SHAPE)[1]
        wrong = [(w[:2], state), (w.astype(np.float32), state), (w.tolist(), state), (w,), [w, state], w]
        if state:
            wrong += [(w, (*state, w)), (flat(w, state)[1], with_arrays(state, np.copy))]
        for out in wrong:
            with pytest.raises(ValueError, match="out"):
                step(w, grad, state, out=out, **arguments(name, SHAPE))

    @pytest.mark.parametrize("name", sorted(IN_PLACE.keys() - CHANGE_THE_GRADIENT))
    def test_over_the_gradient_is_refused(self, name):
        w, state = IN_PLACE[name](start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        grad = hard_gradients(SHAPE)[1]
        with pytest.raises(ValueError, match="out must be apart in memory from grad"):
            IN_PLACE[name](w, grad, state, out=(grad, with_arrays(state, np.copy)), **arguments(name, SHAPE))

    @pytest.mark.parametrize("name", sorted(CHANGE_THE_GRADIENT))
    def test_over_the_gradient_is_right_where_it_was_copied(self, name):
        w, state = IN_PLACE[name](start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        grad = hard_gradients(SHAPE)[1]
        expected, _ = IN_PLACE[name](w, grad, state, **arguments(name, SHAPE))
        got, _ = IN_PLACE[name](w, grad, state, out=(grad, with_arrays(state, np.copy)), **arguments(name, SHAPE))
        np.testing.assert_array_equal(got, expected)


class TestState:
    @each_optimizer
    def test_must_come_from_the_same_optimizer(self, name, step):
        for wrong in ((1, 2), 3.0, "state"):
            with pytest.raises(ValueError, match="state must be None"):
                step(start(SHAPE), hard_gradients(SHAPE)[0], wrong, **arguments(name, SHAPE))

    @each_in_place
    def test_must_be_of_the_shape_and_dtype_of_w(self, name, step):
        w, state = step(start(SHAPE), hard_gradients(SHAPE)[0], **arguments(name, SHAPE))
        for field, value in state._asdict().items() if state else ():
            for wrong in (np.ones(3), value.astype(np.float16), None) if isinstance(value, np.ndarray) else ():
                with pytest.raises(ValueError, match=rf"state\.{field} must be"):
                    step(w, hard_gradients(SHAPE)[0], state._replace(**{field: wrong}), **arguments(name, SHAPE))


TEMPORARIES = {  # arrays of the size of w beside the result: of a pure step, of one in place
    "sgd": (0, 1),
    "sgd_l2": (0, 1),
    "sgd_weight_decay": (1, 1),
    "sgdw": (1, 1),
    "momentum": (0, 1),
    "nesterov": (0, 1),
    "adagrad": (1, 1),
    "rmsprop": (1, 1),
    "adam": (1, 1),
    "amsgrad": (1, 1),
    "adamw": (1, 1),
    "adam_l2": (2, 2),
    "adafactor": (1, 1),
    "adabelief": (2, 2),
    "yogi": (2, 2),
    "lars": (1, 2),
    "lamb": (2, 2),
}


class TestMemory:
    @each_in_place
    def test_a_step_needs_so_many_temporaries_beside_its_result(self, name, step):
        n = 512
        w, grad = np.ones((n, n), np.float32), np.full((n, n), 0.5, np.float32)
        w, state = step(w, grad, **arguments(name, (n, n)))
        found = []
        for out in ({}, {"out": (w, state)}):
            tracemalloc.start()
            try:
                result = step(w, grad, state, **arguments(name, (n, n)), **out)
                kept, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert kept < w.nbytes / 10 + (0 if out else sum(array.nbytes for array in flat(*result)))
            found.append(round((peak - kept) / w.nbytes))
        assert tuple(found) == TEMPORARIES[name]

    def test_no_step_needs_more_than_two(self):
        assert max(max(counts) for counts in TEMPORARIES.values()) == 2


class TestRange:
    @each_optimizer
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_beyond_the_largest_number_a_step_goes_on_without_a_warning(self, name, step, dtype, share):
        large, small = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
        w = np.array([large, -large, 1.0, 0.0, large], dtype)
        grad = np.array([-large, -large, large, small, 0.0], dtype)
        settings = arguments(name, w.shape)
        large_ones = {"lr": max(10.0, share * float(large)), "lam": 10.0}
        settings |= {key: value for key, value in large_ones.items() if key in settings}
        state = None
        for _ in range(3):
            w, state = step(w, grad, state, **settings)
        assert w.dtype == dtype
