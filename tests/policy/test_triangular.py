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


@pytest.mark.parametrize(("up", "down"), [(50, 250), (250, 50), (100, 200), (1, 299), (299, 1)])
def test_unequal_halves_equal_torch(up, down):
    policy = Triangular(0.001, 0.3, (up + down) / 2 / 100, rise=up / (up + down))
    expected = torch_rates(
        lambda o: CyclicLR(o, 0.001, 0.3, step_size_up=up, step_size_down=down, cycle_momentum=False), 5000
    )
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_from_the_top_it_is_the_rate_of_fast_geometric_ensembling():
    """Garipov et al. 2018: t = (mod(i - 1, c) + 1) / c falls from alpha_1 to alpha_2 and rises again in c steps."""
    c, high, low = 300, 0.05, 0.0005
    policy = Triangular(low, high, c / 2 / 100, from_top=True)
    for i in range(1, 3000):
        t = ((i - 1) % c + 1) / c
        expected = (1 - 2 * t) * high + 2 * t * low if t <= 1 / 2 else (2 - 2 * t) * low + (2 * t - 1) * high
        assert policy(progress_at(i, 100, 3000)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("rise", "from_top", "epoch", "expected"),
    [  # cycles of 4 epochs between 0 and 1
        (0.25, False, 1, 1.0),
        (0.25, False, 2.5, 0.5),
        (0.25, False, 4, 0.0),
        (0.25, True, 0, 1.0),
        (0.25, True, 1.5, 0.5),
        (0.25, True, 3, 0.0),
        (0.25, True, 4, 1.0),
        (0.0, False, 0, 1.0),  # a sawtooth that falls
        (0.0, False, 3, 0.25),
        (0.0, True, 3, 0.25),
        (0.0, False, 4, 1.0),
    ],
)
def test_rise_and_top_by_hand(rise, from_top, epoch, expected):
    policy = Triangular(0.0, 1.0, 2, rise, from_top)
    assert policy(progress_at(round(10 * epoch), 10, 160)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("rise", "from_top", "ends"),
    [(0.25, False, (4, 8, 12)), (0.25, True, (3, 7, 11)), (0.5, True, (2, 6, 10)), (0.0, True, (4, 8, 12))],
)
def test_cycles_end_at_the_base(rise, from_top, ends):
    policy = Triangular(0.0, 1.0, 2, rise, from_top)
    assert policy.cycle_ends(12) == ends
    rates = [policy(progress_at(step, 100, 1200)) for step in range(1200)]
    lowest = [step for step in range(1, 1199) if rates[step] <= min(rates[step - 1], rates[step + 1])]
    assert all(min(abs(step - 100 * end) for end in ends) <= 1 for step in lowest)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -0.1}, "bounds.base_lr"),
        ({"base_lr": float("inf")}, "bounds.base_lr"),
        ({"max_lr": float("nan")}, "bounds.max_lr"),
        ({"max_lr": 0.05}, "bounds.max_lr"),  # below base_lr
        ({"step_size": 0}, "bounds.step_size"),
        ({"step_size": -2}, "bounds.step_size"),
        ({"rise": -0.1}, "policy.rise"),
        ({"rise": 1}, "policy.rise"),
        ({"from_top": "yes"}, "policy.from_top"),
        ({"from_top": 1}, "policy.from_top"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        Triangular(**{"base_lr": 0.1, "max_lr": 0.2, "step_size": 2} | keys)
    assert caught.value.where == where
