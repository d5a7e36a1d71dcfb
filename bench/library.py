"""The library's layers and solvers against torch's on the same work: `python -m bench.library [words of names]`.

Both are called in turn, in one process and on one thread. It is CPU time that counts, and the ratio of its medians, so
that other work on the machine does not: above 1 torch is faster. For the optimizers see `bench.optimizers`.
"""

import statistics
import sys
import time

import numpy as np
import torch
from sklearn import datasets, linear_model, preprocessing
from threadpoolctl import threadpool_limits

import regopt

SECONDS = 2  # spent on each line
AIM = 1.5


def medians(ours, theirs):
    """Of the seconds that each takes, called in turn; the first calls warm up."""
    times = {ours: [], theirs: []}
    for function in times:
        function()
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for function, taken in times.items():
            start = time.process_time()
            function()
            taken.append(time.process_time() - start)
    return statistics.median(times[ours]), statistics.median(times[theirs])


def normalization_pair(ours_forward, ours_backward, theirs_forward):
    """Forward and backward on 256 x 1024."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 256, 1024)).astype(np.float32)
    scale, shift = np.ones(1024, dtype=np.float32), np.zeros(1024, dtype=np.float32)
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in (x, scale, shift)]
    upstream = torch.from_numpy(dy.copy())

    def ours():
        ours_backward(dy, ours_forward(x, scale, shift))

    def theirs():
        for tensor in tensors:
            tensor.grad = None
        theirs_forward(*tensors).backward(upstream)

    return ours, theirs


def batch_norm_pair():
    mean, variance = torch.zeros(1024), torch.ones(1024)
    return normalization_pair(
        lambda *arrays: regopt.batch_norm(*arrays)[-1],
        regopt.batch_norm_backward,
        lambda x, scale, shift: torch.nn.functional.batch_norm(x, mean, variance, scale, shift, training=True),
    )


def layer_norm_pair():
    return normalization_pair(
        lambda *arrays: regopt.layer_norm(*arrays)[-1],
        regopt.layer_norm_backward,
        lambda x, scale, shift: torch.nn.functional.layer_norm(x, (1024,), scale, shift),
    )


def cross_entropy_pair():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(1024, 1000)).astype(np.float32), rng.integers(1000, size=1024)
    tensor, targets = torch.from_numpy(logits.copy()).requires_grad_(), torch.from_numpy(labels)

    def theirs():
        tensor.grad = None
        torch.nn.functional.cross_entropy(tensor, targets).backward()

    return lambda: regopt.cross_entropy(logits, labels), theirs


def soft_threshold_pair():
    x = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    tensor = torch.from_numpy(x.copy())
    return lambda: regopt.soft_threshold(x, 0.5), lambda: torch.nn.functional.softshrink(tensor, 0.5)


def lasso_path_pair(X, y):
    """A hundred strengths; scikit-learn (torch has none) at a tolerance that gives ten digits, as ours does."""
    lams = np.max(np.abs(X.T @ y)) * np.geomspace(1, 0.01, 100)
    return (
        lambda: regopt.lasso_path(X, y, lams=lams),
        lambda: linear_model.lasso_path(X, y, alphas=lams / len(y), tol=1e-12, max_iter=1_000_000),
    )


def independent_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(442, 64))
    return lasso_path_pair(X, X[:, :8].sum(axis=1) + rng.normal(size=442))


def dependent_columns():
    """The ten measurements of the diabetes data, and their products."""
    X, y = datasets.load_diabetes(return_X_y=True)
    X = preprocessing.PolynomialFeatures(2, include_bias=False).fit_transform(X)
    return lasso_path_pair((X - X.mean(axis=0)) / X.std(axis=0), y - y.mean())


def cutmix_pair():
    """torch has none: the same steps with its operations."""
    x = np.random.default_rng(0).normal(size=(128, 32, 32, 3)).astype(np.float32)
    targets = np.eye(10, dtype=np.float32)[np.arange(128) % 10]
    rng, tensor, tensor_targets = np.random.default_rng(0), torch.from_numpy(x.copy()), torch.from_numpy(targets.copy())

    def theirs():
        partner = torch.randperm(128)
        side = round(32 * (1 - float(torch.distributions.Beta(1.0, 1.0).sample())) ** 0.5)
        centre = torch.randint(32, (2,)).tolist()
        (top, bottom), (left, right) = (
            (max(middle - side // 2, 0), min(middle + (side + 1) // 2, 32)) for middle in centre
        )
        mixed = tensor.clone()
        mixed[:, top:bottom, left:right] = tensor[:, top:bottom, left:right][partner]
        lam = 1 - (bottom - top) * (right - left) / 32**2
        return mixed, lam * tensor_targets + (1 - lam) * tensor_targets[partner]

    return lambda: regopt.cutmix(x, targets, alpha=1.0, rng=rng), theirs


PAIRS = {
    "batch_norm": batch_norm_pair,
    "layer_norm": layer_norm_pair,
    "cross_entropy": cross_entropy_pair,
    "soft_threshold": soft_threshold_pair,
    "lasso_path": independent_columns,
    "lasso_path, hard": dependent_columns,
    "cutmix": cutmix_pair,
}
WHY = f"""\
Where the ratio is above the aim of {AIM}:
  layer_norm      numpy passes over memory once an operation, torch once in all
  soft_threshold  two passes over memory, where torch makes one
  lasso_path      each set of columns is factored, in Python, against compiled sweeps over the coordinates, which are
                  few where columns are independent"""


def main():
    torch.set_num_threads(1)
    threadpool_limits(1)
    print(f"numpy {np.__version__}, torch {torch.__version__}, one thread; ratio above 1: torch is faster\n")
    print(f"{'':18}{'ratio':>7}{'ours':>10}{'theirs':>10}")
    for name, pair in PAIRS.items():
        if len(sys.argv) == 1 or any(word in name for word in sys.argv[1:]):
            mine, rivals = medians(*pair())
            mark = "" if mine <= AIM * rivals else "  above the aim"
            print(f"{name:18}{mine / rivals:7.2f}{1e3 * mine:7.2f} ms{1e3 * rivals:7.2f} ms{mark}", flush=True)
    print(f"\n{WHY}")


if __name__ == "__main__":
    main()
