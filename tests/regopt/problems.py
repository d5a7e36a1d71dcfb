"""Problems whose minimum is known, which every optimizer of the library runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A loss with its derivatives, where a run starts, and where its minimum is."""

    loss: Callable
    gradient: Callable
    hessian: Callable  # (w.size, w.size), for Newton's method
    start: np.ndarray
    argmin: np.ndarray
    curvature: float  # above that of the loss wherever a run comes by; plain gradient steps take the rate 1 / curvature
    minimum: float = 0.0

    def left(self, w):
        """Which part of the way down from the start is still left at `w`."""
        return (self.loss(w) - self.minimum) / (self.loss(self.start) - self.minimum)


rng = np.random.default_rng(7)


def quadratic(hessian, start, argmin):
    """1/2 (w - argmin)' H (w - argmin), for `w` of any shape."""

    def distance(w):
        return (w - argmin).ravel()

    return Problem(
        loss=lambda w: 0.5 * distance(w) @ hessian @ distance(w),
        gradient=lambda w: (hessian @ distance(w)).reshape(w.shape).astype(w.dtype),
        hessian=lambda w: hessian,
        start=np.asarray(start, dtype=float),
        argmin=np.asarray(argmin, dtype=float),
        curvature=float(np.linalg.eigvalsh(hessian)[-1]),
    )


def rotated_valley():
    """Condition number 30, along no axis: no rate per coordinate straightens it."""
    basis = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return quadratic(basis @ np.diag([1.0, 3.0, 10.0, 30.0]) @ basis.T, [3.0, -2.0, 4.0, 0.5], [1.0, 2.0, -1.0, 2.0])


def least_squares():
    """Weights in a matrix: each of three outputs has the same four inputs."""
    X = rng.normal(size=(30, 4))
    return quadratic(np.kron(X.T @ X / 30, np.eye(3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)) + 1)


def log_cosh():
    """Far away the slope is one, whatever the distance; near the minimum it is a bowl."""
    argmin = np.array([2.0, -1.0, 5.0])
    return Problem(
        loss=lambda w: np.sum(np.logaddexp(w - argmin, argmin - w) - np.log(2)),
        gradient=lambda w: np.tanh(w - argmin).astype(w.dtype),
        hessian=lambda w: np.diag(np.cosh(w - argmin) ** -2.0),
        start=np.array([1.2, -0.4, 4.5]),
        argmin=argmin,
        curvature=1.0,
    )


def poisson():
    """The likelihood of counts in their logarithmic rate: the curvature is exp(w), so steep on one side only."""
    counts = np.array([1.0, 4.0, 9.0])
    return Problem(
        loss=lambda w: np.sum(np.exp(w) - counts * w),
        gradient=lambda w: (np.exp(w) - counts).astype(w.dtype),
        hessian=lambda w: np.diag(np.exp(w)),
        start=np.array([1.0, 1.0, 1.0]),
        argmin=np.log(counts),
        curvature=12.0,
        minimum=float(np.sum(counts - counts * np.log(counts))),
    )


def soft_targets():
    """Cross-entropy against a distribution: its entropy is the least, and a shift of all logits changes nothing."""
    p = np.array([0.6, 0.3, 0.1])

    def softmax(w):
        return np.exp(w - w.max()) / np.sum(np.exp(w - w.max()))

    return Problem(
        loss=lambda w: -np.sum(p * np.log(softmax(w))),
        gradient=lambda w: (softmax(w) - p).astype(w.dtype),
        # the identity times a little makes Newton's step unique along the shift
        hessian=lambda w: np.diag(softmax(w)) - np.outer(softmax(w), softmax(w)) + 1e-6 * np.ones((3, 3)),
        start=np.array([0.5, 1.0, 2.0]),
        argmin=np.log(p),
        curvature=0.5,
        minimum=float(-np.sum(p * np.log(p))),
    )


def booth():
    A, b = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([7.0, 5.0])
    return Problem(
        loss=lambda w: np.sum((A @ w - b) ** 2),
        gradient=lambda w: (2 * A.T @ (A @ w - b)).astype(w.dtype),
        hessian=lambda w: 2 * A.T @ A,
        start=np.array([-1.0, 0.5]),
        argmin=np.array([1.0, 3.0]),
        curvature=18.0,
    )


def rosenbrock():
    """A bent valley, here five times as steep across as the bend is long, so that plain steps arrive too."""

    def hessian(w):
        x, y = w
        return np.array([[2 - 20 * (y - 3 * x**2), -20 * x], [-20 * x, 10]])

    return Problem(
        loss=lambda w: (1 - w[0]) ** 2 + 5 * (w[1] - w[0] ** 2) ** 2,
        gradient=lambda w: np.array(
            [-2 * (1 - w[0]) - 20 * w[0] * (w[1] - w[0] ** 2), 10 * (w[1] - w[0] ** 2)], dtype=w.dtype
        ),
        hessian=hessian,
        start=np.array([-0.5, 1.0]),
        argmin=np.array([1.0, 1.0]),
        curvature=60.0,
    )


def himmelblau():
    """Four minima, all zero, with saddles between them; from here it is the one at (3, 2)."""

    def parts(w):
        return w[0] ** 2 + w[1] - 11, w[0] + w[1] ** 2 - 7

    def gradient(w):
        a, b = parts(w)
        return np.array([4 * w[0] * a + 2 * b, 2 * a + 4 * w[1] * b], dtype=w.dtype)

    def hessian(w):
        a, b = parts(w)
        cross = 4 * (w[0] + w[1])
        return np.array([[4 * a + 8 * w[0] ** 2 + 2, cross], [cross, 2 + 4 * b + 8 * w[1] ** 2]])

    return Problem(
        loss=lambda w: sum(part**2 for part in parts(w)),
        gradient=gradient,
        hessian=hessian,
        start=np.array([2.5, 2.5]),
        argmin=np.array([3.0, 2.0]),
        curvature=110.0,
    )


PROBLEMS = {
    "bowl": quadratic(np.eye(3), [3.0, -2.0, 0.5], [1.0, 1.0, -2.0]),
    "valley": quadratic(np.diag([1.0, 10.0, 100.0]), [3.0, -2.0, 0.5], [1.0, 1.0, -2.0]),
    "rotated valley": rotated_valley(),
    "least squares": least_squares(),
    "log cosh": log_cosh(),
    "poisson": poisson(),
    "soft targets": soft_targets(),
    "booth": booth(),
    "rosenbrock": rosenbrock(),
    "himmelblau": himmelblau(),
}
