"""The operations that RandAugment and AugMix choose from, each with a strength from 0 to 1.

An operation is called `operation(image, strength, rng)`; the image has values in [0, 1]. What can go two ways (left or
right, brighter or darker) draws its direction. At strength 1 the ranges are those of AutoAugment (Cubuk et al. 2019).
"""

import numpy as np

from regopt._augmentation_images import affine, blend, histogram_equalization, luminance
from regopt._augmentation_images import rotate as rotate_by

__all__: list[str] = []


def either_way(amount, rng):
    return amount if rng.random() < 0.5 else -amount


def identity(image, strength, rng):
    return image.copy()


def rotate(image, strength, rng):
    return rotate_by(image, angle=either_way(30 * strength, rng))


def shear_x(image, strength, rng):
    return affine(image, [[1, 0], [either_way(0.3 * strength, rng), 1]])


def shear_y(image, strength, rng):
    return affine(image, [[1, either_way(0.3 * strength, rng)], [0, 1]])


def translate_x(image, strength, rng):
    return affine(image, np.eye(2), (0, either_way(0.45 * image.shape[1] * strength, rng)))


def translate_y(image, strength, rng):
    return affine(image, np.eye(2), (either_way(0.45 * image.shape[0] * strength, rng), 0))


def brightness(image, strength, rng):
    return blend(image, 0.0, 1 + either_way(0.9 * strength, rng))


def contrast(image, strength, rng):
    return blend(image, luminance(image).mean(), 1 + either_way(0.9 * strength, rng))


def saturation(image, strength, rng):
    return blend(image, luminance(image), 1 + either_way(0.9 * strength, rng))


def sharpness(image, strength, rng):
    """Blends with the mean over 3 x 3 neighbours in which the pixel itself counts five times; the rim stays."""
    height, width = image.shape[:2]
    blurred = image.copy()
    neighbours = sum(image[r : height - 2 + r, c : width - 2 + c] for r in range(3) for c in range(3))
    blurred[1:-1, 1:-1] = (neighbours + 4 * image[1:-1, 1:-1]) / 13
    return blend(image, blurred, 1 + either_way(0.9 * strength, rng))


def posterize(image, strength, rng):
    """Keeps the leading 8 - 4 strength of the eight bits of each brightness."""
    step = 2.0 ** round(4 * strength)
    return (np.floor(np.round(image * 255) / step) * step / 255).astype(image.dtype)


def solarize(image, strength, rng):
    """Inverts what is at least as bright as 256 (1 - strength), of 255: nothing at strength 0, everything at 1."""
    return np.where(image * 255 >= 256 * (1 - strength), 1 - image, image)


def auto_contrast(image, strength, rng):
    """Stretches each channel from its darkest to its brightest pixel over [0, 1]; a channel of one value stays."""
    low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    spread = np.where(high > low, high - low, 1).astype(image.dtype)
    return np.where(high > low, (image - low) / spread, image)


def equalize(image, strength, rng):
    return histogram_equalization(image)


AUGMIX = (auto_contrast, equalize, posterize, rotate, solarize, shear_x, shear_y, translate_x, translate_y)
RANDAUGMENT = (*AUGMIX, identity, brightness, contrast, saturation, sharpness)
