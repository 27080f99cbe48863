"""The triangular policy against Alyafi's equations 1-3, Chopade's figure 4 and torch."""

import math

import pytest
from torch.optim.lr_scheduler import CyclicLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at

PNEUMOTHORAX = Triangular(base_lr=0.0075, max_lr=0.03, step_size=2)  # Chopade et al. 2021, Table 8


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.0075), (1, 0.01875), (2, 0.03), (3, 0.01875), (4, 0.0075), (6, 0.03), (34, 0.03), (35, 0.01875)],
)
def test_chopade_figure_4(epoch, expected):
    """541 batches an epoch, 36 epochs: up in two epochs and down in the next two."""
    assert PNEUMOTHORAX(progress_at(541 * epoch, 541, 541 * 36)) == pytest.approx(expected, rel=1e-12)


def test_chopade_figure_4_has_nine_cycles():
    assert PNEUMOTHORAX.cycle_ends(36) == (4, 8, 12, 16, 20, 24, 28, 32, 36)
    assert PNEUMOTHORAX.cycle_ends(35.9) == (4, 8, 12, 16, 20, 24, 28, 32)


def test_alyafi_equations_1_to_3():
    """Table II: 0.002 to 0.03, 2 epochs a step, 12 epochs of 64k / 32 = 2000 iterations."""
    policy, step_size = Triangular(0.002, 0.03, 2), 2 * 2000
    for iterations in range(0, 24_000, 37):
        cycle = math.floor(1 + iterations / (2 * step_size))
        x = abs(iterations / step_size - 2 * cycle + 1)
        expected = 0.002 + (0.03 - 0.002) * max(0, 1 - x)
        assert policy(progress_at(iterations, 2000, 24_000)) == pytest.approx(expected, rel=1e-9)


def test_alyafi_figure_6_is_half_a_cycle():
    """Section III-C: step_size equal to the whole run gives a straight line from 0.002 to 0.03."""
    policy = Triangular(0.002, 0.03, 10)
    rates = [policy(progress_at(step, 188, 1880)) for step in range(1880)]
    expected = [0.002 + 0.028 * step / 1880 for step in range(1880)]
    assert rates == pytest.approx(expected, rel=1e-9)


def test_equals_torch():
    policy = Triangular(0.001, 0.3, 1.5)
    expected = torch_rates(
        lambda optimizer: CyclicLR(optimizer, 0.001, 0.3, step_size_up=150, cycle_momentum=False), 5000
    )
    assert [policy(progress_at(step, 100, 5000)) for step in range(5000)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -0.1}, "bounds.base_lr"),
        ({"base_lr": float("inf")}, "bounds.base_lr"),
        ({"max_lr": float("nan")}, "bounds.max_lr"),
        ({"max_lr": 0.05}, "bounds.max_lr"),  # below base_lr
        ({"step_size": 0}, "bounds.step_size"),
        ({"step_size": -2}, "bounds.step_size"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        Triangular(**{"base_lr": 0.1, "max_lr": 0.2, "step_size": 2} | keys)
    assert caught.value.where == where
