"""Hidden checks of the assignment `label_smoothing`."""

import numpy as np
from hypothesis import strategies as st

import regopt
from autograder.asserts import close, last_digits, pair, same_direction, unchanged
from autograder.exercise import Call, Exercise
from autograder.inputs import labelled_scores, small_labelled_scores, strengths
from autograder.manners import ask_for_manners

spreads = st.sampled_from(["all", "others"])
smoothings = st.sampled_from([0.5, 0.25, 0.0])

# ---------------------------------------------------------------- smooth_labels


def labels_of_every_kind(rng):
    """No example and many, two classes and many, classes that no label names, both conventions, the extremes of eps."""

    def eps():
        return rng.uniform(0.1, 0.4)

    yield Call(rng.integers(10, size=6), 10, eps_smooth=eps(), spread="all")
    yield Call(rng.integers(10, size=6), 10, eps_smooth=eps(), spread="others")
    yield Call(rng.integers(2, size=5), 2, eps_smooth=eps(), spread="all")
    yield Call(rng.integers(3, size=8, dtype=np.int32)[::2], 6, eps_smooth=eps(), spread="others")
    yield Call(np.empty(0, dtype=int), 3, eps_smooth=eps(), spread="all")
    yield Call(rng.integers(3, size=4, dtype=np.uint8), 5, eps_smooth=0.0, spread="others")
    yield Call(rng.integers(4, size=1), 4, eps_smooth=1.0, spread="all")
    fixed = rng.integers(4, size=3)
    fixed.flags.writeable = False
    yield Call(fixed, 4, eps_smooth=eps(), spread="others")


smooth_labels = Exercise(
    "smooth_labels",
    inputs=labels_of_every_kind,
    public=st.builds(
        lambda labels, K, eps, spread: Call(np.array(labels), K, eps_smooth=eps, spread=spread),
        st.lists(st.sampled_from([1, 0]), min_size=1, max_size=2),
        st.sampled_from([2, 3]),
        smoothings,
        spreads,
    ),
)


@smooth_labels.property(points=2)
def mixes_with_the_uniform(smooth_labels, labels, K, *, eps_smooth, spread):
    """With "all" it is (1 - eps) one-hot + eps/K: the label's own class gets its share of eps back."""
    targets = smooth_labels(labels, K, eps_smooth=eps_smooth, spread="all")
    close(targets, regopt.smooth_labels(labels, K, eps_smooth=eps_smooth))


@smooth_labels.property(points=2)
def keeps_one_minus_eps(smooth_labels, labels, K, *, eps_smooth, spread):
    """With "others" the label keeps 1 - eps, and the K - 1 other classes share eps."""
    targets = smooth_labels(labels, K, eps_smooth=eps_smooth, spread="others")
    close(targets, regopt.smooth_labels(labels, K, eps_smooth=eps_smooth, spread="others"))


@smooth_labels.property(points=1)
def are_distributions(smooth_labels, labels, K, *, eps_smooth, spread):
    """Every row sums to 1, the wrong classes have equal shares, and the label, at a small eps, has the largest."""
    targets = np.asarray(smooth_labels(labels, K, eps_smooth=0.3 * eps_smooth + 0.05, spread=spread))
    assert targets.shape == (len(labels), K), f"got shape {targets.shape}, expected {(len(labels), K)}"
    close(targets.sum(axis=1), np.ones(len(labels)))
    wrong = np.arange(K) != labels[:, None]
    shares = targets[wrong].reshape(-1, K - 1)
    close(shares, np.repeat(shares[:, :1], K - 1, axis=1))
    assert np.all(shares > 0), "a wrong class has nothing"
    assert np.all(targets.max(axis=1) > shares.max(axis=1)), "the label has not the largest share"


@smooth_labels.property(points=1)
def spreads_over_all_by_default(smooth_labels, labels, K, *, eps_smooth, spread):
    """Without spread it is "all", as in torch."""
    close(smooth_labels(labels, K, eps_smooth=0.25), regopt.smooth_labels(labels, K, eps_smooth=0.25))


@smooth_labels.property(points=1)
def conventions_convert(smooth_labels, labels, K, *, eps_smooth, spread):
    """eps with "others" gives what eps K/(K - 1) gives with "all"."""
    eps = 0.4 * eps_smooth + 0.05
    others = smooth_labels(labels, K, eps_smooth=eps, spread="others")
    close(smooth_labels(labels, K, eps_smooth=eps * K / (K - 1), spread="all"), others)
    close(others, regopt.smooth_labels(labels, K, eps_smooth=eps, spread="others"))


@smooth_labels.property(points=1)
def leaves_the_labels_alone(smooth_labels, labels, K, *, eps_smooth, spread):
    """The labels are the same after the call as before, and the answer is right."""
    targets = unchanged(smooth_labels, labels, K, eps_smooth=eps_smooth, spread=spread)
    close(targets, regopt.smooth_labels(labels, K, eps_smooth=eps_smooth, spread=spread))


smooth_labels.solution(regopt.smooth_labels)


def one_hot(labels, K):
    return (labels[:, None] == np.arange(K)).astype(float)


def smoothed(labels, K, eps, spread):
    """The targets, for mistakes that have something else wrong."""
    hot = one_hot(labels, K)
    return (1 - eps) * hot + (eps / K if spread == "all" else eps / (K - 1) * (1 - hot))


@smooth_labels.mistake
def always_all(labels, K, eps_smooth, spread="all"):
    """This spreads eps over all classes, whatever is asked for: with "others" the label keeps exactly 1 - eps."""
    return smoothed(labels, K, eps_smooth, "all")


@smooth_labels.mistake
def always_others(labels, K, eps_smooth, spread="all"):
    """This spreads eps over the other classes, whatever is asked for: with "all" the label gets eps/K back."""
    return smoothed(labels, K, eps_smooth, "others")


@smooth_labels.mistake
def swaps_the_conventions(labels, K, eps_smooth, spread="all"):
    """This has the two conventions the wrong way round: "all" divides by K, "others" by K - 1."""
    return smoothed(labels, K, eps_smooth, "others" if spread == "all" else "all")


@smooth_labels.mistake
def divides_by_K_everywhere(labels, K, eps_smooth, spread="all"):
    """This gives the label 1 - eps and the others eps/K: that does not sum to 1. It mixes the two conventions."""
    hot = one_hot(labels, K)
    return (1 - eps_smooth) * hot + eps_smooth / K * (1 - hot)


@smooth_labels.mistake
def adds_to_the_label_as_well(labels, K, eps_smooth, spread="all"):
    """With "others" this adds eps/(K - 1) to the label as well, and the row sums to more than 1."""
    return (1 - eps_smooth) * one_hot(labels, K) + eps_smooth / (K if spread == "all" else K - 1)


@smooth_labels.mistake
def hard_labels(labels, K, eps_smooth, spread="all"):
    """These are the hard labels: eps is not used."""
    return one_hot(labels, K)


@smooth_labels.mistake
def gives_nothing_away(labels, K, eps_smooth, spread="all"):
    """This takes eps from the label and gives it to nobody: the row sums to 1 - eps."""
    return (1 - eps_smooth) * one_hot(labels, K)


@smooth_labels.mistake
def eps_for_the_label(labels, K, eps_smooth, spread="all"):
    """This gives the label eps and the rest 1 - eps: eps is what is taken away."""
    return smoothed(labels, K, 1 - eps_smooth, spread)


@smooth_labels.mistake
def classes_that_occur(labels, K, eps_smooth, spread="all"):
    """This counts the classes that occur in the labels: a batch need not have all K."""
    return smoothed(labels, int(labels.max(initial=0)) + 1, eps_smooth, "all")


@smooth_labels.mistake
def targets_in_whole_numbers(labels, K, eps_smooth, spread="all"):
    """These targets are integers, like the labels, and every fraction becomes 0: make a float array."""
    return smoothed(labels, K, eps_smooth, spread).astype(int)


@smooth_labels.mistake
def writes_into_the_labels(labels, K, eps_smooth, spread="all"):
    """This writes into the labels: the caller still needs them."""
    targets = smoothed(labels, K, eps_smooth, spread)
    labels += 1
    return targets


@smooth_labels.solution
def by_mixing(labels, K, eps_smooth, spread="all"):
    if spread == "others":
        eps_smooth = eps_smooth * K / (K - 1)
    return (1 - eps_smooth) * np.eye(K)[labels] + eps_smooth / K


@smooth_labels.solution
def by_filling(labels, K, eps_smooth, spread="all"):
    wrong = eps_smooth / (K if spread == "all" else K - 1)
    targets = np.full((len(labels), K), wrong)
    np.put_along_axis(targets, labels[:, None].astype(int), 1 - (K - 1) * wrong, axis=1)
    return targets


@smooth_labels.solution
def entry_by_entry(labels, K, eps_smooth, spread="all"):
    targets = np.zeros((len(labels), K))
    for n, label in enumerate(labels):
        for k in range(K):
            if spread == "all":
                targets[n, k] = eps_smooth / K + (1 - eps_smooth if k == label else 0)
            else:
                targets[n, k] = 1 - eps_smooth if k == label else eps_smooth / (K - 1)
    return targets


# ---------------------------------------------------------------- label_smoothing_loss and its gradient


def smoothed_batches(rng):
    """Scores of every kind, in both conventions by turns; and hard labels."""
    for n, (logits, labels) in enumerate(labelled_scores(rng)):
        yield Call(logits, labels, eps_smooth=rng.uniform(0.15, 0.4), spread=("all", "others")[n % 2])
    yield Call(rng.normal(size=(3, 4)), rng.integers(4, size=3), eps_smooth=0.0, spread="all")


small_batches = st.builds(
    lambda each, eps, spread: Call(*each, eps_smooth=eps, spread=spread), small_labelled_scores(), smoothings, spreads
)

label_smoothing_loss = Exercise("label_smoothing_loss", inputs=smoothed_batches, public=small_batches)
right_loss = regopt.label_smoothing_loss


@label_smoothing_loss.property(points=3)
def is_the_mean_cross_entropy(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """It is minus the sum of target times log p over the classes, the mean over the examples."""
    got = label_smoothing_loss(logits, labels, eps_smooth=eps_smooth, spread=spread)
    close(got, right_loss(logits, labels, eps_smooth=eps_smooth, spread=spread), atol=last_digits(logits))


@label_smoothing_loss.property(points=1)
def survives_scores_far_apart(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """Scores that are thousands apart give a large number, never infinity or NaN."""
    far = 1000 * logits
    got = label_smoothing_loss(far, labels, eps_smooth=eps_smooth, spread=spread)
    close(got, right_loss(far, labels, eps_smooth=eps_smooth, spread=spread), atol=last_digits(far))


@label_smoothing_loss.property(points=1)
def perfect_fit_costs_the_entropy(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """Where the prediction is the target itself, the loss is the entropy of the target, and not 0."""
    targets = regopt.smooth_labels(labels, logits.shape[1], eps_smooth=0.2, spread=spread)
    entropy = -np.mean(np.sum(targets * np.log(targets), axis=1))
    close(label_smoothing_loss(np.log(targets), labels, eps_smooth=0.2, spread=spread), entropy)


@label_smoothing_loss.property(points=1)
def without_eps_it_is_cross_entropy(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """With eps = 0 it is the cross-entropy of the hard labels, in both conventions."""
    for each in ("all", "others"):
        got = label_smoothing_loss(logits, labels, eps_smooth=0.0, spread=each)
        close(got, regopt.cross_entropy(logits, labels)[0], atol=last_digits(logits))


@label_smoothing_loss.property(points=1)
def repeating_the_batch_changes_nothing(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """The same examples twice have the same loss; without spread it is "all"."""
    twice = np.concatenate([logits, logits]), np.concatenate([labels, labels])
    close(label_smoothing_loss(*twice, eps_smooth=0.25), right_loss(*twice, eps_smooth=0.25), atol=last_digits(logits))


@label_smoothing_loss.property(points=1)
def leaves_logits_and_labels_alone(label_smoothing_loss, logits, labels, *, eps_smooth, spread):
    """What it is given is the same after the call as before, and the answer is right."""
    got = unchanged(label_smoothing_loss, logits, labels, eps_smooth=eps_smooth, spread=spread)
    close(got, right_loss(logits, labels, eps_smooth=eps_smooth, spread=spread), atol=last_digits(logits))


label_smoothing_loss.solution(right_loss)


def log_probabilities(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropies(logits, labels, eps, spread):
    """Of each class of each example, for mistakes that have something else wrong."""
    return -smoothed(labels, logits.shape[1], eps, spread) * log_probabilities(logits)


@label_smoothing_loss.mistake
def sum_of_the_examples(logits, labels, eps_smooth, spread="all"):
    """This is the sum over the examples: here the loss is their mean."""
    return cross_entropies(logits, labels, eps_smooth, spread).sum()


@label_smoothing_loss.mistake
def mean_of_all_entries(logits, labels, eps_smooth, spread="all"):
    """This divides by all entries, N times K: sum over the classes, and take the mean over the examples."""
    return cross_entropies(logits, labels, eps_smooth, spread).mean()


@label_smoothing_loss.mistake
def loss_of_hard_labels(logits, labels, eps_smooth, spread="all"):
    """This is the cross-entropy of the hard labels: eps is not used."""
    return cross_entropies(logits, labels, 0.0, spread).sum() / len(logits)


@label_smoothing_loss.mistake
def other_classes_cost_nothing(logits, labels, eps_smooth, spread="all"):
    """This counts the label's own class only: the others have targets as well."""
    own = cross_entropies(logits, labels, eps_smooth, spread)[np.arange(len(labels)), labels]
    return own.sum() / len(logits)


@label_smoothing_loss.mistake
def loss_always_of_all(logits, labels, eps_smooth, spread="all"):
    """This spreads eps over all classes, whatever is asked for."""
    return cross_entropies(logits, labels, eps_smooth, "all").sum() / len(logits)


@label_smoothing_loss.mistake
def loss_always_of_others(logits, labels, eps_smooth, spread="all"):
    """This spreads eps over the other classes, whatever is asked for."""
    return cross_entropies(logits, labels, eps_smooth, "others").sum() / len(logits)


@label_smoothing_loss.mistake
def divergence(logits, labels, eps_smooth, spread="all"):
    """This is KL(q || p), which is 0 at a perfect fit: the cross-entropy is larger by the entropy of the target."""
    q = smoothed(labels, logits.shape[1], eps_smooth, spread)
    entropy = -np.sum(q * np.log(np.where(q > 0, q, 1)))
    return (cross_entropies(logits, labels, eps_smooth, spread).sum() - entropy) / len(logits)


@label_smoothing_loss.mistake
def adds_without_taking_away(logits, labels, eps_smooth, spread="all"):
    """This adds eps times the uniform cross-entropy to the whole hard one: the hard one counts 1 - eps."""
    hard = cross_entropies(logits, labels, 0.0, spread)
    return (cross_entropies(logits, labels, eps_smooth, spread) + eps_smooth * hard).sum() / len(logits)


@label_smoothing_loss.mistake
def infinite_where_p_is_zero(logits, labels, eps_smooth, spread="all"):
    """This takes the logarithm of the softmax, infinite where a probability rounds to zero: use log_softmax."""
    p = np.exp(log_probabilities(logits))
    return -np.sum(smoothed(labels, logits.shape[1], eps_smooth, spread) * np.log(p)) / len(logits)


@label_smoothing_loss.mistake
def gain(logits, labels, eps_smooth, spread="all"):
    """This lacks the minus: the logarithm of a probability is at most 0, and a loss at least 0."""
    return -cross_entropies(logits, labels, eps_smooth, spread).sum() / len(logits)


@label_smoothing_loss.mistake
def shifts_the_logits_in_place(logits, labels, eps_smooth, spread="all"):
    """This subtracts the largest score in place, logits -= ...: the caller's scores are changed."""
    loss = cross_entropies(logits, labels, eps_smooth, spread).sum() / len(logits)
    logits -= logits.max(axis=1, keepdims=True)
    return loss


@label_smoothing_loss.solution
def by_targets(logits, labels, eps_smooth, spread="all"):
    return cross_entropies(logits, labels, eps_smooth, spread).sum(axis=1).mean()


@label_smoothing_loss.solution
def by_two_losses(logits, labels, eps_smooth, spread="all"):
    K = logits.shape[1]
    eps = eps_smooth if spread == "all" else eps_smooth * K / (K - 1)
    log_p = log_probabilities(logits)
    hard = -log_p[np.arange(len(labels)), labels].mean()
    return (1 - eps) * hard - eps * log_p.mean()


@label_smoothing_loss.solution
def by_log_sum_exp(logits, labels, eps_smooth, spread="all"):
    q = smoothed(labels, logits.shape[1], eps_smooth, spread)
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - np.einsum("nk,nk->n", q, logits)))


@label_smoothing_loss.solution
def class_by_class(logits, labels, eps_smooth, spread="all"):
    total, K = 0.0, logits.shape[1]
    wrong = eps_smooth / K if spread == "all" else eps_smooth / (K - 1)
    for z, label in zip(logits, labels, strict=True):
        z = [float(each) - float(z[label]) for each in z]
        top = max(z)
        log_sum = top + np.log(sum(np.exp(each - top) for each in z))
        total += sum((1 - (K - 1) * wrong if k == label else wrong) * (log_sum - z[k]) for k in range(K))
    return total / len(logits)


label_smoothing_gradient = Exercise("label_smoothing_gradient", inputs=smoothed_batches, public=small_batches)
right_gradient = regopt.label_smoothing_gradient


def digits(logits):
    """p - q is the difference of two numbers up to 1: known to a few roundings of 1, whatever is left of it."""
    return last_digits(np.ones(1, logits.dtype))


@label_smoothing_gradient.property(points=3)
def is_prediction_minus_target(label_smoothing_gradient, logits, labels, *, eps_smooth, spread):
    """It is softmax(z) minus the smoothed label, divided by the number of examples."""
    got = label_smoothing_gradient(logits, labels, eps_smooth=eps_smooth, spread=spread)
    close(got, right_gradient(logits, labels, eps_smooth=eps_smooth, spread=spread), atol=digits(logits))


@label_smoothing_gradient.property(points=1)
def points_uphill(label_smoothing_gradient, logits, labels, *, eps_smooth, spread):
    """Up to a factor it is softmax(z) minus the smoothed label."""
    got = np.asarray(label_smoothing_gradient(logits, labels, eps_smooth=eps_smooth, spread=spread))
    assert got.shape == logits.shape, f"got shape {got.shape}, expected {logits.shape}"
    same_direction(got, right_gradient(logits, labels, eps_smooth=eps_smooth, spread=spread))


@label_smoothing_gradient.property(points=1)
def turns_round_at_the_target(label_smoothing_gradient, logits, labels, *, eps_smooth, spread):
    """It is zero where the prediction is the target; where the prediction is surer, the true score is pushed down."""
    targets = regopt.smooth_labels(labels, logits.shape[1], eps_smooth=0.2, spread=spread)
    best = np.log(targets)
    close(
        label_smoothing_gradient(best, labels, eps_smooth=0.2, spread=spread),
        np.zeros_like(best),
        atol=digits(best),
    )
    surer = 2 * best
    got = np.asarray(label_smoothing_gradient(surer, labels, eps_smooth=0.2, spread=spread))
    same_direction(got, right_gradient(surer, labels, eps_smooth=0.2, spread=spread))


@label_smoothing_gradient.property(points=1)
def gradient_survives_scores_far_apart(label_smoothing_gradient, logits, labels, *, eps_smooth, spread):
    """Scores that are thousands apart give the right gradient, never NaN."""
    far = 1000 * logits
    got = label_smoothing_gradient(far, labels, eps_smooth=eps_smooth, spread=spread)
    close(got, right_gradient(far, labels, eps_smooth=eps_smooth, spread=spread), atol=last_digits(far))


@label_smoothing_gradient.property(points=1)
def examples_share_the_gradient(label_smoothing_gradient, logits, labels, *, eps_smooth, spread):
    """The same examples twice have half the gradient each; without spread it is "all"."""
    twice = np.concatenate([logits, logits]), np.concatenate([labels, labels])
    got = label_smoothing_gradient(*twice, eps_smooth=0.25)
    close(got, right_gradient(*twice, eps_smooth=0.25), atol=digits(logits))


ask_for_manners(label_smoothing_gradient)
label_smoothing_gradient.solution(right_gradient)


def errors(logits, labels, eps, spread):
    """Prediction minus target, of each example by itself."""
    q = smoothed(labels, logits.shape[1], eps, spread).astype(logits.dtype)
    return np.exp(log_probabilities(logits)) - q


@label_smoothing_gradient.mistake
def gradient_of_hard_labels(logits, labels, eps_smooth, spread="all"):
    """This is the gradient of the hard labels: eps is not used."""
    return errors(logits, labels, 0.0, spread) / len(logits)


@label_smoothing_gradient.mistake
def gradient_of_the_sum(logits, labels, eps_smooth, spread="all"):
    """This is the gradient of the sum over the examples: that of their mean carries 1/N."""
    return errors(logits, labels, eps_smooth, spread)


@label_smoothing_gradient.mistake
def target_minus_prediction(logits, labels, eps_smooth, spread="all"):
    """This is the target minus the prediction, the direction of the step: a gradient points uphill."""
    return -errors(logits, labels, eps_smooth, spread) / len(logits)


@label_smoothing_gradient.mistake
def only_the_label_has_a_target(logits, labels, eps_smooth, spread="all"):
    """This subtracts the target of the label only: the other classes have targets as well."""
    hot = one_hot(labels, logits.shape[1])
    q = smoothed(labels, logits.shape[1], eps_smooth, spread) * hot
    return ((np.exp(log_probabilities(logits)) - q) / len(logits)).astype(logits.dtype)


@label_smoothing_gradient.mistake
def gradient_always_of_all(logits, labels, eps_smooth, spread="all"):
    """This spreads eps over all classes, whatever is asked for."""
    return errors(logits, labels, eps_smooth, "all") / len(logits)


@label_smoothing_gradient.mistake
def gradient_always_of_others(logits, labels, eps_smooth, spread="all"):
    """This spreads eps over the other classes, whatever is asked for."""
    return errors(logits, labels, eps_smooth, "others") / len(logits)


@label_smoothing_gradient.mistake
def times_the_slope_of_softmax(logits, labels, eps_smooth, spread="all"):
    """This multiplies by p (1 - p) once more: p - q is the gradient in the scores already."""
    p = np.exp(log_probabilities(logits))
    return errors(logits, labels, eps_smooth, spread) * p * (1 - p) / len(logits)


@label_smoothing_gradient.mistake
def in_the_probabilities(logits, labels, eps_smooth, spread="all"):
    """This is -q/p, the gradient in the probabilities: one score moves those of all classes."""
    p = np.exp(log_probabilities(logits))
    q = smoothed(labels, logits.shape[1], eps_smooth, spread)
    return (-q / np.maximum(p, np.finfo(logits.dtype).tiny) / len(logits)).astype(logits.dtype)


@label_smoothing_gradient.mistake
def overflows(logits, labels, eps_smooth, spread="all"):
    """This takes exp of the scores as they are, infinite from 710 up: subtract the largest score of each row first."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ((p - smoothed(labels, logits.shape[1], eps_smooth, spread)) / len(logits)).astype(logits.dtype)


@label_smoothing_gradient.solution
def by_subtracting(logits, labels, eps_smooth, spread="all"):
    return errors(logits, labels, eps_smooth, spread) / len(logits)


@label_smoothing_gradient.solution
def by_hard_gradient_and_uniform(logits, labels, eps_smooth, spread="all"):
    N, K = logits.shape
    eps = eps_smooth if spread == "all" else eps_smooth * K / (K - 1)
    grad = np.exp(log_probabilities(logits))
    grad -= logits.dtype.type(eps / K)
    grad[np.arange(N), labels] -= logits.dtype.type(1 - eps)
    grad /= N
    return grad


@label_smoothing_gradient.solution
def row_by_row(logits, labels, eps_smooth, spread="all"):
    grad, K = np.empty_like(logits), logits.shape[1]
    wrong = eps_smooth / K if spread == "all" else eps_smooth / (K - 1)
    for n, label in enumerate(labels):
        z = [float(each) for each in logits[n]]
        powers = [np.exp(each - max(z)) for each in z]
        for k in range(K):
            target = 1 - (K - 1) * wrong if k == label else wrong
            grad[n, k] = (powers[k] / sum(powers) - target) / len(logits)
    return grad


# ---------------------------------------------------------------- entropy_penalty


def predictions(rng):
    """Scores of every kind; an undecided row beside those that are certain, whose entropy is rounding."""
    for logits, _ in labelled_scores(rng):
        size = float(np.max(np.abs(logits)))
        if size > 1e3:
            logits[-1] /= size
        if size < 1e-3:
            logits = logits * 1e5
        yield Call(logits, lam=float(np.float32(rng.uniform(0.2, 0.6))))
    yield Call(rng.normal(size=(2, 3)), lam=0.0)


def has_winners(logits):
    """Whether one class has the largest score in every row: where all are as likely, the gradient is rounding."""
    return np.all(np.sum(logits == logits.max(axis=1, keepdims=True), axis=1) == 1)


entropy_penalty = Exercise(
    "entropy_penalty",
    inputs=predictions,
    public=st.builds(
        lambda logits, lam: Call(logits, lam=lam),
        small_labelled_scores().map(lambda each: each[0]).filter(has_winners),
        strengths,
    ),
)
right_penalty = regopt.entropy_penalty


def rounded(logits, lam):
    """log p + H cancels where the classes are equally likely, and p log p where one is certain: lam times rounding."""
    return lam * digits(logits)


@entropy_penalty.property(points=2)
def value_is_minus_the_entropy(entropy_penalty, logits, *, lam):
    """The value is -lam times the entropy of the prediction, the mean over the examples."""
    value, _ = pair(entropy_penalty(logits, lam=lam), logits)
    close(value, right_penalty(logits, lam=lam)[0], atol=rounded(logits, lam))


@entropy_penalty.property(points=3)
def gradient_is_that_of_the_value(entropy_penalty, logits, *, lam):
    """The gradient is lam p (log p + H) / N."""
    _, grad = pair(entropy_penalty(logits, lam=lam), logits)
    close(grad, right_penalty(logits, lam=lam)[1], atol=rounded(logits, lam))


@entropy_penalty.property(points=1)
def gradient_points_to_certainty(entropy_penalty, logits, *, lam):
    """Up to a factor the gradient is p (log p + H): it sums to zero, and a step makes the prediction less sure."""
    _, grad = pair(entropy_penalty(logits, lam=lam), logits)
    same_direction(grad, right_penalty(logits, lam=lam)[1])


@entropy_penalty.property(points=2)
def is_zero_where_certain(entropy_penalty, logits, *, lam):
    """Where scores are thousands apart, value and gradient go to zero, never to NaN."""
    far = 1000 * logits
    # H = log sum exp z - sum p z is right, too, and known to the rounding of z.
    close(entropy_penalty(far, lam=lam), right_penalty(far, lam=lam), atol=lam * last_digits(far))


@entropy_penalty.property(points=1)
def is_least_for_equal_scores(entropy_penalty, logits, *, lam):
    """For equal scores the value is -lam log K, its least, and the gradient is zero; twice lam is twice the penalty."""
    least = (-2 * (lam + 1) * np.log(logits.shape[1]), np.zeros_like(logits))
    close(entropy_penalty(np.full_like(logits, 3), lam=2 * (lam + 1)), least, atol=rounded(logits, 4 * (lam + 1)))


@entropy_penalty.property(points=1)
def batch_twice_is_the_same(entropy_penalty, logits, *, lam):
    """The same examples twice have the same value, and half the gradient each."""
    twice = np.concatenate([logits, logits])
    close(entropy_penalty(twice, lam=lam), right_penalty(twice, lam=lam), atol=rounded(logits, lam))


ask_for_manners(entropy_penalty)
entropy_penalty.solution(right_penalty)


def entropy_parts(logits):
    """p, log p, and the entropy of each example."""
    log_p = log_probabilities(logits)
    p = np.exp(log_p)
    return p, log_p, -np.sum(p * log_p, axis=1, keepdims=True)


@entropy_penalty.mistake
def rewards_certainty(logits, lam):
    """This adds the entropy, and so punishes doubt: the penalty is MINUS lam times the entropy."""
    p, log_p, entropy = entropy_parts(logits)
    return lam * entropy.mean(), -lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.mistake
def descent_direction(logits, lam):
    """The value is right, the gradient has the wrong sign: it is the direction of the step."""
    p, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.mean(), -lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.mistake
def gradient_in_probabilities(logits, lam):
    """This gradient is log p + 1, that in the probabilities: one score moves those of all classes."""
    _, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.mean(), lam * (log_p + 1) / len(logits)


@entropy_penalty.mistake
def gradient_without_its_mean(logits, lam):
    """This gradient is p (log p + 1): the part of softmax's denominator is missing, and it does not sum to zero."""
    p, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.mean(), lam * p * (log_p + 1) / len(logits)


@entropy_penalty.mistake
def penalty_of_the_sum(logits, lam):
    """This is the sum over the examples: here value and gradient are means."""
    p, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.sum(), lam * p * (log_p + entropy)


@entropy_penalty.mistake
def gradient_lacks_one_over_N(logits, lam):
    """The value is the mean, the gradient that of the sum: it lacks 1/N."""
    p, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.mean(), lam * p * (log_p + entropy)


@entropy_penalty.mistake
def zero_times_infinity(logits, lam):
    """This takes the logarithm of a p that rounds to zero, and 0 times infinity is NaN: use log_softmax."""
    p, _, _ = entropy_parts(logits)
    log_p = np.log(p)
    entropy = -np.sum(p * log_p, axis=1, keepdims=True)
    return -lam * entropy.mean(), lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.mistake
def without_lam(logits, lam):
    """This forgets lam, the strength."""
    p, log_p, entropy = entropy_parts(logits)
    return -entropy.mean(), p * (log_p + entropy) / len(logits)


@entropy_penalty.mistake
def divergence_from_the_uniform(logits, lam):
    """This is lam KL(u || p), what label smoothing adds: the entropy penalty has KL(p || u)."""
    p, log_p, _ = entropy_parts(logits)
    K = logits.shape[1]
    return -lam * (log_p.mean() + np.log(K)), (lam * (p - 1 / K) / len(logits)).astype(logits.dtype)


@entropy_penalty.mistake
def with_the_constant(logits, lam):
    """This is lam KL(p || u), which is larger by lam log K: the gradient is the same, the value is not."""
    p, log_p, entropy = entropy_parts(logits)
    return lam * (np.log(logits.shape[1]) - entropy.mean()), lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.mistake
def entropy_in_bits(logits, lam):
    """This is the entropy in bits, by the logarithm to base 2: here it is the natural one."""
    p, log_p, entropy = entropy_parts(logits)
    lam = lam / float(np.log(2))
    return -lam * entropy.mean(), lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.solution
def by_the_formula(logits, lam):
    p, log_p, entropy = entropy_parts(logits)
    return -lam * entropy.mean(), lam * p * (log_p + entropy) / len(logits)


@entropy_penalty.solution
def by_the_jacobian(logits, lam):
    grad, value = np.empty_like(logits), 0.0
    for n, z in enumerate(log_probabilities(logits)):
        p = np.exp(z)
        value += lam * float(p @ z) / len(logits)
        grad[n] = lam * (np.diag(p) - np.outer(p, p)) @ (z + 1) / len(logits)
    return value, grad


@entropy_penalty.solution
def by_shifted_scores(logits, lam):
    shifted = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    p = p / total
    mean = np.sum(p * shifted, axis=1, keepdims=True)
    return float(lam * np.mean(mean - np.log(total))), p * (shifted - mean) * (lam / len(logits))


# ---------------------------------------------------------------- expected_calibration_error


def confident_predictions(rng):
    """Predictions that are sure and less sure, about half of them right. None is on the edge of a bin."""

    def probabilities(rows, classes):
        return regopt.softmax(1.5 * rng.normal(size=(rows, classes)))

    def mostly_right(probs):
        others = rng.integers(probs.shape[1], size=len(probs))
        return np.where(rng.random(len(probs)) < 0.5, probs.argmax(axis=1), others)

    for rows, classes, bins in [(40, 3, 5), (30, 2, 15), (25, 6, 7), (1, 4, 10), (20, 3, 1)]:
        probs = probabilities(rows, classes)
        yield Call(probs, mostly_right(probs), bins=bins)
    single = probabilities(30, 4).astype(np.float32)
    yield Call(np.asfortranarray(single), mostly_right(single), bins=6)
    fixed = probabilities(48, 3)[::2]
    labels = mostly_right(fixed).astype(np.int32)
    fixed.flags.writeable = labels.flags.writeable = False
    yield Call(fixed, labels, bins=9)


sureties = st.sampled_from([0.75, 0.5, 1.0, 0.25, 0.625, 0.6875])
expected_calibration_error = Exercise(
    "expected_calibration_error",
    inputs=confident_predictions,
    public=st.builds(
        lambda rows, bins: Call(
            np.array([[p, 1 - p] for p, _ in rows]), np.array([label for _, label in rows]), bins=bins
        ),
        st.lists(st.tuples(sureties, st.sampled_from([0, 1])), min_size=1, max_size=3),
        st.sampled_from([2, 4, 1]),
    ),
)
right_error = regopt.expected_calibration_error


def allowed(probs):
    """A mean of float32 confidences is known to 1e-7; the gaps that are wrong are 1e-3 and more."""
    return 1e-6 if probs.dtype == np.float32 else 1e-12


def on_the_edges(labels):
    """Confidences on the edges of four bins and between them; whether the last is right goes with the labels."""
    sure = np.array([0.5, 0.625, 0.75, 0.875, 1.0, 0.25])
    wrong = np.array([0, 1, 0, 1, 0, int(labels[0] % 2)])
    return np.stack([sure, 1 - sure], axis=1), wrong


@expected_calibration_error.use
def with_both_edges(expected_calibration_error, probs, labels, *, bins):
    """With the bins that are asked for, without, and on edges."""
    return [
        expected_calibration_error(probs, labels, bins=bins),
        expected_calibration_error(probs, labels),
        expected_calibration_error(*on_the_edges(labels), bins=4),
    ]


@expected_calibration_error.property(points=3)
def is_the_average_gap(expected_calibration_error, probs, labels, *, bins):
    """It is |accuracy - mean confidence| of every bin, weighted with the share of the examples in it."""
    got = expected_calibration_error(probs, labels, bins=bins)
    close(got, right_error(probs, labels, bins=bins), atol=allowed(probs))


@expected_calibration_error.property(points=2)
def upper_edge_is_in_the_bin(expected_calibration_error, probs, labels, *, bins):
    """A confidence of exactly b/B is in bin b, and one of 1 in the last bin."""
    edges = on_the_edges(labels)
    close(expected_calibration_error(*edges, bins=4), right_error(*edges, bins=4))


@expected_calibration_error.property(points=1)
def has_fifteen_bins(expected_calibration_error, probs, labels, *, bins):
    """Without bins there are 15."""
    close(expected_calibration_error(probs, labels), right_error(probs, labels), atol=allowed(probs))


@expected_calibration_error.property(points=1)
def with_one_bin_only_means_count(expected_calibration_error, probs, labels, *, bins):
    """With one bin it is |accuracy - mean confidence| of all."""
    gap = abs(np.mean(probs.argmax(axis=1) == labels) - np.mean(probs.max(axis=1), dtype=float))
    close(expected_calibration_error(probs, labels, bins=1), float(gap), atol=allowed(probs))


@expected_calibration_error.property(points=1)
def is_zero_for_honest_confidence(expected_calibration_error, probs, labels, *, bins):
    """Of four examples with confidence 0.75 three are right: 0. If none is: 0.75."""
    K = probs.shape[1]
    honest = np.full((4, K), 0.25 / (K - 1))
    honest[:, 0] = 0.75
    close(expected_calibration_error(honest, np.array([0, 1, 0, 0]), bins=bins), 0.0, atol=1e-12)
    close(expected_calibration_error(honest, np.array([1, 1, 1, 1]), bins=bins), 0.75)


@expected_calibration_error.property(points=1)
def order_does_not_matter(expected_calibration_error, probs, labels, *, bins):
    """The same examples in another order, and all of them twice, have the same error."""
    order = np.concatenate([np.arange(len(labels))[::-1], np.arange(len(labels))])
    expected = right_error(probs, labels, bins=bins)
    close(expected_calibration_error(probs[order], labels[order], bins=bins), expected, atol=allowed(probs))


@expected_calibration_error.property(points=1)
def leaves_predictions_alone(expected_calibration_error, probs, labels, *, bins):
    """probs and labels are the same after the call as before, and the answer is right."""
    got = unchanged(expected_calibration_error, probs, labels, bins=bins)
    close(got, right_error(probs, labels, bins=bins), atol=allowed(probs))


expected_calibration_error.solution(right_error)


def binned(probs, labels, bins):
    """Of every bin that is not empty: its share of the examples, its accuracy, its confidence."""
    sure, right = probs.max(axis=1).astype(float), probs.argmax(axis=1) == labels
    which = np.ceil(sure * bins)
    return [
        (np.mean(which == b), np.mean(right[which == b]), np.mean(sure[which == b]), (b - 0.5) / bins)
        for b in np.unique(which)
    ]


@expected_calibration_error.mistake
def lower_edge_in_the_bin(probs, labels, bins=15):
    """This takes bins with their lower edge: a confidence of b/B falls into the next bin, and 1 into none."""
    sure, right = probs.max(axis=1).astype(float), probs.argmax(axis=1) == labels
    which = np.floor(sure * bins)
    gaps = [abs(np.sum(right[which == b] - sure[which == b])) for b in range(bins)]
    return sum(gaps) / len(labels)


@expected_calibration_error.mistake
def largest_gap(probs, labels, bins=15):
    """This is the largest gap, the maximum calibration error: the expected one averages over the examples."""
    return max(abs(accuracy - sure) for _, accuracy, sure, _ in binned(probs, labels, bins))


@expected_calibration_error.mistake
def bins_count_alike(probs, labels, bins=15):
    """This takes the plain mean over the bins: a bin counts by the share of the examples in it."""
    return np.mean([abs(accuracy - sure) for _, accuracy, sure, _ in binned(probs, labels, bins)])


@expected_calibration_error.mistake
def gaps_cancel(probs, labels, bins=15):
    """This adds the gaps with their signs, and too sure cancels too modest: take the absolute value of each bin."""
    return sum(share * (sure - accuracy) for share, accuracy, sure, _ in binned(probs, labels, bins))


@expected_calibration_error.mistake
def gap_of_each_example(probs, labels, bins=15):
    """This takes the gap of every single example: only the means of a bin can agree, one example is right or not."""
    right = probs.argmax(axis=1) == labels
    return np.mean(np.abs(right - probs.max(axis=1).astype(float)))


@expected_calibration_error.mistake
def middle_of_the_bin(probs, labels, bins=15):
    """This takes the middle of the bin for its confidence: it is the mean of the confidences in it."""
    return sum(share * abs(accuracy - middle) for share, accuracy, _, middle in binned(probs, labels, bins))


@expected_calibration_error.mistake
def probability_of_the_label(probs, labels, bins=15):
    """This takes the probability of the label for the confidence: it is that of the class that is predicted."""
    sure = probs[np.arange(len(labels)), labels].astype(float)
    right = probs.argmax(axis=1) == labels
    which = np.ceil(sure * bins)
    return sum(abs(np.sum(right[which == b] - sure[which == b])) for b in np.unique(which)) / len(labels)


@expected_calibration_error.mistake
def squared_gaps(probs, labels, bins=15):
    """This squares the gaps, as the Brier score does: here they count as they are."""
    return sum(share * (accuracy - sure) ** 2 for share, accuracy, sure, _ in binned(probs, labels, bins))


@expected_calibration_error.mistake
def ten_bins(probs, labels, bins=10):
    """This has 10 bins where none are given: the convention is 15."""
    return sum(share * abs(accuracy - sure) for share, accuracy, sure, _ in binned(probs, labels, bins))


@expected_calibration_error.mistake
def bins_from_one_over_K(probs, labels, bins=15):
    """This spreads the bins from 1/K to 1, where the confidences lie: here they go from 0 to 1."""
    K = probs.shape[1]
    sure, right = probs.max(axis=1).astype(float), probs.argmax(axis=1) == labels
    which = np.ceil((sure - 1 / K) / (1 - 1 / K) * bins)
    return sum(abs(np.sum(right[which == b] - sure[which == b])) for b in np.unique(which)) / len(labels)


@expected_calibration_error.mistake
def sorts_the_predictions(probs, labels, bins=15):
    """This sorts the caller's probabilities in place: np.sort makes a copy, probs.sort() does not."""
    error = sum(share * abs(accuracy - sure) for share, accuracy, sure, _ in binned(probs, labels, bins))
    probs.sort(axis=1)
    return error


@expected_calibration_error.solution
def bin_by_bin(probs, labels, bins=15):
    return sum(share * abs(accuracy - sure) for share, accuracy, sure, _ in binned(probs, labels, bins))


@expected_calibration_error.solution
def by_digitize(probs, labels, bins=15):
    sure, right = np.max(probs, axis=1), np.argmax(probs, axis=1) == labels
    which = np.digitize(sure, np.linspace(0, 1, bins + 1), right=True)
    gaps = np.bincount(which, right.astype(float)) - np.bincount(which, sure)
    return float(np.abs(gaps).sum() / len(sure))


@expected_calibration_error.solution
def example_by_example(probs, labels, bins=15):
    surplus = [0.0] * bins
    for row, label in zip(probs.tolist(), labels.tolist(), strict=True):
        sure = max(row)
        b = 0
        while sure > (b + 1) / bins and b < bins - 1:
            b += 1
        surplus[b] += sure - (row.index(sure) == label)
    return sum(map(abs, surplus)) / len(labels)
