"""Transformations of one image that keep its label: where its points lie, and how bright they are.

An image has shape (H, W) or (H, W, C): rows from the top, columns from the left, channels last.
"""

import math

import numpy as np

from regopt._arguments import as_float, require

__all__ = ["color_jitter", "crop", "elastic_deformation", "flip", "histogram_equalization", "rotate"]

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, as Pillow and torchvision have it


def as_image(image):
    """`image` as floats, (H, W) or (H, W, C), with at least one pixel."""
    image = as_float(image)
    require(image.ndim in (2, 3) and image.size > 0, "image", "of shape (H, W) or (H, W, C), not empty", image.shape)
    return image


def as_picture(image):
    """`image` as above, its values brightnesses from 0 to 1; NaN is refused."""
    image = as_image(image)
    bad = image[~((image >= 0) & (image <= 1))]
    require(bad.size == 0, "image", "of values in [0, 1]", bad[:1])
    return image


def as_probability(probability):
    require(0 <= probability <= 1, "probability", "in [0, 1]", probability)
    return float(probability)


def crop(image, *, size, rng, padding=0):
    """Cut a window of the given size out of the image, at a random place.

    y = image[top : top + h, left : left + w],  top and left uniform over all places where the window fits

    Convention: `size` = (h, w); first `padding` rows and columns of zeros are put on every side (He et al. 2016 crop
    32 x 32 out of CIFAR images padded by 4).
    Shapes: `image` (H, W) or (H, W, C); the result (h, w) or (h, w, C).

    >>> crop(np.arange(12.0).reshape(3, 4), size=(2, 2), rng=np.random.default_rng(0))
    array([[ 5.,  6.],
           [ 9., 10.]])
    """
    image = as_image(image)
    require(padding >= 0, "padding", ">= 0", padding)
    image = np.pad(image, [(padding, padding)] * 2 + [(0, 0)] * (image.ndim - 2))
    fits = np.shape(size) == (2,) and 1 <= size[0] <= image.shape[0] and 1 <= size[1] <= image.shape[1]
    require(fits, "size", f"(h, w) with 1 <= h <= {image.shape[0]} and 1 <= w <= {image.shape[1]}", size)
    top, left = rng.integers(image.shape[0] - size[0] + 1), rng.integers(image.shape[1] - size[1] + 1)
    return image[top : top + size[0], left : left + size[1]].copy()


def flip(image, *, rng, probability=0.5):
    """Mirror the image left to right, with the given probability.

    y[r, c] = image[r, W - 1 - c]

    Convention: horizontally only, and half of the time. Not for digits, letters or maps: there it changes the label.
    Shapes: `image` (H, W) or (H, W, C); the result the same.

    >>> flip(np.array([[1.0, 2.0, 3.0]]), rng=np.random.default_rng(0), probability=1.0)
    array([[3., 2., 1.]])
    """
    image, probability = as_image(image), as_probability(probability)
    return (image[:, ::-1] if rng.random() < probability else image).copy()


def rotate(image, *, angle):
    """Turn the image about its centre, counter-clockwise, by `angle` degrees.

    y[p] = image(R^-1 (p - centre) + centre),  read between the pixels by bilinear interpolation

    Convention: the canvas keeps its size, and what lies outside of the image is 0. Of a square, `angle=90` gives what
    `np.rot90` gives. As an augmentation draw the angle: `angle=rng.uniform(-15, 15)`.
    Shapes: `image` (H, W) or (H, W, C); the result the same.

    >>> rotate(np.array([[1.0, 2.0], [3.0, 4.0]]), angle=90).round(12)
    array([[2., 4.],
           [1., 3.]])
    """
    image = as_image(image)
    require(math.isfinite(angle), "angle", "finite", angle)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return affine(image, [[cos, sin], [-sin, cos]])


def affine(image, matrix, shift=(0.0, 0.0)):
    """The image whose value at p is that of `image` at matrix (p - centre) + centre + shift; p = (row, column)."""
    centre = (np.array(image.shape[:2]) - 1) / 2
    offsets = np.indices(image.shape[:2]) - centre[:, np.newaxis, np.newaxis]
    rows, columns = np.tensordot(matrix, offsets, 1) + (centre + shift)[:, np.newaxis, np.newaxis]
    return sample(image, rows, columns)


def sample(image, rows, columns):
    """Values of the image between its pixels, by bilinear interpolation; the image goes on as 0 on all sides."""
    first_row, first_column = np.floor(rows), np.floor(columns)
    total = np.zeros((*rows.shape, *image.shape[2:]), dtype=image.dtype)
    for row in (first_row, first_row + 1):
        for column in (first_column, first_column + 1):
            weight = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
            inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
            values = image[np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)]
            total += np.where(inside, weight, 0).reshape(*rows.shape, *(1,) * (image.ndim - 2)) * values
    return total


def color_jitter(image, *, rng, brightness=0.0, contrast=0.0, saturation=0.0):
    """Change brightness, contrast and saturation, each by a random factor.

    y = clip(f image + (1 - f) other, 0, 1),  f uniform in [max(0, 1 - strength), 1 + strength]
    other = black (brightness), the mean luminance (contrast), the pixel's own luminance (saturation)

    Convention: torchvision's factors and blends, in this order (there the order is random too). Luminance is
    0.299 R + 0.587 G + 0.114 B. A strength of 0 leaves that property alone. NaN is refused.
    Shapes: `image` (H, W), then without saturation, or (H, W, 3), values in [0, 1]; the result the same.

    >>> color_jitter(np.array([[0.2, 0.4]]), brightness=0.5, rng=np.random.default_rng(0)).round(3)
    array([[0.227, 0.455]])
    """
    image = as_picture(image)
    grey = image.ndim == 2
    require(grey or image.shape[2] == 3, "image", "of shape (H, W) or (H, W, 3)", image.shape)
    require(not (grey and saturation), "saturation", "0 for an image of shape (H, W)", saturation)
    others = {
        "brightness": (brightness, lambda now: 0.0),
        "contrast": (contrast, lambda now: luminance(now).mean()),
        "saturation": (saturation, luminance),
    }
    for name, (strength, other) in others.items():
        require(0 <= strength < math.inf, name, ">= 0 and finite", strength)
        if strength:
            factor = rng.uniform(max(0.0, 1 - strength), 1 + strength)
            image = blend(image, other(image), factor)
    return image.copy()


def luminance(image):
    """Brightness of each pixel as it is seen; (H, W, 1), so that it blends with the colours, or (H, W) as it is."""
    if image.ndim == 2 or image.shape[2] != 3:
        return image
    return (image @ np.array(LUMINANCE, dtype=image.dtype))[..., np.newaxis]


def blend(image, other, factor):
    """The image (factor 1), the other one (factor 0), or a mixture or exaggeration, within [0, 1]."""
    return np.clip(float(factor) * image + (1 - float(factor)) * other, 0, 1)


def elastic_deformation(image, *, alpha, sigma, rng):
    """Move every point by a random displacement that varies smoothly over the image.

    y[p] = image(p + alpha (G_sigma * u)(p)),  u uniform in [-1, 1] for every pixel and both directions

    Convention: Simard et al. 2003: `sigma` is the width of the Gaussian in pixels, `alpha` a factor in pixels, but much
    of it is smoothed away (they take alpha = 34 with sigma = 4). The Gaussian is cut off at 4 sigma, u is 0 outside of
    the image, values are read by bilinear interpolation, and the image goes on as 0.
    Shapes: `image` (H, W) or (H, W, C); the result the same.

    >>> elastic_deformation(np.eye(3), alpha=0.0, sigma=1.0, rng=np.random.default_rng(0))
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    image = as_image(image)
    require(0 <= alpha < math.inf, "alpha", ">= 0 and finite", alpha)
    require(0 < sigma < math.inf, "sigma", "> 0 and finite", sigma)
    noise = rng.uniform(-1, 1, size=(2, *image.shape[:2]))
    down, across = (_gaussian(size, sigma) for size in image.shape[:2])
    rows, columns = np.indices(image.shape[:2]) + alpha * (down @ noise @ across)
    return sample(image, rows, columns)


def _gaussian(size, sigma):
    """The matrix that smooths a line of this many pixels; what lies beyond its ends counts as 0."""
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return np.where(distance <= reach, np.exp(-0.5 * (distance / sigma) ** 2), 0) / kernel.sum()


def histogram_equalization(image, *, bins=256):
    """Spread the brightnesses so that each range of them holds about equally many pixels.

    y = (N(v) - N(v_min)) / (n - N(v_min)),  N(v) the number of the n pixels at most as bright as v

    Convention: OpenCV's formula, on brightnesses cut into `bins` levels; each channel for itself. The darkest pixels
    become 0, the brightest 1; an image of one level stays as it is. NaN is refused.
    Shapes: `image` (H, W) or (H, W, C), values in [0, 1]; the result the same.

    >>> histogram_equalization(np.array([[0.5, 0.5, 0.51], [0.52, 0.51, 0.9]]))
    array([[0.  , 0.  , 0.5 ],
           [0.75, 0.5 , 1.  ]])
    """
    image = as_picture(image)
    require(bins >= 2, "bins", ">= 2", bins)
    levels = np.minimum((image * bins).astype(int), bins - 1)
    result = image.copy()
    for channel in np.ndindex(image.shape[2:]):
        here = (slice(None), slice(None), *channel)
        up_to = np.cumsum(np.bincount(levels[here].ravel()))
        darkest = up_to[levels[here].min()]
        if darkest < up_to[-1]:
            result[here] = ((up_to - darkest) / (up_to[-1] - darkest))[levels[here]]
    return result
