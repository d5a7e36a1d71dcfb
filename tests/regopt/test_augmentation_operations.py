import functools
import itertools
import math

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage, stats

import regopt._augmentation_operations as operations
from regopt import augmix, histogram_equalization, randaugment
from tests.evidence import agree
from tests.regopt.chance import Steered, assert_follows, hoeffding

DRAWS = 5_000

DIRECTIONS = {1: 0.0, -1: 0.9}  # the draw that goes this way
STRENGTHS = [0.0, 0.25, 1.0]


def coded(shape=(7, 9, 3)):
    """Random brightnesses of eight bits, and the same from 0 to 1."""
    values = np.random.default_rng(0).integers(0, 256, size=shape).astype(np.uint8)
    return values, values / 255


def run(name, image, strength, sign=1):
    return getattr(operations, name)(image, strength, Steered(random=DIRECTIONS[sign]))


@pytest.mark.parametrize("sign", DIRECTIONS)
@pytest.mark.parametrize("strength", STRENGTHS)
class TestGeometry:
    def test_rotate(self, strength, sign):
        image = coded((7, 9))[1]
        expected = ndimage.rotate(image, sign * 30 * strength, reshape=False, order=1, mode="grid-constant")
        agree("randaugment", "scipy.ndimage.rotate", run("rotate", image, strength, sign), expected)

    @pytest.mark.parametrize(("name", "axis"), [("translate_y", 0), ("translate_x", 1)])
    def test_translate(self, strength, sign, name, axis):
        image = coded((7, 9))[1]
        shift = [0.0, 0.0]
        shift[axis] = -sign * 0.45 * image.shape[axis] * strength
        expected = ndimage.shift(image, shift, order=1, mode="grid-constant")
        agree("randaugment", "scipy.ndimage.shift", run(name, image, strength, sign), expected)

    @pytest.mark.parametrize(("name", "axis"), [("shear_x", 1), ("shear_y", 0)])
    def test_shear_moves_each_line_by_its_distance_from_the_centre(self, strength, sign, name, axis):
        image = coded((7, 9))[1]
        lines = np.moveaxis(image, 1 - axis, 0)
        away = np.arange(len(lines)) - (len(lines) - 1) / 2
        moved = [
            ndimage.shift(line, -sign * 0.3 * strength * by, order=1, mode="grid-constant")
            for line, by in zip(lines, away, strict=True)
        ]
        expected = np.moveaxis(np.array(moved), 0, 1 - axis)
        agree("randaugment", "scipy.ndimage.shift of each line", run(name, image, strength, sign), expected)


@pytest.mark.parametrize("sign", DIRECTIONS)
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize(
    ("name", "enhance"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
        ("sharpness", ImageEnhance.Sharpness),
    ],
)
def test_enhancements_are_pillows_to_the_last_of_eight_bits(strength, sign, name, enhance):
    values, image = coded()
    expected = np.asarray(enhance(Image.fromarray(values)).enhance(1 + sign * 0.9 * strength)) / 255
    assert np.abs(run(name, image, strength, sign) - expected).max() <= 2 / 255


@pytest.mark.parametrize("strength", STRENGTHS)
class TestBrightnesses:
    def test_posterize(self, strength):
        values, image = coded()
        expected = np.asarray(ImageOps.posterize(Image.fromarray(values), 8 - round(4 * strength))) / 255
        agree("randaugment", "PIL.ImageOps.posterize", run("posterize", image, strength), expected)

    def test_solarize(self, strength):
        values = np.arange(256, dtype=np.uint8).reshape(16, 16)
        image = values / 255
        expected = np.asarray(ImageOps.solarize(Image.fromarray(values), 256 * (1 - strength))) / 255
        agree("randaugment", "PIL.ImageOps.solarize", run("solarize", image, strength), expected)

    def test_auto_contrast(self, strength):
        values = 40 + coded()[0] // 2
        expected = np.asarray(ImageOps.autocontrast(Image.fromarray(values))) / 255
        assert np.abs(run("auto_contrast", values / 255, strength) - expected).max() <= 1 / 255

    def test_equalize_and_identity(self, strength):
        image = coded()[1]
        np.testing.assert_array_equal(run("equalize", image, strength), histogram_equalization(image))
        np.testing.assert_array_equal(run("identity", image, strength), image)


def test_auto_contrast_leaves_a_channel_of_one_value():
    image = np.stack([np.full((2, 2), 0.3), np.array([[0.2, 0.4], [0.3, 0.3]])], axis=-1)
    got = run("auto_contrast", image, 0.5)
    np.testing.assert_array_equal(got[..., 0], 0.3)
    np.testing.assert_allclose(got[..., 1], [[0, 1], [0.5, 0.5]], atol=1e-15)


@pytest.mark.parametrize("shape", [(1, 5), (2, 2), (5, 2), (2, 5)])
def test_sharpness_leaves_an_image_without_an_inside(shape):
    image = coded(shape)[1]
    np.testing.assert_allclose(run("sharpness", image, 1.0), image, atol=1e-15)


def test_the_sets_are_those_of_the_papers():
    names = {"identity", "auto_contrast", "equalize", "rotate", "solarize", "saturation", "posterize", "contrast"}
    names |= {"brightness", "sharpness", "shear_x", "shear_y", "translate_x", "translate_y"}
    assert {operation.__name__ for operation in operations.RANDAUGMENT} == names
    assert len(operations.RANDAUGMENT) == 14
    left_out = {"identity", "saturation", "contrast", "brightness", "sharpness"}
    assert {operation.__name__ for operation in operations.AUGMIX} == names - left_out
    assert len(operations.AUGMIX) == 9


@pytest.mark.parametrize("operation", operations.RANDAUGMENT)
def test_every_operation_keeps_float32_and_its_input(operation):
    image = coded()[1].astype(np.float32)
    before = image.copy()
    got = operation(image, 0.4, np.random.default_rng(0))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(image, before)
    assert not np.shares_memory(got, image)


def picture(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1, size=shape)


def numbered(seen, number):
    """An operation that notes its number and strength, and does something that does not commute with the others."""

    def operation(image, strength, rng):
        seen.append((number, strength))
        return (image + number * strength) / (1 + number)

    return operation


class TestRandaugment:
    def test_is_the_composition_of_what_was_drawn(self):
        seen = []
        operations = [numbered(seen, number) for number in range(5)]
        image, rng = picture((3, 4)), np.random.default_rng(0)
        for n in range(6):
            seen.clear()
            got = randaugment(image, n=n, magnitude=7, rng=rng, operations=operations)
            assert [strength for _, strength in seen] == [0.7] * n
            drawn = [number for number, _ in seen]
            expected = functools.reduce(lambda now, number: operations[number](now, 0.7, None), drawn, image)
            agree("randaugment", "composition of the operations that were called", got, expected)

    def test_every_sequence_equally_often_repetitions_too(self):
        seen, image, rng = [], np.ones((1, 1)), np.random.default_rng(0)
        operations = [numbered(seen, number) for number in range(3)]
        counts = dict.fromkeys(itertools.product(range(3), repeat=2), 0)
        for _ in range(DRAWS):
            seen.clear()
            randaugment(image, n=2, magnitude=5, rng=rng, operations=operations)
            counts[tuple(number for number, _ in seen)] += 1
        assert max(abs(count / DRAWS - 1 / 9) for count in counts.values()) < hoeffding(DRAWS)

    @pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (1, 1, 3), (4, 3, 2)], ids=str)
    def test_its_own_operations_keep_shape_and_range(self, shape):
        rng = np.random.default_rng(0)
        for magnitude in (0, 3.5, 10):
            for _ in range(60):
                got = randaugment(picture(shape), n=2, magnitude=magnitude, rng=rng)
                assert got.shape == shape
                assert got.min() >= 0
                assert got.max() <= 1

    def test_no_operation_gives_a_copy(self):
        image = picture((2, 2))
        got = randaugment(image, n=0, magnitude=5, rng=np.random.default_rng(0))
        np.testing.assert_array_equal(got, image)
        assert not np.shares_memory(got, image)

    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"n": -1}, "n must be >= 0, got -1"),
            ({"magnitude": 11}, r"magnitude must be in \[0, 10\], got 11"),
            ({"magnitude": -0.5}, r"magnitude must be in \[0, 10\], got -0.5"),
            ({"image": np.array([[1.5]])}, r"image must be of values in \[0, 1\], got \[1.5\]"),
            ({"operations": [lambda image, *_: image[0]]}, r"what an operation returns must be of shape \(2, 2\), got"),
        ],
    )
    def test_refuses(self, kwargs, message):
        arguments = {"image": picture((2, 2)), "n": 1, "magnitude": 5} | kwargs
        with pytest.raises(ValueError, match=message):
            randaugment(**arguments, rng=np.random.default_rng(0))


class Chains:
    """One operation, which makes of chain j an image with the value 1 in channel j, and notes what it is told."""

    def __init__(self, image):
        self.image, self.depths, self.strengths = image, [], []

    def __call__(self, image, strength, rng):
        self.strengths.append(strength)
        if np.array_equal(image, self.image):
            self.depths.append(0)
        self.depths[-1] += 1
        return np.broadcast_to(np.eye(image.shape[2])[len(self.depths) - 1], image.shape)


class TestAugmix:
    image = np.full((1, 1, 4), 0.5)  # three chains write into channels 0 to 2; channel 3 shows the original

    def draw(self, rng, **kwargs):
        chains = Chains(self.image)
        got = augmix(self.image, rng=rng, operations=[chains], **kwargs)[0, 0]
        m = got[3] / 0.5
        return m, (got[:3] - m * 0.5) / (1 - m), chains

    @pytest.mark.parametrize("alpha", [1.0, 3.0])
    def test_weights_depths_and_strengths_follow_the_paper(self, alpha):
        rng = np.random.default_rng(0)
        ms, weights, depths, strengths = [], [], [], []
        for _ in range(DRAWS):
            m, w, chains = self.draw(rng, alpha=alpha)
            assert len(chains.depths) == 3
            assert math.isclose(w.sum(), 1, abs_tol=1e-6)
            ms.append(m)
            weights.append(w[0])
            depths.append(chains.depths[1])
            strengths.append(chains.strengths[-1])
        assert_follows(ms, stats.beta(alpha, alpha).cdf, [0.2, 0.5, 0.9])
        assert_follows(weights, stats.beta(alpha, 2 * alpha).cdf, [0.1, 0.3, 0.6])
        assert_follows(depths, lambda depth: depth / 3, [1, 2, 3])
        assert_follows(strengths, stats.uniform(0.01, 0.29).cdf, [0.01, 0.1, 0.25, 0.3])

    def test_the_usual_alpha_is_one(self):
        usual, one = (augmix(picture((2, 3)), rng=np.random.default_rng(0), **given) for given in ({}, {"alpha": 1.0}))
        np.testing.assert_array_equal(usual, one)

    def test_agrees_with_the_mixture_by_hand(self):
        images = [picture((2, 3), seed) for seed in range(4)]
        rng = Steered(dirichlet=np.array([0.2, 0.7, 0.1]), beta=0.4, integers=[1, 0, 2, 0, 0, 3, 0, 0, 0])
        replies = iter([images[1], images[0], images[2], images[0], images[0], images[3]])
        got = augmix(images[0], rng=rng, operations=[lambda *_: next(replies)])
        mixture = 0.2 * images[1] + 0.7 * images[2] + 0.1 * images[3]
        agree("augmix", "mixture by hand", got, 0.4 * images[0] + 0.6 * mixture)

    def test_width_and_severity(self):
        chains = Chains(self.image)
        for _ in range(100):
            augmix(self.image, rng=np.random.default_rng(0), width=2, severity=0.1, operations=[chains])
            assert len(chains.depths) == 2
            assert set(chains.strengths) == {0.01}
            chains = Chains(self.image)

    @pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)], ids=str)
    def test_its_own_operations_keep_shape_and_range(self, shape):
        rng, image = np.random.default_rng(0), picture(shape)
        for _ in range(30):
            got = augmix(image, rng=rng, severity=10)
            assert got.shape == shape
            assert got.min() >= 0
            assert got.max() <= 1

    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"severity": 0.0}, r"severity must be in \[0.1, 10\], got 0.0"),
            ({"severity": 11}, r"severity must be in \[0.1, 10\], got 11"),
            ({"width": 0}, "width must be >= 1, got 0"),
            ({"alpha": 0.0}, "alpha must be > 0 and finite, got 0.0"),
            ({"alpha": math.inf}, "alpha must be > 0 and finite, got inf"),
        ],
    )
    def test_refuses(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            augmix(self.image, rng=np.random.default_rng(0), **kwargs)
