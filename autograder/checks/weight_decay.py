"""Hidden checks of the assignment `weight_decay`."""

import numpy as np
from hypothesis import strategies as st

import regopt
from autograder.asserts import close
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind, halves, small_arrays, small_regressions, strengths
from autograder.manners import ask_for_manners

# ---------------------------------------------------------------- l2_penalty


def penalised(rng):
    """Every kind of array, in turn with each of the two conventions; lam is away from 1, whose powers are alike."""
    for number, (w, _) in enumerate(every_kind(rng)):
        convention = [{}, {"half": False}, {"half": True}][number % 3]
        yield Call(w, lam=float(np.float32(rng.uniform(1.5, 3))), **convention)
    yield Call(rng.normal(size=(2, 2)), lam=0.0, half=False)
    yield Call(rng.normal(size=4), lam=rng.uniform(0.3, 0.7))


l2_penalty = Exercise(
    "l2_penalty",
    inputs=penalised,
    public=st.builds(
        lambda w, matrix, lam, settings: Call(np.stack([w, w]) if matrix else w, lam=lam, **settings),
        small_arrays.filter(np.any),
        st.sampled_from([False, True]),
        strengths,
        st.sampled_from([{}, {"half": False}]),
    ),
)


@l2_penalty.property(points=2)
def is_the_penalty(l2_penalty, w, *, lam, half=True):
    """Unless told otherwise, the value is lam/2 times the sum of the squares of all weights."""
    close(value_of(l2_penalty(w, lam=lam)), regopt.l2_penalty(w, lam=lam)[0])


@l2_penalty.property(points=2)
def is_its_slope(l2_penalty, w, *, lam, half=True):
    """Unless told otherwise, the gradient is lam w."""
    close(slope_of(l2_penalty(w, lam=lam)), lam * w)


@l2_penalty.property(points=2)
def without_half_all_is_twice_as_much(l2_penalty, w, *, lam, half=True):
    """With half=False the value is lam times the sum of the squares, and the gradient 2 lam w."""
    close(l2_penalty(w, lam=lam, half=False), regopt.l2_penalty(w, lam=2 * lam))


@l2_penalty.property(points=2)
def value_and_gradient_belong_together(l2_penalty, w, *, lam, half=True):
    """The value grows as the gradient says: from w/2 to 3w/2 by w times the gradient at w (a parabola's slope)."""
    settings = {"lam": lam, "half": half}
    grad = slope_of(l2_penalty(w, **settings))
    grown = value_of(l2_penalty(1.5 * w, **settings)) - value_of(l2_penalty(0.5 * w, **settings))
    assert grad.shape == w.shape, f"got a gradient of shape {grad.shape}, expected {w.shape}"
    assert grown > 0 or lam == 0 or w.size == 0, "the penalty does not grow"
    # The halves and thirds of float32 weights are rounded, and so are their sums.
    close(grown, np.sum(grad * w), rtol=1e-5 if w.dtype == np.float32 else None)


def value_of(pair):
    return np.asarray(require_pair(pair)[0])


def slope_of(pair):
    return np.asarray(require_pair(pair)[1])


def require_pair(result):
    assert isinstance(result, tuple | list), "expected two values, got one"
    assert len(result) == 2, f"expected two values, got {len(result)}"
    return result


ask_for_manners(l2_penalty)
l2_penalty.solution(regopt.l2_penalty)


@l2_penalty.mistake
def never_halves(w, *, lam, half=True):
    """This is lam ||w||^2 with the gradient 2 lam w whatever `half` says: the default here has lam/2, as torch."""
    return lam * np.sum(w**2), 2 * lam * w


@l2_penalty.mistake
def always_halves(w, *, lam, half=True):
    """This is lam/2 ||w||^2 with the gradient lam w whatever `half` says: without the half both are twice as large."""
    return lam / 2 * np.sum(w**2), lam * w


@l2_penalty.mistake
def mixes_the_conventions(w, *, lam, half=True):
    """This has the same gradient, lam w, for both penalties: that of lam ||w||^2 without the half is 2 lam w."""
    return (lam / 2 if half else lam) * np.sum(w**2), lam * w


@l2_penalty.mistake
def gradient_of_the_other(w, *, lam, half=True):
    """This has the half in the value and not in the gradient: the slope of lam/2 w^2 is lam w, not 2 lam w."""
    return (lam / 2 if half else lam) * np.sum(w**2), 2 * lam * w


@l2_penalty.mistake
def half_means_without(w, *, lam, half=True):
    """This has `half` the wrong way round: half=True is the penalty with the half, half=False the one without."""
    factor = 2 * lam if half else lam
    return factor / 2 * np.sum(w**2), factor * w


@l2_penalty.mistake
def norm_without_its_square(w, *, lam, half=True):
    """This takes the norm ||w|| for the value: the penalty is its SQUARE, the sum of the squares without the root."""
    factor = lam if half else 2 * lam
    return factor / 2 * np.sqrt(np.sum(w**2)), factor * w


@l2_penalty.mistake
def not_summed(w, *, lam, half=True):
    """This returns one penalty for every weight: the value is their sum, a single number."""
    factor = lam if half else 2 * lam
    return factor / 2 * w**2, factor * w


@l2_penalty.mistake
def mean_of_the_weights(w, *, lam, half=True):
    """This divides by the number of weights, as np.mean does: the penalty is the sum over the weights."""
    factor = (lam if half else 2 * lam) / max(w.size, 1)
    return factor / 2 * np.sum(w**2), factor * w


@l2_penalty.mistake
def for_vectors_only(w, *, lam, half=True):
    """This takes w @ w for the sum of the squares: that is a product of matrices, so it is right for vectors only."""
    factor = lam if half else 2 * lam
    return factor / 2 * (w @ w), factor * w


@l2_penalty.mistake
def penalty_downhill(w, *, lam, half=True):
    """This has the gradient's sign turned: a gradient points uphill, away from zero, and the step subtracts it."""
    factor = lam if half else 2 * lam
    return factor / 2 * np.sum(w**2), -factor * w


@l2_penalty.mistake
def absolute_values(w, *, lam, half=True):
    """This is the L1 penalty, lam times the sum of |w|: L2 takes squares, and its push fades as w does."""
    factor = lam if half else 2 * lam
    return factor * np.sum(np.abs(w)), factor * np.sign(w)


@l2_penalty.solution
def by_factor(w, *, lam, half=True):
    factor = lam / 2 if half else lam
    return factor * (w**2).sum(), 2 * factor * w


@l2_penalty.solution
def by_norm(w, *, lam, half=True):
    lam = lam if half else 2 * lam
    return 0.5 * lam * float(np.linalg.norm(np.ravel(w))) ** 2, np.multiply(lam, w)


@l2_penalty.solution
def by_accumulating(w, *, lam, half=True):
    total, grad = 0.0, np.empty_like(w)
    for i in np.ndindex(w.shape):
        total += float(w[i]) ** 2
        grad[i] = lam * w[i] if half else lam * w[i] + lam * w[i]
    return lam * total / (1 + half), grad


# ---------------------------------------------------------------- ridge, ridge_shrinkage

# Ridge in float32 by the normal equations: the condition of X'X + lam I is below 100 at the inputs, each rounding is
# 6e-8, and a sum has a few dozen of them. The mistakes are off by 1e-2 and more.
SINGLE = 1e-4


def rough(X):
    return SINGLE if X.dtype == np.float32 else None


def penalised_regressions(rng):
    """Tall, wide and square X, and curvatures h, of every kind; lam of middle size, where all factors differ."""

    def curvatures(*shape):
        h = np.asarray((lam or 1) * np.exp(rng.uniform(-1.5, 1.5, size=shape)))
        h.flat[1:2] = 0  # a direction without data, where there is more than one
        return h

    for rows, columns, shape in [(12, 3, (2, 3)), (3, 5, (1, 2, 2)), (1, 1, ()), (4, 4, (5,))]:
        X = rng.normal(size=(rows, columns)) * rng.uniform(0.7, 2, size=columns) + 0.5
        y = X[:, 0] + 1 + rng.normal(size=rows)
        lam = float(np.float32(rng.uniform(0.3, 0.6) * np.linalg.norm(X, 2) ** 2 + 0.1))
        yield Call(X, y, curvatures(*shape), lam=lam)
        if rows == 12:
            yield Call(
                np.asfortranarray(1e4 * X), np.repeat(y, 2)[::2], np.repeat(1e8 * curvatures(4), 2)[::2], lam=1e8 * lam
            )
            yield Call(X.astype(np.float32), y.astype(np.float32), curvatures(3).astype(np.float32), lam=lam)
            lam = 0.0
            yield Call(X, y, curvatures(3), lam=lam)
    h = curvatures(5)
    X.flags.writeable = y.flags.writeable = h.flags.writeable = False
    yield Call(X, y, h, lam=lam / 4)
    yield Call(np.empty((0, 2)), np.empty(0), np.empty(0), lam=lam)


def has_one_solution(X, y):
    """Where lam is zero there are more unless the columns are independent; where X'y is zero, w is rounding."""
    return np.linalg.matrix_rank(X) == X.shape[1] and np.any(X.T @ y)


ridge = Exercise(
    "ridge",
    "ridge_shrinkage",
    inputs=penalised_regressions,
    public=st.builds(
        lambda data, h, lam: Call(*data, np.array(h, data[0].dtype), lam=lam),
        small_regressions().filter(lambda data: has_one_solution(*data)),
        st.lists(st.sampled_from([1.0, 0.0, 4.0]), min_size=1, max_size=2),
        st.sampled_from([1.0, 2.0, 0.5, 0.0]),
    ),
    # X'X may be solved, decomposed or made from more rows: they part by the rounding of float32 times its condition.
    tolerance=2 * SINGLE,
)


@ridge.use
def solution_and_factors(ridge, ridge_shrinkage, X, y, h, *, lam):
    """The weights, and the factors of some curvatures h."""
    return ridge(X, y, lam=lam), ridge_shrinkage(h, lam=lam)


@ridge.property(points=4)
def minimises_the_penalised_loss(ridge, ridge_shrinkage, X, y, h, *, lam):
    """The w that you return minimises 1/2 ||y - X w||^2 + lam/2 ||w||^2: no other w is lower."""
    close(ridge(X, y, lam=lam), regopt.ridge(X, y, lam=lam), rtol=rough(X))


@ridge.property(points=1)
def examples_are_summed(ridge, ridge_shrinkage, X, y, h, *, lam):
    """The loss is a sum: every example twice, and twice the lam, change nothing; twice the lam alone does."""
    w = np.asarray(ridge(X, y, lam=lam))
    assert w.shape == (X.shape[1],), f"got shape {w.shape}, expected {(X.shape[1],)}"
    close(ridge(np.vstack([X, X]), np.append(y, y), lam=2 * lam), w, rtol=rough(X))
    assert not np.any(X) or not lam or np.any(np.abs(ridge(X, y, lam=2 * lam) - w) > 1e-3 * np.abs(w))


@ridge.property(points=1)
def turns_with_the_features(ridge, ridge_shrinkage, X, y, h, *, lam):
    """The penalty is the same in all directions: if the features are turned and mirrored, w turns with them."""
    turned = np.eye(X.shape[1], dtype=X.dtype) - X.dtype.type(2 / X.shape[1])  # mirrors at a plane
    w = np.asarray(ridge(X, y, lam=lam))
    assert np.any(w) or not np.any(X.T @ y), "the weights are zero"
    close(np.asarray(ridge(X @ turned, y, lam=lam)), turned @ w, rtol=rough(X))


@ridge.property(points=3)
def keeps_its_share(ridge, ridge_shrinkage, X, y, h, *, lam):
    """ridge_shrinkage gives h / (h + lam), the share that is left along a direction of curvature h > 0."""
    h = np.where(h > 0, h, h.dtype.type(lam + 1))
    close(ridge_shrinkage(h, lam=lam), h / (h + lam))


@ridge.property(points=1)
def nothing_stays_where_no_data_are(ridge, ridge_shrinkage, X, y, h, *, lam):
    """Along a direction of curvature 0 the factor is 0, without a penalty (lam = 0) too; all others are 1 then."""
    close(ridge_shrinkage(h, lam=0.0), (h > 0).astype(h.dtype))


@ridge.property(points=2)
def factors_are_those_of_the_solution(ridge, ridge_shrinkage, X, y, h, *, lam):
    """Along each singular direction of X your ridge is your factor times least squares."""
    if len(X) == 0:
        return
    _, s, Vt = np.linalg.svd(X, full_matrices=False)
    w = np.asarray(ridge(X, y, lam=lam))
    assert np.any(w), "the weights are zero"
    close(Vt @ w, np.asarray(ridge_shrinkage(s**2, lam=lam)) * (Vt @ np.linalg.lstsq(X, y)[0]), rtol=rough(X))


@ridge.solution
class Library:
    ridge = regopt.ridge
    ridge_shrinkage = regopt.ridge_shrinkage


ask_for_manners(ridge, rtol=SINGLE)


def solve(X, y, lam):
    """The formula, for mistakes that have something else wrong."""
    return np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1], dtype=X.dtype), X.T @ y)


def share(h, lam):
    return np.divide(h, h + lam, out=np.zeros_like(h), where=h + lam > 0)


@ridge.mistake
class MeanOfTheExamples:
    """This takes the mean over the examples: the loss is their sum here, as in scikit-learn's Ridge; the mean's lam is
    lam / N."""

    @staticmethod
    def ridge(X, y, *, lam):
        return solve(X, y, len(X) * lam)


@ridge.mistake
class PenaltyWithoutItsHalf:
    """This solves with X'X + 2 lam I: the penalty is lam/2 ||w||^2, whose gradient is lam w."""

    @staticmethod
    def ridge(X, y, *, lam):
        return solve(X, y, 2 * lam)


@ridge.mistake
class LossWithoutItsHalf:
    """This solves with X'X + lam/2 I, which minimises ||y - X w||^2 + lam/2 ||w||^2: the loss has 1/2 before it too."""

    @staticmethod
    def ridge(X, y, *, lam):
        return solve(X, y, lam / 2)


@ridge.mistake
class LamInEveryEntry:
    """This adds lam to every entry of X'X: only the diagonal gets it, so add lam * np.eye(d)."""

    @staticmethod
    def ridge(X, y, *, lam):
        return np.linalg.lstsq(X.T @ X + lam, X.T @ y)[0].astype(X.dtype)


@ridge.mistake
class LeastSquares:
    """This is least squares: lam has no effect."""

    @staticmethod
    def ridge(X, y, *, lam):
        return np.linalg.lstsq(X, y)[0]


@ridge.mistake
class AllAlike:
    """This divides the least-squares weights by 1 + lam: ridge shrinks each direction by a factor of its own."""

    @staticmethod
    def ridge(X, y, *, lam):
        return np.linalg.lstsq(X, y)[0] / (1 + lam)


@ridge.mistake
class CentresTheData:
    """This takes the means off X and y first, which fits an intercept: none is asked for, use X and y as they are."""

    @staticmethod
    def ridge(X, y, *, lam):
        count = max(len(X), 1)
        return solve(X - X.sum(axis=0) / count, y - y.sum() / count, lam)


@ridge.mistake
class SingularValuesNotSquared:
    """This has s + lam where s^2 + lam belongs: the curvature along a singular direction is the SQUARE of s."""

    @staticmethod
    def ridge(X, y, *, lam):
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        return Vt.T @ (np.divide(1, s + lam, out=np.zeros_like(s), where=s + lam > 0) * (U.T @ y))

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        return share(np.sqrt(curvature), lam)


@ridge.mistake
class ForgetsToDivide:
    """This multiplies U'y by s^2 / (s^2 + lam): that factor is for the least-squares weights, which are U'y / s."""

    @staticmethod
    def ridge(X, y, *, lam):
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        return Vt.T @ (share(s**2, lam) * (U.T @ y))


@ridge.mistake
class SquaresTheCurvature:
    """This squares what it is given: the curvature h is already the square of the singular value."""

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        return share(curvature**2, lam)


@ridge.mistake
class WhatIsTakenAway:
    """This is lam / (h + lam), the share that ridge takes away: asked for is the one that it leaves."""

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        return np.divide(lam, curvature + lam, out=np.zeros_like(curvature), where=curvature + lam > 0)


@ridge.mistake
class NotANumberWithoutData:
    """This is 0/0 where there is neither curvature nor penalty: a direction without data stays at zero."""

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        return curvature / (curvature + lam)


@ridge.solution
class ByNormalEquations:
    @staticmethod
    def ridge(X, y, *, lam):
        A = X.T @ X
        A[np.diag_indices_from(A)] += lam
        return np.linalg.inv(A) @ (X.T @ y)

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        return np.where(curvature == 0, 0, 1 / (1 + lam / np.where(curvature == 0, 1, curvature))).astype(
            curvature.dtype
        )


@ridge.solution
class BySingularValues:
    @staticmethod
    def ridge(X, y, *, lam):
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        return sum(
            (s[i] / (s[i] ** 2 + lam) * (U[:, i] @ y) * Vt[i] for i in range(len(s))), np.zeros_like(X[:0].sum(0))
        )

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(curvature / (curvature + lam))


@ridge.solution
class ByMoreData:
    @staticmethod
    def ridge(X, y, *, lam):
        d = X.shape[1]
        more = np.sqrt(lam) * np.eye(d)
        return np.linalg.lstsq(np.vstack([X, more]), np.append(y, np.zeros(d)))[0].astype(X.dtype)

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        left = np.zeros_like(curvature)
        for i in np.ndindex(curvature.shape):
            if curvature[i] > 0:
                left[i] = curvature[i] / (curvature[i] + lam)
        return left


@ridge.solution
class ByEigenvectors:
    @staticmethod
    def ridge(X, y, *, lam):
        h, V = np.linalg.eigh(X.T @ X)
        return V @ ((V.T @ (X.T @ y)) / (h + lam))

    @staticmethod
    def ridge_shrinkage(curvature, *, lam):
        total = curvature + lam
        return curvature / np.where(total == 0, 1, total).astype(curvature.dtype)


# ---------------------------------------------------------------- sgd_l2


def steps_of(rng, **settings):
    """Every kind of w, with a gradient like it; lr and lam so large that the terms in lr lam are far from rounding."""
    for w, size in every_kind(rng):
        grad = np.asarray(size * rng.normal(size=w.shape), w.dtype)
        if not w.flags.c_contiguous:
            grad = grad.copy(order="F")
        grad.flags.writeable = w.flags.writeable
        lr, lam = rng.uniform(0.2, 0.4), rng.uniform(0.5, 1.5)
        yield Call(w, grad, lr=float(np.float32(lr)), lam=float(np.float32(lam)), **settings)


def penalised_steps(rng):
    yield from steps_of(rng)
    yield Call(rng.normal(size=3), rng.normal(size=3), None, lr=rng.uniform(0.2, 0.4), lam=0.0)


def small_steps(**settings):
    """A weight, a gradient of its shape and type, lr and lam."""
    pairs = small_arrays.flatmap(lambda w: st.tuples(st.just(w), st.lists(halves, min_size=len(w), max_size=len(w))))
    return st.builds(
        lambda pair, **named: Call(pair[0], np.array(pair[1], pair[0].dtype), **named),
        pairs,
        lr=st.sampled_from([0.5, 0.25]),
        lam=strengths,
        **settings,
    )


sgd_l2 = Exercise("sgd_l2", inputs=penalised_steps, public=small_steps())


def weights_after(result, w):
    """The first of the two values that a step returns."""
    after = np.asarray(require_pair(result)[0])
    assert after.shape == w.shape, f"got weights of shape {after.shape}, expected {w.shape}"
    return after


def ulp(w, *others):
    """What is known of a small difference of large weights: a few roundings of the largest."""
    largest = max(np.max(np.abs(each), initial=0) for each in (w, *others))
    return 8 * np.finfo(w.dtype).eps * largest


@sgd_l2.property(points=3)
def steps_down_the_penalised_loss(sgd_l2, w, grad, state=None, *, lr, lam):
    """The new weights are w - lr (grad + lam w)."""
    close(weights_after(sgd_l2(w, grad, state, lr=lr, lam=lam), w), regopt.sgd_l2(w, grad, lr=lr, lam=lam)[0])


@sgd_l2.property(points=1)
def without_lam_it_is_sgd(sgd_l2, w, grad, state=None, *, lr, lam):
    """With lam = 0 it is plain SGD, w - lr grad."""
    close(weights_after(sgd_l2(w, grad, lr=lr, lam=0.0), w), w - lr * grad)


@sgd_l2.property(points=1)
def lam_adds_its_own_pull(sgd_l2, w, grad, state=None, *, lr, lam):
    """Beside the step without a penalty, lam pulls by -lr lam w, whatever the gradient is."""
    with_lam = weights_after(sgd_l2(w, grad, lr=lr, lam=lam), w)
    close(with_lam - weights_after(sgd_l2(w, grad, lr=lr, lam=0.0), w), -lr * lam * w, atol=ulp(w, grad))


@sgd_l2.property(points=1)
def rests_at_the_minimum(sgd_l2, w, grad, state=None, *, lr, lam):
    """Where grad = -lam w the penalised loss is flat and the step goes nowhere; elsewhere it goes somewhere."""
    close(weights_after(sgd_l2(w, -lam * w, lr=lr, lam=lam), w), w)
    uphill = 1 + np.abs(w) - lam * w
    assert w.size == 0 or np.any(weights_after(sgd_l2(w, uphill, lr=lr, lam=lam), w) != w), "it moves nowhere"


@sgd_l2.property(points=1)
def has_no_state(sgd_l2, w, grad, state=None, *, lr, lam):
    """It returns two values, the right weights and None."""
    close(sgd_l2(w, grad, None, lr=lr, lam=lam), regopt.sgd_l2(w, grad, lr=lr, lam=lam))


ask_for_manners(sgd_l2)
sgd_l2.solution(regopt.sgd_l2)


@sgd_l2.mistake
def without_penalty(w, grad, state=None, *, lr, lam):
    """This is plain SGD: the penalty's gradient lam w is missing."""
    return w - lr * grad, None


@sgd_l2.mistake
def penalty_not_times_lr(w, grad, state=None, *, lr, lam):
    """This takes off lam w in full: the penalty is part of the loss, so its gradient goes by lr as well."""
    return w - lr * grad - lam * w, None


@sgd_l2.mistake
def gradient_of_lam_w_squared(w, grad, state=None, *, lr, lam):
    """This adds 2 lam w, the gradient of lam ||w||^2: here the penalty is lam/2 ||w||^2, as in torch."""
    return w - lr * (grad + 2 * lam * w), None


@sgd_l2.mistake
def penalty_pushes_away(w, grad, state=None, *, lr, lam):
    """This subtracts the penalty's gradient from the loss's: the weights are pushed away from zero. Add the two."""
    return w - lr * (grad - lam * w), None


@sgd_l2.mistake
def goes_uphill(w, grad, state=None, *, lr, lam):
    """This goes uphill: the gradient points up, so the step subtracts it."""
    return w + lr * (grad + lam * w), None


@sgd_l2.mistake
def adds_the_value(w, grad, state=None, *, lr, lam):
    """This adds lam/2 w^2, the penalty itself, to the gradient: what belongs there is the penalty's slope, lam w."""
    return w - lr * (grad + lam / 2 * w**2), None


@sgd_l2.mistake
def sign_instead_of_weight(w, grad, state=None, *, lr, lam):
    """This adds lam sign(w), the slope of the L1 penalty: that of L2 is lam w, which fades as w does."""
    return w - lr * (grad + lam * np.sign(w)), None


@sgd_l2.mistake
def decays_after_the_step(w, grad, state=None, *, lr, lam):
    """This multiplies by 1 - lr lam after the step, and so the step too: take the penalty's slope at the OLD w."""
    return (1 - lr * lam) * (w - lr * grad), None


@sgd_l2.mistake
def weights_alone(w, grad, state=None, *, lr, lam):
    """This returns the weights alone: as every optimizer here it returns two values, the weights and the state."""
    return w - lr * (grad + lam * w)


@sgd_l2.solution
def by_the_penalised_gradient(w, grad, state=None, *, lr, lam):
    return w - lr * (grad + lam * w), None


@sgd_l2.solution
def by_shrinking(w, grad, state=None, *, lr, lam):
    return (1 - lr * lam) * w - lr * grad, state


@sgd_l2.solution
def in_a_copy(w, grad, state=None, *, lr, lam):
    new = w.copy()
    new -= lr * grad
    new -= lr * lam * w
    return new, None


@sgd_l2.solution
def weight_by_weight(w, grad, state=None, *, lr, lam):
    new = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        new[i] = w[i] - lr * (grad[i] + lam * w[i])
    return [new, None]


# ---------------------------------------------------------------- sgd_weight_decay

ORDERS = ("decay_first", "step_first")


def decayed_steps(rng):
    """Every kind of w, the orders in turn; once more each order for vectors, and the default."""
    for number, call in enumerate(steps_of(rng)):
        call.kwargs["order"] = ORDERS[number % 2]
        yield call
    w, grad = rng.normal(size=(2, 3))
    yield Call(w, grad, lr=rng.uniform(0.2, 0.4), lam=rng.uniform(0.5, 1.5))
    yield Call(w, grad, None, lr=rng.uniform(0.2, 0.4), lam=rng.uniform(0.5, 1.5), order="step_first")


sgd_weight_decay = Exercise("sgd_weight_decay", inputs=decayed_steps, public=small_steps(order=st.sampled_from(ORDERS)))


def after_decay(w, grad, lr, lam, order):
    return regopt.sgd_weight_decay(w, grad, lr=lr, lam=lam, order=order)[0]


@sgd_weight_decay.property(points=3)
def decays_the_old_weights(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """Unless told otherwise, the decay is of the old weights: (1 - lr lam) w - lr grad."""
    close(weights_after(sgd_weight_decay(w, grad, state, lr=lr, lam=lam), w), after_decay(w, grad, lr, lam, ORDERS[0]))


@sgd_weight_decay.property(points=3)
def decays_what_the_step_made(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """With order="step_first" the decay is of what the step has made: (1 - lr lam) (w - lr grad)."""
    got = weights_after(sgd_weight_decay(w, grad, state, lr=lr, lam=lam, order="step_first"), w)
    close(got, after_decay(w, grad, lr, lam, "step_first"))


@sgd_weight_decay.property(points=1)
def orders_differ_by_lr_squared(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """The two orders differ by lr^2 lam grad."""
    first, after = (
        weights_after(sgd_weight_decay(w, grad, lr=lr, lam=lam, order=each), w).astype(float) for each in ORDERS
    )
    close(after - first, lr**2 * lam * grad.astype(float), atol=ulp(w, grad))


@sgd_weight_decay.property(points=1)
def shrinks_where_the_loss_is_flat(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """Without a gradient one factor is left, 1 - lr lam, in either order."""
    close(weights_after(sgd_weight_decay(w, 0 * grad, lr=lr, lam=lam, order=order), w), (1 - lr * lam) * w)


@sgd_weight_decay.property(points=1)
def settles_where_it_should(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """On 1/2 (w - a)^2 it settles at a / (1 + lam), or at a (1 - lr lam) / (1 + lam (1 - lr)) after the step."""
    share = 1 / (1 + lam) if order == "decay_first" else (1 - lr * lam) / (1 + lam * (1 - lr))
    resting = np.asarray(share * grad, grad.dtype)  # grad as the point a
    close(weights_after(sgd_weight_decay(resting, resting - grad, lr=lr, lam=lam, order=order), w), resting)
    far = resting + 1 + np.abs(grad)
    moved = weights_after(sgd_weight_decay(far, far - grad, lr=lr, lam=lam, order=order), w)
    assert w.size == 0 or np.any(moved != far), "it moves nowhere"


@sgd_weight_decay.property(points=1)
def returns_no_state(sgd_weight_decay, w, grad, state=None, *, lr, lam, order="decay_first"):
    """It returns two values, the right weights and None."""
    got = sgd_weight_decay(w, grad, None, lr=lr, lam=lam, order=order)
    close(got, (after_decay(w, grad, lr, lam, order), None))


ask_for_manners(sgd_weight_decay)
sgd_weight_decay.solution(regopt.sgd_weight_decay)


def either(first, after, order):
    return (first if order == "decay_first" else after), None


@sgd_weight_decay.mistake
def never_after_the_step(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This decays the old weights whatever `order` says: with "step_first" the step comes first, and is decayed too."""
    return (1 - lr * lam) * w - lr * grad, None


@sgd_weight_decay.mistake
def always_after_the_step(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This decays what the step has made, whatever `order` says: by default the decay is of the OLD weights."""
    return (1 - lr * lam) * (w - lr * grad), None


@sgd_weight_decay.mistake
def orders_swapped(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This has the two orders the wrong way round."""
    return either((1 - lr * lam) * (w - lr * grad), (1 - lr * lam) * w - lr * grad, order)


@sgd_weight_decay.mistake
def decays_by_lam(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This multiplies by 1 - lam: the decay goes with the rate here as in torch, so the factor is 1 - lr lam."""
    return either((1 - lam) * w - lr * grad, (1 - lam) * (w - lr * grad), order)


@sgd_weight_decay.mistake
def decays_twice_as_much(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This multiplies by 1 - 2 lr lam, which belongs to the penalty lam ||w||^2: here it is lam/2 ||w||^2."""
    return either((1 - 2 * lr * lam) * w - lr * grad, (1 - 2 * lr * lam) * (w - lr * grad), order)


@sgd_weight_decay.mistake
def grows_instead(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This multiplies by 1 + lr lam: the weights grow, where a decay shrinks them."""
    return either((1 + lr * lam) * w - lr * grad, (1 + lr * lam) * (w - lr * grad), order)


@sgd_weight_decay.mistake
def divides_instead(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This divides by 1 + lr lam: that is the proximal step, near to 1 - lr lam only where lr lam is small."""
    return either(w / (1 + lr * lam) - lr * grad, (w - lr * grad) / (1 + lr * lam), order)


@sgd_weight_decay.mistake
def step_without_rate(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This steps by the whole gradient: the rate lr belongs before it."""
    return either((1 - lr * lam) * w - grad, (1 - lr * lam) * (w - grad), order)


@sgd_weight_decay.mistake
def climbs_and_decays(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This goes uphill: the gradient points up, so the step subtracts it."""
    return either((1 - lr * lam) * w + lr * grad, (1 - lr * lam) * (w + lr * grad), order)


@sgd_weight_decay.mistake
def decayed_weights_alone(w, grad, state=None, *, lr, lam, order="decay_first"):
    """This returns the weights alone: as every optimizer here it returns two values, the weights and the state."""
    return either((1 - lr * lam) * w - lr * grad, (1 - lr * lam) * (w - lr * grad), order)[0]


@sgd_weight_decay.solution
def by_the_two_formulas(w, grad, state=None, *, lr, lam, order="decay_first"):
    return either((1 - lr * lam) * w - lr * grad, (1 - lr * lam) * (w - lr * grad), order)


@sgd_weight_decay.solution
def by_the_penalty(w, grad, state=None, *, lr, lam, order="decay_first"):
    rate = lr if order == "decay_first" else lr * (1 - lr * lam)
    return w - (lr * lam * w + rate * grad), None


@sgd_weight_decay.solution
def step_then_decay_in_a_copy(w, grad, state=None, *, lr, lam, order="decay_first"):
    new = w.copy()
    for part in order.split("_")[0], {"decay_first": "step", "step_first": "decay"}[order]:
        if part == "step":
            new -= lr * grad
        else:
            new *= 1 - lr * lam
    return new, state


@sgd_weight_decay.solution
def each_weight_by_itself(w, grad, state=None, *, lr, lam, order="decay_first"):
    new = np.empty_like(w)
    for i in np.ndindex(w.shape):
        decayed = w[i] - lr * lam * w[i]
        if order == "step_first":
            stepped = w[i] - lr * grad[i]
            decayed = stepped - lr * lam * stepped
        new[i] = decayed - lr * grad[i] if order == "decay_first" else decayed
    return new, None
