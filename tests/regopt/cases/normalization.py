"""Legal calls and refusals of the functions of the chapter normalization."""

import numpy as np

from regopt import (
    RunningStatistics,
    batch_norm,
    batch_norm_backward,
    effective_learning_rate,
    layer_norm,
    layer_norm_backward,
)
from tests.regopt.contract import Case

x = np.array([[-3.0, 0.5, 2.0], [0.0, 1.0, -0.2], [1.0, 0.75, 4.0], [2.0, -0.5, 3.0]])
dy = x[::-1] ** 2
scale, shift = np.array([2.0, -1.0, 0.5]), np.array([0.0, 1.0, -1.0])
state = RunningStatistics(np.array([0.5, 0.25, 1.0]), np.array([2.0, 1.0, 3.0]))
vectors = (("scale", np.ones(2)), ("shift", np.ones((2, 3))), ("eps", -1.0))
no_batch = (("x", np.ones((0, 3))), ("x", np.ones((1, 3))), ("x", np.ones(3)))
batch = (("momentum", -0.1), ("momentum", 1.5), *vectors)
train_cache = batch_norm(x, scale, shift)[2]
eval_cache = batch_norm(x, scale, shift, state, training=False)[2]

CASES = [
    Case(batch_norm, (x, scale, shift), illegal=(*batch, *no_batch)),
    Case(batch_norm, (x, scale, shift, state), {"momentum": 0.3, "eps": 0.0}, illegal=(*batch, *no_batch)),
    Case(batch_norm, (x.reshape(2, 3, 2), scale, shift, state), illegal=batch),
    Case(batch_norm, (x, scale, shift, state), {"training": False}, illegal=batch),
    Case(batch_norm_backward, (dy, train_cache), illegal=(("dy", np.ones(3)), ("dy", np.ones((0, 3))))),
    Case(batch_norm_backward, (dy, eval_cache), illegal=(("dy", np.ones(3)),)),
    Case(layer_norm, (x, scale, shift), illegal=(*vectors, ("x", np.ones((4, 0))))),
    Case(layer_norm, (x, scale, shift), {"eps": 0.0}, illegal=vectors),
    Case(layer_norm_backward, (dy, layer_norm(x, scale, shift)[1]), illegal=(("dy", np.ones((0, 3))),)),
    Case(effective_learning_rate, (x,), {"lr": 0.1}, illegal=(("lr", -0.1), ("w", np.zeros(3)), ("w", np.ones(0)))),
    Case(effective_learning_rate, (x,), {"lr": 0.1, "axis": 0}, illegal=(("axis", 2),)),
]
