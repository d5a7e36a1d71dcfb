"""Hidden checks of the assignment `dropout`.

What is asked of random numbers holds for every kind and order of draws. A right submission fails one of the questions
about them with a chance below 1e-9 an exercise: each number may be off by 7.15 standard deviations (`fits`), which a
normal one is with a chance of 9e-13; the skewest here, a variance of 3,000 normal draws, with one of 1e-11; and an
exercise asks for at most twelve. A mistake 13.3 deviations away is missed with a chance below 1e-9, one 11.6 away if it
must be missed at two inputs. Every one below is farther than that from what is right, in some number: the closest is
`uniform_noise` with 12.4 deviations at two inputs, then `no_negative_noise` with 16. For that p is near 1/4 and 3/4,
never near 1/2, where p and 1 - p are the same.
"""

from functools import partial

import numpy as np
from hypothesis import strategies as st

import regopt
from autograder.asserts import close, on_average, same_type, unchanged
from autograder.exercise import Call, Exercise
from autograder.inputs import every_kind, small_arrays
from autograder.values import copied, shown

WITHIN_ONE = 0.6826894921  # of a normal distribution lies within one standard deviation of its mean
MANY = (50, 60)  # entries of an input that statistics are asked of: on 3,000, a share is known to 0.008


# ---------------------------------------------------------------- what all noise is asked


def fits(estimate, expected, deviation):
    """As `on_average`, with a tenth more room: an exercise asks for several numbers."""
    on_average(estimate, expected, 1.1 * deviation)


def many(x):
    return x.size >= np.prod(MANY)


def generator(rng):
    return np.random.default_rng(int(rng.integers(2**32)))


def near_a_quarter(rng):
    return rng.uniform(0.2, 0.3)


def inputs_with_noise(rng):
    """Every kind of array; two large ones; evaluation, where nothing is drawn; and nothing dropped."""
    for x, _ in every_kind(rng):
        # The single number is asked for in one property, as the item assignment that it refuses is a small mistake.
        x = np.atleast_1d(x)
        yield Call(x, p=rng.choice([near_a_quarter(rng), 1 - near_a_quarter(rng)]).item(), rng=generator(rng))
    x = rng.uniform(1, 3, size=MANY) * rng.choice([-1, 1], size=MANY)  # no zeros: y / x is the noise
    yield Call(x, p=near_a_quarter(rng), rng=generator(rng))
    yield Call(np.asfortranarray(x, dtype=np.float32), p=1 - near_a_quarter(rng), rng=generator(rng))
    yield Call(rng.normal(size=(3, 4)), p=near_a_quarter(rng), rng=None, training=False)
    yield Call(rng.normal(size=5).astype(np.float32), p=1 - near_a_quarter(rng), rng=None, training=False)
    yield Call(rng.normal(size=5), p=0.0, rng=generator(rng))


seeds = st.integers(0, 9)
no_zeros = small_arrays.filter(np.all)  # y / x is the noise
drop_rates = st.sampled_from([0.5, 0.25, 0.75, 0.0])
public_noise = st.one_of(
    st.builds(lambda x, p, seed: Call(x, p=p, rng=np.random.default_rng(seed)), no_zeros, drop_rates, seeds),
    st.builds(lambda x, p: Call(x, p=p, rng=None, training=False), no_zeros, drop_rates),
    st.builds(
        lambda p, seed, kind: Call(np.ones(MANY, kind), p=p, rng=np.random.default_rng(seed)),
        st.sampled_from([0.25, 0.75]),
        seeds,
        st.sampled_from([np.float64, np.float32]),
    ),
)


def pair(result):
    assert isinstance(result, tuple | list), f"got {shown(result)}, expected y and cache"
    assert len(result) == 2, f"got {len(result)} values, expected y and cache"
    return result


def slopes(y):
    """A gradient with respect to `y`, no two entries alike."""
    return np.linspace(1, 2, y.size).reshape(y.shape).astype(y.dtype)


def standardised(noise):
    deviation = np.std(noise)
    assert deviation > 1e-6, "all entries have the same noise"
    return (noise - np.mean(noise)) / deviation


def within_one(noise):
    """The share within one standard deviation of the mean."""
    return np.mean(np.abs(standardised(noise)) < 1)


def correlations(noise):
    """Of neighbours in a row and in a column, each entry in one pair only."""
    z = standardised(noise)
    return np.array([np.mean(z[::2] * z[1::2]), np.mean(z[:, ::2] * z[:, 1::2])])


def ask_for_manners_and_independence(exercise, outcome, factors, right, points=1):
    """Four properties of all functions with noise, the first two worth `points` each, and the mistakes that they catch.

    `outcome(*functions, *arrays, **settings)` gives everything that the functions return as arrays,
    `factors(*functions, *arrays, **settings)` what each entry was multiplied by. `right` are properties that must hold
    as well, so that manners alone earn nothing.
    """
    reference = exercise.solutions[0].functions[exercise.name]

    @exercise.property(points=points)
    def every_entry_has_its_own_draw(*given, p, rng, training=True):
        """What happens to one entry says nothing about the others: not about its neighbours, not about how many."""
        if not training or not many(given[-1]):
            return
        noise = factors(*given, p=p, rng=rng)
        fits(correlations(noise), 0, np.sqrt(2 / noise.size))
        if given[-1].dtype == float:
            # Seven sums of independent draws are all equal with a chance of 9e-12.
            sums = [np.sum(factors(*given, p=p, rng=rng)) for _ in range(7)]
            assert np.ptp(sums) > 1e-6 * noise.size, "as many are dropped in every call"

    @exercise.property(points=points)
    def draws_from_rng(*given, p, rng, training=True):
        """All that is random comes from rng: the same Generator, the same noise; the next call, other noise."""
        if not training or not many(given[-1]):
            return
        seed = int(rng.integers(2**32))
        same = np.random.default_rng(seed)
        first, second = factors(*given, p=p, rng=same), factors(*given, p=p, rng=np.random.default_rng(seed))
        standardised(first)
        close(second, first)
        assert not np.array_equal(factors(*given, p=p, rng=same), first), "two calls drew the same noise"

    @exercise.property(points=1)
    def keeps_float32(*given, **settings):
        """float32 in gives float32 out, in y and in the gradient, and the numbers are right."""
        if given[-1].dtype != np.float32:
            return
        for each in outcome(*given, **settings):
            same_type(each, like=given[-1])
        for each in right:
            each(*given, **settings)

    @exercise.property(points=1)
    def leaves_its_arguments_alone(*given, **settings):
        """Any shape is taken, a single number and none at all too; no argument is changed; the numbers are right."""
        outcome(*(partial(unchanged, each) if callable(each) else each for each in given), **settings)
        for each in right:
            each(*given, **settings)
        if given[-1].shape == (1,):
            for each in outcome(*given[:-1], given[-1].reshape(()), **settings):
                assert np.shape(each) == (), f"a single number became an array of shape {np.shape(each)}"

    @exercise.mistake
    def a_generator_of_its_own(*arrays, p, rng, training=True):
        """This draws from a generator of its own: without the rng that is passed in, no result can be repeated."""
        return reference(*arrays, p=p, rng=np.random.default_rng(), training=training)

    @exercise.mistake
    def the_same_draws_in_every_call(*arrays, p, rng, training=True):
        """This makes a new generator from a fixed seed in every call: each step then drops the same entries."""
        return reference(*arrays, p=p, rng=np.random.default_rng(0), training=training)

    @exercise.mistake
    def turns_float32_into_float64(*arrays, **settings):
        """This turns float32 into float64: a float64 array of noise times a float32 array is float64; use astype."""
        return reference(*(each.astype(float) for each in arrays), **settings)

    @exercise.mistake
    def writes_into_its_arguments(*arrays, **settings):
        """This writes into what it was given, as x *= mask does: the caller still needs it. Build a new array."""
        answer = reference(*copied(arrays), **settings)
        for each in arrays:
            each *= 0
        return answer


def measured(outcome, factors, given, settings):
    """What tells mistakes apart: results where they are certain, else statistics of the noise and of the gradients."""
    kinds = [np.asarray(each).ravel()[:0] for each in outcome(*given, **settings)]
    if settings["p"] == 0 or not settings.get("training", True):
        return [*outcome(*given, **settings)]
    if not many(given[-1]):
        return kinds
    seed = int(settings["rng"].integers(2**32))
    same = {**settings, "rng": np.random.default_rng(seed)}
    draws = [factors(*given, **same) for _ in range(7)]
    again = factors(*given, **{**settings, "rng": np.random.default_rng(seed)})
    noise = draws[0]
    shared = np.std(noise) < 1e-6 or np.max(correlations(noise)) > 0.5
    return [
        *kinds,
        float(shared),
        # Of few draws the statistics say little.
        np.zeros(3) if shared else np.array([np.mean(noise == 0), np.mean(noise), np.std(noise)]),
        float(not shared and np.all(noise != 0) and abs(within_one(noise) - WITHIN_ONE) < 0.07),
        float(np.allclose(again, noise)),
        float(np.allclose(draws[1], noise)),
        float(np.ptp([np.sum(each) for each in draws]) > 1e-6 * noise.size),
    ]


def along(got, right):
    """The factor between `got` and `right`, -1 if there is none; and whether `got` is something where `right` is 0."""
    factor = np.vdot(right, got) / np.vdot(right, right)
    off = np.abs(got - factor * right)[right != 0]
    return [factor if np.all(off < 1e-3 * np.max(np.abs(right))) else -1.0, float(np.any(got[right == 0]))]


def zeros_or(scale, x, y):
    """Every entry of `y` is 0 or `scale * x`, and of many there are both; gives what was kept."""
    y = np.asarray(y)
    assert y.shape == x.shape, f"got shape {y.shape}, expected {x.shape}"
    kept = y != 0
    close(y, np.where(kept, (scale * x).astype(x.dtype), np.zeros_like(x)))
    assert not many(x) or 0.05 < np.mean(kept) < 0.95, "hardly any is dropped, or hardly any kept"
    return kept


def share_dropped(y, p):
    """Some are kept, and the share of the zeros is `p`."""
    y = np.asarray(y)
    assert np.any(y), "nothing is kept"
    fits(np.mean(y == 0), p, np.sqrt(p * (1 - p) / y.size))


# ---------------------------------------------------------------- dropout


def forward_and_backward(dropout, dropout_backward, x, **settings):
    y, cache = pair(dropout(x, **settings))
    return np.asarray(y), dropout_backward(slopes(x), cache)


def factors_of_dropout(dropout, dropout_backward, x, **settings):
    y, _ = pair(dropout(x, **settings))
    assert np.shape(y) == x.shape, f"got shape {np.shape(y)}, expected {x.shape}"
    return np.asarray(y, dtype=float) / x


dropout = Exercise(
    "dropout", "dropout_backward", inputs=inputs_with_noise, public=public_noise, random=True, tolerance=0.1
)


@dropout.use
def noise_and_gradients(dropout, dropout_backward, x, **settings):
    seen = measured(forward_and_backward, factors_of_dropout, (dropout, dropout_backward, x), settings)
    dy = slopes(x)
    dropout_backward(dy, pair(dropout(x, **settings))[1])
    seen.append(float(np.array_equal(dy, slopes(x))))
    if not settings.get("training", True) or not many(x):
        return seen
    y, dx = forward_and_backward(dropout, dropout_backward, x, **settings)
    _, dx_at_zero = forward_and_backward(dropout, dropout_backward, 0 * x, **settings)
    return [*seen, *along(dx, slopes(x) * y / x), float(np.any(dx_at_zero != 0))]


@dropout.property(points=3)
def is_zero_or_scaled(dropout, dropout_backward, x, *, p, rng, training=True):
    """While training each entry of y is either 0 or x / (1 - p), and some are this, some that."""
    if training:
        zeros_or(1 / (1 - p), x, pair(dropout(x, p=p, rng=rng))[0])


@dropout.property(points=2)
def drops_with_probability_p(dropout, dropout_backward, x, *, p, rng, training=True):
    """The share of the entries that are dropped is p, up to chance."""
    if training and many(x):
        share_dropped(pair(dropout(x, p=p, rng=rng))[0], p)


@dropout.property(points=1)
def keeps_the_mean(dropout, dropout_backward, x, *, p, rng, training=True):
    """Some entries are dropped, and what is left is scaled so that the mean over the masks is x, up to chance."""
    if training and many(x):
        noise = factors_of_dropout(dropout, dropout_backward, x, p=p, rng=rng)
        assert np.any(noise == 0), "nothing is dropped"
        fits(np.mean(noise), 1, np.sqrt(p / (1 - p) / x.size))


@dropout.property(points=2)
def evaluation_changes_nothing(dropout, dropout_backward, x, *, p, rng, training=True):
    """With training=False nothing is drawn (rng may be None): y is x, and the gradient goes through as it came."""
    if not training:
        y, dx = forward_and_backward(dropout, dropout_backward, x, p=p, rng=None, training=False)
        close(y, x)
        close(dx, slopes(x))


@dropout.property(points=3)
def gradient_goes_through_the_mask(dropout, dropout_backward, x, *, p, rng, training=True):
    """The gradient is that of the forward pass: 0 where x was dropped, dy / (1 - p) where it was kept."""
    if training:
        y, dx = forward_and_backward(dropout, dropout_backward, x, p=p, rng=rng)
        close(dx, slopes(x) * zeros_or(1 / (1 - p), x, y) / x.dtype.type(1 - p))


@dropout.property(points=1)
def gradient_of_zeros_that_were_kept(dropout, dropout_backward, x, *, p, rng, training=True):
    """An x that is 0 has a gradient where it was kept, though its y is 0 either way."""
    if training and many(x):
        _, dx = forward_and_backward(dropout, dropout_backward, np.zeros_like(x), p=p, rng=rng)
        zeros_or(1 / (1 - p), slopes(x), dx)
        share_dropped(dx, p)


dropout.solution(type("regopt", (), {name: staticmethod(getattr(regopt, name)) for name in dropout.names}))
ask_for_manners_and_independence(
    dropout,
    forward_and_backward,
    factors_of_dropout,
    right=[gradient_goes_through_the_mask, evaluation_changes_nothing],
    points=2,
)


def bernoulli(x, p, rng):
    """Ones where `x` is kept, in its type, for answers that have something else wrong."""
    return (rng.random(x.shape) >= p).astype(x.dtype)


def multiplied(x, noise, training, in_evaluation=1.0):
    noise = noise if training else np.full_like(x, in_evaluation)
    return x * noise, noise


@dropout.mistake
def keeps_with_probability_p(x, *, p, rng, training=True):
    """This keeps each entry with probability p and divides by 1 - p: p is the probability of being DROPPED."""
    return multiplied(x, bernoulli(x, 1 - p, rng) / (1 - p), training) if training else (x, np.ones_like(x))


@dropout.mistake
def takes_p_for_the_survival(x, *, p, rng, training=True):
    """This keeps with probability p and divides by p, as where p is the probability of SURVIVING: here it is 1 - p."""
    return (x, np.ones_like(x)) if not training or p == 0 else multiplied(x, bernoulli(x, 1 - p, rng) / p, training)


@dropout.mistake
def divides_by_p(x, *, p, rng, training=True):
    """This divides the survivors by p: each survives with probability 1 - p, so 1 / (1 - p) keeps the mean."""
    return (x, np.ones_like(x)) if not training or p == 0 else multiplied(x, bernoulli(x, p, rng) / p, training)


@dropout.mistake
def scales_down(x, *, p, rng, training=True):
    """This multiplies the survivors by 1 - p: they stand in for those that are gone, so they grow, by 1 / (1 - p)."""
    return multiplied(x, bernoulli(x, p, rng) * x.dtype.type(1 - p), training) if training else (x, np.ones_like(x))


@dropout.mistake
def does_not_scale(x, *, p, rng, training=True):
    """This leaves the survivors as they are: then the mean falls to (1 - p) x, and evaluation sees larger numbers."""
    return multiplied(x, bernoulli(x, p, rng), training) if training else (x, np.ones_like(x))


@dropout.mistake
def scales_in_evaluation_too(x, *, p, rng, training=True):
    """This multiplies by 1 - p in evaluation, as classic dropout does: the inverted form has scaled already."""
    return multiplied(x, bernoulli(x, p, rng) / (1 - p), training) if training else multiplied(x, None, False, 1 - p)


@dropout.mistake
def drops_in_evaluation(x, *, p, rng, training=True):
    """This drops in evaluation too: with training=False nothing is drawn, and rng may be None."""
    return multiplied(x, bernoulli(x, p, rng) / (1 - p), True)


@dropout.mistake
def one_mask_for_all_rows(x, *, p, rng, training=True):
    """This draws one mask and uses it for every row: a batch wants other units dropped for every example."""
    noise = (rng.random(x.shape[-1:]) >= p) / (1 - p) + np.zeros(x.shape) if training else np.ones_like(x)
    return multiplied(x, noise.astype(x.dtype), True)


@dropout.mistake
def drops_the_same_number_in_every_call(x, *, p, rng, training=True):
    """This drops exactly p n of n entries: each is dropped on its own, so how many are differs from call to call."""
    if not training:
        return x, np.ones_like(x)
    noise = np.full(x.size, 1 / (1 - p), x.dtype)
    noise[rng.permutation(x.size)[: round(p * x.size)]] = 0
    return multiplied(x, noise.reshape(x.shape), training)


@dropout.mistake
class passes_the_gradient_on:
    """This returns dy as it is: y depends on x through the mask, and so does the gradient."""

    @staticmethod
    def dropout_backward(dy, cache):
        return dy + 0 * cache


@dropout.mistake
class gradient_without_the_mask:
    """This divides dy by 1 - p everywhere: an entry that was dropped does not reach the loss, its gradient is 0."""

    @staticmethod
    def dropout_backward(dy, cache):
        return dy * np.max(cache, initial=0)


@dropout.mistake
class gradient_without_the_scale:
    """This masks dy and leaves out 1 / (1 - p): y is x / (1 - p) where it was kept, and that is its slope."""

    @staticmethod
    def dropout_backward(dy, cache):
        return dy * (cache != 0)


@dropout.mistake
class gradient_scaled_twice:
    """This divides by 1 - p twice: the factor of the forward pass, mask / (1 - p), holds it already."""

    @staticmethod
    def dropout_backward(dy, cache):
        return dy * cache**2


@dropout.mistake
class gradient_of_what_was_dropped:
    """This lets the gradient through where x was dropped, and stops it where x was kept: it is the other way round."""

    @staticmethod
    def dropout_backward(dy, cache):
        return dy * (np.max(cache, initial=0) - cache)


@dropout.mistake
class a_new_mask_for_the_gradient:
    """This draws a new mask in the backward pass: the gradient is that of another network. Keep the mask in cache."""

    @staticmethod
    def dropout(x, *, p, rng, training=True):
        y, _ = multiplied(x, bernoulli(x, p, rng) / (1 - p), True) if training else (x, None)
        return y, (p, rng, training)

    @staticmethod
    def dropout_backward(dy, cache):
        p, rng, training = cache
        return dy * bernoulli(dy, p, rng) / (1 - p) if training else dy


@dropout.mistake
class mask_read_from_y:
    """This takes y == 0 for dropped: an x that is 0, as many are after a ReLU, has y = 0 and yet a gradient."""

    @staticmethod
    def dropout(x, *, p, rng, training=True):
        y, _ = multiplied(x, bernoulli(x, p, rng) / (1 - p), True) if training else (x, None)
        return y, (y, p if training else 0)

    @staticmethod
    def dropout_backward(dy, cache):
        y, p = cache
        return dy * (y != 0) / (1 - p)


@dropout.mistake
class writes_into_the_gradient:
    """This multiplies dy in place: dy is the caller's, who may need it for another branch. Build a new array."""

    @staticmethod
    def dropout_backward(dy, cache):
        dy *= cache
        return dy.copy()


@dropout.solution
class by_comparing:
    @staticmethod
    def dropout(x, *, p, rng, training=True):
        if not training:
            return x, None
        kept = rng.random(x.shape) >= p
        return np.where(kept, x, 0) / (1 - p), (kept, p)

    @staticmethod
    def dropout_backward(dy, cache):
        if cache is None:
            return dy
        kept, p = cache
        return np.where(kept, dy, 0) / (1 - p)


@dropout.solution
class by_coins:
    @staticmethod
    def dropout(x, *, p, rng, training=True):
        noise = rng.binomial(1, 1 - p, size=x.shape) / (1 - p) if training else np.ones(x.shape)
        noise = np.asarray(noise, dtype=x.dtype)
        return noise * x, noise

    @staticmethod
    def dropout_backward(dy, cache):
        return cache * dy


@dropout.solution
class by_choosing:
    @staticmethod
    def dropout(x, *, p, rng, training=True):
        noise = rng.choice([0.0, 1 / (1 - p)], p=[p, 1 - p], size=x.shape) if training else 1.0
        return np.multiply(x, noise, dtype=x.dtype), {"noise": noise}

    @staticmethod
    def dropout_backward(dy, cache):
        return (dy * cache["noise"]).astype(dy.dtype)


@dropout.solution
class entry_by_entry_from_the_end:
    @staticmethod
    def dropout(x, *, p, rng, training=True):
        y, kept = np.zeros_like(x), []
        for i in reversed([*np.ndindex(x.shape)]):
            if not training or rng.random() < 1 - p:
                kept.append(i)
                y[i] = x[i] / (1 - p) if training else x[i]
        return y, (kept, p if training else 0.0)

    @staticmethod
    def dropout_backward(dy, cache):
        dx = np.zeros_like(dy)
        for i in cache[0]:
            dx[tuple(i)] = dy[tuple(i)] / (1 - cache[1])
        return dx


@dropout.solution
class by_index:
    @staticmethod
    def dropout(x, *, p, rng, training=True):
        y, dropped = x.copy(), np.zeros(x.shape, dtype=bool)
        if training:
            dropped = np.asarray(rng.random(x.shape, dtype=np.float32) < p)
            y[dropped] = 0
            y /= 1 - p
        return y, [dropped, 1 - p if training else 1.0]

    @staticmethod
    def dropout_backward(dy, cache):
        dx = dy.copy()
        dx[cache[0]] = 0
        return dx / cache[1]


# ---------------------------------------------------------------- dropout_classic


def forward_and_factor(function, x, **settings):
    """y, and the gradient that the returned factors give."""
    y, factor = pair(function(x, **settings))
    return np.asarray(y), slopes(x) * factor


def factors_of_one(function, x, **settings):
    return factors_of_dropout(function, None, x, **settings)


dropout_classic = Exercise("dropout_classic", inputs=inputs_with_noise, public=public_noise, random=True, tolerance=0.1)


def noise_and_factor(function, x, **settings):
    seen = measured(forward_and_factor, factors_of_one, (function, x), settings)
    if not settings.get("training", True) or not many(x):
        return seen
    y, dx = forward_and_factor(function, x, **settings)
    return [*seen, *along(dx, slopes(x) * y / x)]


dropout_classic.use(noise_and_factor)


@dropout_classic.property(points=2)
def is_zero_or_itself(dropout_classic, x, *, p, rng, training=True):
    """While training each entry of y is either 0 or x as it was, and some are this, some that."""
    if training:
        zeros_or(1, x, pair(dropout_classic(x, p=p, rng=rng))[0])


@dropout_classic.property(points=2)
def drops_a_share_p(dropout_classic, x, *, p, rng, training=True):
    """While training a share p of the entries is dropped, up to chance, and the others are left as they are."""
    if training and many(x):
        y, _ = pair(dropout_classic(x, p=p, rng=rng))
        zeros_or(1, x, y)
        share_dropped(y, p)


@dropout_classic.property(points=3)
def evaluation_scales(dropout_classic, x, *, p, rng, training=True):
    """With training=False nothing is drawn (rng may be None), and y is (1 - p) x."""
    if not training:
        y, _ = pair(dropout_classic(x, p=p, rng=None, training=False))
        close(y, (x * (1 - p)).astype(x.dtype))


@dropout_classic.property(points=1)
def evaluation_is_the_mean_of_training(dropout_classic, x, *, p, rng, training=True):
    """Some entries are dropped in training, and on average it gives what evaluation gives, up to chance."""
    if training and many(x):
        noise = factors_of_one(dropout_classic, x, p=p, rng=rng)
        standardised(noise)
        evaluated = factors_of_one(dropout_classic, x, p=p, rng=None, training=False)
        fits(np.mean(noise), np.mean(evaluated), np.std(noise) / np.sqrt(x.size))


@dropout_classic.property(points=2)
def cache_holds_the_factors(dropout_classic, x, *, p, rng, training=True):
    """dy * cache is the gradient, in training and in evaluation: the mask there, 1 - p here."""
    if training:
        y, dx = forward_and_factor(dropout_classic, x, p=p, rng=rng)
        close(dx, slopes(x) * zeros_or(1, x, y))
    else:
        _, dx = forward_and_factor(dropout_classic, x, p=p, rng=None, training=False)
        close(dx, (slopes(x) * (1 - p)).astype(x.dtype))


dropout_classic.solution(regopt.dropout_classic)
ask_for_manners_and_independence(
    dropout_classic, forward_and_factor, factors_of_one, right=[cache_holds_the_factors, evaluation_scales]
)


@dropout_classic.mistake
def inverted(x, *, p, rng, training=True):
    """This is inverted dropout, which scales while training: the classic form scales in evaluation, by 1 - p."""
    return multiplied(x, bernoulli(x, p, rng) / (1 - p), training) if training else (x, np.ones_like(x))


@dropout_classic.mistake
def scales_twice(x, *, p, rng, training=True):
    """This scales while training and in evaluation: the classic form scales in evaluation only."""
    return multiplied(x, bernoulli(x, p, rng) / (1 - p), True) if training else multiplied(x, None, False, 1 - p)


@dropout_classic.mistake
def never_scales(x, *, p, rng, training=True):
    """This returns x in evaluation: the next layer then sees 1 / (1 - p) times what it saw while training."""
    return multiplied(x, bernoulli(x, p, rng), True) if training else (x, np.ones_like(x))


@dropout_classic.mistake
def evaluation_times_p(x, *, p, rng, training=True):
    """This multiplies by p in evaluation: the mean of the mask is the probability of being kept, 1 - p."""
    return multiplied(x, bernoulli(x, p, rng), True) if training else multiplied(x, None, False, p)


@dropout_classic.mistake
def evaluation_scales_up(x, *, p, rng, training=True):
    """This divides by 1 - p in evaluation: no unit is missing there, so the sum is too large already. Multiply."""
    return multiplied(x, bernoulli(x, p, rng), True) if training else multiplied(x, None, False, 1 / (1 - p))


@dropout_classic.mistake
def p_as_in_the_paper(x, *, p, rng, training=True):
    """This takes p for the probability of being KEPT, as the first paper does: here it is that of being dropped."""
    return multiplied(x, bernoulli(x, 1 - p, rng), True) if training else multiplied(x, None, False, p)


@dropout_classic.mistake
def masks_in_evaluation(x, *, p, rng, training=True):
    """This draws a mask in evaluation too: with training=False nothing is drawn, and rng may be None."""
    return multiplied(x, bernoulli(x, p, rng) * x.dtype.type(1 if training else 1 - p), True)


@dropout_classic.mistake
def no_factor_in_evaluation(x, *, p, rng, training=True):
    """In evaluation this puts ones into cache: y is (1 - p) x there, so the gradient is (1 - p) dy."""
    return multiplied(x, bernoulli(x, p, rng), True) if training else (x * (1 - p), np.ones_like(x))


@dropout_classic.mistake
def puts_y_into_cache(x, *, p, rng, training=True):
    """This puts y into cache: the gradient of m x with respect to x is m, the factor, not the product."""
    y, _ = multiplied(x, bernoulli(x, p, rng), True) if training else multiplied(x, None, False, 1 - p)
    return y, y


@dropout_classic.mistake
def masks_whole_columns(x, *, p, rng, training=True):
    """This draws one mask and uses it for every row: a batch wants other units dropped for every example."""
    if not training:
        return multiplied(x, None, False, 1 - p)
    return multiplied(x, np.ones_like(x) * (rng.random(x.shape[-1:]) >= p), True)


@dropout_classic.solution
def classic_by_comparing(x, *, p, rng, training=True):
    factor = rng.random(x.shape) > p if training else 1 - p
    return x * factor, factor


@dropout_classic.solution
def classic_by_coins(x, *, p, rng, training=True):
    factor = 1 - rng.binomial(1, p, x.shape) if training else np.full(x.shape, 1 - p)
    factor = np.asarray(factor, dtype=x.dtype)
    return np.multiply(x, factor), factor


@dropout_classic.solution
def classic_entry_by_entry(x, *, p, rng, training=True):
    factor = np.empty_like(x)
    for i in np.ndindex(x.shape):
        factor[i] = rng.random() >= p if training else 1 - p
    return x * factor, factor


@dropout_classic.solution
def classic_in_place_of_a_copy(x, *, p, rng, training=True):
    y, factor = np.copy(x), np.ones_like(x)
    for each in (y, factor):
        if not training:
            each *= 1 - p
    if training:
        gone = np.asarray(rng.uniform(0, 1, x.shape) <= p) & (p > 0)
        y[gone] = factor[gone] = 0
    return y, factor


# ---------------------------------------------------------------- dropout_moments


def moments_before(rng):
    """Means and variances of one shape and similar size; p away from 1/2, where p and 1 - p are the same."""
    for number, (mean, size) in enumerate(every_kind(rng)):
        spread = (size * rng.uniform(0.5, 2, size=mean.shape)) ** 2
        p = rng.choice([near_a_quarter(rng), 1 - near_a_quarter(rng)]).item()
        yield Call(mean, spread.astype(mean.dtype), p=p, **({"inverted": False} if number % 2 else {}))
    yield Call(rng.normal(size=4), rng.uniform(1, 2, size=4), p=0.0)


@st.composite
def small_moments(draw):
    kind, size = draw(st.sampled_from([np.float64, np.float32])), draw(st.integers(1, 2))
    means = draw(st.lists(st.sampled_from([1.0, 2.0, -1.0, 0.0]), min_size=size, max_size=size))
    spread = draw(st.lists(st.sampled_from([1.0, 3.0, 0.0]), min_size=size, max_size=size))
    inverted = draw(st.sampled_from([{}, {"inverted": False}]))
    return Call(np.array(means, kind), np.array(spread, kind), p=draw(drop_rates), **inverted)


dropout_moments = Exercise("dropout_moments", inputs=moments_before, public=small_moments())


def right_moments(mean, variance, p, inverted=True):
    return regopt.dropout_moments(mean, variance, p=p, inverted=inverted)


@dropout_moments.property(points=3)
def inverted_form(dropout_moments, mean, variance, *, p, inverted=True):
    """By default the moments are those of inverted dropout, the variance in full."""
    close(dropout_moments(mean, variance, p=p), right_moments(mean, variance, p))


@dropout_moments.property(points=2)
def classic_form(dropout_moments, mean, variance, *, p, inverted=True):
    """With inverted=False the moments are those of the classic form while training."""
    close(dropout_moments(mean, variance, p=p, inverted=False), right_moments(mean, variance, p, False))


@dropout_moments.property(points=1)
def means_only(dropout_moments, mean, variance, *, p, inverted=True):
    """The inverted form keeps the mean; the classic form multiplies it by 1 - p."""
    for form in (True, False):
        close(dropout_moments(mean, variance, p=p, inverted=form)[0], right_moments(mean, variance, p, form)[0])


@dropout_moments.property(points=1)
def of_a_constant(dropout_moments, mean, variance, *, p, inverted=True):
    """An activation that is always the same (variance 0) varies after dropout: one of two values, 0 or its own."""
    value = mean / (1 - p) if inverted else mean
    after = dropout_moments(mean, np.zeros_like(variance), p=p, inverted=inverted)
    close(after, (value * (1 - p), p * (1 - p) * value**2))


@dropout_moments.property(points=1)
def of_mean_zero(dropout_moments, mean, variance, *, p, inverted=True):
    """For an activation of mean 0 the variance is the share that survives, times the square of its scale."""
    scale = 1 / (1 - p) if inverted else 1
    after = dropout_moments(np.zeros_like(mean), variance, p=p, inverted=inverted)
    close(after, (np.zeros_like(mean), (1 - p) * scale**2 * variance))


@dropout_moments.property(points=1)
def of_two_values(dropout_moments, mean, variance, *, p, inverted=True):
    """Two values with equal chance, dropped or not: the moments are those of the four cases, counted out."""
    scale = 1 / (1 - p) if inverted else 1
    values = np.stack([mean + np.sqrt(variance), mean - np.sqrt(variance)]) * scale
    first = (1 - p) * np.mean(values, axis=0)
    second = (1 - p) * np.mean((values - first) ** 2, axis=0) + p * first**2
    close(dropout_moments(mean, variance, p=p, inverted=inverted), (first, second))


@dropout_moments.property(points=1)
def moments_with_manners(dropout_moments, mean, variance, *, p, inverted=True):
    """float32 in gives float32 out, no argument is written into, and the moments are right."""
    after = unchanged(dropout_moments, mean, variance, p=p, inverted=inverted)
    close(after, right_moments(mean, variance, p, inverted))
    for each in after:
        same_type(each, like=mean)


dropout_moments.solution(regopt.dropout_moments)


@dropout_moments.mistake
def only_what_is_added(mean, variance, *, p, inverted=True):
    """This is p / (1 - p) variance: what dropout adds to the variance where the mean is 0, not the variance after."""
    return (mean, variance * p / (1 - p)) if inverted else ((1 - p) * mean, p * (1 - p) * variance)


@dropout_moments.mistake
def forgets_the_mean(mean, variance, *, p, inverted=True):
    """This leaves out the term with mean^2: an activation that is not 0 on average jumps between 0 and its size."""
    return (mean, variance / (1 - p)) if inverted else ((1 - p) * mean, (1 - p) * variance)


@dropout_moments.mistake
def of_a_constant_activation(mean, variance, *, p, inverted=True):
    """This leaves out the variance that was there before: what is kept still varies."""
    return (mean, mean**2 * p / (1 - p)) if inverted else ((1 - p) * mean, p * (1 - p) * mean**2)


@dropout_moments.mistake
def adds_the_noise_only(mean, variance, *, p, inverted=True):
    """This adds p / (1 - p) mean^2 to the variance as it was: the mask scales the variance, too, by 1 / (1 - p)."""
    spread = variance + mean**2 * p / (1 - p)
    return (mean, spread) if inverted else ((1 - p) * mean, (1 - p) ** 2 * spread)


@dropout_moments.mistake
def second_moment(mean, variance, *, p, inverted=True):
    """This is the mean of the square: the variance is that minus the square of the mean."""
    return (mean, (variance + mean**2) / (1 - p)) if inverted else ((1 - p) * mean, (1 - p) * (variance + mean**2))


@dropout_moments.mistake
def moments_with_p_for_survival(mean, variance, *, p, inverted=True):
    """This takes p for the probability of being kept: p is the probability of being DROPPED."""
    if inverted:
        return mean, (variance + (1 - p) * mean**2) / max(p, 1e-300)
    return p * mean, p * (variance + (1 - p) * mean**2)


@dropout_moments.mistake
def inverted_always(mean, variance, *, p, inverted=True):
    """This gives the inverted form for both: with inverted=False nothing is divided by 1 - p while training."""
    return mean, (variance + p * mean**2) / (1 - p)


@dropout_moments.mistake
def forms_swapped(mean, variance, *, p, inverted=True):
    """This has the two forms the wrong way round: the inverted one divides by 1 - p, and keeps the mean."""
    spread = variance + p * mean**2
    return ((1 - p) * mean, (1 - p) * spread) if inverted else (mean, spread / (1 - p))


@dropout_moments.mistake
def scale_not_squared(mean, variance, *, p, inverted=True):
    """This divides the variance of the classic form by 1 - p: a factor of 1 / (1 - p) counts twice in a variance."""
    spread = variance + p * mean**2
    return (mean, spread) if inverted else ((1 - p) * mean, (1 - p) * spread)


@dropout_moments.mistake
def deviation_for_variance(mean, variance, *, p, inverted=True):
    """This is the standard deviation: the variance is asked for, its square."""
    spread = np.sqrt(variance + p * mean**2)
    return (mean, spread / np.sqrt(1 - p)) if inverted else ((1 - p) * mean, np.sqrt(1 - p) * spread)


@dropout_moments.mistake
def float64_moments(mean, variance, *, p, inverted=True):
    """This turns float32 into float64: np.array(..., dtype=float) and numbers of np.float64 do."""
    mean, spread = mean.astype(float), variance + p * mean.astype(float) ** 2
    return (mean, spread / (1 - p)) if inverted else ((1 - p) * mean, (1 - p) * spread)


@dropout_moments.solution
def moments_by_formula(mean, variance, *, p, inverted=True):
    if inverted:
        return mean, variance / (1 - p) + mean**2 * p / (1 - p)
    return (1 - p) * mean, (1 - p) * variance + p * (1 - p) * mean**2


@dropout_moments.solution
def by_second_moments(mean, variance, *, p, inverted=True):
    scale = 1 / (1 - p) if inverted else 1
    first, second = (1 - p) * scale * mean, (1 - p) * scale**2 * (variance + mean**2)
    return first, second - first**2


@dropout_moments.solution
def by_total_variance(mean, variance, *, p, inverted=True):
    within, between = (1 - p) * variance, p * (1 - p) * mean * mean
    if not inverted:
        return mean - p * mean, within + between
    return mean.copy(), within / (1 - p) / (1 - p) + between / (1 - p) / (1 - p)


@dropout_moments.solution
def moment_by_moment(mean, variance, *, p, inverted=True):
    after = np.empty_like(mean), np.empty_like(variance)
    for i in np.ndindex(mean.shape):
        after[0][i] = mean[i] * (1 if inverted else 1 - p)
        after[1][i] = (1 - p) * (variance[i] + p * mean[i] ** 2) / ((1 - p) ** 2 if inverted else 1)
    return after


# ---------------------------------------------------------------- gaussian_dropout


def factors_of_gaussian(function, x, **settings):
    noise = factors_of_one(function, x, **settings)
    assert several(noise), "there are few different factors, as a mask has"
    return noise


def several(noise):
    """Most numbers are different, which those of a mask are not: that is no half of this exercise, but another one."""
    return len(np.unique(noise)) > noise.size / 2


gaussian_dropout = Exercise(
    "gaussian_dropout", inputs=inputs_with_noise, public=public_noise, random=True, tolerance=0.1
)
gaussian_dropout.use(noise_and_factor)


@gaussian_dropout.property(points=1)
def has_mean_one(gaussian_dropout, x, *, p, rng, training=True):
    """While training the factors y / x differ, and their mean is 1, up to chance."""
    if training and many(x):
        noise = factors_of_gaussian(gaussian_dropout, x, p=p, rng=rng)
        standardised(noise)
        fits(np.mean(noise), 1, np.sqrt(p / (1 - p) / x.size))


@gaussian_dropout.property(points=3)
def has_the_variance_of_dropout(gaussian_dropout, x, *, p, rng, training=True):
    """The variance of the factors is p / (1 - p), that of inverted dropout, up to chance."""
    if training and many(x):
        variance = np.var(factors_of_gaussian(gaussian_dropout, x, p=p, rng=rng))
        fits(variance, p / (1 - p), p / (1 - p) * np.sqrt(2 / x.size))


@gaussian_dropout.property(points=2)
def is_normal(gaussian_dropout, x, *, p, rng, training=True):
    """The factors are normal: half are above their mean, 0.683 within one deviation of it."""
    if training and many(x):
        noise = factors_of_gaussian(gaussian_dropout, x, p=p, rng=rng)
        fits(np.mean(standardised(noise) > 0), 1 / 2, np.sqrt(1 / 4 / x.size))
        # Of a uniform distribution 0.577 lie within, 12.4 deviations off.
        fits(within_one(noise), WITHIN_ONE, np.sqrt(WITHIN_ONE * (1 - WITHIN_ONE) / x.size))


@gaussian_dropout.property(points=1)
def evaluation_is_the_identity(gaussian_dropout, x, *, p, rng, training=True):
    """With training=False nothing is drawn (rng may be None): y is x, and cache is 1."""
    if not training:
        y, dx = forward_and_factor(gaussian_dropout, x, p=p, rng=None, training=False)
        close(y, x)
        close(dx, slopes(x))


@gaussian_dropout.property(points=2)
def cache_holds_the_noise(gaussian_dropout, x, *, p, rng, training=True):
    """dy * cache is the gradient: x * cache is y, and every entry has its own factor unless p is 0."""
    if training:
        y, factor = pair(gaussian_dropout(x, p=p, rng=rng))
        close(y, (x * factor).astype(x.dtype))
        assert not many(x) or several(y / x)
        assert not x.size or np.any(np.asarray(factor) != 1) == (p > 0)


gaussian_dropout.solution(regopt.gaussian_dropout)
ask_for_manners_and_independence(
    gaussian_dropout,
    forward_and_factor,
    factors_of_gaussian,
    right=[cache_holds_the_noise, evaluation_is_the_identity],
)


def gaussian(x, deviation, rng, training, mean=1.0):
    noise = (mean + deviation * rng.standard_normal(x.shape)).astype(x.dtype) if training else np.ones_like(x)
    return x * noise, noise


@gaussian_dropout.mistake
def variance_for_deviation(x, *, p, rng, training=True):
    """This takes p / (1 - p) for the standard deviation: it is the variance, and its root is the deviation."""
    return gaussian(x, p / (1 - p), rng, training)


@gaussian_dropout.mistake
def variance_p(x, *, p, rng, training=True):
    """This has variance p: that of inverted dropout is p / (1 - p), larger the fewer survive."""
    return gaussian(x, np.sqrt(p), rng, training)


@gaussian_dropout.mistake
def deviation_p(x, *, p, rng, training=True):
    """This has standard deviation p: the variance of inverted dropout is p / (1 - p), the deviation is its root."""
    return gaussian(x, p, rng, training)


@gaussian_dropout.mistake
def variance_of_the_classic_form(x, *, p, rng, training=True):
    """This has variance p (1 - p), that of the classic mask: inverted dropout divides by 1 - p, twice in a variance."""
    return gaussian(x, np.sqrt(p * (1 - p)), rng, training)


@gaussian_dropout.mistake
def alpha_upside_down(x, *, p, rng, training=True):
    """This has variance (1 - p) / p: p is the probability of being dropped, and more of it is more noise."""
    return gaussian(x, np.sqrt((1 - p) / p), rng, training) if p > 0 else (x, np.ones_like(x))


@gaussian_dropout.mistake
def noise_about_zero(x, *, p, rng, training=True):
    """This multiplies by noise of mean 0: on average nothing is left of x. The mean is 1."""
    return gaussian(x, np.sqrt(p / (1 - p)), rng, training, mean=0.0)


@gaussian_dropout.mistake
def adds_the_noise(x, *, p, rng, training=True):
    """This adds the noise: dropout multiplies, so that large activations are shaken more than small ones."""
    noise = np.sqrt(p / (1 - p)) * rng.standard_normal(x.shape) if training else np.zeros(x.shape)
    return (x + noise).astype(x.dtype), np.ones_like(x)


@gaussian_dropout.mistake
def a_mask(x, *, p, rng, training=True):
    """This multiplies by mask / (1 - p), which is inverted dropout: the same mean and variance, but not normal."""
    return multiplied(x, bernoulli(x, p, rng) / (1 - p), True) if training else (x, np.ones_like(x))


@gaussian_dropout.mistake
def uniform_noise(x, *, p, rng, training=True):
    """This draws uniform noise of the right mean and variance: it is to be normal."""
    half = np.sqrt(3 * p / (1 - p))
    noise = rng.uniform(1 - half, 1 + half, x.shape) if training else np.ones(x.shape)
    return multiplied(x, np.asarray(noise).astype(x.dtype), True)


@gaussian_dropout.mistake
def no_negative_noise(x, *, p, rng, training=True):
    """This clips the noise at 0: then its mean is above 1. A normal factor may turn a sign, and that is meant."""
    _, noise = gaussian(x, np.sqrt(p / (1 - p)), rng, training)
    return multiplied(x, np.maximum(noise, 0), True)


@gaussian_dropout.mistake
def one_draw_for_all(x, *, p, rng, training=True):
    """This draws one number and multiplies all of x by it: every entry has noise of its own. Pass x.shape."""
    noise = 1 + np.sqrt(p / (1 - p)) * rng.standard_normal() if training else 1.0
    return multiplied(x, np.full_like(x, noise), True)


@gaussian_dropout.mistake
def noise_in_evaluation(x, *, p, rng, training=True):
    """This draws in evaluation too: with training=False y is x, nothing is drawn, and rng may be None."""
    return gaussian(x, np.sqrt(p / (1 - p)), rng, True)


@gaussian_dropout.mistake
def noise_without_its_one(x, *, p, rng, training=True):
    """The cache holds the noise without its mean of 1: y is x (1 + n), so the gradient is dy (1 + n)."""
    y, noise = gaussian(x, np.sqrt(p / (1 - p)), rng, training)
    return y, noise - 1


@gaussian_dropout.solution
def by_normal(x, *, p, rng, training=True):
    noise = rng.normal(1, (p / (1 - p)) ** 0.5, x.shape) if training else np.ones(x.shape)
    noise = np.asarray(noise, dtype=x.dtype)
    return x * noise, noise


@gaussian_dropout.solution
def by_adding(x, *, p, rng, training=True):
    if not training:
        return x, 1.0
    z = np.asarray(rng.standard_normal(x.shape, dtype=np.float32)).astype(x.dtype)
    deviation = float(np.sqrt(p / (1 - p)))
    return x + deviation * x * z, 1 + deviation * z


@gaussian_dropout.solution
def by_loop_from_the_end(x, *, p, rng, training=True):
    noise = np.ones_like(x)
    if training:
        for i in reversed([*np.ndindex(x.shape)]):
            noise[i] += rng.normal(scale=np.sqrt(p) / np.sqrt(1 - p))
    return noise * x, noise


@gaussian_dropout.solution
def by_uniform_numbers(x, *, p, rng, training=True):
    if not training:
        return np.copy(x), np.ones_like(x)
    radius = np.sqrt(-2 * p / (1 - p) * np.log(1 - rng.random(x.shape)))
    noise = np.asarray(1 + radius * np.cos(2 * np.pi * rng.random(x.shape))).astype(x.dtype)
    return x * noise, noise


# ---------------------------------------------------------------- dropconnect


def layers_with_noise(rng):
    """Layers of every kind; two with many weights; evaluation; and nothing dropped."""
    for (n, d, k), kind, size in [
        ((4, 3, 2), np.float64, 1.0),
        ((0, 3, 2), np.float64, 1.0),
        ((1, 1, 1), np.float64, 1.0),
        ((3, 2, 4), np.float32, 1e6),
        ((2, 5, 3), np.float64, 1e-8),
    ]:
        x, w = size * rng.normal(size=(2 * n, d)), rng.normal(size=(d, k))
        x, w = x.astype(kind)[::2], np.asfortranarray(w.astype(kind))
        x.flags.writeable = w.flags.writeable = size != 1.0
        yield Call(x, w, p=near_a_quarter(rng), rng=generator(rng))
    x, w = rng.normal(size=(2, MANY[0])), rng.uniform(1, 3, size=MANY) * rng.choice([-1, 1], size=MANY)
    yield Call(x, w, p=near_a_quarter(rng), rng=generator(rng))
    yield Call(x.astype(np.float32), w.astype(np.float32), p=1 - near_a_quarter(rng), rng=generator(rng))
    x, w = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    yield Call(x, w, p=near_a_quarter(rng), rng=None, training=False)
    yield Call(x, w, p=0.0, rng=generator(rng))


@st.composite
def small_layers(draw):
    n, d, k = (draw(st.integers(1, 2)) for _ in range(3))
    entries = st.sampled_from([1.0, 2.0, -1.0, 3.0])
    kind = draw(st.sampled_from([np.float64, np.float32]))
    x, w = (np.array(draw(st.lists(entries, min_size=i * j, max_size=i * j)), kind) for i, j in ((n, d), (d, k)))
    return x.reshape(n, d), w.reshape(d, k)


public_layers = st.one_of(
    st.builds(
        lambda layer, p, seed: Call(*layer, p=p, rng=np.random.default_rng(seed)), small_layers(), drop_rates, seeds
    ),
    st.builds(lambda layer, p: Call(*layer, p=p, rng=None, training=False), small_layers(), drop_rates),
    st.builds(
        lambda p, seed, kind: Call(
            np.ones((2, MANY[0]), kind), np.ones(MANY, kind), p=p, rng=np.random.default_rng(seed)
        ),
        st.sampled_from([0.25, 0.75]),
        seeds,
        st.sampled_from([np.float64, np.float32]),
    ),
)


def with_unit_inputs(x, w):
    """The unit vectors, which the layer answers with its masked weights, and below them the examples of x."""
    return np.vstack([np.eye(len(w), dtype=w.dtype), x])


def masked_weights(dropconnect, w, **settings):
    y, _ = pair(dropconnect(np.eye(len(w), dtype=w.dtype), w, **settings))
    assert np.shape(y) == w.shape, f"got shape {np.shape(y)}, expected {w.shape}"
    return np.asarray(y)


def layer_and_gradients(dropconnect, dropconnect_backward, x, w, **settings):
    y, cache = pair(dropconnect(x, w, **settings))
    dx, dw = dropconnect_backward(slopes(np.asarray(y)), cache)
    return np.asarray(y), dx, dw


def factors_of_weights(dropconnect, dropconnect_backward, x, w, **settings):
    return masked_weights(dropconnect, w, **settings).astype(float) / w


def matches(got, a, b, factor=1.0):
    """`got` is `(a @ b) * factor`, up to rounding: a sum that cancels is known to 1e-6 of its terms in float32."""
    close(got, (a @ b) * factor, atol=1e-6 * float(np.max((np.abs(a) @ np.abs(b)) * np.abs(factor), initial=0)))


dropconnect = Exercise(
    "dropconnect",
    "dropconnect_backward",
    inputs=layers_with_noise,
    public=public_layers,
    random=True,
    tolerance=0.1,
)


@dropconnect.use
def noise_and_both_gradients(dropconnect, dropconnect_backward, x, w, **settings):
    given = (dropconnect, dropconnect_backward, x, w)
    seen = measured(layer_and_gradients, factors_of_weights, given, settings)
    if not settings.get("training", True) or not many(w):
        return seen
    X = with_unit_inputs(x, w)
    y, dx, dw = layer_and_gradients(dropconnect, dropconnect_backward, X, w, **settings)
    masked = y[: len(w)]
    return [
        *seen,
        *along(y[len(w) :], x @ masked),
        float(np.any(y[len(w) :] == 0)),
        *along(dx, slopes(y) @ masked.T),
        *along(dw, (X.T @ slopes(y)) * (masked / w)),
    ]


@dropconnect.property(points=2)
def weights_are_zero_or_scaled(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """Unit vectors as x show the weights that are in use: each is 0 or w / (1 - p), and some are this, some that."""
    if training:
        zeros_or(1 / (1 - p), w, masked_weights(dropconnect, w, p=p, rng=rng))


@dropconnect.property(points=2)
def drops_a_share_p_of_the_weights(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """The share of the weights that are dropped is p, up to chance."""
    if training and many(w):
        share_dropped(masked_weights(dropconnect, w, p=p, rng=rng), p)


@dropconnect.property(points=2)
def all_examples_share_the_mask(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """Weights are dropped, and all rows of x see the same ones in one call."""
    if training:
        y = np.asarray(pair(dropconnect(with_unit_inputs(x, w), w, p=p, rng=rng))[0])
        assert y.shape == (len(w) + len(x), w.shape[1]), f"got shape {y.shape}"
        matches(y[len(w) :], x, y[: len(w)])
        if many(w):
            standardised(y[: len(w)] / w)


@dropconnect.property(points=1)
def evaluation_is_linear(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """With training=False nothing is drawn (rng may be None): y is x w, and its gradients are those of x w."""
    if not training:
        y, dx, dw = layer_and_gradients(dropconnect, dropconnect_backward, x, w, p=p, rng=None, training=False)
        matches(y, x, w)
        matches(dx, slopes(y), w.T)
        matches(dw, x.T, slopes(y))


@dropconnect.property(points=2)
def gradient_of_x(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """dx is dy times the transposed weights of the forward pass, those that were masked and scaled."""
    if training:
        X = with_unit_inputs(x, w)
        y, dx, _ = layer_and_gradients(dropconnect, dropconnect_backward, X, w, p=p, rng=rng)
        zeros_or(1 / (1 - p), w, y[: len(w)])
        matches(dx, slopes(y), y[: len(w)].T)


@dropconnect.property(points=2)
def gradient_of_w(dropconnect, dropconnect_backward, x, w, *, p, rng, training=True):
    """dw is x' dy, times 0 where the weight was dropped and 1 / (1 - p) where it was kept."""
    if training:
        X = with_unit_inputs(x, w)
        y, _, dw = layer_and_gradients(dropconnect, dropconnect_backward, X, w, p=p, rng=rng)
        kept = zeros_or(1 / (1 - p), w, y[: len(w)])
        matches(dw, X.T, slopes(y), kept / w.dtype.type(1 - p))


dropconnect.solution(type("regopt", (), {name: staticmethod(getattr(regopt, name)) for name in dropconnect.names}))
ask_for_manners_and_independence(
    dropconnect, layer_and_gradients, factors_of_weights, right=[gradient_of_w, evaluation_is_linear]
)


def linear(x, w, noise):
    """A layer with noise on its weights, and the cache that its right backward pass takes."""
    return x @ (w * noise), (x, w, noise)


@dropconnect.mistake
def drops_the_inputs(x, w, *, p, rng, training=True):
    """This drops entries of x, which is dropout: DropConnect drops single weights, entries of w."""
    x = x * bernoulli(x, p, rng) / (1 - p) if training else x
    return linear(x, w, np.ones_like(w))


@dropconnect.mistake
def drops_the_outputs(x, w, *, p, rng, training=True):
    """This drops entries of y, which is dropout after the layer: DropConnect drops weights before they are used."""
    y, cache = linear(x, w, np.ones_like(w))
    return (y * bernoulli(y, p, rng) / (1 - p), cache) if training else (y, cache)


@dropconnect.mistake
def a_mask_for_every_example(x, w, *, p, rng, training=True):
    """This draws a mask for every row of x, as the paper does: here all rows of one call share one."""
    y, cache = linear(x, w, bernoulli(w, p, rng) / (1 - p) if training else np.ones_like(w))
    if training and len(x):
        y = np.stack([row @ (w * bernoulli(w, p, rng)) / (1 - p) for row in x])
    return y, cache


@dropconnect.mistake
def keeps_weights_with_probability_p(x, w, *, p, rng, training=True):
    """This keeps each weight with probability p: p is the probability of being DROPPED."""
    return linear(x, w, bernoulli(w, 1 - p, rng) / (1 - p) if training else np.ones_like(w))


@dropconnect.mistake
def does_not_scale_the_weights(x, w, *, p, rng, training=True):
    """This leaves out 1 / (1 - p): then the mean of y is (1 - p) x w, and evaluation gives larger numbers."""
    return linear(x, w, bernoulli(w, p, rng) if training else np.ones_like(w))


@dropconnect.mistake
def scales_the_weights_in_evaluation(x, w, *, p, rng, training=True):
    """This multiplies by 1 - p in evaluation: the weights were scaled up while training, and evaluation is x w."""
    return linear(x, w, bernoulli(w, p, rng) / (1 - p) if training else np.full_like(w, 1 - p))


@dropconnect.mistake
def drops_weights_in_evaluation(x, w, *, p, rng, training=True):
    """This drops weights in evaluation too: with training=False nothing is drawn, and rng may be None."""
    return linear(x, w, bernoulli(w, p, rng) / (1 - p))


@dropconnect.mistake
class all_weights_in_the_gradient_of_x:
    """This takes all of w for dx: a weight that was dropped carried nothing forward, and carries nothing back."""

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, noise = cache
        return dy @ w.T, (x.T @ dy) * noise


@dropconnect.mistake
class gradient_for_dropped_weights:
    """This gives x' dy to all weights: those that were dropped had no part in y, and their gradient is 0."""

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, noise = cache
        return dy @ (w * noise).T, x.T @ dy


@dropconnect.mistake
class weights_without_the_scale_in_backward:
    """This masks dw and leaves out 1 / (1 - p): the slope of w m / (1 - p) is m / (1 - p)."""

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, noise = cache
        return dy @ (w * noise).T, (x.T @ dy) * (noise != 0)


@dropconnect.mistake
class mean_over_the_examples:
    """This divides dw by the number of examples: if the loss is a mean, dy holds that already. Sum over the rows."""

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, noise = cache
        return dy @ (w * noise).T, (x.T @ dy) * noise / max(len(x), 1)


@dropconnect.mistake
class other_weights_for_the_gradient:
    """This draws a new mask in the backward pass: those are not the weights that made y. Keep the mask in cache."""

    @staticmethod
    def dropconnect(x, w, *, p, rng, training=True):
        y, _ = linear(x, w, bernoulli(w, p, rng) / (1 - p) if training else np.ones_like(w))
        return y, (x, w, p, rng, training)

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, p, rng, training = cache
        noise = bernoulli(w, p, rng) / (1 - p) if training else np.ones_like(w)
        return dy @ (w * noise).T, (x.T @ dy) * noise


@dropconnect.solution
class by_masked_weights:
    @staticmethod
    def dropconnect(x, w, *, p, rng, training=True):
        scale = 1 / (1 - p) if training else 1.0
        kept = rng.random(w.shape) >= p if training else np.ones(w.shape, dtype=bool)
        used = np.where(kept, w, 0) * scale
        return x @ used, (x, used, kept, scale)

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, used, kept, scale = cache
        return dy @ used.T, np.where(kept, x.T @ dy, 0) * scale


@dropconnect.solution
class by_einsum:
    @staticmethod
    def dropconnect(x, w, *, p, rng, training=True):
        noise = np.ones_like(w)
        if training:
            noise = (rng.binomial(1, 1 - p, w.shape) / (1 - p)).astype(w.dtype)
        return np.einsum("nd,dk,dk->nk", x, w, noise), {"x": x, "w": w, "noise": noise}

    @staticmethod
    def dropconnect_backward(dy, cache):
        dx = np.einsum("nk,dk,dk->nd", dy, cache["w"], cache["noise"])
        return dx, np.einsum("nd,nk,dk->dk", cache["x"], dy, cache["noise"])


@dropconnect.solution
class column_by_column:
    @staticmethod
    def dropconnect(x, w, *, p, rng, training=True):
        y, kept = np.zeros((len(x), w.shape[1]), w.dtype), np.ones(w.shape, dtype=bool)
        for k in reversed(range(w.shape[1])):
            if training:
                kept[:, k] = rng.choice([True, False], p=[1 - p, p], size=len(w))
            y[:, k] = x[:, kept[:, k]] @ w[kept[:, k], k]
        return y / (1 - p if training else 1), (x, w, kept, 1 - p if training else 1.0)

    @staticmethod
    def dropconnect_backward(dy, cache):
        x, w, kept, survival = cache
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for i in range(w.shape[0]):
            for k in range(w.shape[1]):
                if kept[i, k]:
                    dx[:, i] += dy[:, k] * w[i, k] / survival
                    dw[i, k] = x[:, i] @ dy[:, k] / survival
        return dx, dw


# ---------------------------------------------------------------- mask_ensemble


def called(text, net):
    """`net`, which a counter-example shows as `text`."""
    net.__name__ = text
    return net


def rectified(v):
    """max(m v, 0) for each column of v, or for v alone."""
    return called("a net with a ReLU", lambda m: np.maximum(np.asarray(m, dtype=float) @ v, 0))


def probabilities(scores):
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return shares / np.sum(shares, axis=-1, keepdims=True)


def classifier(v, batch):
    """Probabilities, of shape (3,) or (batch, 3), from a hidden layer above the masks."""
    return called("a classifier", lambda m: probabilities(np.tanh(batch * (np.asarray(m, dtype=float) @ v))))


def networks(rng):
    """Nets whose outputs differ from mask to mask, of no unit to four, with p away from 1/2; both means."""
    quarter = near_a_quarter(rng)
    yield Call(rectified(rng.uniform(1, 2, size=3) * np.array([2, -1, 1])), 3, p=quarter)
    yield Call(rectified(1e6 * rng.normal(size=(4, 2))), 4, p=1 - quarter, mean="arithmetic")
    yield Call(classifier(2 * rng.normal(size=(3, 3)), 1.0), 3, p=quarter, mean="geometric")
    yield Call(classifier(2 * rng.normal(size=(2, 3)), np.array([[1.0], [0.3]])), 2, p=1 - quarter, mean="geometric")
    yield Call(classifier(rng.normal(size=(2, 3)), np.array([[1.0], [0.5]])), 2, p=quarter)
    yield Call(classifier(rng.normal(size=(0, 3)), 1.0), 0, p=quarter, mean="geometric")
    yield Call(rectified(rng.normal(size=2) + 1), 2, p=0.0)


@st.composite
def small_networks(draw):
    n = draw(st.integers(1, 2))
    v = draw(st.lists(st.sampled_from([1, 2, -1]), min_size=n, max_size=n))
    net = called(
        f"lambda m: np.array([2 + max(np.array(m) @ {v}, 0), 1.0])",
        lambda m: np.array([2 + max(np.array(m, dtype=float) @ v, 0), 1.0]),
    )
    return Call(net, n, p=draw(drop_rates), **draw(st.sampled_from([{}, {"mean": "geometric"}])))


mask_ensemble = Exercise("mask_ensemble", inputs=networks, public=small_networks())


def pattern(mask):
    """The number of a mask, 0 to 2^n - 1; AssertionError if it is none."""
    bits = np.asarray(mask, dtype=float)
    assert np.all((bits == 0) | (bits == 1)), f"net was given {shown(mask)}, expected zeros and ones"
    return int(bits @ 2.0 ** np.arange(len(bits)))


@mask_ensemble.property(points=4)
def is_the_exact_mean(mask_ensemble, net, n, *, p, mean="arithmetic"):
    """The answer is the mean that is asked for, over all masks, each with its probability."""
    close(mask_ensemble(net, n, p=p, mean=mean), regopt.mask_ensemble(net, n, p=p, mean=mean))


@mask_ensemble.property(points=2)
def every_mask_has_its_probability(mask_ensemble, net, n, *, p, mean="arithmetic"):
    """In the arithmetic mean a mask counts (1 - p)^kept p^dropped, asked of a net that tells masks apart."""
    which = called("a net that says which mask it saw", lambda m: np.eye(2**n)[pattern(m)])
    kept = np.array([bin(number).count("1") for number in range(2**n)])
    close(mask_ensemble(which, n, p=p), (1 - p) ** kept * p ** (n - kept))


@mask_ensemble.property(points=1)
def asks_the_net_with_every_mask(mask_ensemble, net, n, *, p, mean="arithmetic"):
    """net is called with every mask of n zeros and ones (where p is 0, with the full one), and the mean is right."""
    seen = set()

    def watched(m):
        assert np.shape(m) == (n,), f"net was given shape {np.shape(m)}, expected {(n,)}"
        seen.add(pattern(m))
        return net(m)

    got = mask_ensemble(called(net.__name__, watched), n, p=p, mean=mean)
    assert len(seen) == 2**n or (p == 0 and 2**n - 1 in seen), f"net saw {len(seen)} of {2**n} masks"
    close(got, regopt.mask_ensemble(net, n, p=p, mean=mean))


@mask_ensemble.property(points=1)
def of_a_linear_net(mask_ensemble, net, n, *, p, mean="arithmetic"):
    """The arithmetic mean of a net that is linear in its mask is the full net: expectation linearity."""
    v = np.arange(1.0, n + 1)
    full = called(
        f"lambda m: np.array(m) @ {v.tolist()} / {1 - p:g}", lambda m: np.asarray(m, dtype=float) @ v / (1 - p)
    )
    close(mask_ensemble(full, n, p=p), np.sum(v))


@mask_ensemble.property(points=2)
def of_a_softmax_layer(mask_ensemble, net, n, *, p, mean="arithmetic"):
    """The geometric mean of softmax layers is the softmax of the full net, for each of two examples."""
    v = np.stack([np.sin(np.arange(1.0, n + 1)), np.ones(n), np.cos(np.arange(1.0, n + 1))], axis=-1)
    batch = np.array([[2.0], [0.5]])
    layer = called("a softmax layer", lambda m: probabilities(batch * (np.asarray(m, dtype=float) @ v / (1 - p))))
    close(mask_ensemble(layer, n, p=p, mean="geometric"), layer((1 - p) * np.ones(n)))


mask_ensemble.solution(regopt.mask_ensemble)


def all_masks(n):
    return [np.array(bits, dtype=float) for bits in np.ndindex((2,) * n)]


def averaged(net, n, p, mean, weight=None, masks=None, normalised=True):
    """The average of `net`, for mistakes that have something wrong in it."""
    weight = weight or probability
    masks = all_masks(n) if masks is None else masks
    if mean == "arithmetic":
        return sum(weight(m, p) * np.asarray(net(m)) for m in masks)
    product = np.exp(sum(weight(m, p) * np.log(net(m)) for m in masks))
    return product / np.sum(product, axis=-1, keepdims=True) if normalised else product


def probability(m, p):
    return (1 - p) ** np.sum(m) * p ** np.sum(1 - m)


@mask_ensemble.mistake
def all_masks_alike(net, n, *, p, mean="arithmetic"):
    """This gives every mask the same weight, 1 / 2^n: that is its probability at p = 1/2 only."""
    return averaged(net, n, p, mean, weight=lambda m, p: 0.5**n)


@mask_ensemble.mistake
def p_for_kept(net, n, *, p, mean="arithmetic"):
    """This weighs with p^kept (1 - p)^dropped: p is the probability of being DROPPED."""
    return averaged(net, n, 1 - p, mean)


@mask_ensemble.mistake
def one_full_pass(net, n, *, p, mean="arithmetic"):
    """This calls net once, with the mean mask: that is the mean of the outputs only where net is linear above it."""
    return net(np.full(n, 1 - p))


@mask_ensemble.mistake
def ignores_which_mean(net, n, *, p, mean="arithmetic"):
    """This returns the arithmetic mean for both: the geometric one averages logarithms."""
    return averaged(net, n, p, "arithmetic")


@mask_ensemble.mistake
def geometric_is_not_renormalised(net, n, *, p, mean="arithmetic"):
    """This leaves the product as it is: a geometric mean of probabilities sums to less than 1. Divide by its sum."""
    return averaged(net, n, p, mean, normalised=False)


@mask_ensemble.mistake
def renormalised_over_everything(net, n, *, p, mean="arithmetic"):
    """This divides by the sum of all entries: the classes are on the last axis, and every row sums to 1."""
    answer = averaged(net, n, p, mean, normalised=False)
    return answer / np.sum(answer) if mean == "geometric" else answer


@mask_ensemble.mistake
def geometric_with_equal_weights(net, n, *, p, mean="arithmetic"):
    """This takes the 2^n-th root of the product: each factor has its own exponent, the probability of its mask."""
    return averaged(net, n, p, mean, weight=(lambda m, p: 0.5**n) if mean == "geometric" else None)


@mask_ensemble.mistake
def forgets_the_empty_mask(net, n, *, p, mean="arithmetic"):
    """This leaves out the mask that drops everything: it has probability p^n."""
    return averaged(net, n, p, mean, masks=all_masks(n)[1:] or all_masks(n))


@mask_ensemble.mistake
def forgets_the_full_mask(net, n, *, p, mean="arithmetic"):
    """This leaves out the mask that drops nothing: range(2**n - 1) ends one too early."""
    return averaged(net, n, p, mean, masks=all_masks(n)[:-1] or all_masks(n))


@mask_ensemble.mistake
def scales_the_masks(net, n, *, p, mean="arithmetic"):
    """This passes m / (1 - p) to net: net gets zeros and ones, and scales by itself."""
    return averaged(lambda m: net(m / (1 - p)), n, p, mean)


@mask_ensemble.mistake
def kept_units_only(net, n, *, p, mean="arithmetic"):
    """This weighs with (1 - p)^kept and forgets p^dropped: the weights must sum to 1."""
    return averaged(net, n, p, mean, weight=lambda m, p: (1 - p) ** np.sum(m))


@mask_ensemble.solution
def by_bits(net, n, *, p, mean="arithmetic"):
    masks = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    weights = np.prod(np.where(masks == 1, 1 - p, p), axis=1)
    outputs = np.array([net(mask) for mask in masks])
    if mean == "arithmetic":
        return np.tensordot(weights, outputs, 1)
    product = np.exp(np.tensordot(weights, np.log(outputs), 1))
    return product / product.sum(axis=-1, keepdims=True)


@mask_ensemble.solution
def by_recursion(net, n, *, p, mean="arithmetic"):
    forward, back = (np.log, np.exp) if mean == "geometric" else (np.asarray, np.asarray)

    def below(mask):
        if len(mask) == n:
            return forward(net(np.array(mask, dtype=float)))
        return (1 - p) * below([*mask, 1.0]) + p * below([*mask, 0.0])

    answer = back(below([]))
    return answer / answer.sum(-1)[..., None] if mean == "geometric" else answer


@mask_ensemble.solution
def by_powers(net, n, *, p, mean="arithmetic"):
    arithmetic, geometric = np.zeros(()), np.ones(())
    for m in all_masks(n):
        weight = (1 - p) ** m.sum() * p ** (n - m.sum())
        if mean == "geometric":
            geometric = geometric * net(m) ** weight
        arithmetic = arithmetic + weight * net(m)
    return geometric / np.expand_dims(np.sum(geometric, -1), -1) if mean == "geometric" else arithmetic


@mask_ensemble.solution
def by_lists_of_ones(net, n, *, p, mean="arithmetic"):
    states: dict = {(): 1.0}
    for _ in range(n):
        states = {(*mask, bit): w * (1 - p if bit else p) for mask, w in states.items() for bit in (0, 1)}
    outputs = [(w, np.asarray(net(np.array(mask)))) for mask, w in states.items()]
    if mean == "arithmetic":
        return sum(w * output for w, output in outputs)
    logs = sum(w * np.log(output) for w, output in outputs)
    logs = logs - np.max(logs, axis=-1, keepdims=True)
    return np.exp(logs) / np.sum(np.exp(logs), axis=-1, keepdims=True)
