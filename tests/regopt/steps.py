"""Runs of many optimizer steps, ours and those of others, over rates and gradients that are meant to be hard."""

import inspect

import numpy as np
import torch

import regopt

STEPS = 60


def optimizers():
    """Every optimizer of the library, by name: the functions that begin with `w, grad, state`."""
    return {
        name: function
        for name, function in vars(regopt).items()
        if inspect.isfunction(function) and list(inspect.signature(function).parameters)[:3] == ["w", "grad", "state"]
    }


def changing_rates():
    """Rates that rise, fall, jump and stand at zero."""
    t = np.arange(STEPS)
    rates = 0.05 * (1.2 + np.cos(t / 5)) * np.where(t < 10, (t + 1) / 10, 1.0)
    rates[20:23] = 0.0
    rates[40:] *= 0.1
    return [float(rate) for rate in rates]


def hard_gradients(shape, *, largest=1e12, seed=0):
    """Ordinary gradients, then tiny and huge ones, zero ones, and one coordinate that stays zero half of the time."""
    rng = np.random.default_rng(seed)
    grads = rng.normal(size=(STEPS, *shape))
    grads[10:15] *= 1e-12
    grads[15:18] = 0.0
    grads[25:28] *= largest
    grads[28:33] *= 1e-200
    grads[: STEPS // 2].reshape(STEPS // 2, -1)[:, 0] = 0.0
    return grads


def start(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def follow(step, w, grads, rates, state=None, **settings):
    """All the weights that `step` goes through."""
    path = []
    for grad, lr in zip(grads, rates, strict=True):
        w, state = step(w, grad, state, lr=lr, **settings)
        path.append(w)
    return np.stack(path)


def follow_torch(make, w, grads, rates):
    """The same with a torch optimizer, which `make` makes of a list of parameters."""
    parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = make([parameter])
    path = []
    for grad, lr in zip(grads, rates, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        parameter.grad = torch.from_numpy(np.array(grad))
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return np.stack(path)


def relative(got, expected):
    """Both divided by the size of `expected`, entry by entry, so that a huge entry hides no error in a small one."""
    size = np.maximum(1.0, np.abs(expected))
    return got / size, expected / size


def arguments(name, shape):
    """What the optimizer `name` needs beside `w, grad, state`: a rate, and what has no default."""
    parameters = inspect.signature(optimizers()[name]).parameters.values()
    needed = {parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty}
    settings = {"lr": lambda: 0.05, "lam": lambda: 0.01, "hessian": lambda: np.eye(int(np.prod(shape)))}
    return {key: settings[key]() for key in (needed | {"lr"}) - {"w", "grad"}}
