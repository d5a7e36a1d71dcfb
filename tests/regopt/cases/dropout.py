"""Legal calls and refusals of the functions of the chapter dropout."""

import numpy as np

from regopt import (
    dropconnect,
    dropconnect_backward,
    dropout,
    dropout_backward,
    dropout_classic,
    dropout_moments,
    gaussian_dropout,
    mask_ensemble,
    variational_dropout,
    variational_dropout_kl,
)
from tests.regopt.contract import Case

x = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2]])
w = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.0]])
noise = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 0.0]])
p = (("p", -0.1), ("p", 1.0), ("p", 7))
layer = (("x", np.ones(3)), ("w", np.ones((2, 2))), ("w", np.ones(3)))


def net(mask):
    return np.array([1.0, 2.0]) + mask.sum()


CASES = [
    Case(dropout, (x,), {"p": 0.5}, illegal=p, any_shape=(0,), rng=True),
    Case(dropout, (x,), {"p": 0.0}, any_shape=(0,), rng=True),
    Case(dropout, (x,), {"p": 0.5, "training": False}, illegal=p, any_shape=(0,), rng=True),
    Case(dropout_classic, (x,), {"p": 0.5}, illegal=p, any_shape=(0,), rng=True),
    Case(dropout_classic, (x,), {"p": 0.5, "training": False}, illegal=p, any_shape=(0,), rng=True),
    Case(gaussian_dropout, (x,), {"p": 0.5}, illegal=p, any_shape=(0,), rng=True),
    Case(gaussian_dropout, (x,), {"p": 0.5, "training": False}, illegal=p, any_shape=(0,), rng=True),
    Case(dropout_backward, (x, noise), any_shape=(0, 1), illegal=(("dy", np.ones(3)),)),
    Case(dropout_moments, (x, np.array(2.0)), {"p": 0.5}, illegal=(*p, ("variance", -1.0)), any_shape=(0,)),
    Case(dropout_moments, (np.array(2.0), x**2), {"p": 0.5, "inverted": False}, illegal=p),
    Case(dropconnect, (x, w), {"p": 0.5}, illegal=(*p, *layer), rng=True),
    Case(dropconnect, (x, w), {"p": 0.5, "training": False}, illegal=(*p, *layer), rng=True),
    Case(dropconnect, (np.ones((0, 3)), w), {"p": 0.5}, rng=True),
    Case(dropconnect_backward, (np.ones((2, 2)), (x, w, np.ones((3, 2)))), illegal=(("dy", np.ones((2, 3))),)),
    Case(dropconnect_backward, (np.ones((0, 2)), (np.ones((0, 3)), w, np.ones((3, 2))))),
    Case(variational_dropout, (x, w), {"alpha": 0.5}, illegal=(("alpha", -1.0), ("alpha", w), *layer), rng=True),
    Case(variational_dropout, (np.ones((0, 3)), np.ones((3, 0))), {"alpha": 0.5, "training": False}, rng=True),
    Case(variational_dropout_kl, (np.exp(w),), illegal=(("alpha", -1.0),), any_shape=(0,), nan="refused"),
    Case(mask_ensemble, (net, 3), {"p": 0.5}, illegal=(*p, ("n", -1), ("n", 21))),
    Case(mask_ensemble, (net, 3), {"p": 0.5, "mean": "geometric"}, illegal=p),
]
