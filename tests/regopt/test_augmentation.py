import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, special, stats
from scipy.spatial import distance

from regopt import augmix, cutmix, cutout, jensen_shannon_loss, mixup, random_erasing
from tests.evidence import agree
from tests.regopt.chance import Steered, assert_follows, hoeffding

DRAWS = 5_000
seeds = st.integers(0, 2**32)


def picture(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1, size=shape)


class TestCutout:
    @pytest.mark.parametrize("size", [1, 3, 5, 9])
    @pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)], ids=str)
    def test_agrees_with_scipys_dilation_of_every_centre(self, size, shape):
        image = picture(shape)
        for centre in np.ndindex(5, 7):
            point = np.zeros((5, 7), bool)
            point[centre] = True
            square = ndimage.binary_dilation(point, np.ones((size, size)))
            expected = image * ~square.reshape(5, 7, *(1,) * (len(shape) - 2))
            got = cutout(image, size=size, rng=Steered(integers=list(centre)))
            agree("cutout", "scipy.ndimage.binary_dilation of the centre", got, expected)

    def test_an_even_square_reaches_one_further_up_and_left(self):
        holes = cutout(np.ones((5, 5)), size=2, rng=Steered(integers=[2, 3])) == 0
        assert np.argwhere(holes).tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]

    def test_every_pixel_is_the_centre_equally_often(self):
        image, rng = np.arange(1.0, 7.0).reshape(2, 3), np.random.default_rng(0)
        centres = [int(np.argmin(cutout(image, size=1, rng=rng))) for _ in range(DRAWS)]
        assert np.abs(np.bincount(centres, minlength=6) / DRAWS - 1 / 6).max() < hoeffding(DRAWS)

    def test_refuses_no_size(self):
        with pytest.raises(ValueError, match="size must be >= 1, got 0"):
            cutout(picture((3, 3)), size=0, rng=np.random.default_rng(0))


def erased(image, **kwargs):
    """The sides of the rectangle that was erased, None without one; what is in it, and whether it is a rectangle."""
    got = random_erasing(image, **kwargs)
    hit = np.argwhere(got != image)
    if not len(hit):
        return None
    top, left = hit.min(axis=0)[:2]
    bottom, right = hit.max(axis=0)[:2] + 1
    changed = np.zeros(image.shape, bool)
    changed[top:bottom, left:right] = True
    np.testing.assert_array_equal(got != image, changed)
    return (bottom - top, right - left), got[top:bottom, left:right]


class TestRandomErasing:
    image = -np.ones((20, 30, 2))  # no noise is -1

    @given(seeds)
    def test_is_a_rectangle_of_the_papers_size_full_of_noise(self, seed):
        found = erased(self.image, rng=np.random.default_rng(seed), probability=1.0)
        if found is None:
            return  # ten rectangles in a row did not fit
        (height, width), noise = found
        assert (height + 0.5) * (width + 0.5) >= 0.02 * 600
        assert (height - 0.5) * (width - 0.5) <= 0.4 * 600
        assert (height + 0.5) / (width - 0.5) >= 0.3
        assert (height - 0.5) / (width + 0.5) <= 1 / 0.3
        assert noise.min() >= 0
        assert noise.max() < 1
        assert len(np.unique(noise)) == noise.size

    def test_sides_are_those_of_the_paper(self):
        rng = Steered(uniform=[0.3, 2.0], integers=[1, 4])  # s, r, then top and left
        hit = random_erasing(self.image, rng=rng, probability=1.0) >= 0
        # height^2 = s r H W = 360, width^2 = s H W / r = 90: 18.97 and 9.49
        expected = np.zeros((20, 30, 2))
        expected[1:20, 4:13] = 1
        agree("random_erasing", "the paper's rectangle, by hand", hit, expected)

    def test_a_misfit_is_drawn_again_and_ten_are_given_up(self):
        for misfits, hit in ((9, True), (10, False)):
            rng = Steered(uniform=[0.4, 3.3] * misfits + [0.02, 1.0], integers=0)  # 28 rows are more than 20
            assert (erased(self.image, rng=rng, probability=1.0) is not None) == hit
        wide = Steered(uniform=[0.4, 0.1] * 10, integers=0)  # 49 columns are more than 30
        assert erased(self.image, rng=wide, probability=1.0, aspect=(0.1, 0.2)) is None

    def test_every_place_equally_often(self):
        image, rng = -np.ones((2, 3)), np.random.default_rng(0)
        kwargs = {"probability": 1.0, "area": (1 / 6, 1 / 6), "aspect": (1.0, 1.0)}
        places = [int(np.argmax(random_erasing(image, rng=rng, **kwargs))) for _ in range(DRAWS)]
        assert np.abs(np.bincount(places, minlength=6) / DRAWS - 1 / 6).max() < hoeffding(DRAWS)

    def test_the_whole_image_can_go(self):
        got = random_erasing(
            self.image, rng=np.random.default_rng(0), probability=1, area=(1, 1), aspect=(2 / 3, 2 / 3)
        )
        assert np.all(got >= 0)

    @pytest.mark.parametrize("probability", [None, 0.2])
    def test_as_often_as_told_and_half_of_the_time_by_default(self, probability):
        image, rng = -np.ones((9, 9)), np.random.default_rng(0)
        kwargs = {"area": (0.02, 0.1)} | ({} if probability is None else {"probability": probability})
        often = np.mean([random_erasing(image, rng=rng, **kwargs).max() >= 0 for _ in range(DRAWS)])
        assert abs(often - (probability or 0.5)) < hoeffding(DRAWS)

    def test_a_probability_of_zero_never_erases_whatever_is_drawn(self):
        assert erased(self.image, rng=Steered(random=0.0), probability=0.0) is None

    def test_a_thin_rectangle_has_at_least_one_pixel(self):
        (sides, _) = erased(-np.ones((3, 3)), rng=Steered(uniform=[0.02, 0.3], integers=0), probability=1.0)
        assert sides == (1, 1)

    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"probability": 1.5}, r"probability must be in \[0, 1\], got 1.5"),
            ({"area": (0.0, 0.5)}, r"area must be \(low, high\) with 0 < low <= high <= 1, got \(0.0, 0.5\)"),
            ({"area": (0.5, 0.4)}, r"area must be .*, got \(0.5, 0.4\)"),
            ({"area": (0.5, 1.1)}, r"area must be .*, got \(0.5, 1.1\)"),
            ({"area": (0.5,)}, r"area must be .*, got \(0.5,\)"),
            ({"aspect": (0.0, 1.0)}, r"aspect must be \(low, high\) with 0 < low <= high <= 100, got \(0.0, 1.0\)"),
            ({"aspect": (2.0, 1.0)}, r"aspect must be .*, got \(2.0, 1.0\)"),
            ({"aspect": (2.0, 101.0)}, r"aspect must be .*, got \(2.0, 101.0\)"),
        ],
    )
    def test_refuses(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            random_erasing(self.image, rng=np.random.default_rng(0), **kwargs)


def partners(targets):
    """Of one-hot targets that were mixed: each example's lam and partner; None for an example mixed with itself."""
    for own, row in enumerate(targets):
        others = np.flatnonzero(np.delete(row, own))
        yield row[own], (int(others[0]) + (others[0] >= own) if len(others) else None)


class TestMixup:
    @pytest.mark.parametrize("seed", range(5))
    def test_agrees_with_torchs_lerp_of_the_pairs_in_the_targets(self, seed):
        x = np.random.default_rng(9).normal(size=(6, 4, 3))
        mixed, targets = mixup(x, np.eye(6), alpha=1.0, rng=np.random.default_rng(seed))
        expected, partner_of = [], []
        for own, (lam, partner) in enumerate(partners(targets)):
            partner_of.append(own if partner is None else partner)
            weight = 1.0 if partner is None else lam
            expected.append(torch.lerp(*(torch.from_numpy(x[i]) for i in (partner_of[-1], own)), weight).numpy())
        assert sorted(partner_of) == list(range(6))
        agree("mixup", "torch.lerp of the pairs in the targets", mixed, expected)
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-14)

    def test_partners_are_a_random_permutation(self):
        rng = np.random.default_rng(0)
        drawn = [mixup(np.zeros(3), np.eye(3), alpha=1.0, rng=rng)[1] for _ in range(DRAWS)]
        pairs = [tuple(partner for _, partner in partners(targets)) for targets in drawn]
        for pair in {(1, 2, 0), (2, 0, 1), (1, 0, None), (2, None, 0), (None, 2, 1), (None, None, None)}:
            assert abs(pairs.count(pair) / DRAWS - 1 / 6) < hoeffding(DRAWS)

    @pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
    def test_lam_follows_beta(self, alpha):
        x, generators = np.zeros(2), [Steered(seed, permutation=np.array([1, 0])) for seed in range(DRAWS)]
        lams = [mixup(x, np.eye(2), alpha=alpha, rng=rng)[1][0, 0] for rng in generators]
        assert_follows(lams, stats.beta(alpha, alpha).cdf, [0.1, 0.5, 0.8])

    def test_one_lam_a_batch(self):
        _, targets = mixup(np.zeros(50), np.eye(50), alpha=1.0, rng=np.random.default_rng(0))
        lams = [lam for lam, partner in partners(targets) if partner is not None]
        assert np.ptp(lams) < 1e-15
        assert len(lams) > 40

    @pytest.mark.parametrize("mix", [mixup, cutmix])
    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"alpha": 0.0}, "alpha must be > 0 and finite, got 0.0"),
            ({"alpha": math.inf}, "alpha must be > 0 and finite, got inf"),
            ({"targets": np.ones(3)}, r"targets must be of shape \(3, K\), got \(3,\)"),
            ({"targets": np.ones((2, 3))}, r"targets must be of shape \(3, K\), got \(2, 3\)"),
            ({"x": np.ones(())}, r"x must be a batch of at least one example, got \(\)"),
            ({"x": np.ones((0, 2, 2)), "targets": np.ones((0, 3))}, r"x must be a batch of at least one example, got"),
        ],
    )
    def test_refuses(self, mix, changed, message):
        arguments = {"x": np.ones((3, 2, 2)), "targets": np.eye(3), "alpha": 1.0} | changed
        with pytest.raises(ValueError, match=message):
            mix(**arguments, rng=np.random.default_rng(0))


def one_hot_images(n, height, width):
    """Image i has the value 1 in channel i, so that a pixel says which image it comes from."""
    return np.broadcast_to(np.eye(n)[:, np.newaxis, np.newaxis], (n, height, width, n)).copy()


class TestCutmix:
    @pytest.mark.parametrize("alpha", [0.3, 1.0])
    @pytest.mark.parametrize("shape", [(5, 8), (1, 1), (2, 3)], ids=str)
    def test_targets_are_the_share_of_pixels_from_each_image(self, alpha, shape):
        rng, x = np.random.default_rng(0), one_hot_images(4, *shape)
        for _ in range(200):
            mixed, targets = cutmix(x, np.eye(4), alpha=alpha, rng=rng)
            agree("cutmix", "share of pixels that came from each image", targets, mixed.mean(axis=(1, 2)))

    @pytest.mark.parametrize("b", [0.0, 0.3, 0.75, 1.0])
    def test_agrees_with_torchs_where_inside_of_the_papers_box(self, b):
        x = np.random.default_rng(1).normal(size=(2, 6, 9))
        for row, column in np.ndindex(6, 9):
            height, width = round(6 * math.sqrt(1 - b)), round(9 * math.sqrt(1 - b))
            inside = np.zeros((6, 9), bool)
            for r, c in np.ndindex(6, 9):
                in_rows = row - height // 2 <= r < row - height // 2 + height
                inside[r, c] = in_rows and column - width // 2 <= c < column - width // 2 + width
            rng = Steered(beta=b, permutation=np.array([1, 0]), integers=[row, column])
            mixed, targets = cutmix(x, np.eye(2), alpha=1.0, rng=rng)
            expected = torch.where(torch.from_numpy(inside), torch.from_numpy(x[::-1].copy()), torch.from_numpy(x))
            agree("cutmix", "torch.where inside of the paper's box", mixed, expected.numpy())
            agree("cutmix", "torch.where inside of the paper's box", targets[0], [1 - inside.mean(), inside.mean()])

    @pytest.mark.parametrize("alpha", [0.5, 3.0])
    def test_sides_follow_beta(self, alpha):
        heights = []
        for seed in range(DRAWS):  # around the centre of the image, so that nothing is cut off
            rng = Steered(seed, permutation=np.array([1, 0]), integers=32)
            mixed, _ = cutmix(one_hot_images(2, 64, 64)[..., 0], np.eye(2), alpha=alpha, rng=rng)
            heights.append(np.sum(mixed[1].any(axis=1)))
        beta = stats.beta(alpha, alpha)
        assert_follows(heights, lambda height: 1 - beta.cdf(1 - ((height + 0.5) / 64) ** 2), [16, 32, 45, 60])

    def test_every_pixel_is_the_centre_equally_often(self):
        places = []
        for seed in range(DRAWS):
            rng = Steered(seed, permutation=np.array([1, 0]), beta=0.84)  # a box of one pixel
            mixed, targets = cutmix(one_hot_images(2, 2, 3)[..., 0], np.eye(2), alpha=1.0, rng=rng)
            assert math.isclose(targets[0, 1], 1 / 6)
            places.append(int(np.argmax(mixed[1])))
        assert np.abs(np.bincount(places, minlength=6) / DRAWS - 1 / 6).max() < hoeffding(DRAWS)

    def test_partners_are_a_random_permutation(self):
        pairs = []
        for seed in range(DRAWS):  # of images of one pixel, which is always pasted
            _, targets = cutmix(np.zeros((3, 1, 1)), np.eye(3), alpha=1.0, rng=Steered(seed, beta=0.0))
            pairs.append(tuple(int(row.argmax()) for row in targets))
        for pair in itertools.permutations(range(3)):
            assert abs(pairs.count(pair) / DRAWS - 1 / 6) < hoeffding(DRAWS)

    def test_a_single_pixel_is_a_batch(self):
        mixed, targets = cutmix(np.ones((1, 1, 1)), np.eye(1), alpha=1.0, rng=np.random.default_rng(0))
        assert (mixed.item(), targets.item()) == (1, 1)

    @pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 2, 2, 2, 2), (3, 0, 2)])
    def test_refuses_what_is_no_batch_of_images(self, shape):
        with pytest.raises(ValueError, match=r"x must be of shape \(n, H, W\) or \(n, H, W, C\), not empty, got"):
            cutmix(np.ones(shape), np.eye(3), alpha=1.0, rng=np.random.default_rng(0))


def test_augmix_of_one_chain_mixes_the_image_with_that_chain_alone():
    black = lambda image, strength, rng: 0 * image  # noqa: E731
    got = augmix(np.ones((2, 3)), width=1, rng=Steered(beta=0.25), operations=[black])
    np.testing.assert_array_equal(got, np.full((2, 3), 0.25))


class TestJensenShannonLoss:
    rng = np.random.default_rng(0)
    probs = special.softmax(2 * rng.normal(size=(3, 20, 5)), axis=-1)

    def test_of_two_agrees_with_scipys_distance(self):
        expected = np.mean([distance.jensenshannon(p, q) ** 2 for p, q in zip(*self.probs[:2], strict=True)])
        agree("jensen_shannon_loss", "scipy jensenshannon", jensen_shannon_loss(self.probs[:2]), expected)

    def test_of_three_is_the_entropy_that_the_mean_gains(self):
        gained = stats.entropy(self.probs.mean(axis=0), axis=-1) - stats.entropy(self.probs, axis=-1).mean(axis=0)
        agree("jensen_shannon_loss", "scipy.stats.entropy", jensen_shannon_loss(self.probs), gained.mean())

    def test_of_three_agrees_with_torch_as_augmix_has_it(self):
        views = torch.from_numpy(self.probs)
        log_mean = views.mean(0).log()
        expected = sum(torch.nn.functional.kl_div(log_mean, view, reduction="batchmean") for view in views) / 3
        agree("jensen_shannon_loss", "torch kl_div", jensen_shannon_loss(self.probs), expected.item())

    def test_closed_forms(self):
        certain = np.eye(4)
        assert jensen_shannon_loss([certain[0], certain[0]]) == 0
        for m in (2, 3, 4):
            assert math.isclose(jensen_shannon_loss(certain[:m]), math.log(m), rel_tol=1e-15)
        half = 0.5 * (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2))
        assert math.isclose(jensen_shannon_loss(np.array([[1.0, 0.0], [0.5, 0.5]])), half, rel_tol=1e-14)

    def test_examples_may_have_more_than_one_axis(self):
        assert math.isclose(jensen_shannon_loss(self.probs.reshape(3, 4, 5, 5)), jensen_shannon_loss(self.probs))

    def test_stays_in_float32(self):
        assert jensen_shannon_loss(self.probs.astype(np.float32)).dtype == np.float32

    @pytest.mark.parametrize(
        ("probs", "message"),
        [
            ([np.eye(2)], r"probs must be of shape \(m, ..., K\) with m >= 2, got \(1, 2, 2\)"),
            (np.array([0.5, 0.5]), r"probs must be of shape \(m, ..., K\) with m >= 2, got \(2,\)"),
            ([np.eye(2), np.eye(3)], r"probs must be predictions of one shape, got \[\(2, 2\), \(3, 3\)\]"),
            ([], r"probs must be predictions of one shape, got \[\]"),
            ([np.eye(2), 2 * np.eye(2)], "probs must be rows that sum to 1, got sums from 1.0 to 2.0"),
            ([np.eye(2), np.full((2, 2), np.nan)], "probs must be >= 0, got nan"),
            ([np.ones((0, 2)), np.ones((0, 2))], r"probs must be of shape \(..., K\), not empty, got \(2, 0, 2\)"),
        ],
    )
    def test_refuses(self, probs, message):
        with pytest.raises(ValueError, match=message):
            jensen_shannon_loss(probs)


def test_a_batch_of_one_is_mixed_with_itself():
    x, targets = np.arange(12.0).reshape(1, 3, 4), np.array([[0.25, 0.75]])
    for mix in (mixup, cutmix):
        mixed = mix(x, targets, alpha=1.0, rng=np.random.default_rng(0))
        np.testing.assert_allclose(mixed[0], x, rtol=1e-14)
        np.testing.assert_allclose(mixed[1], targets, rtol=1e-14)
