"""SGDR against arXiv:1608.03983 eq. 5, Mishra's cycles and torch."""

import math

import pytest
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.sgdr import SGDR
from clrx.schedule.progress import progress_at

MISHRA = SGDR(base_lr=0.0, max_lr=0.01, T_0=1, T_mult=2)


@pytest.mark.parametrize(
    ("policy", "epoch", "expected"),
    [
        (MISHRA, 0, 0.01),  # cycles of 1, 2, 4, 8 epochs start at 0, 1, 3, 7, 15
        (MISHRA, 0.5, 0.005),
        (MISHRA, 1, 0.01),
        (MISHRA, 2, 0.005),
        (MISHRA, 3, 0.01),
        (MISHRA, 5, 0.005),
        (MISHRA, 7, 0.01),
        (MISHRA, 11, 0.005),
        (MISHRA, 15, 0.01),
        (SGDR(0.1, 0.5, 3, 1), 1, 0.4),  # cos 60 degrees = 1/2
        (SGDR(0.1, 0.5, 3, 1), 2, 0.2),
        (SGDR(0.1, 0.5, 3, 1), 300, 0.5),
        (SGDR(0, 1, 1, 3), 1, 1.0),  # T_mult = 3: restarts at 1, 4, 13, 40, 121, 364, 1093
        (SGDR(0, 1, 1, 3), 4, 1.0),
        (SGDR(0, 1, 1, 3), 13, 1.0),
        (SGDR(0, 1, 1, 3), 40, 1.0),
        (SGDR(0, 1, 1, 3), 121, 1.0),  # the 5th, at the floor in torch and timm: log(243, 3) < 5
        (SGDR(0, 1, 1, 3), 364, 1.0),
        (SGDR(0, 1, 1, 3), 1093, 1.0),
        (SGDR(0, 1, 1, 1.5), 2.5, 1.0),  # restarts at 1, 2.5, 4.75
        (SGDR(0, 1, 1, 1.5), 4.75, 1.0),
    ],
)
def test_rate(policy, epoch, expected):
    assert policy(progress_at(round(100 * epoch), 100, 200_000)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("T_mult", range(2, 11))
def test_every_restart_is_at_the_maximum_and_the_step_before_it_near_the_floor(T_mult):
    policy, start, length = SGDR(0, 1, 1, T_mult), 0, 1
    while start < 50_000:
        start, length = start + length, length * T_mult
        assert policy(progress_at(1000 * start, 1000, 10**9)) == 1.0
        assert policy(progress_at(1000 * start - 1, 1000, 10**9)) < 1e-5


@pytest.mark.parametrize("T_0", [0.1, 0.3, 0.7, 1.1])
def test_restart_within_an_epoch_is_not_late_by_rounding(T_0):
    policy, every = SGDR(0, 1, T_0, 1), round(10 * T_0)
    restarts = [step for step in range(2000) if policy(progress_at(step, 10, 2000)) == 1.0]
    assert restarts == list(range(0, 2000, every))


@pytest.mark.parametrize(("T_0", "T_mult"), [(50, 1), (50, 2), (37, 3), (1, 2)])
def test_equals_torch(T_0, T_mult):
    policy = SGDR(0.001, 0.3, T_0 / 100, T_mult)
    expected = torch_rates(
        lambda optimizer: CosineAnnealingWarmRestarts(optimizer, T_0, T_mult, eta_min=0.001), 5000, lr=0.3
    )
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-9)


def of_keras(step, first_decay_steps, t_mul, m_mul, alpha):
    """CosineDecayRestarts: the factor of the initial rate at a step."""
    factor, length = 1.0, first_decay_steps
    while step >= length:
        step, length, factor = step - length, length * t_mul, factor * m_mul
    return (1 - alpha) * factor * 0.5 * (1 + math.cos(math.pi * step / length)) + alpha


@pytest.mark.parametrize(("T_0", "T_mult", "m_mul"), [(50, 1, 0.9), (50, 2, 0.5), (37, 3, 0.1)])
def test_falling_restarts_equal_the_formula_of_keras(T_0, T_mult, m_mul):
    policy = SGDR(0.03, 0.3, T_0 / 100, T_mult, m_mul)
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    expected = [0.3 * of_keras(step, T_0, T_mult, m_mul, alpha=0.1) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("policy", "epochs", "ends"),
    [
        (MISHRA, 30, (1, 3, 7, 15)),
        (MISHRA, 31, (1, 3, 7, 15, 31)),
        (SGDR(0, 1, 10, 1), 30, (10, 20, 30)),
        (SGDR(0, 1, 1, 3), 121, (1, 4, 13, 40, 121)),
        (SGDR(0, 1, 5, 2), 4, ()),
    ],
)
def test_cycle_ends(policy, epochs, ends):
    assert policy.cycle_ends(epochs) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -1}, "bounds.base_lr"),
        ({"max_lr": 0.01}, "bounds.max_lr"),
        ({"T_0": 0}, "policy.T_0"),
        ({"T_mult": 0.5}, "policy.T_mult"),
        ({"m_mul": 0}, "policy.m_mul"),
        ({"m_mul": 1.5}, "policy.m_mul"),
        ({"T_mult": float("inf")}, "policy.T_mult"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        SGDR(**{"base_lr": 0.04, "max_lr": 1.0, "T_0": 1, "T_mult": 2} | keys)
    assert caught.value.where == where
