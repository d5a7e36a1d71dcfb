"""Hidden checks of the assignment `soft_thresholding`."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

import regopt
from autograder.asserts import close, unchanged
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind, small_arrays, small_regressions, strengths
from autograder.manners import ask_for_manners
from autograder.questions import remembered

right_ista, right_path = remembered(regopt.ista), remembered(regopt.lasso_path)

# ---------------------------------------------------------------- l1_subgradient


def weights(rng):
    """Every kind of array, each with a zero in it where it has room."""
    for w, _ in every_kind(rng):
        lam = rng.uniform(0.3, 3)
        if w.size > 1 and w.flags.writeable:
            w.flat[rng.integers(w.size)] = 0
        yield Call(w, lam=lam)
    yield Call(np.array([0.0, -0.0, 1e-300, -1e-300, 5.0]), lam=rng.uniform(0.3, 3))
    yield Call(rng.normal(size=4), lam=0.0)


l1_subgradient = Exercise(
    "l1_subgradient",
    inputs=weights,
    public=st.builds(lambda w, lam: Call(w, lam=lam), small_arrays, strengths),
)


@l1_subgradient.property(points=3)
def is_the_slope(l1_subgradient, w, lam):
    """Where w is not zero you return the derivative of lam |w|: how much it rises to the right of w."""
    g, there = np.asarray(l1_subgradient(w, lam=lam)), w != 0
    assert g.shape == w.shape
    step = np.abs(w[there]) / 2
    close(g[there] * step, lam * np.abs(w[there] + step) - lam * np.abs(w[there]))


@l1_subgradient.property(points=1)
def is_zero_at_zero(l1_subgradient, w, lam):
    """Where w is exactly zero you return 0, as torch does, and elsewhere you do not (unless lam is 0)."""
    close(np.asarray(l1_subgradient(w, lam=lam)) == 0, (w == 0) | (lam == 0))


@l1_subgradient.property(points=1)
def supports_the_penalty(l1_subgradient, w, lam):
    """The line of your slope through (w, lam |w|) is nowhere above lam |u|: that is a subgradient."""
    g = np.asarray(l1_subgradient(w, lam=lam))
    for u in (-2 * w, 0 * w, 3 * w):
        rise = g * (u - w)
        assert np.all(lam * np.abs(w) + rise <= lam * np.abs(u) + 1e-6 * lam * np.abs(w))
    close(g, regopt.l1_subgradient(w, lam=lam))


@l1_subgradient.property(points=1)
def does_not_weaken(l1_subgradient, w, lam):
    """Ten times smaller weights of the other sign are pushed as hard, the other way; L2 would push ten times less."""
    pushed = l1_subgradient(-w / 10, lam=lam)  # asked first, so that all inputs are asked about in one turn
    g = np.asarray(l1_subgradient(w, lam=lam))
    close(pushed, -g)
    close(g, regopt.l1_subgradient(w, lam=lam))


ask_for_manners(l1_subgradient)
l1_subgradient.solution(regopt.l1_subgradient)


@l1_subgradient.mistake
def gradient_of_l2(w, lam):
    """This is lam w, the gradient of the L2 penalty: the push of L1 is lam, however small w is."""
    return lam * w


@l1_subgradient.mistake
def without_lam(w, lam):
    """This is sign(w): the strength lam is missing."""
    return np.sign(w)


@l1_subgradient.mistake
def downhill(w, lam):
    """This is -lam sign(w), the direction of the step: a gradient points uphill, and the step subtracts it."""
    return -lam * np.sign(w)


@l1_subgradient.mistake
def penalty_itself(w, lam):
    """This is lam |w|, the penalty, where its slope is asked for."""
    return lam * np.abs(w)


@l1_subgradient.mistake
def not_a_number_at_zero(w, lam):
    """This is lam w / |w|, which is 0/0 at w = 0: np.sign is defined there."""
    return lam * w / np.abs(w)


@l1_subgradient.mistake
def pushes_at_zero(w, lam):
    """This is lam where w is zero: a subgradient too, but it pushes a weight that is already at zero away from it."""
    return np.where(w >= 0, lam, -lam).astype(w.dtype)


@l1_subgradient.mistake
def mean_over_weights(w, lam):
    """This is lam sign(w) / w.size, the slope of a mean: the penalty is the sum over the weights."""
    return lam * np.sign(w) / max(w.size, 1)


@l1_subgradient.solution
def by_sign(w, lam):
    return lam * np.sign(w)


@l1_subgradient.solution
def by_comparing(w, lam):
    return (lam * ((w > 0).astype(float) - (w < 0))).astype(w.dtype)


@l1_subgradient.solution
def by_dividing(w, lam):
    size = np.abs(w)
    return lam * np.divide(w, size, out=np.zeros_like(w), where=size > 0)


@l1_subgradient.solution
def by_branches(w, lam):
    g = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        if w[i] > 0:
            g[i] = lam
        elif w[i] < 0:
            g[i] = -lam
    return g


# ---------------------------------------------------------------- soft_threshold


def prox_inputs(rng):
    """Every kind of array; about half of its entries lie within lam."""
    for x, size in every_kind(rng):
        yield Call(np.asarray(2 * x), float(np.float32(size * rng.uniform(0.5, 1.5))))
    yield Call(np.array([1.0, -1.0, 2.0, -2.0]), 1.0)  # on the edge
    yield Call(rng.normal(size=5), 0.0)


soft_threshold = Exercise("soft_threshold", inputs=prox_inputs, public=st.builds(Call, small_arrays, strengths))


@soft_threshold.property(points=3)
def is_the_prox(soft_threshold, x, lam):
    """What you return minimises 1/2 (u - x)^2 + lam |u|: no other u is lower."""
    close(soft_threshold(x, lam), regopt.soft_threshold(x, lam))


@soft_threshold.property(points=2)
def lands_on_zero(soft_threshold, x, lam):
    """Entries of x no farther from zero than lam become exactly zero, and only those."""
    close(np.asarray(soft_threshold(x, lam)) == 0, np.abs(x) <= lam)


@soft_threshold.property(points=2)
def moves_by_lam(soft_threshold, x, lam):
    """Entries farther from zero than lam move towards zero by lam, whatever their sign."""
    far = np.abs(x) > lam
    u = np.asarray(soft_threshold(x, lam))
    assert u.shape == x.shape
    # What is left of x is known to the rounding of x: 1e-6 of it in float32.
    close(np.abs(x)[far] - np.abs(u)[far], np.full(x[far].shape, lam), atol=1e-6 * np.max(np.abs(x), initial=0))
    close(np.sign(u[far]), np.sign(x[far]))


@soft_threshold.property(points=1)
def is_odd_and_brings_closer(soft_threshold, x, lam):
    """Turning the sign of x turns that of the answer, and x and -x end up no farther apart than they were."""
    v, u = np.asarray(soft_threshold(-x, lam)), np.asarray(soft_threshold(x, lam))  # what is new first: see above
    close(v, -u)
    assert np.all(np.abs(v - u) <= 2 * np.abs(x) * (1 + 1e-6))
    close(np.any(u != x), x.size > 0 and lam > 0 and bool(np.any(x)))


ask_for_manners(soft_threshold)
soft_threshold.solution(regopt.soft_threshold)


def threshold(x, lam):
    """The formula, for mistakes that have something else wrong."""
    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)


@soft_threshold.mistake
def hard_threshold(x, lam):
    """This is hard thresholding: what is beyond lam stays as it is, where it should move towards zero by lam."""
    return np.where(np.abs(x) > lam, x, np.zeros_like(x))


@soft_threshold.mistake
def subgradient_step(x, lam):
    """This is x - lam sign(x), a subgradient step: it steps over zero, where the prox stops at zero."""
    return x - lam * np.sign(x)


@soft_threshold.mistake
def forgets_the_sign(x, lam):
    """This is max(|x| - lam, 0) without the sign of x: negative entries come out positive."""
    return np.maximum(np.abs(x) - lam, 0)


@soft_threshold.mistake
def positive_side_only(x, lam):
    """This is max(x - lam, 0): right for positive x, but every negative entry becomes zero."""
    return np.maximum(x - lam, 0)


@soft_threshold.mistake
def l2_shrinkage(x, lam):
    """This is x / (1 + lam), the prox of lam/2 u^2: the L2 penalty shrinks everything and zeroes nothing."""
    return x / (1 + lam)


@soft_threshold.mistake
def twice_lam(x, lam):
    """This moves by 2 lam: it minimises 1/4 (u - x)^2 + lam |u|, where the prox has 1/2 (u - x)^2."""
    return threshold(x, 2 * lam)


@soft_threshold.mistake
def half_lam(x, lam):
    """This moves by lam/2: it minimises (u - x)^2 + lam |u|, where the prox has 1/2 (u - x)^2."""
    return threshold(x, lam / 2)


@soft_threshold.solution
def by_formula(x, lam):
    return threshold(x, lam)


@soft_threshold.solution
def by_clipping(x, lam):
    return x - np.clip(x, -lam, lam)


@soft_threshold.solution
def by_cases(x, lam):
    return np.where(x > lam, x - lam, np.where(x < -lam, x + lam, np.zeros_like(x))).astype(x.dtype)


@soft_threshold.solution
def by_two_ramps(x, lam):
    return np.maximum(x - lam, 0) - np.maximum(-x - lam, 0)


@soft_threshold.solution
def by_loop(x, lam):
    u = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        if abs(x[i]) > lam:
            u[i] = x[i] - lam if x[i] > 0 else x[i] + lam
    return u


@soft_threshold.solution
def by_masks(x, lam):
    u = x.copy()
    u[np.abs(x) <= lam] = 0
    u[x > lam] -= x.dtype.type(lam)
    u[x < -lam] += x.dtype.type(lam)
    return u


# ---------------------------------------------------------------- elastic_net_prox


def elastic_inputs(rng):
    """Every kind of array; l1 about its size, l2 about 1 and never near l1, so that swapping them shows."""
    for x, size in every_kind(rng):
        yield Call(
            np.asarray(2 * x),
            l1=float(np.float32(size * rng.uniform(0.5, 0.9))),
            l2=float(np.float32(rng.uniform(1.2, 3))),
        )
    yield Call(rng.normal(size=5), l1=0.0, l2=rng.uniform(0.5, 2))
    yield Call(rng.normal(size=5), l1=rng.uniform(0.3, 0.6), l2=0.0)


elastic_net_prox = Exercise(
    "elastic_net_prox",
    inputs=elastic_inputs,
    public=st.builds(lambda x, l1, l2: Call(x, l1=l1, l2=l2), small_arrays, strengths, strengths),
)


@elastic_net_prox.property(points=3)
def is_the_prox_of_both(elastic_net_prox, x, l1, l2):
    """What you return minimises 1/2 (u - x)^2 + l1 |u| + l2/2 u^2: no other u is lower."""
    close(elastic_net_prox(x, l1=l1, l2=l2), regopt.elastic_net_prox(x, l1=l1, l2=l2))


@elastic_net_prox.property(points=1)
def zeros_are_those_of_l1(elastic_net_prox, x, l1, l2):
    """Exactly the entries with |x| <= l1 become zero: l2 makes no zeros, and takes none away."""
    close(np.asarray(elastic_net_prox(x, l1=l1, l2=l2)) == 0, np.abs(x) <= l1)


@elastic_net_prox.property(points=1)
def without_l2_is_soft_threshold(elastic_net_prox, x, l1, l2):
    """With l2 = 0 it is soft_threshold(x, l1)."""
    close(elastic_net_prox(x, l1=l1, l2=0.0), regopt.soft_threshold(x, l1))


@elastic_net_prox.property(points=1)
def without_l1_is_shrinkage(elastic_net_prox, x, l1, l2):
    """With l1 = 0 it shrinks by a factor: x / (1 + l2)."""
    close(elastic_net_prox(x, l1=0.0, l2=l2), x / (1 + l2))


ask_for_manners(elastic_net_prox)
elastic_net_prox.solution(regopt.elastic_net_prox)


@elastic_net_prox.mistake
def l2_without_its_half(x, l1, l2):
    """This divides by 1 + 2 l2, which is right for l2 u^2: here the penalty is l2/2 u^2, whose slope is l2 u."""
    return threshold(x, l1) / (1 + 2 * l2)


@elastic_net_prox.mistake
def shrinks_first(x, l1, l2):
    """This shrinks first and thresholds after: then l1 takes 1 + l2 times too much. Threshold x, then divide."""
    return threshold(x / (1 + l2), l1)


@elastic_net_prox.mistake
def l1_only(x, l1, l2):
    """This is soft_threshold(x, l1): the l2 penalty is missing."""
    return threshold(x, l1)


@elastic_net_prox.mistake
def l2_only(x, l1, l2):
    """This is x / (1 + l2): the l1 penalty is missing, and nothing becomes zero."""
    return x / (1 + l2)


@elastic_net_prox.mistake
def gradient_step_of_l2(x, l1, l2):
    """This multiplies by 1 - l2, a gradient step on l2/2 u^2: the prox divides by 1 + l2, and never turns a sign."""
    return threshold(x, l1) * (1 - l2)


@elastic_net_prox.mistake
def swapped(x, l1, l2):
    """This thresholds by l2 and shrinks by l1: they are swapped."""
    return threshold(x, l2) / (1 + l1)


@elastic_net_prox.mistake
def adds_both(x, l1, l2):
    """This adds both strengths into one threshold: l2/2 u^2 does not push by a constant, it shrinks by a factor."""
    return threshold(x, l1 + l2)


@elastic_net_prox.solution
def threshold_then_shrink(x, l1, l2):
    return threshold(x, l1) / (1 + l2)


@elastic_net_prox.solution
def shrink_then_threshold_less(x, l1, l2):
    return threshold(x / (1 + l2), l1 / (1 + l2))


@elastic_net_prox.solution
def by_stationary_points(x, l1, l2):
    right, left = (x - l1) / (1 + l2), (x + l1) / (1 + l2)
    return np.where(right > 0, right, np.where(left < 0, left, np.zeros_like(x))).astype(x.dtype)


@elastic_net_prox.solution
def entry_by_entry(x, l1, l2):
    u = np.empty_like(x)
    for i in np.ndindex(x.shape):
        u[i] = (x[i] - max(-l1, min(l1, x[i]))) / (1 + l2)
    return u


# ---------------------------------------------------------------- ista


def regressions(rng):
    """`X, y` whose columns differ in length and hang together, and a strength that leaves some weights out."""
    for rows, columns in [(12, 4), (3, 5), (1, 1)]:
        X = rng.normal(size=(rows, columns)) * rng.uniform(0.5, 2, size=columns) + 0.5 * rng.normal(size=(rows, 1))
        y = X[:, 0] * 2 + rng.normal(size=rows)
        yield X, y, rng.uniform(0.1, 0.4) * np.max(np.abs(X.T @ y))


def ista_inputs(rng):
    """Without lr, where the norm of X decides, and with it; layouts, precisions, and no step at all."""
    problems = list(regressions(rng))
    for X, y, lam in problems:
        yield Call(X, y, lam=lam, steps=12)
        yield Call(X, y, lam=lam, steps=5, lr=rng.uniform(0.3, 0.9) / np.linalg.norm(X, 2) ** 2)
    X, y, lam = problems[0]
    yield Call(np.asfortranarray(X), y, lam=0.0, steps=4)
    yield Call(X[::2, ::2], np.repeat(y, 2)[:12:2], lam=lam, steps=3)
    yield Call(X.astype(np.float32), y.astype(np.float32), lam=float(np.float32(lam)), steps=3)
    X.flags.writeable = y.flags.writeable = False
    yield Call(X, y, lam=lam, steps=0)


ista = Exercise(
    "ista",
    inputs=ista_inputs,
    public=st.builds(
        lambda data, **settings: Call(*data, **settings),
        small_regressions(),
        lam=strengths,
        steps=st.sampled_from([1, 2, 0]),
        lr=st.sampled_from([0.25, None]),
    ),
)


def require_path(path, X, steps):
    assert np.shape(path) == (steps + 1, X.shape[1]), f"got shape {np.shape(path)}, expected {(steps + 1, X.shape[1])}"
    return np.asarray(path)


@ista.property(points=4)
def takes_proximal_steps(ista, X, y, *, lam, steps, lr=None):
    """Every point is soft_threshold(w - lr X'(X w - y), lr lam) of the one before it."""
    path = require_path(ista(X, y, lam=lam, steps=steps, lr=lr), X, steps)
    rate = lr or 1 / np.linalg.norm(X, 2) ** 2
    for w, after in pairwise(path):
        # Where the correlation is near lam, the step is the small difference of two numbers of size rate * lam.
        close(after, regopt.soft_threshold(w - rate * (X.T @ (X @ w - y)), rate * lam), atol=1e-6 * rate * lam)


@ista.property(points=2)
def starts_at_zero(ista, X, y, *, lam, steps, lr=None):
    """The first row is the start, zero; the second is right, too; and there is one row more than there are steps."""
    path = require_path(ista(X, y, lam=lam, steps=steps, lr=lr), X, steps)
    close(path[:2], right_ista(X, y, lam=lam, steps=steps, lr=lr)[:2])


@ista.property(points=2)
def default_rate_is_one_over_L(ista, X, y, *, lam, steps, lr=None):
    """Without lr the step is 1 / L, where L is the largest eigenvalue of X'X, the square of the spectral norm of X."""
    close(ista(X, y, lam=lam, steps=2), right_ista(X, y, lam=lam, steps=2))


@ista.property(points=2)
def comes_down_as_fast_as_promised(ista, X, y, *, lam, steps, lr=None):
    """With steps of 1 / L the objective never rises; after k it is within L ||w*||^2 / (2k) of its minimum."""
    path = require_path(ista(X, y, lam=lam, steps=20), X, 20)  # more would cost more and catch no more
    best = right_path(X, y, lams=np.array([lam]))[0]
    falls = [np.sum((y - X @ w) ** 2) / 2 + lam * np.sum(np.abs(w)) for w in (*path, best)]
    rounding = 1e-6 * falls[0]
    assert all(after <= before + rounding for before, after in pairwise(falls)), "the objective rises"
    promised = falls[-1] + np.linalg.norm(X, 2) ** 2 * np.sum(best**2) / 40
    assert falls[-2] <= promised + rounding, f"after 20 steps it is {falls[-2]:.6g}, promised: at most {promised:.6g}"


ask_for_manners(ista)
ista.solution(regopt.ista)


def proximal_step(w, grad, lr, lam):
    return threshold(w - lr * grad, lr * lam)


def proximal_path(X, y, lam, steps, lr, step=proximal_step):
    """ISTA, or with another step a mistake."""
    lr = lr or 1 / np.linalg.norm(X, 2) ** 2
    path = [np.zeros(X.shape[1])]
    for _ in range(steps):
        path.append(step(path[-1], X.T @ (X @ path[-1] - y), lr, lam))
    return np.array(path, X.dtype)


@ista.mistake
def thresholds_by_lam(X, y, lam, steps, lr=None):
    """This thresholds by lam: the step is lr long, so the threshold is lr lam."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: threshold(w - lr * grad, lam))


@ista.mistake
def subgradient_steps(X, y, lam, steps, lr=None):
    """These are subgradient steps, w - lr (grad + lam sign(w)): they chatter about zero and never stay there."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: w - lr * (grad + lam * np.sign(w)))


@ista.mistake
def thresholds_first(X, y, lam, steps, lr=None):
    """This thresholds w and then takes the gradient step: the proximal step comes last, or nothing is exactly zero."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: threshold(w, lr * lam) - lr * grad)


@ista.mistake
def climbs(X, y, lam, steps, lr=None):
    """This goes uphill: the gradient is X'(X w - y), and the step subtracts it."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: threshold(w + lr * grad, lr * lam))


@ista.mistake
def mean_loss(X, y, lam, steps, lr=None):
    """This divides the gradient by the number of examples: the loss here is the sum, 1/2 ||y - X w||^2."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: proximal_step(w, grad / len(y), lr, lam))


@ista.mistake
def loss_without_its_half(X, y, lam, steps, lr=None):
    """This takes the gradient 2 X'(X w - y), which is that of ||y - X w||^2: the loss here has 1/2 before it."""
    return proximal_path(X, y, lam, steps, lr, lambda w, grad, lr, lam: proximal_step(w, 2 * grad, lr, lam))


@ista.mistake
def norm_not_squared(X, y, lam, steps, lr=None):
    """This takes lr = 1 / ||X||: the largest curvature L is the SQUARE of the spectral norm."""
    return proximal_path(X, y, lam, steps, lr or 1 / np.linalg.norm(X, 2))


@ista.mistake
def frobenius_norm(X, y, lam, steps, lr=None):
    """This takes the Frobenius norm, np.linalg.norm without the 2: safe, but the steps are shorter than 1 / L."""
    return proximal_path(X, y, lam, steps, lr or 1 / np.linalg.norm(X) ** 2)


@ista.mistake
def ignores_lr(X, y, lam, steps, lr=None):
    """This takes 1 / L whatever lr says: that is the step for lr=None, and else lr is."""
    return proximal_path(X, y, lam, steps, None)


@ista.mistake
def only_the_last_point(X, y, lam, steps, lr=None):
    """This returns the last point only: the whole path is asked for, one row a point."""
    return proximal_path(X, y, lam, steps, lr)[-1]


@ista.mistake
def without_the_start(X, y, lam, steps, lr=None):
    """This leaves out the start: the path has steps + 1 rows, and the first one is zero."""
    return proximal_path(X, y, lam, steps, lr)[1:]


@ista.mistake
def the_same_array_again(X, y, lam, steps, lr=None):
    """This puts one array into the path again and again, and changes it afterwards: append w.copy()."""
    path = proximal_path(X, y, lam, steps, lr)
    return np.repeat(path[-1:], steps + 1, axis=0)


@ista.solution
def by_steps(X, y, lam, steps, lr=None):
    return proximal_path(X, y, lam, steps, lr)


@ista.solution
def by_gram_matrix(X, y, lam, steps, lr=None):
    gram, correlation = X.T @ X, X.T @ y
    lr = lr or 1 / np.linalg.eigvalsh(gram)[-1]
    path = np.zeros((steps + 1, X.shape[1]), X.dtype)
    for k in range(steps):
        v = path[k] - lr * (gram @ path[k] - correlation)
        path[k + 1] = v - np.clip(v, -lr * lam, lr * lam)
    return path


@ista.solution
def by_loops(X, y, lam, steps, lr=None):
    rows, columns = X.shape
    lr = 1 / np.linalg.svd(X, compute_uv=False)[0] ** 2 if lr is None else lr
    path = [[0.0] * columns]
    for _ in range(steps):
        residual = [sum(X[i, j] * path[-1][j] for j in range(columns)) - y[i] for i in range(rows)]
        v = [path[-1][j] - lr * sum(X[i, j] * residual[i] for i in range(rows)) for j in range(columns)]
        path.append([max(a - lr * lam, 0.0) - max(-a - lr * lam, 0.0) for a in v])
    return np.array(path, X.dtype)


# ---------------------------------------------------------------- lasso_path


def path_inputs(rng):
    """Strengths in no order, up to more than any weight survives; more examples than features, so one solution."""
    for rows, columns in [(12, 3), (20, 4), (2, 1)]:
        shared = rng.normal(size=(rows, 1))
        X = rng.normal(size=(rows, columns)) * rng.uniform(0.5, 2, size=columns) + 0.4 * shared
        y = 2 * X[:, 0] - X[:, -1] + rng.normal(size=rows)
        largest = np.max(np.abs(X.T @ y))
        yield Call(X, y, lams=largest * np.array([0.3, 1.1, 0.02, 0.6]) * rng.uniform(0.9, 1, size=4))
        # Features so much alike that a hundred proximal steps do not get there.
        alike = np.asfortranarray(X + 3 * shared)
        yield Call(alike, y, lams=np.max(np.abs(alike.T @ y)) * rng.uniform(0.02, 0.2, size=2)[::-1])
    yield Call(X, y, lams=np.array([0.0]))
    X.flags.writeable = y.flags.writeable = False
    yield Call(X, y, lams=np.array([]))


def has_clear_weights(X, y, *, lams):
    """There is one solution, as the columns are independent, and rounding decides of no weight of it, at lam = 0 and at
    each of lams, whether it is 0."""
    if np.linalg.matrix_rank(X) < X.shape[1]:
        return False
    lams = np.array([0.0, *lams])
    path = right_path(X, y, lams=lams)
    slopes = np.abs((y - path @ X.T) @ X)
    return np.all((np.abs(path) > 1e-3) | (slopes < lams[:, None] - 1e-3))


lasso_path = Exercise(
    "lasso_path",
    inputs=path_inputs,
    public=st.builds(
        lambda data, lams: Call(*data, lams=np.array(lams)),
        small_regressions(),
        st.lists(st.sampled_from([0.5, 1.0, 2.0, 0.0]), min_size=1, max_size=2),
    ).filter(lambda call: has_clear_weights(*call.args, **call.kwargs)),
    tolerance=1e-5,
)

# A solver stops somewhere: the text asks for 1e-6 of the largest weight. The mistakes are off by 1e-2 and more.
SOLVED = 1e-5


@lasso_path.property(points=4)
def is_the_lasso(lasso_path, X, y, *, lams):
    """Row k minimises 1/2 ||y - X w||^2 + lams[k] ||w||_1, to 1e-5 of its largest weight."""
    close(lasso_path(X, y, lams=lams), right_path(X, y, lams=lams), rtol=SOLVED)


@lasso_path.property(points=2)
def meets_the_conditions(lasso_path, X, y, *, lams):
    """No correlation X_j'(y - X w) exceeds lam, and that of a weight that is not zero is lam times its sign."""
    path = np.asarray(lasso_path(X, y, lams=lams))
    assert path.shape == (len(lams), X.shape[1]), f"got shape {path.shape}, expected {(len(lams), X.shape[1])}"
    size = np.max(np.abs(X.T @ y))
    for w, lam in zip(path, lams, strict=True):
        slope = X.T @ (y - X @ w)
        assert np.all(np.abs(slope) <= lam + 10 * SOLVED * size), "a correlation exceeds lam"
        assert np.all(np.abs(slope - lam * np.sign(w))[np.abs(w) > SOLVED] <= 10 * SOLVED * size)


@lasso_path.property(points=2)
def has_exact_zeros(lasso_path, X, y, *, lams):
    """Weights that the lasso leaves out are exactly zero: all of them from lam = max |X'y| up."""
    path, expected = np.asarray(lasso_path(X, y, lams=lams)), right_path(X, y, lams=lams)
    close(path[expected == 0] == 0, np.full(path[expected == 0].shape, True))
    close(path != 0, expected != 0)


@lasso_path.property(points=1)
def without_lam_is_least_squares(lasso_path, X, y, *, lams):
    """At lam = 0 it is the least-squares solution."""
    close(lasso_path(X, y, lams=np.array([0.0])), np.linalg.lstsq(X, y)[0][None], rtol=SOLVED)


@lasso_path.property(points=2)
def one_row_a_strength(lasso_path, X, y, *, lams):
    """Row k belongs to lams[k], in the order in which they were given; no strengths give no rows."""
    backward, forward = lasso_path(X, y, lams=lams[::-1]), lasso_path(X, y, lams=lams)
    close(np.asarray(backward)[::-1], forward, rtol=SOLVED)
    close(forward, right_path(X, y, lams=lams), rtol=SOLVED)


@lasso_path.property(points=1)
def leaves_everything_alone(lasso_path, X, y, *, lams):
    """X, y and lams are the same after the call as before, and the path is right."""
    close(unchanged(lasso_path, X, y, lams=lams), right_path(X, y, lams=lams), rtol=SOLVED)


def descend(X, y, lam, w, sweeps=10_000, norms=None):
    """Coordinate descent on one lasso, until no weight moves."""
    norms = np.sum(X**2, axis=0) if norms is None else norms
    for _ in range(sweeps):
        before = w.copy()
        for j in range(X.shape[1]):
            w[j] = threshold(X[:, j] @ (y - X @ w + X[:, j] * w[j]), lam) / norms[j]
        if np.max(np.abs(w - before)) <= 1e-12 * np.max(np.abs(w)):
            break
    return w


def solve_each(X, y, lams):
    return np.array([descend(X, y, lam, np.zeros(X.shape[1])) for lam in lams]).reshape(len(lams), X.shape[1])


lasso_path.solution(regopt.lasso_path)


@lasso_path.mistake
def mean_of_the_examples(X, y, lams):
    """This takes the mean over the examples, as scikit-learn does: the loss here is the sum, and lam is N alpha."""
    return solve_each(X, y, len(y) * lams)


@lasso_path.mistake
def lasso_without_its_half(X, y, lams):
    """This minimises ||y - X w||^2 + lam ||w||_1: the loss here has 1/2 before it, so lam counts twice as much."""
    return solve_each(X, y, lams / 2)


@lasso_path.mistake
def thresholds_least_squares(X, y, lams):
    """This thresholds the least-squares weights: that is the lasso only where X'X is the identity."""
    return np.array([threshold(np.linalg.lstsq(X, y)[0], lam) for lam in lams]).reshape(len(lams), X.shape[1])


@lasso_path.mistake
def one_feature_at_a_time(X, y, lams):
    """This fits every feature to y alone: subtract what the other features explain before you fit the next."""
    rows = [threshold(X.T @ y, lam) / np.sum(X**2, axis=0) for lam in lams]
    return np.array(rows).reshape(len(lams), X.shape[1])


@lasso_path.mistake
def one_sweep(X, y, lams):
    """This goes over the features once: every weight changes what the others should be, so repeat until none moves."""
    rows = [descend(X, y, lam, np.zeros(X.shape[1]), sweeps=1) for lam in lams]
    return np.array(rows).reshape(len(lams), X.shape[1])


@lasso_path.mistake
def thresholds_by_the_mean_curvature(X, y, lams):
    """This divides every column by the same norm: coordinate j has the curvature ||X_j||^2 of its own column."""
    longest = np.full(X.shape[1], np.max(np.sum(X**2, axis=0)))
    rows = [threshold(X.T @ y, lam) / longest for lam in lams]
    return np.array(rows).reshape(len(lams), X.shape[1])


@lasso_path.mistake
def ridge_path(X, y, lams):
    """This is the ridge path, (X'X + lam I)^-1 X'y: it shrinks every weight, and none becomes zero."""
    eye = np.eye(X.shape[1])
    return np.array([np.linalg.solve(X.T @ X + lam * eye, X.T @ y) for lam in lams]).reshape(len(lams), X.shape[1])


@lasso_path.mistake
def sorts_the_strengths(X, y, lams):
    """This returns the rows for the sorted strengths: put them back into the order in which they were given."""
    return solve_each(X, y, np.sort(lams)[::-1])


@lasso_path.mistake
def one_column_a_strength(X, y, lams):
    """This has one column for each strength, as scikit-learn's lasso_path: here it is one row."""
    return solve_each(X, y, lams).T


@lasso_path.mistake
def sorts_in_place(X, y, lams):
    """This sorts the caller's lams: np.sort makes a sorted copy, lams.sort() does not."""
    order = np.argsort(lams)
    path = solve_each(X, y, lams)
    lams[...] = lams[order]
    return path


@lasso_path.solution
def by_coordinate_descent(X, y, lams):
    return solve_each(X, y, lams)


@lasso_path.solution
def by_warm_starts(X, y, lams):
    gram, correlation = X.T @ X, X.T @ y
    path, w = np.zeros((len(lams), X.shape[1])), np.zeros(X.shape[1])
    for k in np.argsort(lams)[::-1]:
        for _ in range(10_000):
            before = w.copy()
            for j in range(len(w)):
                rest = correlation[j] - gram[j] @ w + gram[j, j] * w[j]
                w[j] = (max(rest - lams[k], 0) - max(-rest - lams[k], 0)) / gram[j, j]
            if np.max(np.abs(w - before)) <= 1e-12 * np.max(np.abs(w)):
                break
        path[k] = w
    return path


@lasso_path.solution
def by_proximal_steps(X, y, lams):
    lr = 1 / np.linalg.norm(X, 2) ** 2
    path = np.zeros((len(lams), X.shape[1]))
    for k, lam in enumerate(lams):
        for _ in range(20_000):
            after = threshold(path[k] - lr * (X.T @ (X @ path[k] - y)), lr * lam)
            moved = np.max(np.abs(after - path[k]))
            path[k] = after
            if moved <= 1e-12 * np.max(np.abs(after)):
                break
    return path


@lasso_path.solution
def by_trying_all_signs(X, y, lams):
    path = np.zeros((len(lams), X.shape[1]))
    for k, lam in enumerate(lams):
        best = np.sum(y**2) / 2
        for signs in np.ndindex(*[3] * X.shape[1]):
            s = np.array(signs) - 1
            on = s != 0
            w = np.zeros(X.shape[1])
            w[on] = np.linalg.solve(X[:, on].T @ X[:, on], X[:, on].T @ y - lam * s[on])
            loss = np.sum((y - X @ w) ** 2) / 2 + lam * np.sum(np.abs(w))
            if np.all(w * s >= 0) and loss < best:
                best, path[k] = loss, w
    return path
