"""Stochastic depth: residual blocks that are skipped at random while training."""

import numpy as np

from regopt._arguments import as_float, of_shape, require

__all__ = ["drop_path", "drop_path_backward", "expected_depth", "survival_schedule"]


def survival_schedule(depth, *, survival):
    """Probability with which each of `depth` blocks survives, falling linearly to `survival` in the last.

    p_l = 1 - l / L (1 - p_L),  l = 1 ... L = depth,  p_L = `survival`

    Convention: Huang et al. 2016: the input counts as block 0 and always survives, so that the first block is already
    below 1. Probabilities of being kept; for rates of being dropped, as timm has them, take 1 minus these.
    Shapes: the result (depth,).

    >>> survival_schedule(5, survival=0.5)
    array([0.9, 0.8, 0.7, 0.6, 0.5])
    """
    require(depth >= 1, "depth", ">= 1", depth)
    survival = _survival(survival)
    return 1 - np.arange(1, depth + 1) / depth * (1 - survival)


def _survival(survival):
    require(0 < survival <= 1, "survival", "in (0, 1]", survival)
    return float(survival)


def expected_depth(survival):
    """Expected number of blocks that are alive in one pass.

    E[depth] = sum_l p_l, which is L - (1 - p_L) (L + 1) / 2 for the linear schedule

    Convention: residual blocks, each of which counts as one whatever it holds.
    Shapes: `survival` any, one probability a block; the result a number, 0 for no block.

    >>> round(float(expected_depth(survival_schedule(54, survival=0.5))), 2)  # the paper's ResNet-110
    40.25
    """
    survival = as_float(survival)
    outside = survival[(survival < 0) | (survival > 1)]
    require(outside.size == 0, "survival", "in [0, 1]", outside[:1])
    return np.sum(survival)


def drop_path(x, *, survival, rng, training=True, inverted=True):
    """Let the residual branch of each example survive with probability `survival`, or drop it whole.

    y_i = x_i b_i / survival,  b_i ~ Bernoulli(survival);  in evaluation y = x       (inverted)
    y_i = x_i b_i;                                         in evaluation y = survival x

    Convention: `survival` is the probability of being KEPT. `inverted=True` is timm's DropPath, its drop_prob
    1 - survival. `inverted=False` scales at inference, as the paper (Huang et al. 2016) does, which moreover draws once
    a mini-batch: give the batch as one example, `x[np.newaxis]`. `x` is what is added to the shortcut, the f(h) of
    h + f(h). Returns `y` and the `cache` that `drop_path_backward` needs.
    Shapes: `x` (n, ...), examples on the first axis; `y` the same.

    >>> drop_path(np.ones((4, 2)), survival=0.5, rng=np.random.default_rng(1))[0]
    array([[2., 2.],
           [2., 2.],
           [0., 0.],
           [2., 2.]])
    """
    x, survival = as_float(x), _survival(survival)
    require(x.ndim >= 1, "x", "of shape (n, ...)", x.shape)
    each = (len(x), *(1,) * (x.ndim - 1))
    if training:
        factor = np.asarray(rng.random(each) >= 1 - survival, dtype=x.dtype) / (survival if inverted else 1)
    else:
        factor = np.full(each, 1 if inverted else survival, dtype=x.dtype)
    return x * factor, (factor, x.shape)


def drop_path_backward(dy, cache):
    """Gradient of a loss with respect to `x` of `drop_path`, from its gradient `dy` with respect to `y`.

    dx_i = dy_i times the factor of example i: nothing for a dropped branch

    Convention: the draw of the forward pass, scaling included.
    Shapes: `dy` and `dx` that of `x`.

    >>> y, cache = drop_path(np.ones((2, 1)), survival=0.5, rng=np.random.default_rng(0))
    >>> y.ravel(), drop_path_backward(np.array([[5.0], [7.0]]), cache).ravel()
    (array([2., 0.]), array([10.,  0.]))
    """
    factor, shape = cache
    return of_shape(shape, "dy", dy) * factor
