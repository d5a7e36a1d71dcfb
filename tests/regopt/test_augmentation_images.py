import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageEnhance
from scipy import ndimage, stats

from regopt import color_jitter, crop, elastic_deformation, flip, histogram_equalization, rotate
from tests.evidence import agree
from tests.regopt.chance import Steered, hoeffding

SHAPES = [(6, 6), (5, 8), (7, 4, 3), (1, 1), (1, 5, 2)]


def picture(shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape)


def every_channel(transform, image):
    """A transformation of (H, W) applied to each channel."""
    if image.ndim == 2:
        return transform(image)
    return np.stack([transform(image[..., channel]) for channel in range(image.shape[2])], axis=-1)


class TestCrop:
    @pytest.mark.parametrize("padding", [0, 1])
    def test_is_a_window_and_every_window_comes_equally_often(self, padding):
        image, draws = np.arange(1.0, 21.0).reshape(4, 5), 20_000
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, padding), (3, 2)).reshape(-1, 6)
        index = {tuple(window): number for number, window in enumerate(windows)}
        assert len(index) == len(windows)
        rng = np.random.default_rng(0)
        counts = np.zeros(len(windows))
        for _ in range(draws):
            counts[index[tuple(crop(image, size=(3, 2), rng=rng, padding=padding).ravel())]] += 1
        assert np.abs(counts / draws - 1 / len(windows)).max() < hoeffding(draws)

    @pytest.mark.parametrize(("top", "left"), [(0, 0), (2, 4), (1, 3)])
    def test_agrees_with_a_strided_window_of_each_channel(self, top, left):
        image = picture((4, 5, 3))
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, [(1, 1), (1, 1), (0, 0)]), (4, 3), axis=(0, 1))
        got = crop(image, size=(4, 3), rng=Steered(integers=[top, left]), padding=1)
        agree("crop", "numpy sliding_window_view", got, np.moveaxis(windows[top, left], 0, -1))

    def test_of_the_whole_is_a_copy(self):
        image = picture((4, 5))
        whole = crop(image, size=(4, 5), rng=np.random.default_rng(0))
        np.testing.assert_array_equal(whole, image)
        assert not np.shares_memory(whole, image)

    def test_of_one_pixel(self):
        got = crop(np.arange(20.0).reshape(4, 5), size=(1, 1), rng=Steered(integers=[2, 3]))
        np.testing.assert_array_equal(got, [[13.0]])

    @pytest.mark.parametrize("size", [(5, 1), (1, 6), (0, 1), (1, 0), (1,), (1, 1, 1), 2])
    def test_refuses_a_size(self, size):
        with pytest.raises(ValueError, match=r"size must be \(h, w\) with 1 <= h <= 4 and 1 <= w <= 5, got"):
            crop(picture((4, 5)), size=size, rng=np.random.default_rng(0))

    def test_refuses_a_negative_padding_and_no_image(self):
        with pytest.raises(ValueError, match="padding must be >= 0, got -1"):
            crop(picture((4, 5)), size=(1, 1), rng=np.random.default_rng(0), padding=-1)
        for shape in [(3,), (0, 3), (2, 2, 2, 2)]:
            with pytest.raises(ValueError, match=r"image must be of shape \(H, W\) or \(H, W, C\), not empty, got"):
                crop(np.ones(shape), size=(1, 1), rng=np.random.default_rng(0))


class TestFlip:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_agrees_with_torch(self, shape):
        image = picture(shape)
        expected = torch.flip(torch.from_numpy(image), (1,)).numpy()
        agree("flip", "torch.flip", flip(image, rng=np.random.default_rng(0), probability=1), expected)

    def test_never_at_probability_zero_and_gives_no_alias(self):
        image = picture((2, 3))
        kept = flip(image, rng=Steered(random=0.0), probability=0)
        np.testing.assert_array_equal(kept, image)
        assert not np.shares_memory(kept, image)

    @pytest.mark.parametrize("probability", [None, 0.2])
    def test_as_often_as_told_and_half_of_the_time_by_default(self, probability):
        image, rng, draws = np.array([[0.0, 1.0]]), np.random.default_rng(0), 30_000
        kwargs = {} if probability is None else {"probability": probability}
        flipped = np.mean([flip(image, rng=rng, **kwargs)[0, 0] for _ in range(draws)])
        assert abs(flipped - (probability or 0.5)) < hoeffding(draws)

    @pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
    def test_refuses_probability(self, probability):
        with pytest.raises(ValueError, match=rf"probability must be in \[0, 1\], got {probability}"):
            flip(picture((2, 2)), rng=np.random.default_rng(0), probability=probability)


class TestRotate:
    @pytest.mark.parametrize("quarters", [-1, 0, 1, 2, 3, 4])
    @pytest.mark.parametrize("shape", [(5, 5), (6, 6, 3)], ids=str)
    def test_by_quarter_turns_is_numpys_rot90(self, quarters, shape):
        image = picture(shape)
        agree("rotate", "np.rot90", rotate(image, angle=90 * quarters), np.rot90(image, quarters))

    @pytest.mark.parametrize("angle", [-170.0, 17.0, 45.0, 300.0])
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    def test_agrees_with_scipy(self, angle, shape):
        image = picture(shape)
        expected = ndimage.rotate(image, angle, reshape=False, order=1, mode="grid-constant")
        agree("rotate", "scipy.ndimage.rotate(order=1, mode='grid-constant')", rotate(image, angle=angle), expected)

    @pytest.mark.parametrize("angle", [-170.0, 17.0, 45.0])
    def test_agrees_with_torchs_grid_sample(self, angle):
        image = picture((6, 6))
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        theta = torch.tensor([[[cos, -sin, 0], [sin, cos, 0]]], dtype=torch.float64)  # x to the right, y down
        grid = torch.nn.functional.affine_grid(theta, (1, 1, 6, 6), align_corners=True)
        expected = torch.nn.functional.grid_sample(torch.from_numpy(image)[None, None], grid, align_corners=True)[0, 0]
        agree("rotate", "torch grid_sample", rotate(image, angle=angle), expected.numpy())

    @pytest.mark.parametrize("angle", [math.inf, math.nan])
    def test_refuses_angle(self, angle):
        with pytest.raises(ValueError, match=f"angle must be finite, got {angle}"):
            rotate(picture((2, 2)), angle=angle)


def pixel_by_pixel(image, brightness, contrast, saturation):
    """The three changes of colour by loops over pixels, with given factors."""

    def clip(value):
        return min(max(value, 0.0), 1.0)

    def grey(pixel):
        return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]

    pixels = [[[clip(brightness * v) for v in pixel] for pixel in row] for row in image.tolist()]
    mean = sum(grey(pixel) for row in pixels for pixel in row) / (len(pixels) * len(pixels[0]))
    pixels = [[[clip(mean + contrast * (v - mean)) for v in pixel] for pixel in row] for row in pixels]
    return np.array(
        [[[clip(grey(pixel) + saturation * (v - grey(pixel))) for v in pixel] for pixel in row] for row in pixels]
    )


class TestColorJitter:
    @pytest.mark.parametrize("factors", [(1.3, 0.6, 1.4), (0.5, 1.5, 0.2), (1.0, 1.0, 1.0), (2.0, 2.0, 2.0)])
    def test_agrees_with_loops_over_pixels(self, factors):
        image = picture((4, 5, 3))
        got = color_jitter(image, rng=Steered(uniform=list(factors)), brightness=1, contrast=1, saturation=1)
        agree("color_jitter", "loops over pixels", got, pixel_by_pixel(image, *factors))

    @pytest.mark.parametrize(
        ("name", "enhance"),
        [
            ("brightness", ImageEnhance.Brightness),
            ("contrast", ImageEnhance.Contrast),
            ("saturation", ImageEnhance.Color),
        ],
    )
    @pytest.mark.parametrize("factor", [0.0, 0.4, 1.7])
    def test_is_pillows_to_the_last_of_eight_bits(self, name, enhance, factor):
        coded = (255 * picture((6, 7, 3))).astype(np.uint8)
        expected = np.asarray(enhance(Image.fromarray(coded)).enhance(factor)) / 255
        got = color_jitter(coded / 255, rng=Steered(uniform=factor), **{name: 1.0})
        assert np.abs(got - expected).max() <= 2 / 255  # Pillow rounds the grey it blends with, and the result

    def test_saturation_leaves_hue_and_luminance_alone(self):
        image = 0.3 + 0.4 * picture((4, 4, 3))
        got = color_jitter(image, rng=Steered(uniform=0.5), saturation=1.0)
        weights = [0.299, 0.587, 0.114]
        np.testing.assert_allclose(got @ weights, image @ weights, atol=1e-12)
        for before, after in zip(image.reshape(-1, 3), got.reshape(-1, 3), strict=True):
            assert math.isclose(colorsys.rgb_to_hsv(*before)[0], colorsys.rgb_to_hsv(*after)[0], abs_tol=1e-9)

    @pytest.mark.parametrize(("strength", "low", "high"), [(0.4, 0.6, 1.4), (1.5, 0.0, 2.5)])
    def test_factors_are_uniform_and_never_negative(self, strength, low, high):
        draws, rng = 20_000, np.random.default_rng(0)
        image = np.full((1, 1), 0.1)
        factors = [color_jitter(image, rng=rng, brightness=strength)[0, 0] / 0.1 for _ in range(draws)]
        assert low <= min(factors) < max(factors) <= high
        for share in (0.1, 0.5, 0.8):
            assert abs(np.mean(np.array(factors) < low + share * (high - low)) - share) < hoeffding(draws)

    def test_without_strength_nothing_changes_or_is_drawn(self):
        image, rng = picture((3, 3, 3)), np.random.default_rng(0)
        same = color_jitter(image, rng=rng)
        np.testing.assert_array_equal(same, image)
        assert not np.shares_memory(same, image)
        assert rng.random() == np.random.default_rng(0).random()

    def test_of_a_grey_image(self):
        got = color_jitter(np.array([[0.2, 0.4]]), rng=Steered(uniform=0.5), contrast=1.0)
        np.testing.assert_allclose(got, [[0.25, 0.35]], rtol=1e-14)

    @pytest.mark.parametrize(
        ("image", "kwargs", "message"),
        [
            (np.array([[1.5]]), {}, r"image must be of values in \[0, 1\], got \[1.5\]"),
            (np.array([[-0.5]]), {}, r"image must be of values in \[0, 1\], got \[-0.5\]"),
            (np.array([[np.nan]]), {}, r"image must be of values in \[0, 1\], got \[nan\]"),
            (np.ones((2, 2, 4)), {}, r"image must be of shape \(H, W\) or \(H, W, 3\), got \(2, 2, 4\)"),
            (np.ones((2, 2)), {"saturation": 0.1}, r"saturation must be 0 for an image of shape \(H, W\), got 0.1"),
            (np.ones((2, 2)), {"brightness": -0.1}, "brightness must be >= 0 and finite, got -0.1"),
            (np.ones((2, 2)), {"contrast": math.inf}, "contrast must be >= 0 and finite, got inf"),
            (np.ones((2, 2, 3)), {"saturation": math.nan}, "saturation must be >= 0 and finite, got nan"),
        ],
    )
    def test_refuses(self, image, kwargs, message):
        with pytest.raises(ValueError, match=message):
            color_jitter(image, rng=np.random.default_rng(0), **kwargs)


class TestElasticDeformation:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    @pytest.mark.parametrize(("alpha", "sigma"), [(5.0, 1.0), (34.0, 4.0), (2.0, 0.3)])
    def test_agrees_with_scipy(self, shape, alpha, sigma):
        image = picture(shape)
        noise = np.random.default_rng(7).uniform(-1, 1, size=(2, *shape[:2]))
        moved = [alpha * ndimage.gaussian_filter(field, sigma, mode="constant", truncate=4) for field in noise]
        places = np.meshgrid(*(np.arange(size) for size in shape[:2]), indexing="ij")
        places = [place + by for place, by in zip(places, moved, strict=True)]

        def read(channel):
            return ndimage.map_coordinates(channel, places, order=1, mode="grid-constant")

        got = elastic_deformation(image, alpha=alpha, sigma=sigma, rng=np.random.default_rng(7))
        agree("elastic_deformation", "scipy gaussian_filter and map_coordinates", got, every_channel(read, image))

    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"alpha": -1.0, "sigma": 1.0}, "alpha must be >= 0 and finite, got -1.0"),
            ({"alpha": math.inf, "sigma": 1.0}, "alpha must be >= 0 and finite, got inf"),
            ({"alpha": 1.0, "sigma": 0.0}, "sigma must be > 0 and finite, got 0.0"),
            ({"alpha": 1.0, "sigma": math.inf}, "sigma must be > 0 and finite, got inf"),
        ],
    )
    def test_refuses(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            elastic_deformation(picture((3, 3)), rng=np.random.default_rng(0), **kwargs)


class TestHistogramEqualization:
    @pytest.mark.parametrize("shape", [(6, 6), (20, 30), (7, 4, 3), (1, 5, 2)], ids=str)
    @pytest.mark.parametrize("bins", [2, 5, 256])
    def test_agrees_with_scipys_ranks(self, shape, bins):
        image = picture(shape) ** 3

        def by_rank(channel):
            level = np.searchsorted(np.arange(1, bins) / bins, channel, side="right")
            up_to = stats.rankdata(level, method="max").reshape(channel.shape)
            if up_to.min() == channel.size:
                return channel
            return (up_to - up_to.min()) / (channel.size - up_to.min())

        got = histogram_equalization(image, bins=bins)
        agree("histogram_equalization", "scipy.stats.rankdata", got, every_channel(by_rank, image))

    def test_256_levels_by_default_and_one_is_the_brightest(self):
        image = np.array([[0.0, 128.0, 128.75, 255.5, 256.0]]) / 256  # of the 257th of the range the second pair is two
        np.testing.assert_array_equal(histogram_equalization(image), [[0, 0.5, 0.5, 1, 1]])

    @given(arrays(float, (4, 5), elements=st.integers(0, 8).map(lambda level: level / 8)))
    def test_keeps_the_order_of_brightness_and_spans_the_range(self, image):
        got = histogram_equalization(image)
        order = np.argsort(image.ravel(), kind="stable")
        assert np.all(np.diff(got.ravel()[order]) >= 0)
        if np.ptp(image) > 0:
            assert got.min() == 0
            assert got.max() == 1
        else:
            np.testing.assert_array_equal(got, image)

    def test_refuses(self):
        with pytest.raises(ValueError, match="bins must be >= 2, got 1"):
            histogram_equalization(picture((3, 3)), bins=1)
        with pytest.raises(ValueError, match=r"image must be of values in \[0, 1\], got \[2.\]"):
            histogram_equalization(np.array([[2.0]]))
