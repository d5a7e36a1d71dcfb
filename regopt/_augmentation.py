"""Augmentations that erase, mix or combine; those of a single image or of text stand in the modules beside this one."""

import math

import numpy as np

from regopt._arguments import as_float, distributions, of_shape, require
from regopt._augmentation_images import as_image, as_picture, as_probability
from regopt._augmentation_operations import AUGMIX, RANDAUGMENT

__all__ = ["augmix", "cutmix", "cutout", "jensen_shannon_loss", "mixup", "randaugment", "random_erasing"]

TRIES = 10  # of a rectangle for random erasing


def cutout(image, *, size, rng):
    """Blank a square at a random place of the image.

    y = 0 on the square of side `size` whose centre is a uniformly random pixel, y = image elsewhere

    Convention: DeVries and Taylor 2017: the centre is any pixel, so that the square may reach over the edge and then
    blanks less. The label stays. Pixel (r, c) is the centre of rows r - size//2 ... r - size//2 + size - 1. Zero is
    the mean where images are normalised.
    Shapes: `image` (H, W) or (H, W, C); the result the same.

    >>> cutout(np.ones((3, 4)), size=2, rng=np.random.default_rng(0))
    array([[1., 1., 1., 1.],
           [1., 0., 0., 1.],
           [1., 0., 0., 1.]])
    """
    image = as_image(image).copy()
    require(size >= 1, "size", ">= 1", size)
    image[_box(image.shape, (size, size), rng)] = 0
    return image


def _box(shape, sides, rng):
    """A rectangle of these sides around a uniformly random pixel, cut off at the edges, as two slices."""
    return _span(shape[0], sides[0], rng), _span(shape[1], sides[1], rng)


def _span(whole, side, rng):
    start = int(rng.integers(whole)) - side // 2
    return slice(max(start, 0), start + side)


def random_erasing(image, *, rng, probability=0.5, area=(0.02, 0.4), aspect=(0.3, 1 / 0.3)):
    """Fill a random rectangle with noise, with the given probability.

    y = uniform noise in [0, 1) on the rectangle, y = image elsewhere
    height = sqrt(s r H W),  width = sqrt(s H W / r),  s uniform in `area`, r uniform in `aspect`

    Convention: Zhong et al. 2020, with their defaults; the rectangle lies wholly inside. They draw until one fits;
    here ten misfits leave the image as it is, as in torchvision.
    Shapes: `image` (H, W) or (H, W, C); the result the same.

    >>> random_erasing(np.ones((2, 3)), probability=1.0, rng=np.random.default_rng(0)).round(2)
    array([[0.81, 1.  , 1.  ],
           [1.  , 1.  , 1.  ]])
    """
    image, probability = as_image(image).copy(), as_probability(probability)
    _check_range("area", area, 1)
    _check_range("aspect", aspect, 100)
    if rng.random() >= probability:
        return image
    whole = image.shape[:2]
    for _ in range(TRIES):
        pixels, ratio = rng.uniform(*area) * math.prod(whole), rng.uniform(*aspect)
        sides = max(1, round(math.sqrt(pixels * ratio))), max(1, round(math.sqrt(pixels / ratio)))
        if sides[0] <= whole[0] and sides[1] <= whole[1]:
            top, left = int(rng.integers(whole[0] - sides[0] + 1)), int(rng.integers(whole[1] - sides[1] + 1))
            hole = image[top : top + sides[0], left : left + sides[1]]
            hole[...] = rng.random(hole.shape)
            break
    return image


def _check_range(name, ends, most):
    rule = f"(low, high) with 0 < low <= high <= {most}"
    require(np.shape(ends) == (2,) and 0 < ends[0] <= ends[1] <= most, name, rule, ends)


def mixup(x, targets, *, alpha, rng):
    """Blend each example, and its target, with another one of the batch.

    x' = lam x + (1 - lam) x[partner],  y' = lam y + (1 - lam) y[partner],  lam ~ Beta(alpha, alpha)

    Convention: Zhang et al. 2018 as in their code: one lam a batch, the partners a random permutation. It does not keep
    the label. `targets` are distributions: make labels into them by `smooth_labels`.
    Shapes: `x` (n, ...), `targets` (n, K); both results the same.

    >>> x, targets = mixup(np.array([[0.0], [10.0]]), np.eye(2), alpha=1.0, rng=np.random.default_rng(3))
    >>> x.ravel().round(2), targets.round(3)
    (array([1.39, 8.61]), array([[0.861, 0.139],
           [0.139, 0.861]]))
    """
    x, targets, partner, lam = _pairs(x, targets, alpha, rng)
    return lam * x + (1 - lam) * x[partner], lam * targets + (1 - lam) * targets[partner]


def _pairs(x, targets, alpha, rng):
    x, targets = as_float(x), as_float(targets)
    require(0 < alpha < math.inf, "alpha", "> 0 and finite", alpha)
    require(x.ndim >= 1 and len(x) > 0, "x", "a batch of at least one example", x.shape)
    require(targets.ndim == 2 and len(targets) == len(x), "targets", f"of shape ({len(x)}, K)", targets.shape)
    return x, targets, rng.permutation(len(x)), float(rng.beta(alpha, alpha))


def cutmix(x, targets, *, alpha, rng):
    """Paste a rectangle of another image of the batch into each image, and mix the targets by the area.

    y' = lam y + (1 - lam) y[partner],  lam = 1 - area of the rectangle / area of the image

    Convention: Yun et al. 2019: sides sqrt(1 - b) of the image's with b ~ Beta(alpha, alpha), around a random pixel,
    cut off at the edges; lam is that of the pixels really pasted, not b. One rectangle a batch, the partners a random
    permutation. Channels last.
    Shapes: `x` (n, H, W) or (n, H, W, C), `targets` (n, K); both results the same.

    >>> black_and_white = np.stack([np.zeros((2, 3)), np.ones((2, 3))])
    >>> x, targets = cutmix(black_and_white, np.eye(2), alpha=1.0, rng=np.random.default_rng(5))
    >>> x[0], targets[0].round(3)
    (array([[0., 0., 0.],
           [1., 0., 0.]]), array([0.833, 0.167]))
    """
    x, targets, partner, ratio = _pairs(x, targets, alpha, rng)
    require(x.ndim in (3, 4) and x.size > 0, "x", "of shape (n, H, W) or (n, H, W, C), not empty", x.shape)
    height, width = x.shape[1:3]
    sides = round(height * math.sqrt(1 - ratio)), round(width * math.sqrt(1 - ratio))
    box = (slice(None), *_box((height, width), sides, rng))
    mixed = x.copy()
    mixed[box] = x[box][partner]
    lam = 1 - math.prod(x[box].shape[1:3]) / (height * width)
    return mixed, lam * targets + (1 - lam) * targets[partner]


def randaugment(image, *, n, magnitude, rng, operations=RANDAUGMENT):
    """Apply `n` operations, chosen at random, one after the other, all with the same magnitude.

    y = o_n(... o_1(image)),  every o_i uniform over the operations, repetitions allowed

    Convention: Cubuk et al. 2020: their fourteen operations (on images of one channel, changes of colour do nothing),
    `magnitude` from 0 to 10, on the ranges of AutoAugment. An operation of your own is called
    operation(image, magnitude / 10, rng). NaN is refused.
    Shapes: `image` (H, W) or (H, W, C), values in [0, 1]; the result the same.

    >>> darker = lambda image, strength, rng: (1 - strength) * image
    >>> randaugment(np.ones((1, 2)), n=2, magnitude=5, rng=np.random.default_rng(0), operations=[darker])
    array([[0.25, 0.25]])
    """
    image = as_picture(image)
    require(n >= 0, "n", ">= 0", n)
    require(0 <= magnitude <= 10, "magnitude", "in [0, 10]", magnitude)
    return _chain(image, n, lambda: magnitude / 10, operations, rng)


def _chain(image, n, strength, operations, rng):
    """The image after `n` random operations; `strength()` is asked for each."""
    result = image.copy()
    for _ in range(n):
        operation = operations[int(rng.integers(len(operations)))]
        result = of_shape(image.shape, "what an operation returns", operation(result, strength(), rng))
    return result


def augmix(image, *, rng, severity=3, width=3, alpha=1.0, operations=AUGMIX):
    """Mix the image with a mixture of several random chains of operations.

    y = m image + (1 - m) sum_i w_i chain_i(image),  w ~ Dirichlet(alpha, ..., alpha),  m ~ Beta(alpha, alpha)

    Convention: Hendrycks et al. 2020: `width` chains of one to three operations each; the strength of an operation is
    uniform between 0.1 and `severity`, on a scale to 10. The nine operations leave out what the test of robustness
    consists of. Train on it with `jensen_shannon_loss`. NaN is refused.
    Shapes: `image` (H, W) or (H, W, C), values in [0, 1]; the result the same.

    >>> mixed = augmix(np.linspace(0, 1, 12).reshape(3, 4), rng=np.random.default_rng(0))
    >>> mixed.shape, bool(mixed.min() >= 0), bool(mixed.max() <= 1)
    ((3, 4), True, True)
    """
    image = as_picture(image)
    require(0.1 <= severity <= 10, "severity", "in [0.1, 10]", severity)
    require(width >= 1, "width", ">= 1", width)
    require(0 < alpha < math.inf, "alpha", "> 0 and finite", alpha)
    weights, m = rng.dirichlet([alpha] * width), float(rng.beta(alpha, alpha))
    mixture = np.zeros_like(image)
    for weight in weights.tolist():
        depth = int(rng.integers(1, 4))
        mixture += weight * _chain(image, depth, lambda: rng.uniform(0.1, severity) / 10, operations, rng)
    return m * image + (1 - m) * mixture


def jensen_shannon_loss(probs):
    """How much several predictions for the same examples differ: 0 where they agree, at most the log of their number.

    JS(p_1 ... p_m) = 1/m sum_i KL(p_i, M),  M = 1/m sum_i p_i,  mean over the examples

    Convention: natural logarithms; 0 log 0 is 0. AugMix takes it of an image and two mixtures of it, with weight 12.
    NaN is refused, as are rows that do not sum to 1 within 1e-4.
    Shapes: `probs` (m, ..., K), or a list of m predictions (..., K); the loss a number.

    >>> float(jensen_shannon_loss([np.array([1.0, 0.0]), np.array([0.0, 1.0])]).round(6))  # log 2
    0.693147
    """
    if not isinstance(probs, np.ndarray):
        shapes = sorted({np.shape(each) for each in probs})
        require(len(shapes) == 1, "probs", "predictions of one shape", shapes)
    probs = distributions("probs", probs)
    require(probs.ndim >= 2 and len(probs) >= 2, "probs", "of shape (m, ..., K) with m >= 2", probs.shape)
    mean = probs.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0
        divergence = np.where(probs == 0, 0, probs * (np.log(probs) - np.log(mean)))
    return divergence.sum() / math.prod(probs.shape[:-1])
