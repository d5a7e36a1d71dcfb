"""What every public function of regopt promises, whatever it computes."""

import copy
import inspect
import math
import random
import re

import numpy as np
import pytest

import regopt
from tests.regopt.contract import load_cases

CASES = load_cases()
BAD = {float: math.nan, str: "nonsense"}  # what no hyperparameter of these types may be
FUNCTIONS = {
    name: function
    for name, function in vars(regopt).items()
    if inspect.isfunction(function) and not name.startswith("_")
}
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def each(which):
    """Once for each case of which `which` is true."""
    chosen = {key: case for key, case in CASES.items() if which(case)}
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen)


def cases_of(name):
    return [case for case in CASES.values() if case.function.__name__ == name]


def bound(case):
    """The arguments of the case by name, with the function's own defaults filled in."""
    rng = {"rng": np.random.default_rng(0)} if case.rng else {}
    arguments = inspect.signature(case.function).bind(*case.args, **case.kwargs, **rng)
    arguments.apply_defaults()
    return arguments


def call(case, **changed):
    """Call with some arguments replaced; what is given is a copy, and frozen."""
    arguments = bound(case)
    arguments.arguments.update(changed)
    frozen = {
        name: value if name == "rng" else map_arrays(frozen_copy, value) for name, value in arguments.arguments.items()
    }
    arguments.arguments.update(frozen)
    return case.function(*arguments.args, **arguments.kwargs)


def map_arrays(change, value):
    """`value` with every array in it changed, however deep in lists, tuples, NamedTuples and dicts."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, dict):
        return {key: map_arrays(change, item) for key, item in value.items()}
    if isinstance(value, list):
        return [map_arrays(change, item) for item in value]
    if isinstance(value, tuple):
        items = [map_arrays(change, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def leaves(value):
    """The arrays, numbers and strings in a result; functions are left out."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if callable(value) or value is None else [value]


def is_float(leaf):
    return np.asarray(leaf).dtype.kind in "fc"


def frozen_copy(array):
    array = array.copy(order="K")
    array.flags.writeable = False
    return array


def strided(array):
    """The same values, two steps apart in memory along every axis."""
    wide = np.zeros([2 * n for n in array.shape], dtype=array.dtype)
    view = wide[(..., *(slice(None, None, 2),) * array.ndim)]  # with `...` a view also where there is no axis
    view[...] = array
    view.flags.writeable = False
    return view


def to_float32(array):
    return array.astype(np.float32) if array.dtype == np.float64 else array


def to_nan(array):
    return np.full_like(array, np.nan) if array.dtype.kind == "f" else array


def rounded(array):
    return np.clip(np.round(array), -100, 100) if array.dtype.kind == "f" else array


def outcome(case, change):
    """What a call gives with its arrays changed, or what it says when it refuses; what it has given before stays."""
    arguments = {name: value for name, value in bound(case).arguments.items() if name not in ("rng", "state", "cache")}
    try:
        return call(case, **{name: map_arrays(change, value) for name, value in arguments.items()})
    except ValueError as error:
        return str(error)


def holds_floats(value):
    seen = []
    map_arrays(lambda array: seen.append(array.dtype.kind == "f" and array.size > 0), value)
    return any(seen)


def assert_same(got, expected, tolerance=1e-12):
    got, expected = leaves(got), leaves(expected)
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        if is_float(other):
            scale = max(1.0, float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other))))
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)
        else:
            np.testing.assert_array_equal(one, other)


def refuses_nan(case, name):
    """Whether NaN stands among the bad values of this argument."""
    bad_ones = [bad for key, bad in case.illegal if key == name and isinstance(bad, np.ndarray) and is_float(bad)]
    return any(np.isnan(bad).any() for bad in bad_ones)


def names_argument(error, name):
    return re.search(rf"\b{name}\b", str(error)) is not None


def names_value(error, value):
    """After "got" stands a number or a string as it is, or its type; of an array, its shape, its dtype or an entry."""
    said = str(error).rpartition(" got ")[2]
    if isinstance(value, str):
        return value in said or type(value).__name__ in said
    array = np.asarray(value)
    shape = [array.shape, array.dtype] if isinstance(value, np.ndarray) else []
    return any(str(item) in said for item in [value, *shape, *array.ravel().tolist()])


def everything(case):
    return True


def takes_floats(case):
    return holds_floats(tuple(bound(case).arguments.values()))


def takes_any_shape(case):
    return bool(case.any_shape)


def takes_several_of_one_shape(case):
    return len(case.any_shape) > 1


def takes_arrays_alone(case):
    """No function among the arguments: with one it is that function which decides what shapes it takes."""
    return not any(callable(value) for value in bound(case).arguments.values())


def has_illegal_values(case):
    return bool(case.illegal)


def takes_numbers_or_words(case):
    return any(type(value) in BAD for value in bound(case).arguments.values())


class TestEveryFunction:
    @each_function
    def test_has_a_case(self, name):
        assert cases_of(name), f"regopt.{name} needs a Case in tests/regopt/cases/"

    @each_function
    def test_documents_formula_convention_shapes_and_an_example(self, name):
        doc = inspect.getdoc(FUNCTIONS[name]) or ""
        first, formula, *_ = [*re.split(r"\n\s*\n", doc), "", ""]
        assert re.fullmatch(r".+\.", first), "the first line of the docstring is a sentence, alone"
        assert re.match("(?!Convention|Shapes|>>>).", formula), "the second paragraph is the formula"
        for part in ("Convention:", "Shapes:", ">>> "):
            assert re.search(rf"^\s*{part}", doc, re.MULTILINE), f"a line of the docstring starts with {part}"

    @each_function
    def test_says_what_an_empty_array_does(self, name):
        cases = cases_of(name)
        takes_arrays = any(holds_floats(tuple(bound(case).arguments.values())) for case in cases)
        sizes = []
        for case in cases:
            map_arrays(lambda array: sizes.append(array.size), (case.args, [bad for _, bad in case.illegal]))
        assert not takes_arrays or 0 in sizes or any(case.any_shape for case in cases), (
            f"{name}: any_shape, or a Case with an empty array, or an empty array in illegal"
        )

    @each_function
    def test_each_whole_number_that_it_takes_has_a_refused_value(self, name):
        cases = cases_of(name)
        parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
        keywords = {parameter.name for parameter in parameters if parameter.kind == parameter.KEYWORD_ONLY}
        whole = {key for case in cases for key, value in bound(case).arguments.items() if type(value) is int}
        assert whole & keywords <= {key for case in cases for key, _ in case.illegal}


class TestLegalCall:
    @each(everything)
    def test_is_repeatable_and_leaves_its_inputs_and_the_global_generators_alone(self, case):
        before = copy.deepcopy((np.random.get_state(), random.getstate()))  # noqa: NPY002
        others = {name: value for name, value in bound(case).arguments.items() if name != "rng"}
        kept = copy.deepcopy(map_arrays(frozen_copy, others))
        assert_same(call(case), call(case), tolerance=0)
        assert_same(others, kept, tolerance=0)
        after = (np.random.get_state(), random.getstate())  # noqa: NPY002
        assert_same(before, after, tolerance=0)

    @each(everything)
    def test_result_shares_no_memory_with_the_inputs(self, case):
        inputs = []
        arguments = {
            name: map_arrays(frozen_copy, value) for name, value in bound(case).arguments.items() if name != "rng"
        }
        map_arrays(inputs.append, tuple(arguments.values()))
        result = call_exactly(case, arguments)
        results = result if type(result) is tuple else (result,)
        for array in (item for item in results if isinstance(item, np.ndarray)):
            assert not any(np.may_share_memory(array, given) for given in inputs)

    @each(everything)
    def test_non_contiguous_inputs_give_the_same(self, case):
        arguments = {name: map_arrays(strided, value) for name, value in bound(case).arguments.items() if name != "rng"}
        assert_same(call_exactly(case, arguments), call(case))

    @each(takes_floats)
    def test_float32_stays_float32(self, case):
        arguments = {name: value for name, value in bound(case).arguments.items() if name != "rng"}
        result = call(case, **{name: map_arrays(to_float32, value) for name, value in arguments.items()})
        wide = [leaf for leaf in leaves(result) if is_float(leaf) and type(leaf) is not float]
        assert {np.asarray(leaf).dtype.name for leaf in wide} <= {"float32"}
        if not case.rng:
            assert_same(result, call(case), tolerance=1e-3)

    @each(takes_floats)
    def test_whole_numbers_of_one_byte_are_taken_as_float64(self, case):
        results = [outcome(case, change) for change in (rounded, lambda array: rounded(array).astype(np.int8))]
        assert type(results[0]) is type(results[1])
        if not isinstance(results[0], str):
            assert_same(*results)
            assert {np.asarray(leaf).dtype.name for leaf in leaves(results[1]) if is_float(leaf)} <= {"float64"}

    @each(takes_floats)
    def test_nan_in_the_data_is_never_swallowed(self, case):
        for name, value in bound(case).arguments.items():
            if name == "rng" or not holds_floats(value):
                continue
            poisoned = {name: map_arrays(to_nan, value)}
            if case.nan == "refused" or refuses_nan(case, name):
                with pytest.raises(ValueError, match=rf"\b{name}\b.*(?i:nan)"):
                    call(case, **poisoned)
            elif case.nan == "documented":
                assert "NaN" in case.function.__doc__
                call(case, **poisoned)
            else:
                result = [leaf for leaf in leaves(call(case, **poisoned)) if is_float(leaf)]
                assert any(np.isnan(leaf).any() for leaf in result if np.size(leaf)) or not any(map(np.size, result)), (
                    f"NaN in {name} is lost"
                )


def call_exactly(case, arguments):
    """Call with these very objects, no copies made."""
    given = bound(case)
    given.arguments.update(arguments)
    return case.function(*given.args, **given.kwargs)


def refusal(case, name, value):
    """The ValueError that this value meets, or None; anything else is raised."""
    try:
        call(case, **{name: value})
    except ValueError as error:
        return error
    return None


class TestShapes:
    @pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 0, 3), (2, 3, 2)], ids=str)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @each(takes_any_shape)
    def test_any_shape(self, case, shape, dtype):
        names = [list(bound(case).arguments)[position] for position in case.any_shape]
        given = bound(case).arguments
        result = call(case, **{name: np.resize(given[name], shape).astype(dtype) for name in names})
        arrays = [leaf for leaf in leaves(result) if is_float(leaf) and type(leaf) is not float]
        assert not any(np.isnan(leaf).any() for leaf in arrays)
        if not any(holds_floats(value) for name, value in given.items() if name not in names):
            assert {np.asarray(leaf).dtype for leaf in arrays} <= {np.dtype(dtype)}

    @each(takes_several_of_one_shape)
    def test_shapes_that_do_not_fit_are_refused(self, case):
        names = [list(bound(case).arguments)[position] for position in case.any_shape]
        for name in names:
            for shape in [(), (1,), (2, 7)]:
                with pytest.raises(ValueError) as caught:
                    call(case, **{name: np.resize(bound(case).arguments[name], shape)})
                assert any(names_argument(caught.value, other) for other in names)
                assert str(shape) in str(caught.value)

    @each(takes_arrays_alone)
    def test_an_odd_shape_is_taken_or_refused_by_name(self, case):
        arguments = bound(case).arguments
        for name, value in arguments.items():
            if not isinstance(value, np.ndarray) or value.ndim == 0:
                continue
            *front, last = value.shape
            for shape in [(), (0,), (*front, 0), (*front, last + 1)]:
                error = refusal(case, name, np.resize(value, shape).astype(value.dtype))
                assert error is None or any(names_argument(error, other) for other in arguments), (
                    f"{name} of shape {shape}: {error}"
                )


class TestRefusals:
    @each(has_illegal_values)
    def test_a_bad_value_is_named_with_its_argument(self, case):
        for name, bad in case.illegal:
            with pytest.raises(ValueError) as caught:
                call(case, **{name: bad})
            assert names_argument(caught.value, name), f"{name}={bad}: {caught.value}"
            assert names_value(caught.value, bad), f"{name}={bad}: {caught.value}"

    @each(takes_numbers_or_words)
    def test_a_nan_or_an_unknown_word_as_hyperparameter_is_named(self, case):
        for name, value in bound(case).arguments.items():
            bad = BAD.get(type(value))
            if bad is not None:
                with pytest.raises(ValueError) as caught:
                    call(case, **{name: bad})
                assert names_argument(caught.value, name)
                assert names_value(caught.value, bad)
