"""The exp_range policy against Alyafi's equation 5 and torch."""

import math

import pytest
from torch.optim.lr_scheduler import CyclicLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.exp_range import ExpRange
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.1), (1, 0.1 + 0.5 * 0.8 * 0.5), (2, 0.1 + 1.0 * 0.8 * 0.25), (4, 0.1), (6, 0.1 + 0.8 / 64)],
)
def test_rate(step, expected):
    """gamma = 1/2 a step, half a cycle = 2 steps = 1 epoch, 0.1 to 0.9."""
    assert ExpRange(0.1, 0.9, 1, 0.5)(progress_at(step, 2, 20)) == pytest.approx(expected, rel=1e-12)


def test_alyafi_equation_5():
    policy, step_size, gamma = ExpRange(0.002, 0.03, 2, 0.99994), 2 * 2000, 0.99994
    for iterations in range(0, 24_000, 37):
        cycle = math.floor(1 + iterations / (2 * step_size))
        x = abs(iterations / step_size - 2 * cycle + 1)
        expected = 0.002 + (0.03 - 0.002) * max(0, (1 - x)) * gamma**iterations
        assert policy(progress_at(iterations, 2000, 24_000)) == pytest.approx(expected, rel=1e-9)


def test_equals_torch():
    policy = ExpRange(0.001, 0.3, 1.5, 0.999)
    expected = torch_rates(
        lambda optimizer: CyclicLR(
            optimizer, 0.001, 0.3, step_size_up=150, mode="exp_range", gamma=0.999, cycle_momentum=False
        ),
        5000,
    )
    assert [policy(progress_at(step, 100, 5000)) for step in range(5000)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("up", "down"), [(50, 250), (200, 100)])
def test_unequal_halves_equal_torch(up, down):
    policy = ExpRange(0.001, 0.3, (up + down) / 2 / 100, 0.999, rise=up / (up + down))
    shrinking = {"mode": "exp_range", "gamma": 0.999, "cycle_momentum": False}
    expected = torch_rates(
        lambda o: CyclicLR(o, 0.001, 0.3, step_size_up=up, step_size_down=down, **shrinking), 5000
    )
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_gamma_1_is_triangular():
    now = progress_at(123, 10, 1000)
    assert ExpRange(0.1, 0.2, 3, 1, 0.3, True)(now) == Triangular(0.1, 0.2, 3, 0.3, True)(now)
    assert ExpRange(0.1, 0.2, 3, 1)(now) == Triangular(0.1, 0.2, 3)(now)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -0.1}, "bounds.base_lr"),
        ({"base_lr": float("inf")}, "bounds.base_lr"),
        ({"max_lr": float("nan")}, "bounds.max_lr"),
        ({"max_lr": 0.05}, "bounds.max_lr"),  # below base_lr
        ({"step_size": 0}, "bounds.step_size"),
        ({"step_size": -2}, "bounds.step_size"),
        ({"gamma": 0}, "policy.gamma"),
        ({"gamma": 1.5}, "policy.gamma"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        ExpRange(**{"base_lr": 0.1, "max_lr": 0.2, "step_size": 2, "gamma": 0.9} | keys)
    assert caught.value.where == where
