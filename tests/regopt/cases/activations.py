"""Legal calls and refusals of the functions of the appendix activations."""

import numpy as np

from regopt import (
    leaky_relu,
    leaky_relu_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax_derivative,
    tanh,
    tanh_derivative,
)
from tests.regopt.contract import Case

x = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1e4]])
ALPHA = (("alpha", -0.1), ("alpha", np.inf))

CASES = [
    *(Case(f, (x,), any_shape=(0,)) for f in (sigmoid, sigmoid_derivative, tanh, tanh_derivative)),
    *(Case(f, (x,), any_shape=(0,)) for f in (relu, relu_derivative)),
    *(Case(f, (x,), any_shape=(0,), illegal=ALPHA) for f in (leaky_relu, leaky_relu_derivative)),
    Case(softmax_derivative, (x,), illegal=(("logits", np.array(1.0)),)),
    Case(softmax_derivative, (np.zeros((3, 0)),)),
    Case(softmax_derivative, (np.zeros((0, 3)),)),
]
