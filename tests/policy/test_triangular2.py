"""The triangular2 policy against Alyafi's equation 4 and torch."""

import math

import pytest
from torch.optim.lr_scheduler import CyclicLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.triangular2 import Triangular2
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.002), (2, 0.03), (4, 0.002), (6, 0.016), (8, 0.002), (10, 0.009), (11, 0.0055), (14, 0.0055)],
)
def test_peaks_are_halved(epoch, expected):
    """0.002 to 0.03 (Alyafi et al. 2019, Table II): heights 0.028, 0.014, 0.007, 0.0035."""
    policy = Triangular2(0.002, 0.03, 2)
    assert policy(progress_at(2000 * epoch, 2000, 32_000)) == pytest.approx(expected, rel=1e-12)


def test_alyafi_equation_4():
    policy, step_size = Triangular2(0.002, 0.03, 2), 2 * 2000
    for iterations in range(0, 24_000, 37):
        cycle = math.floor(1 + iterations / (2 * step_size))
        x = abs(iterations / step_size - 2 * cycle + 1)
        expected = 0.002 + (0.03 - 0.002) * max(0, (1 - x)) / float(2 ** (cycle - 1))
        assert policy(progress_at(iterations, 2000, 24_000)) == pytest.approx(expected, rel=1e-9)


def test_equals_torch():
    policy = Triangular2(0.001, 0.3, 1.5)
    expected = torch_rates(
        lambda optimizer: CyclicLR(
            optimizer, 0.001, 0.3, step_size_up=150, mode="triangular2", cycle_momentum=False
        ),
        5000,
    )
    assert [policy(progress_at(step, 100, 5000)) for step in range(5000)] == pytest.approx(expected, rel=1e-9)


def test_thousands_of_cycles_do_not_overflow():
    assert Triangular2(0.1, 0.2, 0.5)(progress_at(50_005, 10, 100_000)) == pytest.approx(0.1)


@pytest.mark.parametrize(("up", "down"), [(50, 250), (200, 100)])
def test_unequal_halves_equal_torch(up, down):
    policy = Triangular2(0.001, 0.3, (up + down) / 2 / 100, rise=up / (up + down))
    halving = {"mode": "triangular2", "cycle_momentum": False}
    expected = torch_rates(
        lambda o: CyclicLR(o, 0.001, 0.3, step_size_up=up, step_size_down=down, **halving), 5000
    )
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 1.0), (2, 0.0), (4, 0.5), (6, 0.0), (8, 0.25), (10, 0.0)]
)
def test_from_the_top_each_peak_is_half_the_one_before(epoch, expected):
    policy = Triangular2(0.0, 1.0, 2, from_top=True)
    assert policy(progress_at(10 * epoch, 10, 160)) == pytest.approx(expected, abs=1e-12)


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
        Triangular2(**{"base_lr": 0.1, "max_lr": 0.2, "step_size": 2} | keys)
    assert caught.value.where == where
