import numpy as np
import pytest
import torch

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
from tests.evidence import agree

X = np.array([*np.linspace(-6, 6, 49), 1e4, -1e4, 1e-300, -1e-300])
PAIRS = {
    "sigmoid": (sigmoid, sigmoid_derivative, torch.sigmoid),
    "tanh": (tanh, tanh_derivative, torch.tanh),
    "relu": (relu, relu_derivative, torch.relu),
    "leaky_relu": (leaky_relu, leaky_relu_derivative, torch.nn.functional.leaky_relu),
}


@pytest.mark.parametrize(("name", "pair"), PAIRS.items(), ids=PAIRS)
def test_value_and_derivative_agree_with_torch(name, pair):
    function, derivative, torchs = pair
    x = torch.from_numpy(X).requires_grad_()
    y = torchs(x)
    y.sum().backward()
    agree(name, f"torch {name}", function(X), y.detach())
    agree(f"{name}_derivative", "torch autograd", derivative(X), x.grad)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0, 3.0])
def test_leaky_slopes_agree_with_torch(alpha):
    x = torch.from_numpy(X).requires_grad_()
    y = torch.nn.functional.leaky_relu(x, alpha)
    y.sum().backward()
    agree("leaky_relu", "torch leaky_relu", leaky_relu(X, alpha=alpha), y.detach())
    agree("leaky_relu_derivative", "torch autograd", leaky_relu_derivative(X, alpha=alpha), x.grad)


@pytest.mark.parametrize("function", [sigmoid, sigmoid_derivative, tanh_derivative])
def test_small_values_keep_their_digits(function):
    """Against exp(-|x|) times what it tends to, where 1 - s(x) would be rounding."""
    limit = {sigmoid: lambda x: np.exp(x), sigmoid_derivative: np.exp, tanh_derivative: lambda x: 4 * np.exp(2 * x)}
    x = np.array([-40.0, -80.0, -200.0])
    np.testing.assert_allclose(function(x), limit[function](x), rtol=1e-12)


def test_slopes_are_even():
    for derivative in (sigmoid_derivative, tanh_derivative):
        np.testing.assert_allclose(derivative(X), derivative(-X), rtol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 3, 4)], ids=str)
def test_softmax_derivative_agrees_with_torch(shape):
    logits = np.random.default_rng(0).normal(size=shape)
    flat = torch.from_numpy(logits).reshape(-1, shape[-1])
    expected = [torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), row) for row in flat]
    expected = torch.stack(expected).reshape(*shape, shape[-1])
    agree("softmax_derivative", "torch.autograd.functional.jacobian", softmax_derivative(logits), expected)
