"""The one-cycle policy against torch inside its range, and where torch fails."""

import pytest
from torch.optim.lr_scheduler import OneCycleLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.one_cycle import OneCycle
from clrx.schedule.progress import Progress, progress_at

POLICY = OneCycle(base_lr=0.04, max_lr=1.0, pct_start=0.25, final_div_factor=100)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.0, 0.04),
        (0.125, 0.52),  # half way up: the mean of 0.04 and 1
        (0.25, 1.0),
        (0.625, 0.5002),  # half way down: the mean of 1 and 0.0004
        (1.0, 0.0004),
        (1.001, 0.0004),  # past the end torch rises again
        (3.0, 0.0004),
    ],
)
def test_rate(fraction, expected):
    assert POLICY(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
def test_equals_torch(three_phase, anneal_strategy):
    """torch peaks at pct_start * total - 1 and ends at total - 1: our steps, with one step more in all."""
    total, base, top, share = 4000, 0.04, 1.0, 0.25
    expected = torch_rates(
        lambda optimizer: OneCycleLR(
            optimizer,
            top,
            total_steps=total + 1,
            pct_start=(share * total + 1) / (total + 1),
            div_factor=top / base,
            final_div_factor=100,
            cycle_momentum=False,
            three_phase=three_phase,
            anneal_strategy=anneal_strategy,
        ),
        total,
    )
    policy = OneCycle(base, top, share, 100, three_phase, anneal_strategy)
    rates = [policy(progress_at(step, 40, total)) for step in range(total)]
    assert rates == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, 0.1), (0.2, 0.55), (0.4, 1.0), (0.6, 0.55), (0.8, 0.1), (0.9, 0.0505), (1.0, 0.001), (2.0, 0.001)],
)
def test_three_phases_in_lines_by_hand(fraction, expected):
    """Smith and Topin: up and down in equal steps, then far below the start."""
    policy = OneCycle(0.1, 1.0, 0.4, 100, three_phase=True, anneal_strategy="linear")
    assert policy(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12)


def test_two_halves_leave_nothing_for_a_third_phase():
    policy = OneCycle(0.1, 1.0, 0.5, 100, three_phase=True)
    assert policy(Progress(0, 0.0, 0.5)) == 1.0
    assert policy(Progress(0, 0.0, 1.0)) == pytest.approx(0.001)


@pytest.mark.parametrize("total", [1, 2, 3, 4])
def test_tiny_schedules(total):
    """torch divides by zero where pct_start * total = 1."""
    rates = [POLICY(progress_at(step, 1, total)) for step in range(total)]
    assert rates[0] == pytest.approx(0.04)
    assert all(0.0004 <= rate <= 1.0 for rate in rates)


def test_its_cycle_is_the_run():
    assert POLICY.cycle_ends(30) == (30.0,)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -1}, "bounds.base_lr"),
        ({"max_lr": 0.01}, "bounds.max_lr"),
        ({"pct_start": 0}, "policy.pct_start"),
        ({"pct_start": 1}, "policy.pct_start"),
        ({"final_div_factor": 0.5}, "policy.final_div_factor"),
        ({"three_phase": "no"}, "policy.three_phase"),
        ({"three_phase": True, "pct_start": 0.6}, "policy.pct_start"),
        ({"anneal_strategy": "cosine"}, "policy.anneal_strategy"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        OneCycle(**{"base_lr": 0.04, "max_lr": 1.0, "pct_start": 0.3, "final_div_factor": 10} | keys)
    assert caught.value.where == where
