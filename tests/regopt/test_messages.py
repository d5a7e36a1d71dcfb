"""What functions say when they refuse: which argument, its rule, what was got."""

import json

import numpy as np
import pytest

import regopt
from regopt._adam_family import AdafactorState
from regopt._adaptive import AdamState, RMSpropState
from regopt._momentum import MomentumState
from regopt._second_order import LbfgsState
from tests.regopt.refusals import PATH, refusals
from tests.regopt.test_contract import FUNCTIONS

w = np.ones((3, 2))
MESSAGES = {
    "lr must be a number >= 0 and finite, got -1": lambda: regopt.adam(w, w, lr=-1),
    "eps must be a number >= 0 and finite, got inf": lambda: regopt.adam(w, w, lr=1, eps=np.inf),
    "lam must be a number >= 0 and finite, got nan": lambda: regopt.adamw(w, w, lr=1, lam=np.nan),
    "beta2 must be a number in [0, 1), got 1": lambda: regopt.rmsprop(w, w, lr=1, beta2=1),
    "clip must be a number > 0 and finite, got 0": lambda: regopt.adafactor(w, w, lr=1, clip=0),
    "decay must be 'lr' or 'schedule' or 'plain', got 'both'": lambda: regopt.adamw(w, w, lr=1, decay="both"),
    "grad must be of the shape of w, (3, 2), got (3,)": lambda: regopt.adam(w, w[:, 0], lr=1),
    "w must be real numbers, got complex128": lambda: regopt.momentum(1j * w, w, lr=1),
    "state must be None or the AdamState of the step before, got MomentumState": lambda: regopt.adam(
        w, w, MomentumState(w), lr=1
    ),
    "state.v must be an array float64 (3, 2), got float64 (2, 2)": lambda: regopt.rmsprop(
        w, w, RMSpropState(w[:2]), lr=1
    ),
    "state.m must be an array float64 (3, 2), got list": lambda: regopt.adam(w, w, AdamState(1, [1], w), lr=1),
    "out must be a pair (w, state), got ndarray": lambda: regopt.adam(w, w, lr=1, out=w),
    "out must be 2 arrays, as (w, state) holds them, got 3 arrays": lambda: regopt.momentum(
        w, w, lr=1, out=(w.copy(), (w, w))
    ),
    "each array of out must be an array float64 (3, 2), got float32 (3, 2)": lambda: regopt.momentum(
        w, w, lr=1, out=(w.astype(np.float32), None)
    ),
    "out must be apart in memory from grad, and each of its arrays from the others, got an overlap": lambda: (
        regopt.momentum(w, w, lr=1, out=(w, None))
    ),
    "phi must be None or a function of a number, got 10": lambda: regopt.lamb(w, w, lr=1, phi=10),
    "state.v must be None, got ndarray": lambda: regopt.adafactor(
        w, w, AdafactorState(1, w[:, :1].copy(), w[:1].copy(), w), lr=1
    ),
    "state must be None or the AdafactorState of the step before, got tuple": lambda: regopt.adafactor(
        w, w, (1, 2), lr=1
    ),
    "grads must be real numbers, got <U1": lambda: regopt.clip_by_norm([w, np.array("a")], 1.0),
    "grads must be finite, got inf": lambda: regopt.clip_by_norm(w * np.inf, 1.0),
    "max_norm must be a number >= 0 and finite, got -1.0": lambda: regopt.clip_by_norm(w, -1.0),
    "max_value must be a number >= 0 and finite, got -1.0": lambda: regopt.clip_by_value(w, -1.0),
    "t must be >= 0, got -1": lambda: regopt.step_decay(-1, lr=1, every=3),
    "t must be a number or an array of numbers, got soon": lambda: regopt.step_decay("soon", lr=1, every=3),
    "lr_min must be <= lr, 0.1, got 0.2": lambda: regopt.cosine_annealing(0, lr=0.1, steps=3, lr_min=0.2),
    "lr_end must be <= lr, 0.1, got 0.2": lambda: regopt.linear_decay(0, lr=0.1, steps=3, lr_end=0.2),
    "lr_min must be <= lr_max, 0.1, got 0.2": lambda: regopt.triangular_cycle(0, lr_max=0.1, lr_min=0.2, up=3),
    "schedule must be a function of t, got 0.1": lambda: regopt.warmup(0.1, steps=3),
    "rule must be 'linear' or 'sqrt', got 'log'": lambda: regopt.scale_learning_rate(
        1, batch=2, base_batch=1, rule="log"
    ),
    "state must be None, got str": lambda: regopt.newton(w, w, "state", hessian=np.eye(6)),
    "hessian must be real numbers, got complex128": lambda: regopt.newton(w, w, hessian=1j * np.eye(6)),
    "hessian must be of shape (6, 6), got (3, 3)": lambda: regopt.newton(w, w, hessian=np.eye(3)),
    "hessian must be invertible, got a singular one of shape (6, 6)": lambda: regopt.newton(
        w, w, hessian=np.zeros((6, 6))
    ),
    "memory must be a whole number >= 1, got 0": lambda: regopt.lbfgs(w, w, memory=0),
    "memory must be a whole number >= 1, got 2.0": lambda: regopt.lbfgs(w, w, memory=2.0),
    "state must be None or the LbfgsState of the step before, got int": lambda: regopt.lbfgs(w, w, 3),
    "state must be of as many moves as changes, got 1 and 0": lambda: regopt.lbfgs(w, w, LbfgsState((w,), (), w, w)),
    "each array of state must be an array float64 (3, 2), got float64 (2, 2)": lambda: regopt.lbfgs(
        w, w, LbfgsState((), (), w[:2], w)
    ),
    "w_pre must be of the shape of w, (3, 2), got (6,)": lambda: regopt.l2_sp(w, w.ravel(), lam=1),
    "fisher must be >= 0, got -2.0": lambda: regopt.fisher_penalty(w, w, -2 * w, lam=1),
    "z1 must be of shape (N, d) with N >= 1, got (0, 2)": lambda: regopt.nt_xent(w[:0], w[:0], tau=1),
    "z2 must be of the shape of z1, (3, 2), got (2, 2)": lambda: regopt.nt_xent(w, w[:2], tau=1),
    "tau must be a number > 0 and finite, got 0": lambda: regopt.nt_xent(w, w, tau=0),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_is_one_line_with_the_argument_its_rule_and_the_value(message):
    with pytest.raises(ValueError) as caught:
        MESSAGES[message]()
    assert str(caught.value) == message


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_illegal_values_of_the_cases_are_refused_in_the_words_of_the_list(name):
    assert refusals(name) == json.loads(PATH.read_text())[name], "run `python -m tests.regopt.refusals` and read them"


def test_the_list_speaks_of_every_function_and_of_no_other():
    assert json.loads(PATH.read_text()).keys() == FUNCTIONS.keys()
