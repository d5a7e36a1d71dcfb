"""Hidden checks of the assignment `adamw`."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import regopt
from autograder.asserts import close
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind
from autograder.manners import ask_for_manners
from regopt._adaptive import AdamState

# ---------------------------------------------------------------- inputs: some steps, one after the other

# After so many gradients g nothing is left to be corrected. With one gradient -g more and beta1 = 0.75, m is g/2 and v
# still g^2: a step in which eps is all that may be wrong.
LONG = 10**6


def runs(rng):
    """w, the gradients of some steps and the state before them, of every kind, each with its size.

    Weights and rates are of the size of the gradients, so that a step is neither lost beside w nor drowns it. eps is
    a third of that size, and 1e-8 where the gradients are: elsewhere nobody would see where it stands. `close` allows
    1e-9 of w; each mistake is off by 6e-2 and more somewhere (the least over 20 seeds, measured).
    """
    for number, (w, size) in enumerate(every_kind(rng)):
        steps = 4 if number in (0, 7) else 2
        grads = like(w, size * rng.normal(size=(steps, *w.shape)))
        m, v = like(w, size * rng.normal(size=w.shape)), like(w, size**2 * rng.uniform(0.5, 2, size=w.shape))
        state = (4, m, v) if number in (2, 4, 7) else None
        lrs = [float(np.float32(size * rng.uniform(0.1, 0.4))) for _ in grads]
        settings = {} if number in (6, 7) else {"eps": 0.3 * size}
        if number % 2:
            settings |= {"beta1": rng.uniform(0.5, 0.8), "beta2": rng.uniform(0.8, 0.95)}
        yield Call(w, grads, state, lrs=lrs, **settings), size


def like(w, values):
    """The values in the number type and layout of w, read-only if it is."""
    made = np.asarray(values, w.dtype)
    if not w.flags.c_contiguous:
        made = np.repeat(made, 2, axis=-1)[..., ::2]
    made.flags.writeable = w.flags.writeable
    return made


@st.composite
def small_runs(draw, **more):
    """One or two steps of one to three weights, which are never near 0: nothing but rounding would be left there."""
    kind, shape = draw(st.sampled_from([np.float64, np.float32])), draw(st.integers(1, 3))
    w = draw(hnp.arrays(kind, shape, elements=st.sampled_from([5.0, -5.0])))
    lrs = draw(st.sampled_from([[0.5], [0.5, 0.25]]))
    grads = draw(hnp.arrays(kind, (len(lrs), shape), elements=st.sampled_from([1.0, 2.0, -2.0])))
    state = draw(st.sampled_from([None, (1, np.ones_like(w), np.ones_like(w))]))
    settings = draw(st.sampled_from([{"eps": 1.0}, {}, {"beta1": 0.5, "beta2": 0.5}]))
    drawn = {name: draw(each) for name, each in more.items()}
    return Call(w, grads, state, lrs=lrs, **settings, **{k: v for k, v in drawn.items() if v is not None})


def of_the_library(step):
    """The library's step, whose state is a NamedTuple, with a plain tuple for it."""

    def by_the_library(w, grad, state=None, **settings):
        w, state = step(w, grad, state and AdamState(*state), **settings)
        return w, tuple(state)

    return by_the_library


right_adam_l2, right_adamw = of_the_library(regopt.adam_l2), of_the_library(regopt.adamw)


def walk(step, w, grads, state, lrs, schedules=None, **settings):
    """Every w on the way, and the last state."""
    path = []
    for k, (grad, lr) in enumerate(zip(grads, lrs, strict=True)):
        more = {} if schedules is None else {"schedule": schedules[k]}
        w, state = taken(step(w, grad, state, lr=lr, **more, **settings))
        path.append(w)
    return path, state


def taken(step):
    """The two values that a step returns."""
    assert isinstance(step, tuple | list), "expected two values, w and the state; got one"
    assert len(step) == 2, f"expected two values, w and the state; got {len(step)}"
    return step


def require_state(state):
    assert isinstance(state, tuple | list), f"expected the state (t, m, v), got {type(state).__name__}"
    assert len(state) == 3, f"expected the state (t, m, v), got {len(state)} values"


def weights(step):
    return np.asarray(taken(step)[0])


def first(grads):
    """The first gradient, as an array where it is a single number."""
    return np.asarray(grads[0])


def after(steps, g):
    """The state after so many steps, with m = g and v = g^2."""
    return steps, np.asarray(g), np.asarray(g**2)


def eps_like(grad):
    """An eps as large as the gradient, beside which it matters most where it stands."""
    return float(np.max(np.abs(grad), initial=0)) or 1.0


def eps_unseen(grad):
    """An eps that nobody sees, in the root or beside it."""
    size = np.abs(grad[grad != 0]) if grad.ndim else np.abs(grad)
    return 1e-12 * float(np.min(np.minimum(size, size**2), initial=1))


def rounding(*arrays):
    """What is known of a small difference of large numbers: a few roundings of the largest."""
    return 16 * np.finfo(arrays[0].dtype).eps * max(float(np.max(np.abs(each), initial=0)) for each in arrays)


# ---------------------------------------------------------------- the parts, for mistakes that have one of them wrong


def averages(grad, state, beta1, beta2):
    """t, m and v after this gradient."""
    t, m, v = state or (0, np.zeros_like(grad), np.zeros_like(grad))
    return t + 1, beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2


def direction(t, m, v, beta1, beta2, eps, inside=False):
    """Adam's step for a rate of 1."""
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return m_hat / (np.sqrt(v_hat + eps) if inside else np.sqrt(v_hat) + eps)


def l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside):
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * direction(t, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


def kept(w, lr, lam, decay, schedule):
    """The old weights after the decay, in each convention."""
    return (1 - {"lr": schedule * lr, "schedule": schedule, "plain": 1}[decay] * lam) * w


# ---------------------------------------------------------------- adam_l2


def l2_runs(rng):
    """A penalty whose gradient is as large as the loss's; and eps inside of the root, where it shows."""
    for number, (call, _) in enumerate(runs(rng)):
        call.kwargs["lam"] = float(np.float32(rng.uniform(0.5, 1.5)))
        if number == 3:
            call.kwargs["eps_inside"] = True
        yield call
        if number == 6:
            inside = call.copy()
            inside.kwargs["eps_inside"] = True
            yield inside


adam_l2 = Exercise(
    "adam_l2",
    inputs=l2_runs,
    public=small_runs(lam=st.sampled_from([1.0, 0.5, 0.0]), eps_inside=st.sampled_from([None, True])),
)


@adam_l2.use
def penalised_walk(adam_l2, w, grads, state, *, lrs, **settings):
    """Every w on the way, and the last state."""
    return walk(adam_l2, w, grads, state, lrs, **settings)


@adam_l2.property(points=6)
def takes_adams_steps(adam_l2, w, grads, state, *, lrs, eps_inside=False, **settings):
    """From step to step, with a rate that changes, w goes where Adam on the penalised loss goes (eps outside)."""
    close(walk(adam_l2, w, grads, state, lrs, **settings)[0], walk(right_adam_l2, w, grads, state, lrs, **settings)[0])


@adam_l2.property(points=2)
def first_step_is_corrected(adam_l2, w, grads, state, *, lrs, lam, eps_inside=False, **settings):
    """The first step is lr G / |G|, where G = grad + lam w: corrected for the start at zero, m is G and v is G^2."""
    G = np.asarray(grads[0] + lam * w)
    got = weights(adam_l2(w, grads[0], None, lr=lrs[0], lam=lam, **{**settings, "eps": eps_unseen(G)}))
    close(got, w - lrs[0] * np.sign(G))


@adam_l2.property(points=2)
def state_is_count_and_averages(adam_l2, w, grads, state, *, lrs, **settings):
    """The state is (t, m, v): one step more, and the averages of grad + lam w and of its square, not corrected."""
    right = right_adam_l2(w, grads[0], state, lr=lrs[0], **settings)[1]
    close(taken(adam_l2(w, grads[0], state, lr=lrs[0], **settings))[1], right)


@adam_l2.property(points=2)
def eps_stands_outside(adam_l2, w, grads, state, *, lrs, **settings):
    """Unless told otherwise, eps stands outside of the root: as large as the gradient it halves the step."""
    g = first(grads)
    eps = eps_like(g)
    got = weights(adam_l2(0 * w, -g, after(LONG, g), lr=lrs[0], lam=0.0, beta1=0.75, eps=eps))
    close(got, -lrs[0] * g / 2 / (np.abs(g) + eps))


@adam_l2.property(points=1)
def eps_stands_inside_if_asked(adam_l2, w, grads, state, *, lrs, **settings):
    """With eps_inside=True the denominator is sqrt(v_hat + eps)."""
    g = first(grads)
    eps = eps_like(g) ** 2
    got = weights(adam_l2(0 * w, -g, after(LONG, g), lr=lrs[0], lam=0.0, beta1=0.75, eps=eps, eps_inside=True))
    close(got, -lrs[0] * g / 2 / np.sqrt(g**2 + eps))


@adam_l2.property(points=2)
def penalty_is_part_of_the_gradient(adam_l2, w, grads, state, *, lrs, lam, **settings):
    """A penalty lam does what lam w added to the gradient does, to w and to the state."""
    g = first(grads)
    settings |= {"lr": lrs[0], "eps": eps_like(g)}
    got = taken(adam_l2(w, g, after(1, g), lam=lam, **settings))
    require_state(got[1])
    close(got, taken(adam_l2(w, g + lam * w, after(1, g), lam=0.0, **settings)))
    without = weights(adam_l2(w, g, after(1, g), lam=0.0, **settings))
    assert not np.any(lam * w) or np.any(without != got[0]), "lam makes no difference"


@adam_l2.property(points=1)
def rate_scales_the_step_alone(adam_l2, w, grads, state, *, lrs, **settings):
    """Twice the rate makes the step twice as long, and the same state."""
    once, state_once = taken(adam_l2(w, grads[0], state, lr=lrs[0], **settings))
    twice, state_twice = taken(adam_l2(w, grads[0], state, lr=2 * lrs[0], **settings))
    close(np.asarray(twice) - w, 2 * (np.asarray(once) - w), atol=rounding(w, grads[0]))
    require_state(state_once)
    close(state_twice, state_once)
    assert w.size == 0 or np.any(once != w), "it moves nowhere"


adam_l2.solution(right_adam_l2)
ask_for_manners(adam_l2)


@adam_l2.mistake
def decays_beside_adam(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This is AdamW: the decay stands beside Adam's step. Here the penalty's slope lam w is averaged and rescaled."""
    t, m, v = averages(grad, state, beta1, beta2)
    return (1 - lr * lam) * w - lr * direction(t, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def penalty_in_one_average(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This adds lam w to the gradient for m, and not for v: the square is that of the penalised gradient, too."""
    t, m, _ = averages(grad + lam * w, state, beta1, beta2)
    v = averages(grad, state, beta1, beta2)[2]
    return w - lr * direction(t, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def penalty_without_its_half(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This adds 2 lam w, the gradient of lam ||w||^2: here the penalty is lam/2 ||w||^2, as in torch."""
    return l2_step(w, grad, state, lr, 2 * lam, beta1, beta2, eps, eps_inside)


@adam_l2.mistake
def no_penalty(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This is Adam without the penalty: lam makes no difference."""
    return l2_step(w, grad, state, lr, 0.0, beta1, beta2, eps, eps_inside)


@adam_l2.mistake
def eps_always_inside(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This is what you get when eps stands inside of the square root: by default it is sqrt(v_hat) + eps."""
    return l2_step(w, grad, state, lr, lam, beta1, beta2, eps, True)


@adam_l2.mistake
def eps_never_inside(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This has eps outside of the root whatever eps_inside says: if it is True the denominator is sqrt(v_hat + eps)."""
    return l2_step(w, grad, state, lr, lam, beta1, beta2, eps, False)


@adam_l2.mistake
def eps_before_the_correction(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This adds eps to the root of the v that is not corrected yet, so that eps counts sqrt(1 - beta2^t) times less
    than it should, or more: correct v first, then take the root, then add eps."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return w - rate * m / (np.sqrt(v + eps) if eps_inside else np.sqrt(v) + eps), (t, m, v)


@adam_l2.mistake
def not_corrected(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This has no bias correction: m and v start at zero, so divide them by 1 - beta1^t and 1 - beta2^t."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * direction(np.inf, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def corrects_m_only(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This corrects m and not v: v starts at zero as well, and far more slowly leaves it."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * direction(np.inf, m / (1 - beta1**t), v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def corrects_v_only(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This corrects v and not m: m starts at zero as well, so the first steps are too short."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * direction(np.inf, m, v / (1 - beta2**t), beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def counts_from_zero(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This corrects with the number of the step before: at the first one 1 - beta^0 is 0. Add one to t first."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * direction(t - 1, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def never_counts(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This hands on the t that it was given: every step is corrected as if it were the first. Return t + 1."""
    w, (t, m, v) = l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside)
    return w, (t - 1, m, v)


@adam_l2.mistake
def count_stays_at_one(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This hands on t = 1 after every step: from the third on, each is corrected as if it were the second. Count."""
    w, (_, m, v) = l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside)
    return w, (1, m, v)


@adam_l2.mistake
def averages_left_behind(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This counts, and hands on zeros for m and v: the next step knows no gradient but its own. Return the averages."""
    w, (t, m, v) = l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside)
    return w, (t, 0 * m, 0 * v)


@adam_l2.mistake
def hands_on_the_corrected(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This hands on m and v corrected, and corrects them again at the next step: the state holds them as averaged."""
    w, (t, m, v) = l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside)
    return w, (t, m / (1 - beta1**t), v / (1 - beta2**t))


@adam_l2.mistake
def forgets_the_state(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This begins anew at every step: what the state brings goes into m, v and t."""
    return l2_step(w, grad, None, lr, lam, beta1, beta2, eps, eps_inside)


@adam_l2.mistake
def state_in_another_order(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This has the state as (m, v, t): asked for is (t, m, v), and the next step is given it so."""
    m, v, t = state or (np.zeros_like(w), np.zeros_like(w), 0)
    w, (t, m, v) = l2_step(w, grad, (t, m, v), lr, lam, beta1, beta2, eps, eps_inside)
    return w, (m, v, t)


@adam_l2.mistake
def betas_swapped(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This averages the gradient with beta2 and its square with beta1: it is the other way round."""
    return l2_step(w, grad, state, lr, lam, beta2, beta1, eps, eps_inside)


@adam_l2.mistake
def no_root(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This divides by v_hat + eps: without the square root small gradients make huge steps."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    return w - lr * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps), (t, m, v)


@adam_l2.mistake
def averages_that_are_sums(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This adds the whole gradient to beta1 m, as momentum does: an average takes 1 - beta1 of it (and beta2 alike)."""
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    if state:
        t, m, v = t, m + beta1 * (grad + lam * w), v + beta2 * (grad + lam * w) ** 2
    else:
        m, v = m / (1 - beta1), v / (1 - beta2)
    return w - lr * direction(t, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def rate_in_the_average(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This averages lr times the gradient: the rate of this step then acts on later ones. It goes before the step."""
    t, m, _ = averages(lr * (grad + lam * w), state, beta1, beta2)
    v = averages(grad + lam * w, state, beta1, beta2)[2]
    return w - direction(t, m, v, beta1, beta2, eps, eps_inside), (t, m, v)


@adam_l2.mistake
def goes_uphill(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    """This goes uphill: the gradient points up, so the step subtracts it."""
    return l2_step(w, grad, state, -lr, lam, beta1, beta2, eps, eps_inside)


@adam_l2.solution
def by_the_formulas(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    return l2_step(w, grad, state, lr, lam, beta1, beta2, eps, eps_inside)


@adam_l2.solution
def as_torch_does(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    t, m, v = (0, np.zeros_like(w), np.zeros_like(w)) if state is None else (state[0], state[1].copy(), state[2].copy())
    t, grad = t + 1, grad + lam * w
    m += (1 - beta1) * (grad - m)
    v *= beta2
    v += (1 - beta2) * grad * grad
    left = 1 - beta2**t
    root = np.sqrt(v / left + eps) if eps_inside else np.sqrt(v) / left**0.5 + eps
    new = w.copy()
    new -= (lr / (1 - beta1**t)) * (m / root)
    return new, (t, m, v)


@adam_l2.solution
def with_eps_scaled(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    t, m, v = averages(grad + lam * w, state, beta1, beta2)
    left = 1 - beta2**t
    rate = lr * left**0.5 / (1 - beta1**t)
    return w - rate * m / (np.sqrt(v + left * eps) if eps_inside else np.sqrt(v) + left**0.5 * eps), [t, m, v]


@adam_l2.solution
def weight_by_weight(w, grad, state=None, *, lr, lam, beta1=0.9, beta2=0.999, eps=1e-8, eps_inside=False):
    t, m, v = state or (0, np.zeros_like(w), np.zeros_like(w))
    new, new_m, new_v = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    for i in np.ndindex(w.shape):
        slope = grad[i] + lam * w[i]
        new_m[i] = beta1 * m[i] + (1 - beta1) * slope
        new_v[i] = beta2 * v[i] + (1 - beta2) * slope**2
        v_hat = new_v[i] / (1 - beta2 ** (t + 1))
        root = (v_hat + eps) ** 0.5 if eps_inside else v_hat**0.5 + eps
        new[i] = w[i] - lr * new_m[i] / (1 - beta1 ** (t + 1)) / root
    return new, (t + 1, new_m, new_v)


# ---------------------------------------------------------------- adamw


def decoupled_runs(rng):
    """A decay that takes a tenth to a half of w, in each convention; and the defaults."""
    for number, (call, size) in enumerate(runs(rng)):
        if number:
            call.kwargs["lam"] = float(np.float32(rng.uniform(0.5, 1.5) / size))
        if number in (2, 3, 7):
            call.kwargs["decay"] = {2: "plain", 3: "schedule", 7: "lr"}[number]
            call.kwargs["schedules"] = list(rng.uniform(0.3, 0.7, size=len(call.args[1])))
        yield call


adamw = Exercise(
    "adamw",
    inputs=decoupled_runs,
    public=small_runs(
        lam=st.sampled_from([1.0, 0.5, 0.0, None]),
        decay=st.sampled_from([None, "schedule", "plain"]),
        schedules=st.sampled_from([None, [0.5, 0.25]]),
    ),
)


@adamw.use
def decoupled_walk(adamw, w, grads, state, *, lrs, **settings):
    """Every w on the way, and the last state."""
    return walk(adamw, w, grads, state, lrs, **settings)


def plainly(settings):
    """The settings of a property that asks for the default convention."""
    return {name: value for name, value in settings.items() if name not in ("decay", "schedules")}


@adamw.property(points=6)
def takes_decoupled_steps(adamw, w, grads, state, *, lrs, **settings):
    """From step to step, with a rate that changes, w goes where AdamW in torch's convention goes."""
    settings = plainly(settings)
    close(walk(adamw, w, grads, state, lrs, **settings)[0], walk(right_adamw, w, grads, state, lrs, **settings)[0])


@adamw.property(points=2)
def corrects_the_first_step(adamw, w, grads, state, *, lrs, lam=0.01, **settings):
    """The first step is lr g / |g| from the decayed w: corrected for the start at zero, m is g and v is g^2."""
    g = first(grads)
    got = weights(adamw(w, g, None, lr=lrs[0], lam=lam, **{**plainly(settings), "eps": eps_unseen(g)}))
    close(got, (1 - lrs[0] * lam) * w - lrs[0] * np.sign(g))


@adamw.property(points=2)
def eps_is_outside(adamw, w, grads, state, *, lrs, **settings):
    """eps stands outside of the root: as large as the gradient it halves the step."""
    g = first(grads)
    eps = eps_like(g)
    got = weights(adamw(0 * w, -g, after(LONG, g), lr=lrs[0], beta1=0.75, eps=eps))
    close(got, -lrs[0] * g / 2 / (np.abs(g) + eps))


@adamw.property(points=2)
def decays_the_old_weights(adamw, w, grads, state, *, lrs, lam=0.01, **settings):
    """Beside Adam's step the decay takes lr lam w off, of the old w: nothing of the step is decayed."""
    g, settings = first(grads), {"lr": lrs[0], **plainly(settings)}
    with_decay = weights(adamw(w, g, state, lam=lam, **settings))
    close(
        with_decay - weights(adamw(w, g, state, lam=0.0, **settings)), -lrs[0] * lam * w, atol=rounding(w, with_decay)
    )


@adamw.property(points=2)
def averages_do_not_see_the_decay(adamw, w, grads, state, *, lrs, lam=0.01, **settings):
    """The state is (t, m, v): one step more, and the averages of grad and of grad^2, whatever lam is."""
    settings = plainly(settings)
    right = right_adamw(w, grads[0], state, lr=lrs[0], **settings)[1]
    close(taken(adamw(w, grads[0], state, lr=lrs[0], lam=2 * lam, **settings))[1], right)


@adamw.property(points=1)
def knows_no_units(adamw, w, grads, state, *, lrs, **settings):
    """If the gradients and eps are 64 times as large, w goes the same way, and does not stay where it is."""
    g, settings = first(grads), {**plainly(settings), "lr": lrs[0]}
    eps = settings.get("eps", 1e-8)
    once = weights(adamw(w, g, after(1, g), **settings))
    close(weights(adamw(w, 64 * g, after(1, 64 * g), **{**settings, "eps": 64 * eps})), once)
    assert not np.any(g) or np.any(once != w), "it moves nowhere"


def long_trained(adamw, w, grads, lrs, settings, decay):
    """One step in a convention, with the schedule at about a half, where neither eps nor a correction is seen."""
    g = first(grads)
    settings = {**plainly(settings), "lr": lrs[0], "schedule": 0.625, "eps": eps_unseen(g), **decay}
    close(weights(adamw(w, g, after(LONG, g), **settings)), right_adamw(w, g, after(LONG, g), **settings)[0])


@adamw.property(points=1)
def schedule_multiplies_the_rate(adamw, w, grads, state, *, lrs, **settings):
    """By default `schedule` multiplies lr, in Adam's step and in the decay: (1 - schedule lr lam) w."""
    long_trained(adamw, w, grads, lrs, settings, {})


@adamw.property(points=1)
def decays_as_the_paper(adamw, w, grads, state, *, lrs, **settings):
    """With decay="schedule" the decay goes with the schedule alone: (1 - schedule lam) w."""
    long_trained(adamw, w, grads, lrs, settings, {"decay": "schedule"})


@adamw.property(points=1)
def decays_whatever_the_rate(adamw, w, grads, state, *, lrs, **settings):
    """With decay="plain" it is (1 - lam) w, and the schedule still multiplies the rate of Adam's step."""
    long_trained(adamw, w, grads, lrs, settings, {"decay": "plain"})


adamw.solution(right_adamw)
ask_for_manners(adamw)


@adamw.mistake
def decay_inside_the_averages(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This is Adam with L2: lam w goes into m and v, and is divided by the root. AdamW decays w beside Adam's step."""
    return l2_step(w, grad, state, schedule * lr, lam, beta1, beta2, eps, False)


@adamw.mistake
def decay_is_rescaled(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This divides the decay by sqrt(v_hat) + eps, as Adam does the gradient: the decay is no part of that fraction."""
    t, m, v = averages(grad, state, beta1, beta2)
    pull = w - kept(w, lr, lam, decay, schedule)
    step = schedule * lr * direction(t, m, v, beta1, beta2, eps)
    return w - step - pull / (np.sqrt(v / (1 - beta2**t)) + eps), (t, m, v)


@adamw.mistake
def decays_after_the_step(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This decays what the step has made, so that the step is decayed too: the decay is of the OLD weights."""
    t, m, v = averages(grad, state, beta1, beta2)
    stepped = w - schedule * lr * direction(t, m, v, beta1, beta2, eps)
    return kept(stepped, lr, lam, decay, schedule), (t, m, v)


def decoupled_step(w, grad, state, rate, decayed, beta1, beta2, eps, inside=False):
    """Adam's step from weights that are decayed already."""
    t, m, v = averages(grad, state, beta1, beta2)
    return decayed - rate * direction(t, m, v, beta1, beta2, eps, inside), (t, m, v)


@adamw.mistake
def never_times_lr(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This multiplies by 1 - lam without the rate: by default, as in torch, the factor is 1 - lr lam."""
    decay = "schedule" if decay == "lr" else decay
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, lam, decay, schedule), beta1, beta2, eps)


@adamw.mistake
def always_times_lr(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This decays by 1 - schedule lr lam whatever `decay` says: "schedule" leaves out lr, "plain" the schedule too."""
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, lam, "lr", schedule), beta1, beta2, eps)


@adamw.mistake
def lr_and_no_schedule_in_the_decay(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This leaves the schedule out of the decay: only "plain" does, the others follow it."""
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, lam, decay, 1.0), beta1, beta2, eps)


@adamw.mistake
def plain_follows_the_schedule(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This multiplies by 1 - schedule lam for "plain": that is "schedule"; the plain factor is 1 - lam at any step."""
    decay = "schedule" if decay == "plain" else decay
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, lam, decay, schedule), beta1, beta2, eps)


@adamw.mistake
def schedule_for_the_decay_only(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This steps with lr alone: the schedule multiplies the rate of Adam's step in all conventions."""
    return decoupled_step(w, grad, state, lr, kept(w, lr, lam, decay, schedule), beta1, beta2, eps)


@adamw.mistake
def decay_grows(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This multiplies by 1 + lr lam: the weights grow, where a decay shrinks them."""
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, -lam, decay, schedule), beta1, beta2, eps)


@adamw.mistake
def without_decay(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This is Adam: lam makes no difference."""
    return decoupled_step(w, grad, state, schedule * lr, w, beta1, beta2, eps)


@adamw.mistake
def eps_inside_the_root(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This is what you get when eps stands inside of the square root: the denominator is sqrt(v_hat) + eps."""
    decayed = kept(w, lr, lam, decay, schedule)
    return decoupled_step(w, grad, state, schedule * lr, decayed, beta1, beta2, eps, True)


@adamw.mistake
def eps_beside_the_uncorrected(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This adds eps to the root of the v that is not corrected yet, where it counts 1 / sqrt(1 - beta2^t) times as
    much: correct v first, then take the root, then add eps."""
    t, m, v = averages(grad, state, beta1, beta2)
    rate = schedule * lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return kept(w, lr, lam, decay, schedule) - rate * m / (np.sqrt(v) + eps), (t, m, v)


@adamw.mistake
def no_correction(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This has no bias correction: m and v start at zero, so divide them by 1 - beta1^t and 1 - beta2^t."""
    t, m, v = averages(grad, state, beta1, beta2)
    step = schedule * lr * direction(np.inf, m, v, beta1, beta2, eps)
    return kept(w, lr, lam, decay, schedule) - step, (t, m, v)


@adamw.mistake
def t_starts_at_zero(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This corrects with the number of the step before: at the first one 1 - beta^0 is 0. Add one to t first."""
    t, m, v = averages(grad, state, beta1, beta2)
    step = schedule * lr * direction(t - 1, m, v, beta1, beta2, eps)
    return kept(w, lr, lam, decay, schedule) - step, (t, m, v)


@adamw.mistake
def hands_on_a_count_of_one(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This hands on t = 1 after every step: from the third on, each is corrected as if it were the second. Count."""
    decayed = kept(w, lr, lam, decay, schedule)
    w, (_, m, v) = decoupled_step(w, grad, state, schedule * lr, decayed, beta1, beta2, eps)
    return w, (1, m, v)


@adamw.mistake
def hands_on_zeros(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This counts, and hands on zeros for m and v: the next step knows no gradient but its own. Return the averages."""
    decayed = kept(w, lr, lam, decay, schedule)
    w, (t, m, v) = decoupled_step(w, grad, state, schedule * lr, decayed, beta1, beta2, eps)
    return w, (t, 0 * m, 0 * v)


@adamw.mistake
def hands_on_corrected_averages(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This hands on m and v corrected, and corrects them again at the next step: the state holds them as averaged."""
    decayed = kept(w, lr, lam, decay, schedule)
    w, (t, m, v) = decoupled_step(w, grad, state, schedule * lr, decayed, beta1, beta2, eps)
    return w, (t, m / (1 - beta1**t), v / (1 - beta2**t))


@adamw.mistake
def gradient_of_what_is_decayed(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    """This decays twice, inside the averages and beside the step: AdamW decays beside the step alone."""
    decayed = kept(w, lr, lam, decay, schedule)
    return decoupled_step(w, grad + lam * w, state, schedule * lr, decayed, beta1, beta2, eps)


@adamw.mistake
def steps_uphill(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    """This goes uphill: the gradient points up, so the step subtracts it."""
    return decoupled_step(w, -grad, state, schedule * lr, kept(w, lr, lam, decay, schedule), beta1, beta2, eps)


@adamw.solution
def decay_then_step(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    return decoupled_step(w, grad, state, schedule * lr, kept(w, lr, lam, decay, schedule), beta1, beta2, eps)


@adamw.solution
def step_then_decay_of_the_old(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    t, m, v = (0, np.zeros_like(w), np.zeros_like(w)) if state is None else (state[0], state[1].copy(), state[2].copy())
    t += 1
    m += (1 - beta1) * (grad - m)
    v += (1 - beta2) * (grad**2 - v)
    new = w.copy()
    new -= schedule * (lr / (1 - beta1**t)) * m / (np.sqrt(v) / (1 - beta2**t) ** 0.5 + eps)
    if decay == "lr":
        new -= lr * schedule * lam * w
    elif decay == "schedule":
        new -= schedule * lam * w
    else:
        new -= lam * w
    return new, (t, m, v)


@adamw.solution
def by_adam_without_penalty(
    w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0
):
    stepped, state = l2_step(w, grad, state, lr * schedule, 0.0, beta1, beta2, eps, False)
    rate = 1 if decay == "plain" else schedule * (lr if decay == "lr" else 1)
    return stepped - rate * lam * w, list(state)


@adamw.solution
def each_weight_alone(w, grad, state=None, *, lr, lam=0.01, beta1=0.9, beta2=0.999, eps=1e-8, decay="lr", schedule=1.0):
    t, m, v = state or (0, np.zeros_like(w), np.zeros_like(w))
    keep = 1 - lam * (1 if decay == "plain" else schedule if decay == "schedule" else schedule * lr)
    new, new_m, new_v = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    for i in np.ndindex(w.shape):
        new_m[i] = beta1 * m[i] + (1 - beta1) * grad[i]
        new_v[i] = beta2 * v[i] + (1 - beta2) * grad[i] ** 2
        root = (new_v[i] / (1 - beta2 ** (t + 1))) ** 0.5
        new[i] = keep * w[i] - schedule * lr * new_m[i] / (1 - beta1 ** (t + 1)) / (root + eps)
    return new, (t + 1, new_m, new_v)
