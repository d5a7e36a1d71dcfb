import numpy as np
import pytest
import pytorch_optimizer
import torch

from regopt import adabelief, adafactor, adam, lamb, lars, momentum, yogi
from regopt._adam_family import YogiState
from tests.evidence import agree
from tests.regopt.steps import changing_rates, follow, follow_torch, hard_gradients, relative, start

SHAPE = (3, 4)
RATES = changing_rates()
GRADS = hard_gradients(SHAPE)


class TestAdabelief:
    @pytest.mark.parametrize(("betas", "eps"), [((0.9, 0.999), 1e-16), ((0.5, 0.9), 1e-3), ((0.0, 0.99), 1e-8)])
    def test_agrees_with_pytorch_optimizer(self, betas, eps):
        """Its convention: eps added to v in every step and again outside of the root, both averages corrected."""
        got = follow(adabelief, start(SHAPE), GRADS, RATES, beta1=betas[0], beta2=betas[1], eps=eps)
        expected = follow_torch(
            lambda p: pytorch_optimizer.AdaBelief(p, betas=betas, eps=eps), start(SHAPE), GRADS, RATES
        )
        agree("adabelief", "pytorch_optimizer.AdaBelief", *relative(got, expected))

    def test_the_defaults_are_the_papers(self):
        got = follow(adabelief, start(SHAPE), GRADS, RATES)
        expected = follow(adabelief, start(SHAPE), GRADS, RATES, beta1=0.9, beta2=0.999, eps=1e-16)
        np.testing.assert_array_equal(got, expected)

    def test_a_steady_gradient_is_believed_an_erratic_one_is_not(self):
        steady, erratic = np.ones(200), np.tile([3.0, -1.0], 100)
        w, state = np.zeros(2), None
        for grad in zip(steady, erratic, strict=True):
            w, state = adabelief(w, np.array(grad), state, lr=0.01)
        assert w[0] < 2 * w[1] < 0  # both have the average 1; Adam moves them by lr and by lr / sqrt(5)

    def test_v_is_the_corrected_variance_of_the_gradient_in_the_long_run(self):
        rng = np.random.default_rng(0)
        _, state = np.zeros(4000), None
        for _ in range(400):
            _, state = adabelief(np.zeros(4000), 5 + 2 * rng.normal(size=4000), state, lr=0.0, beta1=0.99, beta2=0.9)
        assert np.mean(state.v) == pytest.approx(4.0, rel=0.03)  # not 29, the mean square


class TestYogi:
    @pytest.mark.parametrize(("betas", "eps"), [((0.9, 0.999), 1e-3), ((0.5, 0.9), 1e-8)])
    def test_agrees_with_pytorch_optimizer(self, betas, eps):
        """Its convention: m and v both start at 1e-6, both are corrected, eps outside of the root."""
        begun = YogiState(0, np.full(SHAPE, 1e-6), np.full(SHAPE, 1e-6))
        got = follow(yogi, start(SHAPE), GRADS, RATES, state=begun, beta1=betas[0], beta2=betas[1], eps=eps)
        expected = follow_torch(lambda p: pytorch_optimizer.Yogi(p, betas=betas, eps=eps), start(SHAPE), GRADS, RATES)
        agree("yogi", "pytorch_optimizer.Yogi", *relative(got, expected))

    def test_by_default_only_v_starts_at_v0(self):
        begun = YogiState(0, np.zeros(SHAPE), np.full(SHAPE, 1e-6))
        got = follow(yogi, start(SHAPE), GRADS, RATES)
        agree("yogi", "a state given", got, follow(yogi, start(SHAPE), GRADS, RATES, state=begun))

    def test_without_correction_agrees_with_a_scalar_loop_of_the_papers_algorithm(self):
        got = follow(yogi, start(SHAPE), GRADS, RATES, v0=0.01, bias_correction=False)
        expected = np.zeros_like(got)
        for index in np.ndindex(SHAPE):
            w, first, second = start(SHAPE)[index], 0.0, 0.01
            for t, lr in enumerate(RATES):
                g = GRADS[(t, *index)]
                first = 0.9 * first + 0.1 * g
                if second > g * g:
                    second -= 0.001 * g * g
                elif second < g * g:
                    second += 0.001 * g * g
                w -= lr * first / (second**0.5 + 1e-3)
                expected[(t, *index)] = w
        agree("yogi", "scalar loop", *relative(got, expected))

    def test_where_v_is_the_square_already_it_stays(self):
        _, state = yogi(np.zeros(1), np.array([0.5]), YogiState(3, np.zeros(1), np.array([0.25])), lr=0.1)
        assert state.v == 0.25


def pytorch_lars(lam, gamma, trust=1e-3):
    return lambda p: pytorch_optimizer.LARS(p, lr=1.0, weight_decay=lam, momentum=gamma, trust_coefficient=trust)


class TestLars:
    @pytest.mark.parametrize(("lam", "gamma", "trust"), [(0.01, 0.9, 1e-3), (0.5, 0.5, 0.1), (0.01, 0.0, 1e-3)])
    def test_agrees_with_pytorch_optimizer(self, lam, gamma, trust):
        """Its convention: the rate outside of the velocity, a matrix is a layer (vectors are stepped by momentum)."""
        got = follow(lars, start(SHAPE), GRADS, RATES, lam=lam, gamma=gamma, trust=trust)
        expected = follow_torch(pytorch_lars(lam, gamma, trust), start(SHAPE), GRADS, RATES)
        agree("lars", "pytorch_optimizer.LARS", *relative(got, expected))

    def test_the_defaults_agree_too_where_gradients_or_weights_are_zero(self):
        for w in (start(SHAPE), np.zeros(SHAPE)):
            got = follow(lars, w, GRADS, RATES)
            agree("lars", "pytorch_optimizer.LARS", *relative(got, follow_torch(pytorch_lars(0, 0.9), w, GRADS, RATES)))

    def test_the_rate_inside_is_the_papers_velocity(self):
        """You et al. 2017: v = gamma v + lr rate (grad + lam w), then w - v."""
        w, state = start(SHAPE), None
        expected, velocity = start(SHAPE), np.zeros(SHAPE)
        for grad, lr in zip(GRADS, RATES, strict=True):
            w, state = lars(w, grad, state, lr=lr, lam=0.1, trust=0.02, lr_inside=True)
            length, size = (sum(float(x) ** 2 for x in a.ravel()) ** 0.5 for a in (expected, grad))
            velocity = 0.9 * velocity + lr * 0.02 * length / (size + 0.1 * length) * (grad + 0.1 * expected)
            expected = expected - velocity
            agree("lars", "the paper's velocity", *relative(w, expected))

    def test_the_first_step_is_trust_times_the_length_of_the_weights_however_large_the_gradient(self):
        for scale in (1e-6, 1.0, 1e6):
            w, _ = lars(start(SHAPE), scale * GRADS[0], lr=0.5, trust=0.02)
            moved, length = np.linalg.norm(w - start(SHAPE)), np.linalg.norm(start(SHAPE))
            agree("lars", "closed form: lr trust norm(w)", moved, 0.5 * 0.02 * length)


class TestLamb:
    @pytest.mark.parametrize("lam", [0.0, 0.01, 0.5])
    @pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.5)])
    def test_agrees_with_pytorch_optimizer(self, lam, betas):
        """Told `weight_decouple=False` for the paper's decay, and `adam_debias=True` to leave the rate as it is.

        Its eps also stands beside norm(u), so it is tiny here; the next test has others.
        """
        for w in (start(SHAPE), 40 * start(SHAPE), np.zeros(SHAPE)):
            settings = {"lam": lam, "beta1": betas[0], "beta2": betas[1], "eps": 1e-30, "bias_correction": False}
            got = follow(lamb, w, GRADS, RATES, phi=lambda z: min(z, 10.0), **settings)
            expected = follow_torch(
                lambda p: pytorch_optimizer.Lamb(
                    p, weight_decay=lam, betas=betas, eps=1e-30, weight_decouple=False, adam_debias=True
                ),
                w,
                GRADS,
                RATES,
            )
            agree("lamb", "pytorch_optimizer.Lamb", *relative(got, expected))

    @pytest.mark.parametrize("eps", [1e-6, 1e-2])
    def test_direction_is_adams_with_decay_and_length_is_the_weights(self, eps):
        """The direction from torch's Adam, which is corrected and has its eps where ours is."""
        w, state = start(SHAPE), None
        parameter = torch.nn.Parameter(torch.zeros(SHAPE, dtype=torch.float64))
        optimizer = torch.optim.Adam([parameter], lr=1.0, eps=eps)
        for grad, lr in zip(GRADS, RATES, strict=True):
            parameter.data.zero_()
            parameter.grad = torch.from_numpy(grad.copy())
            optimizer.step()
            direction = -parameter.detach().numpy() + 0.1 * w
            expected = w - lr * np.sqrt(np.sum(w**2) / np.sum(direction**2)) * direction
            w, state = lamb(w, grad, state, lr=lr, lam=0.1, eps=eps)
            agree("lamb", "torch.optim.Adam, rescaled", *relative(w, expected))

    def test_a_layer_at_zero_or_with_no_update_takes_the_plain_step(self):
        w, _ = lamb(np.zeros(SHAPE), GRADS[0], lr=0.1)
        expected, _ = adam(np.zeros(SHAPE), GRADS[0], lr=0.1, eps=1e-6)
        agree("lamb", "adam", w, expected)
        w, _ = lamb(start(SHAPE), np.zeros(SHAPE), lr=0.1, eps=0)
        agree("lamb", "no step", w, start(SHAPE))


SHAPES = [(3, 4), (4, 3), (1, 5), (5,), (2, 3, 4), ()]


class TestAdafactor:
    @pytest.mark.parametrize("shape", [(1, 3), (3, 1)], ids=str)
    def test_of_one_row_or_column_each_square_is_its_own_mean(self, shape):
        grad = np.array([1.0, -2.0, 3.0]).reshape(shape)
        _, state = adafactor(np.ones(shape), grad, lr=0.1)
        np.testing.assert_array_equal(state.col if shape == (1, 3) else state.row, grad**2)

    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    @pytest.mark.parametrize(
        ("ours", "torchs"),
        [
            ({}, {}),
            ({"lam": 0.3, "power": 0.5, "clip": 1.5}, {"weight_decay": 0.3, "beta2_decay": -0.5, "d": 1.5}),
            ({"eps": 1e-3, "eps_scale": 10.0}, {"eps": (1e-3, 10.0)}),
        ],
        ids=["defaults", "decay", "eps"],
    )
    def test_agrees_with_torch(self, shape, ours, torchs):
        grads = hard_gradients(shape)
        got = follow(adafactor, start(shape), grads, RATES, **ours)
        expected = follow_torch(lambda p: torch.optim.Adafactor(p, **torchs), start(shape), grads, RATES)
        agree("adafactor", "torch.optim.Adafactor", *relative(got, expected))

    def test_a_rate_above_the_root_of_the_time_is_cut_to_it(self):
        rates = [5.0] * len(GRADS)
        got = follow(adafactor, start(SHAPE), GRADS, rates)
        expected = follow_torch(torch.optim.Adafactor, start(SHAPE), GRADS, rates)
        agree("adafactor", "torch.optim.Adafactor", *relative(got, expected))

    def test_factors_are_exact_where_the_square_is_an_outer_product(self):
        """Squares of rank one: the factored estimate is the square itself, and the first step a sign step."""
        grad = np.outer([1.0, 2.0, 5.0], [3.0, -0.1])
        w, _ = adafactor(np.ones((3, 2)), grad, lr=0.01)
        agree("adafactor", "closed form: a sign step", w, 1 - 0.01 * np.sign(grad))

    def test_keeps_rows_and_columns_only(self):
        _, state = adafactor(np.ones((7, 300, 200)), np.ones((7, 300, 200)), lr=0.01)
        assert (state.row.shape, state.col.shape, state.v) == ((7, 300, 1), (7, 1, 200), None)
        _, state = adafactor(np.ones(9), np.ones(9), lr=0.01)
        assert (state.row, state.col, state.v.shape) == (None, None, (9,))

    def test_refuses_to_write_over_the_gradient(self):
        w, grad = np.ones(3), np.ones(3)
        _, state = adafactor(w, grad, lr=0.01)
        with pytest.raises(ValueError, match="out must be apart in memory from grad"):
            adafactor(w, grad, state, lr=0.01, out=(grad, state))

    @pytest.mark.parametrize("field", ["row", "col", "v"])
    def test_refuses_the_state_of_another_shape(self, field):
        _, matrix = adafactor(np.ones((3, 2)), np.ones((3, 2)), lr=0.01)
        _, vector = adafactor(np.ones(3), np.ones(3), lr=0.01)
        mixed = matrix._replace(**{field: getattr(vector, field)})
        with pytest.raises(ValueError, match=rf"state\.{field} must be"):
            adafactor(np.ones((3, 2)), np.ones((3, 2)), mixed, lr=0.01)


class TestEdges:
    @pytest.mark.parametrize(
        ("step", "settings"), [(adabelief, {}), (yogi, {"v0": 0.0}), (lamb, {}), (adafactor, {"eps_scale": 0.0})]
    )
    @pytest.mark.parametrize("eps", [0.0, 1e-60])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_without_epsilon_a_zero_gradient_is_no_step(self, step, settings, eps, dtype):
        for grad in ([[0.0, 0.5]], [[0.0, 0.0]], [[0.0], [0.5]]):
            grad = np.array(grad, dtype)
            w, _ = step(np.ones_like(grad), grad, lr=0.1, eps=eps, **settings)
            assert np.all((w == 1) == (grad == 0))
            assert np.all(np.isfinite(w))

    @pytest.mark.parametrize(
        ("step", "make"),
        [
            (adabelief, pytorch_optimizer.AdaBelief),
            (lars, pytorch_lars(0.0, 0.9)),
            (adafactor, torch.optim.Adafactor),
        ],
    )
    def test_a_gradient_that_is_no_number_spreads_as_in_the_library(self, step, make):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = np.nan
        got = follow(step, start(SHAPE), grads, RATES)
        np.testing.assert_allclose(got, follow_torch(make, start(SHAPE), grads, RATES), rtol=1e-10, atol=1e-10)
        assert np.isnan(got[-1, 0, 1])

    def test_lamb_and_yogi_let_it_spread(self):
        grads = hard_gradients(SHAPE, largest=1.0)
        grads[7, 0, 1] = np.nan
        assert np.isnan(follow(yogi, start(SHAPE), grads, RATES)[-1]).sum() == 1
        assert np.isnan(follow(lamb, start(SHAPE), grads, RATES)[-1]).all()  # it is in the length of the layer


def test_lars_with_an_endless_layer_is_momentum_scaled():
    """Both share their velocity: a gradient already of length trust * norm(w) is left alone."""
    w = start(SHAPE)
    grad = 1e-3 * GRADS[0] * np.linalg.norm(w) / np.linalg.norm(GRADS[0])
    agree("lars", "momentum", lars(w, grad, lr=0.1)[0], momentum(w, grad, lr=0.1)[0])
