"""Where the sources disagree about augmentation: the numbered item of the curriculum, proved."""

import numpy as np

from regopt import crop, cutmix, flip, mixup, rotate
from tests.regopt.chance import Steered


def test_item_31_mixup_and_cutmix_do_not_preserve_the_label():
    x, targets = np.stack([np.zeros((4, 4)), np.ones((4, 4))]), np.eye(2)
    for mix in (mixup, cutmix):
        rng = Steered(0, permutation=np.array([1, 0]), beta=0.4)
        _, mixed = mix(x, targets, alpha=1.0, rng=rng)
        assert np.all((mixed > 0) & (mixed < 1))  # a new target for each example: no label any more
        np.testing.assert_allclose(mixed.sum(axis=1), 1)


def test_item_31_what_preserves_the_label_knows_no_target():
    image, rng = np.eye(4), np.random.default_rng(0)
    for changed in (flip(image, rng=rng), rotate(image, angle=10), crop(image, size=(4, 4), rng=rng, padding=1)):
        assert isinstance(changed, np.ndarray)
        assert changed.shape == image.shape
