"""Hidden checks of the assignment `gradients`."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import regopt
from autograder.asserts import close, last_digits, pair, same_direction, same_type, unchanged
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind, labelled_scores, small_arrays, small_labelled_scores, strengths
from autograder.manners import ask_for_manners

# ---------------------------------------------------------------- numerical_gradient


def signed(rng, shape):
    """Numbers about as large as 1, none of them near zero."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2, size=shape)


def places(rng):
    """Few entries, since each costs two calls of f: every shape, layout, size and precision, with the size."""
    yield np.asarray(signed(rng, ())), 1.0
    yield np.empty(0), 1.0
    yield np.asfortranarray(signed(rng, (2, 2))), 1.0
    yield signed(rng, 4)[::2], 1.0
    yield (1000 * signed(rng, 2)).astype(np.float32), 1000.0
    yield 1e8 * signed(rng, 2), 1e8
    yield 1e-8 * signed(rng, 2), 1e-8
    fixed = signed(rng, 2)
    fixed.flags.writeable = False
    yield fixed, 1.0


def smooth(rng, x, size):
    """A function of arrays like x: a cube of every entry, which no difference gets right, and a square of all."""
    c, d, scale = signed(rng, x.shape).astype(x.dtype), signed(rng, x.shape).astype(x.dtype), max(size, 1.0)

    def f(u):
        return np.sum(c * u**3) / scale**2 + np.sum(d * u) ** 2 / scale

    return f


def slope(f, x):
    """The exact gradient, by the complex step."""
    grad = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[i] += 1e-30j
        grad[i] = np.imag(f(moved)) / 1e-30
    return grad


def example(f):
    """A function that a counter-example shows as text."""
    f.__name__ = "lambda x: np.sum(x**3) + np.sum(x) ** 2"
    return f


cubes = example(lambda x: np.sum(x**3) + np.sum(x) ** 2)
small_places = st.builds(
    lambda x, size: x * x.dtype.type(size),
    hnp.arrays(
        st.sampled_from([np.float64, np.float32]),
        st.sampled_from([(1,), (2,), (1, 2), (2, 2)]),
        elements=st.sampled_from([1.0, 2.0, -1.0, 0.1]),
    ),
    st.sampled_from([1.0, 1000.0]),
)


def difference_inputs(rng):
    """Steps so large that forward, central and the derivative are far apart."""
    for k, (x, size) in enumerate(places(rng)):
        h = float(np.float32(max(size, 1) * rng.uniform(0.2, 0.4)))
        yield Call(smooth(rng, x, size), x, h=h, method=("central", "forward")[k % 2])


numerical_gradient = Exercise(
    "numerical_gradient",
    inputs=difference_inputs,
    public=st.builds(
        lambda x, h, method: Call(cubes, x, h=h, method=method),
        small_places,
        st.sampled_from([1.0, 0.5]),
        st.sampled_from(["central", "forward"]),
    ),
)


def rounding(x):
    """What rounding may change of a difference: in float32 the values of f are known to 1e-7 of their size, and the
    division by h, a fifth of x, makes 1e-5 of it. The wrong differences are wrong by a tenth."""
    return 1e-3 if x.dtype == np.float32 else 1e-9


def is_accurate(grad, f, x, method):
    """Whether a gradient without h is as good as that method can be, up to a factor of 30 and more.

    The central difference is within 3e-10 in float64 and 3e-4 in float32, the forward one within 3e-7 and 7e-3; a
    step that is not scaled, or far too small, gives 1e-3 to 1.
    """
    allowed = {"central": 1e-8, "forward": 1e-5} if x.dtype == np.float64 else {"central": 1e-2, "forward": 5e-2}
    exact = slope(f, x)
    error = np.max(np.abs(np.asarray(grad) - exact), initial=0)
    return np.shape(grad) == x.shape and bool(error <= allowed[method] * np.max(np.abs(exact), initial=1))


def steps_at_zero(numerical_gradient, x):
    """The steps taken without h, central and forward: at 0 the difference of u^3 is h^2, and that of u^2 is h."""
    zero = np.zeros(1, x.dtype)
    squared = numerical_gradient(lambda u: np.sum(u**3), zero)
    step = numerical_gradient(lambda u: np.sum(u**2), zero, method="forward")
    return np.sqrt(np.abs(squared)), np.abs(np.asarray(step))


def balances(steps, x, root):
    """The step is eps^root; 1e-5 for 6e-6 will do, twice the step will not."""
    asked = float(np.finfo(x.dtype).eps) ** root
    return bool(np.all((asked / 1.9 < steps) & (steps < 1.9 * asked)))


@numerical_gradient.use
def differences(numerical_gradient, f, x, *, h, method):
    """Both differences with the given step; of those without, whose digits are rounding, only whether they are good."""
    central, forward = steps_at_zero(numerical_gradient, x)
    return [
        numerical_gradient(f, x, h=h, method="central"),
        numerical_gradient(f, x, h=h, method="forward"),
        is_accurate(numerical_gradient(f, x), f, x, "central"),
        balances(central, x, 1 / 3),
        balances(forward, x, 1 / 2),
    ]


@numerical_gradient.property(points=3)
def is_the_central_difference(numerical_gradient, f, x, *, h, method):
    """With a step given and no method, entry i is the central difference (f(x + h e_i) - f(x - h e_i)) / 2h."""
    right = regopt.numerical_gradient(f, x, h=h, method="central")
    close(numerical_gradient(f, x, h=h), right, rtol=rounding(x))


@numerical_gradient.property(points=2)
def is_the_forward_difference(numerical_gradient, f, x, *, h, method):
    """With a step given and method "forward", entry i is (f(x + h e_i) - f(x)) / h."""
    right = regopt.numerical_gradient(f, x, h=h, method="forward")
    close(numerical_gradient(f, x, h=h, method="forward"), right, rtol=rounding(x))


@numerical_gradient.property(points=2)
def balances_truncation_and_round_off(numerical_gradient, f, x, *, h, method):
    """Without h the step near x = 0 is eps^(1/3) for the central difference and eps^(1/2) for the forward one."""
    central, forward = steps_at_zero(numerical_gradient, x)
    assert balances(central, x, 1 / 3), "the central step is not eps^(1/3)"
    assert balances(forward, x, 1 / 2), "the forward step is not eps^(1/2)"


@numerical_gradient.property(points=2)
def step_goes_with_x(numerical_gradient, f, x, *, h, method):
    """Without h the gradient is as good as the method allows, in float32 and where x is large, too."""
    for each in ("central", "forward"):
        assert is_accurate(numerical_gradient(f, x, method=each), f, x, each), f"the {each} gradient is not accurate"


@numerical_gradient.property(points=1)
def is_exact_on_a_parabola(numerical_gradient, f, x, *, h, method):
    """On a parabola the central difference is the gradient itself, whatever h is."""

    def parabola(u):
        return np.sum(u) ** 2 + np.sum(u**2)

    # Where x is tiny beside h, the values of the parabola are of the order of 1, and rounded.
    close(numerical_gradient(parabola, x, h=h, method="central"), slope(parabola, x), rtol=rounding(x), atol=1e-12)


@numerical_gradient.property(points=1)
def gradient_keeps_float32(numerical_gradient, f, x, *, h, method):
    """The gradient of a float32 array is float32, with the right numbers."""
    if x.dtype == np.float32:
        grad = numerical_gradient(f, x, h=h)
        same_type(grad, like=x)
        close(grad, regopt.numerical_gradient(f, x, h=h), rtol=rounding(x))


@numerical_gradient.property(points=1)
def leaves_x_alone(numerical_gradient, f, x, *, h, method):
    """x is after the call what it was before, to the last digit, and the answer is right."""
    got = unchanged(numerical_gradient, f, x, h=h, method=method)
    close(got, regopt.numerical_gradient(f, x, h=h, method=method), rtol=rounding(x))


numerical_gradient.solution(regopt.numerical_gradient)


def default_steps(x, h, method):
    """What the text asks for, as an array like x."""
    if h is None:
        root = 1 / 3 if method == "central" else 1 / 2
        h = float(np.finfo(x.dtype).eps) ** root * np.maximum(1, np.abs(x))
    return np.broadcast_to(h, x.shape)


def difference_of(f, x, steps, method, sides=2):
    """The differences for given steps; with other `sides` a mistake."""
    grad = np.empty_like(x)
    for i in np.ndindex(x.shape):
        right, left = x.copy(), x.copy()
        right[i] += steps[i]
        if method == "central":
            left[i] -= steps[i]
        grad[i] = (f(right) - f(left)) / (steps[i] * (sides if method == "central" else 1))
    return grad


@numerical_gradient.mistake
def always_forward(f, x, h=None, method="central"):
    """This is the forward difference, whatever the method: the central one looks to both sides."""
    return difference_of(f, x, default_steps(x, h, method), "forward")


@numerical_gradient.mistake
def always_central(f, x, h=None, method="central"):
    """This is the central difference, whatever the method: the forward one uses f(x)."""
    return difference_of(f, x, default_steps(x, h, method), "central")


@numerical_gradient.mistake
def central_over_h(f, x, h=None, method="central"):
    """This divides the central difference by h: its two points are 2 h apart."""
    return difference_of(f, x, default_steps(x, h, method), method, sides=1)


@numerical_gradient.mistake
def wrong_sign(f, x, h=None, method="central"):
    """This subtracts the value to the right from the one to the left: the sign is turned."""
    return -difference_of(f, x, default_steps(x, h, method), method)


@numerical_gradient.mistake
def moves_all_entries(f, x, h=None, method="central"):
    """This moves all entries of x at once, x + h, and gets one number for all: move one entry at a time."""
    steps = default_steps(x, h, method)
    left = x - steps if method == "central" else x
    return np.full(x.shape, (f(x + steps) - f(left)) / (np.max(x + steps - left, initial=0))).astype(x.dtype)


@numerical_gradient.mistake
def does_not_move_back(f, x, h=None, method="central"):
    """This does not put an entry back before it moves the next: all others must be where they were."""
    grad, steps, moved = np.empty_like(x), default_steps(x, h, method), x.copy()
    for i in np.ndindex(x.shape):
        left = f(moved)
        moved[i] += steps[i]
        right = f(moved)
        if method == "central":
            moved[i] -= 2 * steps[i]
            left = f(moved)
        grad[i] = (right - left) / (steps[i] * (2 if method == "central" else 1))
    return grad


@numerical_gradient.mistake
def moves_rows(f, x, h=None, method="central"):
    """This goes over the first axis only, and moves whole rows of a matrix: np.ndindex goes over all entries."""
    grad, steps = np.empty_like(x), default_steps(x, h, method)
    for i in range(x.shape[0]):
        right, left = x.copy(), x.copy()
        right[i] += steps[i]
        if method == "central":
            left[i] -= steps[i]
        grad[i] = (f(right) - f(left)) / np.max(right[i] - left[i])
    return grad


@numerical_gradient.mistake
def ignores_h(f, x, h=None, method="central"):
    """This takes a step of its own where h is given: use the caller's."""
    return difference_of(f, x, default_steps(x, None, method), method)


@numerical_gradient.mistake
def the_smaller_the_better(f, x, h=None, method="central"):
    """This takes 1e-12 or less without h: the values of f are rounded, and the division by h magnifies that."""
    return difference_of(f, x, default_steps(x, 1e-12 if h is None else h, method), method)


@numerical_gradient.mistake
def one_step_for_all(f, x, h=None, method="central"):
    """Without h this takes one step for all sizes of x: where x is 1e8 or float32 it is lost in x + h. Scale it."""
    root = 1 / 3 if method == "central" else 1 / 2
    return difference_of(f, x, default_steps(x, np.finfo(float).eps ** root if h is None else h, method), method)


@numerical_gradient.mistake
def one_step_for_both_methods(f, x, h=None, method="central"):
    """Without h this takes the step of the central difference for the forward one, too, which wants a smaller one."""
    return difference_of(f, x, default_steps(x, h, "central"), method)


@numerical_gradient.mistake
def gradient_in_float64(f, x, h=None, method="central"):
    """This turns float32 into float64: np.zeros(x.shape) does, np.zeros_like(x) does not."""
    return difference_of(f, x, default_steps(x, h, method), method).astype(float)


@numerical_gradient.mistake
def moves_x_itself(f, x, h=None, method="central"):
    """This moves the caller's x and goes back by - h: x + h - h is not x in floats. Move a copy."""
    steps = default_steps(x, h, method)
    grad = difference_of(f, x, steps, method)
    for i in np.ndindex(x.shape):
        x[i] += steps[i]
        x[i] -= steps[i]
    return grad


@numerical_gradient.solution
def by_the_formula(f, x, h=None, method="central"):
    return difference_of(f, x, default_steps(x, h, method), method)


@numerical_gradient.solution
def by_putting_back(f, x, h=None, method="central"):
    grad, steps, moved = np.zeros(x.shape, x.dtype), default_steps(x, h, method), np.array(x)
    here = f(moved)
    for i in np.ndindex(x.shape):
        kept = moved[i]
        moved[i] = kept + steps[i]
        if method == "forward":
            grad[i] = (f(moved) - here) / steps[i]
        else:
            right = f(moved)
            moved[i] = kept - steps[i]
            grad[i] = (right - f(moved)) / (2 * steps[i])
        moved[i] = kept
    return grad


@numerical_gradient.solution
def by_unit_vectors(f, x, h=None, method="central"):
    steps = default_steps(x, h, method).ravel()
    units = np.eye(x.size, dtype=x.dtype).reshape((x.size, *x.shape))
    behind = 0 if method == "forward" else 1
    slopes = [
        (f(x + step * unit) - f(x - behind * step * unit)) / ((1 + behind) * step)
        for step, unit in zip(steps.astype(x.dtype), units, strict=True)
    ]
    return np.array(slopes, x.dtype).reshape(x.shape)


# ---------------------------------------------------------------- gradient_check


def checked_gradients(rng):
    """Right gradients, and wrong ones of every kind, of functions of size 1, 1e8 and 1e-10.

    In float64 and where x is about 1, so that a step that is not scaled costs points once, in numerical_gradient.
    """
    each = [x for x, size in places(rng) if size == 1 and x.dtype == np.float64]
    single, empty, matrix, strided, fixed = each
    for x in (single, matrix, fixed):
        f = smooth(rng, x, 1)
        grad = slope(f, x)
        yield Call(f, x, grad + 0.3 * np.max(np.abs(grad)) * np.asarray(signed(rng, x.shape)))
    f = smooth(rng, strided, 1)
    yield Call(f, strided, slope(f, strided))
    yield Call(scaled(f, 1e8), strided, 1e8 * slope(f, strided) * rng.uniform(2, 3))
    yield Call(scaled(f, 1e-10), strided, 1e-10 * slope(f, strided) * rng.uniform(2, 3))
    yield Call(smooth(rng, empty, 1), empty, np.empty(0))


def scaled(f, factor):
    return lambda u: factor * f(u)


def with_wrong_entry(grad, factor):
    """The same, but its first entry is wrong by a factor."""
    grad = grad.copy()
    grad.flat[0] *= factor
    return grad


gradient_check = Exercise(
    "gradient_check",
    inputs=checked_gradients,
    public=st.builds(
        lambda x, factor: Call(cubes, x, with_wrong_entry(slope(cubes, x), factor)),
        small_places.map(lambda x: x.astype(float)),
        st.sampled_from([2.0, 1.0, -1.0, 0.0]),
    ),
)


def relative_error(f, x, grad):
    """The right answer, from the exact gradient."""
    exact = slope(f, x)
    total = np.linalg.norm(grad) + np.linalg.norm(exact)
    return float(np.linalg.norm(grad - exact) / total) if total else 0.0


# What the difference does not know of the gradient: 3e-10, or 3e-7 if it is the forward one, which costs nothing here.
# Wrong errors are 0.003 away and more.
NOISE = 1e-6


@gradient_check.use
def two_digits(gradient_check, f, x, grad):
    """The rest is rounding, in which two ways to write one mistake differ."""
    error = float(gradient_check(f, x, grad))
    return 0.0 if abs(error) < 1e-4 else float(f"{error:.2g}")


@gradient_check.property(points=3)
def is_the_relative_error(gradient_check, f, x, grad):
    """It is ||grad - n|| / (||grad|| + ||n||), where n is the numerical gradient."""
    close(gradient_check(f, x, grad), relative_error(f, x, grad), atol=NOISE)


@gradient_check.property(points=1)
def tells_right_from_wrong(gradient_check, f, x, grad):
    """For the right gradient it is below 1e-6, and far above for a gradient that is 1 % too large."""
    grad = slope(f, x)
    close(gradient_check(f, x, grad), 0.0, atol=NOISE)
    close(gradient_check(f, x, 1.01 * grad), relative_error(f, x, 1.01 * grad), atol=NOISE)


@gradient_check.property(points=1)
def is_one_for_a_wrong_sign(gradient_check, f, x, grad):
    """It is 1 for a gradient with the wrong sign."""
    close(gradient_check(f, x, -slope(f, x)), 1.0 if x.size else 0.0, atol=NOISE)


@gradient_check.property(points=1)
def does_not_depend_on_units(gradient_check, f, x, grad):
    """A loss in units a million times smaller, with its gradient, has the same error."""
    tiny = scaled(f, 1e-6)
    close(gradient_check(tiny, x, 1e-6 * grad), relative_error(tiny, x, 1e-6 * grad), atol=NOISE)


@gradient_check.property(points=1)
def is_zero_where_both_are_zero(gradient_check, f, x, grad):
    """It is 0 where both gradients are zero, and 1 where only one is."""
    close(gradient_check(lambda u: 0.0, x, np.zeros_like(x)), 0.0)
    close(gradient_check(lambda u: 0.0, x, np.ones_like(x)), 1.0 if x.size else 0.0)


@gradient_check.property(points=1)
def leaves_x_and_grad_alone(gradient_check, f, x, grad):
    """x and grad are the same after the call as before, and the answer is right."""
    close(unchanged(gradient_check, f, x, grad), relative_error(f, x, grad), atol=NOISE)


gradient_check.solution(regopt.gradient_check)


def numerical(f, x):
    return difference_of(f, x, default_steps(x, None, "central"), "central")


@gradient_check.mistake
def absolute_error(f, x, grad):
    """This is the absolute error, ||grad - n||: divide by the sizes, or a small gradient always looks right."""
    return np.linalg.norm(grad - numerical(f, x))


@gradient_check.mistake
def relative_to_one(f, x, grad):
    """This divides by ||n|| alone: with the sum of both norms it is the same for either, and never above 1."""
    n = numerical(f, x)
    return np.linalg.norm(grad - n) / np.linalg.norm(n) if np.any(n) else float(np.any(grad))


@gradient_check.mistake
def relative_to_the_larger(f, x, grad):
    """This divides by the larger of the two norms: here it is their sum."""
    n = numerical(f, x)
    return np.linalg.norm(grad - n) / (max(np.linalg.norm(grad), np.linalg.norm(n)) or 1.0)


@gradient_check.mistake
def worst_entry(f, x, grad):
    """This is the largest relative error of one entry: take the norms over all entries first, then one quotient."""
    n = numerical(f, x)
    total = np.abs(grad) + np.abs(n)
    return np.max(np.abs(grad - n) / np.where(total > 0, total, 1), initial=0)


@gradient_check.mistake
def not_a_number_for_zeros(f, x, grad):
    """This is 0/0 where both gradients are zero: they agree, so return 0."""
    n = numerical(f, x)
    return np.float64(np.linalg.norm(grad - n)) / (np.linalg.norm(grad) + np.linalg.norm(n))


@gradient_check.mistake
def stabiliser_in_the_denominator(f, x, grad):
    """This adds 1e-8 to the denominator: a wrong gradient of that size then looks better than it is. Ask for zero."""
    n = numerical(f, x)
    return np.linalg.norm(grad - n) / (np.linalg.norm(grad) + np.linalg.norm(n) + 1e-8)


@gradient_check.mistake
def compares_the_norms(f, x, grad):
    """This compares the lengths of the two gradients: a wrong sign is not seen. Take the norm of the difference."""
    a, b = np.linalg.norm(grad), np.linalg.norm(numerical(f, x))
    return abs(a - b) / (a + b) if a + b else 0.0


@gradient_check.mistake
def squares_without_the_root(f, x, grad):
    """These are sums of squares without the root: a norm is the root of the sum of squares."""
    n = numerical(f, x)
    return np.sum((grad - n) ** 2) / (np.sum(grad**2) + np.sum(n**2) or 1.0)


@gradient_check.mistake
def subtracts_in_place(f, x, grad):
    """This subtracts in place, grad -= n: the caller's gradient is gone. Write grad - n."""
    n = numerical(f, x)
    total = np.linalg.norm(grad) + np.linalg.norm(n)
    grad -= n
    return np.linalg.norm(grad) / total if total else 0.0


@gradient_check.solution
def by_norms(f, x, grad):
    n = numerical(f, x)
    total = np.linalg.norm(grad) + np.linalg.norm(n)
    return float(np.linalg.norm(grad - n) / total) if total > 0 else 0.0


@gradient_check.solution
def by_dot_products(f, x, grad):
    g, n = np.ravel(grad), np.ravel(numerical(f, x))
    if not g.any() and not n.any():
        return 0.0
    return np.sqrt((g - n) @ (g - n)) / (np.sqrt(g @ g) + np.sqrt(n @ n))


@gradient_check.solution
def by_loop(f, x, grad):
    n = numerical(f, x)
    apart = ours = theirs = 0.0
    for i in np.ndindex(x.shape):
        apart += float(grad[i] - n[i]) ** 2
        ours += float(grad[i]) ** 2
        theirs += float(n[i]) ** 2
    return 0.0 if ours == theirs == 0 else apart**0.5 / (ours**0.5 + theirs**0.5)


# ---------------------------------------------------------------- softmax and log_softmax


def logits_of_every_kind(rng):
    """Every layout, size and precision; rows far apart from each other; as many rows as classes."""
    yield Call(rng.normal(size=5))
    yield Call(np.asfortranarray(rng.normal(size=(3, 4))), axis=0)
    yield Call(rng.normal(size=(4, 8))[:, ::2], axis=1)
    yield Call(rng.normal(size=(2, 3)).astype(np.float32), axis=0)
    yield Call(1e4 * rng.normal(size=(2, 3)))
    yield Call(rng.normal(size=(3, 2)) + np.array([[3000.0], [0.0], [-3000.0]]))
    yield Call(1e-8 * rng.normal(size=(2, 2)))
    yield Call(np.empty((0, 3)))
    fixed = rng.normal(size=(2, 3, 2))
    fixed.flags.writeable = False
    yield Call(fixed, axis=1)


small_logits = st.builds(
    lambda scores, axis: Call(scores[0], axis=axis), small_labelled_scores(), st.sampled_from([-1, 0])
)
softmax = Exercise("softmax", inputs=logits_of_every_kind, public=small_logits)


@softmax.property(points=2)
def is_the_share(softmax, logits, axis=-1):
    """p_k is exp(z_k) divided by the sum of the exponentials along the axis."""
    close(softmax(logits, axis=axis), regopt.softmax(logits, axis=axis))


@softmax.property(points=1)
def sums_to_one(softmax, logits, axis=-1):
    """Along the axis the probabilities sum to 1, and a larger score has a larger probability."""
    p = np.asarray(softmax(logits, axis=axis))
    assert p.shape == logits.shape, f"got shape {p.shape}, expected {logits.shape}"
    right = regopt.softmax(logits, axis=axis)
    close(np.sum(p, axis=axis), np.sum(right, axis=axis))
    rises, should = np.diff(p, axis=axis), np.diff(right, axis=axis)
    assert np.all(rises[should > 1e-9] > 0), "a larger score has no larger probability"
    assert np.all(rises[should < -1e-9] < 0), "a smaller score has no smaller probability"


@softmax.property(points=2)
def survives_large_scores(softmax, logits, axis=-1):
    """A large number added to all scores changes nothing, and scores that are far apart give 0 and 1, never NaN."""
    for far in (1000 * logits, logits + 2000):
        close(softmax(far, axis=axis), regopt.softmax(far, axis=axis), atol=last_digits(far))


@softmax.property(points=1)
def goes_along_the_axis(softmax, logits, axis=-1):
    """Without axis it is the last one, and along another it is what it is of the array turned round."""
    close(softmax(logits), regopt.softmax(logits))
    turned = np.moveaxis(logits, axis, 0)
    close(softmax(turned, axis=0), regopt.softmax(turned, axis=0))


ask_for_manners(softmax)
softmax.solution(regopt.softmax)


@softmax.mistake
def overflows(logits, axis=-1):
    """This takes exp of the scores as they are, infinite from 710 up: subtract the largest score of each row first."""
    unscaled = np.exp(logits)
    return unscaled / unscaled.sum(axis=axis, keepdims=True)


@softmax.mistake
def subtracts_the_mean(logits, axis=-1):
    """This subtracts the mean: scores that are far apart still overflow. After the largest is subtracted none can."""
    unscaled = np.exp(logits - logits.mean(axis=axis, keepdims=True))
    return unscaled / unscaled.sum(axis=axis, keepdims=True)


@softmax.mistake
def subtracts_the_largest_of_all(logits, axis=-1):
    """This subtracts the largest score of the whole array: a row far below it becomes 0/0. Take each row's own."""
    unscaled = np.exp(logits - logits.max(initial=-np.inf))
    return unscaled / unscaled.sum(axis=axis, keepdims=True)


@softmax.mistake
def sums_over_everything(logits, axis=-1):
    """This divides by the sum over the whole array: the probabilities of each example must sum to 1."""
    unscaled = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return unscaled / unscaled.sum()


@softmax.mistake
def ignores_the_axis(logits, axis=-1):
    """This goes along the last axis, whatever axis is asked for."""
    unscaled = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return unscaled / unscaled.sum(axis=-1, keepdims=True)


@softmax.mistake
def without_keepdims(logits, axis=-1):
    """This lacks keepdims=True: the sum of row i then stands over column i, and divides the wrong numbers."""
    unscaled = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return unscaled / unscaled.sum(axis=axis)


@softmax.mistake
def sigmoids(logits, axis=-1):
    """These are sigmoids, each class by itself: they do not sum to 1."""
    return (0.5 * (1 + np.tanh(logits / 2))).astype(logits.dtype)


@softmax.mistake
def shares_of_the_largest(logits, axis=-1):
    """This does not divide by the sum: exp(z - max z) is 1 for the largest class."""
    return np.exp(logits - logits.max(axis=axis, keepdims=True))


def log_of_sum(logits, axis):
    """log sum exp along the axis, safely."""
    largest = logits.max(axis=axis, keepdims=True)
    return largest + np.log(np.exp(logits - largest).sum(axis=axis, keepdims=True))


@softmax.solution
def by_shifting(logits, axis=-1):
    unscaled = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return unscaled / unscaled.sum(axis=axis, keepdims=True)


@softmax.solution
def by_differences(logits, axis=-1):
    z = np.moveaxis(logits, axis, -1)
    # 1 / p_k = sum_j exp(z_j - z_k): an infinite sum is a probability of zero.
    return np.moveaxis(1 / np.exp(z[..., np.newaxis, :] - z[..., :, np.newaxis]).sum(axis=-1), -1, axis)


@softmax.solution
def by_logarithm(logits, axis=-1):
    largest = logits.max(axis=axis, keepdims=True)
    shifted = logits - largest
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


@softmax.solution
def by_rows(logits, axis=-1):
    def one(z):
        unscaled = [np.exp(each - max(z)) for each in z]
        return np.array(unscaled) / sum(unscaled)

    return np.apply_along_axis(one, axis, logits).astype(logits.dtype) if logits.size else logits.copy()


log_softmax = Exercise("log_softmax", inputs=logits_of_every_kind, public=small_logits)


@log_softmax.property(points=2)
def is_the_logarithm(log_softmax, logits, axis=-1):
    """It is z_k minus the logarithm of the sum of the exponentials along the axis."""
    close(log_softmax(logits, axis=axis), regopt.log_softmax(logits, axis=axis))


@log_softmax.property(points=2)
def is_finite_where_softmax_is_zero(log_softmax, logits, axis=-1):
    """Scores that are thousands apart, or thousands from zero, give ordinary numbers, and the right ones."""
    for far in (1000 * logits, logits + 2000):
        close(log_softmax(far, axis=axis), regopt.log_softmax(far, axis=axis), atol=last_digits(far))


@log_softmax.property(points=1)
def keeps_the_differences(log_softmax, logits, axis=-1):
    """Two classes differ by as much as their scores do, and no logarithm of a probability is above zero."""
    log_p = np.asarray(log_softmax(logits, axis=axis))
    assert log_p.shape == logits.shape, f"got shape {log_p.shape}, expected {logits.shape}"
    assert np.all(log_p <= last_digits(logits)), "the logarithm of a probability is above 0"
    close(np.diff(log_p, axis=axis), np.diff(logits, axis=axis), atol=last_digits(logits))


@log_softmax.property(points=1)
def goes_along_its_axis(log_softmax, logits, axis=-1):
    """Without axis it is the last one, and along another it is what it is of the array turned round."""
    close(log_softmax(logits), regopt.log_softmax(logits))
    turned = np.moveaxis(logits, axis, 0)
    close(log_softmax(turned, axis=0), regopt.log_softmax(turned, axis=0))


ask_for_manners(log_softmax)
log_softmax.solution(regopt.log_softmax)


@log_softmax.mistake
def logarithm_of_softmax(logits, axis=-1):
    """This is log(softmax): minus infinity where the probability rounds to zero. z - log sum exp z never forms it."""
    return np.log(by_shifting(logits, axis))


@log_softmax.mistake
def logarithm_with_eps(logits, axis=-1):
    """This is log(softmax + eps): it ends at log eps, where the scores go on for ever. Never form the probability."""
    return np.log(by_shifting(logits, axis) + 1e-12).astype(logits.dtype)


@log_softmax.mistake
def overflowing_sum(logits, axis=-1):
    """This takes exp of the scores as they are, infinite from 710 up: subtract the largest score of each row first."""
    return logits - np.log(np.exp(logits).sum(axis=axis, keepdims=True))


@log_softmax.mistake
def forgets_the_largest(logits, axis=-1):
    """This subtracts the largest score inside the sum only: subtract it from the score, too."""
    return logits - np.log(np.exp(logits - logits.max(axis=axis, keepdims=True)).sum(axis=axis, keepdims=True))


@log_softmax.mistake
def largest_of_all(logits, axis=-1):
    """This subtracts the largest score of the whole array: of a row far below it nothing is left. Take each row's."""
    shifted = logits - logits.max(initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@log_softmax.mistake
def always_the_last_axis(logits, axis=-1):
    """This goes along the last axis, whatever axis is asked for."""
    return logits - log_of_sum(logits, -1)


@log_softmax.mistake
def sum_of_logarithms(logits, axis=-1):
    """This subtracts the sum of the scores: log(a + b) is not log a + log b."""
    return logits - logits.sum(axis=axis, keepdims=True)


@log_softmax.mistake
def negative_logarithm(logits, axis=-1):
    """This is -log p, the loss: the logarithm of a probability is at most 0."""
    return log_of_sum(logits, axis) - logits


@log_softmax.mistake
def binary_logarithm(logits, axis=-1):
    """This is the logarithm to base 2, or 10: np.log is the natural one."""
    return ((logits - log_of_sum(logits, axis)) / np.log(2)).astype(logits.dtype)


@log_softmax.solution
def by_log_sum_exp(logits, axis=-1):
    return logits - log_of_sum(logits, axis)


@log_softmax.solution
def by_logaddexp(logits, axis=-1):
    return logits - np.logaddexp.reduce(logits, axis=axis, keepdims=True)


@log_softmax.solution
def by_log1p(logits, axis=-1):
    z = np.moveaxis(logits, axis, -1)
    order = np.sort(z, axis=-1)
    largest, rest = order[..., -1:], order[..., :-1]
    return np.moveaxis(z - largest - np.log1p(np.exp(rest - largest).sum(axis=-1, keepdims=True)), -1, axis)


@log_softmax.solution
def by_differences_of_scores(logits, axis=-1):
    z = np.moveaxis(logits, axis, -1)
    log_p = np.empty_like(z)
    for i in np.ndindex(z.shape):
        log_p[i] = -np.logaddexp.reduce(z[i[:-1]] - z[i])
    return np.moveaxis(log_p, -1, axis)


# ---------------------------------------------------------------- cross_entropy

cross_entropy = Exercise(
    "cross_entropy",
    inputs=lambda rng: (Call(*each) for each in labelled_scores(rng)),
    public=small_labelled_scores().map(lambda each: Call(*each)),
)


@cross_entropy.property(points=3)
def loss_is_the_mean(cross_entropy, logits, labels):
    """The loss is the mean over the examples of -log p of the label."""
    loss, _ = pair(cross_entropy(logits, labels), logits)
    close(loss, regopt.cross_entropy(logits, labels)[0], atol=last_digits(logits))


@cross_entropy.property(points=3)
def gradient_is_prediction_minus_truth(cross_entropy, logits, labels):
    """The gradient is softmax(z) - one-hot(label), divided by the number of examples."""
    _, grad = pair(cross_entropy(logits, labels), logits)
    close(grad, regopt.cross_entropy(logits, labels)[1])


@cross_entropy.property(points=1)
def gradient_points_uphill(cross_entropy, logits, labels):
    """Up to a factor the gradient is softmax(z) - one-hot(label): only the label's entry is negative."""
    _, grad = pair(cross_entropy(logits, labels), logits)
    same_direction(grad, regopt.cross_entropy(logits, labels)[1])


@cross_entropy.property(points=2)
def survives_scores_far_apart(cross_entropy, logits, labels):
    """Scores that are thousands apart give the right loss and gradient, never infinity or NaN."""
    far = 1000 * logits
    close(cross_entropy(far, labels), regopt.cross_entropy(far, labels), atol=last_digits(far))


@cross_entropy.property(points=1)
def does_not_depend_on_the_batch(cross_entropy, logits, labels):
    """The same examples twice have the same loss, and half the gradient each."""
    twice = np.concatenate([logits, logits]), np.concatenate([labels, labels])
    close(cross_entropy(*twice), regopt.cross_entropy(*twice))


ask_for_manners(cross_entropy)
cross_entropy.solution(regopt.cross_entropy)


def one_hot(scores, labels):
    return (labels[:, None] == np.arange(scores.shape[1])).astype(scores.dtype)


def entropy_and_gradient(logits, labels):
    """Of the sum over the examples, for mistakes that have something else wrong."""
    log_p = logits - log_of_sum(logits, -1)
    hot = one_hot(logits, labels)
    return -np.sum(hot * log_p), np.exp(log_p) - hot


@cross_entropy.mistake
def sum_over_the_examples(logits, labels):
    """This is the sum over the examples: here loss and gradient are means, so that no rate depends on the batch."""
    return entropy_and_gradient(logits, labels)


@cross_entropy.mistake
def gradient_of_the_sum(logits, labels):
    """The loss is the mean, the gradient that of the sum: it lacks 1/N."""
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / len(logits), grad


@cross_entropy.mistake
def truth_minus_prediction(logits, labels):
    """This is the truth minus the prediction, the direction of the step: a gradient points uphill."""
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / len(logits), -grad / len(logits)


@cross_entropy.mistake
def gradient_in_the_probabilities(logits, labels):
    """This gradient is -1/p of the label, that in the probabilities: a score moves those of all classes."""
    loss, grad = entropy_and_gradient(logits, labels)
    hot = one_hot(logits, labels)
    return loss / len(logits), -hot / np.maximum(grad + hot, np.finfo(logits.dtype).tiny) / len(logits)


@cross_entropy.mistake
def every_example_with_every_label(logits, labels):
    """This indexes [:, labels], every example with every label: p[np.arange(N), labels] takes one of each row."""
    log_p = logits - log_of_sum(logits, -1)
    grad = np.exp(log_p)
    grad[:, labels] -= 1
    return -log_p[:, labels].mean(), grad / len(logits)


@cross_entropy.mistake
def logarithm_of_zero(logits, labels):
    """This is -log(softmax): infinite where the probability rounds to zero. Use log_softmax."""
    _, grad = entropy_and_gradient(logits, labels)
    p = by_shifting(logits)[np.arange(len(labels)), labels]
    return -np.mean(np.log(p)), grad / len(logits)


@cross_entropy.mistake
def mean_over_the_entries(logits, labels):
    """This divides by all entries, N times K: the mean is over the N examples."""
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / logits.size, grad / logits.size


@cross_entropy.mistake
def prediction_without_truth(logits, labels):
    """This gradient is the prediction: 1 must be subtracted where the label is."""
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / len(logits), (grad + one_hot(logits, labels)) / len(logits)


@cross_entropy.mistake
def only_the_label_learns(logits, labels):
    """This gradient is p - 1 for the label and zero elsewhere: the other classes have the gradient p."""
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / len(logits), grad * one_hot(logits, labels) / len(logits)


@cross_entropy.solution
def by_one_hot(logits, labels):
    loss, grad = entropy_and_gradient(logits, labels)
    return loss / len(logits), grad / len(logits)


@cross_entropy.solution
def by_gaps(logits, labels):
    gaps = logits - logits[np.arange(len(labels)), labels, None]
    log_sums = np.logaddexp.reduce(gaps, axis=1, keepdims=True)
    grad = np.exp(gaps - log_sums)
    grad[np.arange(len(labels)), labels] -= 1
    grad /= len(labels)
    return float(log_sums.mean()), grad


@cross_entropy.solution
def example_by_example(logits, labels):
    grad, loss = np.empty_like(logits), 0.0
    for n, label in enumerate(labels):
        row = [float(z) - float(max(logits[n])) for z in logits[n]]
        total = sum(np.exp(row))
        loss -= (row[label] - np.log(total)) / len(labels)
        for k in range(len(row)):
            grad[n, k] = (np.exp(row[k]) / total - (k == label)) / len(labels)
    return loss, grad


# ---------------------------------------------------------------- hinge_loss


def margins(rng):
    """Scores of every kind with a margin of their size; and whole numbers, of which some are on the kink."""
    for scores, labels in labelled_scores(rng):
        size = float(np.median(np.abs(scores)))
        yield Call(scores, labels, margin=float(np.float32(max(size, 0.01) * rng.uniform(1.5, 3))))
    whole = np.array([[2.0, 1.0, 5.0], [1.0, 3.0, 2.0], [0.0, 0.0, 7.0]]) + rng.integers(9)
    yield Call(whole, np.array([0, 1, 2]), margin=1.0)
    yield Call(scores := rng.normal(size=(3, 4)), scores.argmin(axis=1), margin=0.0)


hinge_loss = Exercise(
    "hinge_loss",
    inputs=margins,
    public=st.builds(
        lambda each, margin: Call(*each, margin=margin), small_labelled_scores(), st.sampled_from([1.0, 0.5, 2.0, 0.0])
    ),
)


@hinge_loss.property(points=2)
def loss_is_what_is_missing(hinge_loss, scores, labels, *, margin):
    """The loss is the sum over the wrong classes of what they lack to the margin, the mean over the examples."""
    loss, _ = pair(hinge_loss(scores, labels, margin=margin), scores)
    close(loss, regopt.hinge_loss(scores, labels, margin=margin)[0])


@hinge_loss.property(points=2)
def gradient_counts_who_violates(hinge_loss, scores, labels, *, margin):
    """The gradient is 1/N for every wrong class within the margin, and minus their number / N for the label."""
    _, grad = pair(hinge_loss(scores, labels, margin=margin), scores)
    close(grad, regopt.hinge_loss(scores, labels, margin=margin)[1])


@hinge_loss.property(points=1)
def gradient_is_right_up_to_a_factor(hinge_loss, scores, labels, *, margin):
    """Up to a factor the gradient is that: equal for all violators, zero for the others, each example's sum is zero."""
    _, grad = pair(hinge_loss(scores, labels, margin=margin), scores)
    same_direction(grad, regopt.hinge_loss(scores, labels, margin=margin)[1])


@hinge_loss.property(points=1)
def is_content_beyond_the_margin(hinge_loss, scores, labels, *, margin):
    """Loss and gradient are zero where every label leads by more than the margin, and are not where it is behind."""
    leads = scores.copy()
    largest = np.max(scores, axis=1) + scores.dtype.type(margin)
    leads[np.arange(len(labels)), labels] = largest + np.abs(largest) + 1
    nothing = (0.0, np.zeros_like(leads))
    close(hinge_loss(leads, labels, margin=margin), nothing, atol=last_digits(leads))  # what cancels leaves rounding
    close(hinge_loss(-leads, labels, margin=margin), regopt.hinge_loss(-leads, labels, margin=margin))


@hinge_loss.property(points=1)
def margin_is_one_by_default(hinge_loss, scores, labels, *, margin):
    """Without margin it is 1."""
    close(hinge_loss(scores, labels), regopt.hinge_loss(scores, labels))


@hinge_loss.property(points=1)
def repeating_a_batch_changes_no_loss(hinge_loss, scores, labels, *, margin):
    """The same examples twice have the same loss, and half the gradient each."""
    twice = np.concatenate([scores, scores]), np.concatenate([labels, labels])
    close(hinge_loss(*twice, margin=margin), regopt.hinge_loss(*twice, margin=margin))


ask_for_manners(hinge_loss)
hinge_loss.solution(regopt.hinge_loss)


def excess_over(scores, labels, margin):
    """What each class has too much, also the label's own, which is the margin."""
    return scores - scores[np.arange(len(labels)), labels, None] + margin


def hinge_of(excess, labels):
    """Loss and gradient of the sum over examples; the label's own entries of `excess` do not count."""
    wrong = np.arange(excess.shape[1]) != labels[:, None]
    violates = ((excess > 0) & wrong).astype(excess.dtype)
    grad = violates - ~wrong * violates.sum(axis=1, keepdims=True)
    return np.sum(np.maximum(excess, 0) * wrong), grad


@hinge_loss.mistake
def counts_the_label(scores, labels, margin=1.0):
    """This counts the label's own class, which adds the margin to every example: sum over the wrong classes only."""
    excess = excess_over(scores, labels, margin)
    grad = (excess > 0).astype(scores.dtype)
    grad[np.arange(len(labels)), labels] -= grad.sum(axis=1)
    return np.maximum(excess, 0).sum() / len(labels), grad / len(labels)


@hinge_loss.mistake
def only_the_worst(scores, labels, margin=1.0):
    """This counts the worst violator only: here all wrong classes within the margin are added up."""
    excess = excess_over(scores, labels, margin)
    rows = np.arange(len(labels))
    excess[rows, labels] = 0
    worst = excess.argmax(axis=1)
    grad = np.zeros_like(scores)
    hit = excess[rows, worst] > 0
    grad[rows[hit], worst[hit]] = 1
    grad[rows[hit], labels[hit]] = -1
    return np.maximum(excess.max(axis=1), 0).mean(), grad / len(labels)


@hinge_loss.mistake
def divides_by_the_classes(scores, labels, margin=1.0):
    """This divides by the number of classes, as torch's multi_margin_loss: here the wrong classes are added up."""
    loss, grad = hinge_of(excess_over(scores, labels, margin), labels)
    return loss / scores.size, grad / scores.size


@hinge_loss.mistake
def sum_over_all_examples(scores, labels, margin=1.0):
    """This is the sum over the examples: here loss and gradient are means."""
    return hinge_of(excess_over(scores, labels, margin), labels)


@hinge_loss.mistake
def slope_of_the_sum(scores, labels, margin=1.0):
    """The loss is the mean, the gradient that of the sum: it lacks 1/N."""
    loss, grad = hinge_of(excess_over(scores, labels, margin), labels)
    return loss / len(labels), grad


@hinge_loss.mistake
def margin_with_the_wrong_sign(scores, labels, margin=1.0):
    """This subtracts the margin: the label must be ahead BY the margin, so what it lacks is s_k - s_y + margin."""
    loss, grad = hinge_of(excess_over(scores, labels, -margin), labels)
    return loss / len(labels), grad / len(labels)


@hinge_loss.mistake
def label_counts_once(scores, labels, margin=1.0):
    """This gives the label -1, however many classes violate: each of them pulls it down by 1."""
    loss, grad = hinge_of(excess_over(scores, labels, margin), labels)
    return loss / len(labels), np.maximum(grad, -1) / len(labels)


@hinge_loss.mistake
def label_does_not_learn(scores, labels, margin=1.0):
    """This forgets the label's own gradient: its score stands in every term, with a minus."""
    loss, grad = hinge_of(excess_over(scores, labels, margin), labels)
    return loss / len(labels), np.maximum(grad, 0) / len(labels)


@hinge_loss.mistake
def counts_the_kink(scores, labels, margin=1.0):
    """This counts classes that are exactly at the margin: they cost nothing, and by convention have no gradient."""
    excess = excess_over(scores, labels, margin)
    _, grad = hinge_of(np.where(excess >= 0, 1, 0).astype(scores.dtype), labels)
    return hinge_of(excess, labels)[0] / len(labels), grad / len(labels)


@hinge_loss.mistake
def margin_always_one(scores, labels, margin=1.0):
    """This takes the margin 1, whatever is asked for."""
    loss, grad = hinge_of(excess_over(scores, labels, 1.0), labels)
    return loss / len(labels), grad / len(labels)


@hinge_loss.mistake
def squares_what_is_missing(scores, labels, margin=1.0):
    """This is the squared hinge loss: here what is missing counts as it is, and its slope is 1."""
    excess = excess_over(scores, labels, margin)
    wrong = np.arange(scores.shape[1]) != labels[:, None]
    missing = np.maximum(excess, 0) * wrong
    grad = 2 * (missing - ~wrong * missing.sum(axis=1, keepdims=True))
    return np.sum(missing**2) / len(labels), grad / len(labels)


@hinge_loss.solution
def by_masks(scores, labels, margin=1.0):
    loss, grad = hinge_of(excess_over(scores, labels, margin), labels)
    return loss / len(labels), grad / len(labels)


@hinge_loss.solution
def by_pairs(scores, labels, margin=1.0):
    grad, loss = np.zeros_like(scores), 0.0
    for n, label in enumerate(labels):
        for k in range(scores.shape[1]):
            missing = float(scores[n, k]) - float(scores[n, label]) + margin
            if k != label and missing > 0:
                loss += missing
                grad[n, k] += 1
                grad[n, label] -= 1
    return loss / len(labels), grad / len(labels)


@hinge_loss.solution
def by_subtracting_the_margin(scores, labels, margin=1.0):
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    violates = scores - own + margin > 0
    np.put_along_axis(violates, labels[:, None], False, axis=1)
    grad = violates.astype(scores.dtype)
    np.put_along_axis(grad, labels[:, None], -violates.sum(axis=1, keepdims=True), axis=1)
    return np.where(violates, scores - own + margin, 0).sum(axis=1).mean(), grad / len(scores)


# ---------------------------------------------------------------- sgd


def steps_of_every_kind(rng):
    """Arrays of every kind, each with a gradient of its size, and a rate."""
    for w, size in every_kind(rng):
        grad = np.asarray(size * rng.normal(size=w.shape)).astype(w.dtype)
        if not w.flags.writeable:
            grad.flags.writeable = False
        yield Call(w, grad, lr=float(np.float32(rng.uniform(0.2, 0.6))))


sgd = Exercise(
    "sgd",
    inputs=steps_of_every_kind,
    public=st.builds(
        lambda w, grad, lr: Call(w, np.resize(grad, w.shape).astype(w.dtype), lr=lr),
        small_arrays,
        small_arrays,
        strengths,
    ),
)


@sgd.property(points=2)
def goes_downhill(sgd, w, grad, *, lr):
    """The new w is w - lr grad."""
    new_w, _ = sgd(w, grad, lr=lr)
    close(new_w, w - lr * grad)


@sgd.property(points=1)
def moves_by_the_rate(sgd, w, grad, *, lr):
    """A rate of 0 stays, and twice the rate moves twice as far."""
    close(sgd(w, grad, lr=0.0)[0], w)
    close(sgd(w, grad, lr=2 * lr)[0], w - 2 * lr * grad)


@sgd.property(points=1)
def remembers_nothing(sgd, w, grad, *, lr):
    """The state is None after the step; it can be given to the next one, which does what it would without."""
    middle, state = sgd(w, grad, lr=lr)
    close((middle, state), (w - lr * grad, None))
    close(sgd(middle, grad, state, lr=lr), (w - lr * grad - lr * grad, None))


ask_for_manners(sgd)
sgd.solution(regopt.sgd)


@sgd.mistake
def climbs(w, grad, state=None, *, lr):
    """This adds the gradient, and climbs: the step goes against it."""
    return w + lr * grad, None


@sgd.mistake
def without_the_rate(w, grad, state=None, *, lr):
    """This forgets the rate: the step is lr grad."""
    return w - grad, None


@sgd.mistake
def only_the_step(w, grad, state=None, *, lr):
    """This returns the step -lr grad: the new w is asked for."""
    return -lr * grad, None


@sgd.mistake
def only_the_weights(w, grad, state=None, *, lr):
    """This returns the new w alone: the pair (new_w, state) is asked for, so that optimizers can be exchanged."""
    return w - lr * grad


@sgd.mistake
def remembers_the_gradient(w, grad, state=None, *, lr):
    """This returns something as the state: plain SGD remembers nothing, so it is None."""
    return w - lr * grad, grad.copy()


@sgd.mistake
def step_of_unit_length(w, grad, state=None, *, lr):
    """This divides the gradient by its length: a step of SGD is long where the loss is steep."""
    return w - lr * grad / max(float(np.linalg.norm(grad)), np.finfo(w.dtype).tiny), None


@sgd.mistake
def shrinks_the_weights(w, grad, state=None, *, lr):
    """This multiplies, w (1 - lr grad): the step is subtracted, whatever w is."""
    return w * (1 - lr * grad), None


@sgd.mistake
def mean_over_the_weights(w, grad, state=None, *, lr):
    """This divides the gradient by the number of weights: the mean over the mini-batch is already in it."""
    return w - lr * grad / max(w.size, 1), None


@sgd.solution
def by_formula(w, grad, state=None, *, lr):
    return w - lr * grad, state


@sgd.solution
def by_copy(w, grad, state=None, *, lr):
    new_w = w.copy()
    new_w -= lr * grad
    return new_w, None


@sgd.solution
def by_entries(w, grad, state=None, *, lr):
    new_w = np.empty_like(w)
    for i in np.ndindex(w.shape):
        new_w[i] = w[i] - lr * grad[i]
    return [new_w, None]
