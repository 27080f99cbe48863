"""Momentum against the rate, compared with torch's cycled momentum."""

import pytest
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR
from torch_schedulers import torch_momenta

from clrx.core.errors import UserError
from clrx.policy.momentum import InverseMomentum
from clrx.policy.one_cycle import OneCycle
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at

TRIANGULAR = InverseMomentum(0.85, 0.95, Triangular(0, 1, 2))
ONE_CYCLE = InverseMomentum(0.85, 0.95, OneCycle(0, 1, 0.25, 1))


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 0.95), (1, 0.90), (2, 0.85), (3, 0.90), (4, 0.95), (6, 0.85)],
)
def test_momentum_is_lowest_where_the_rate_is_highest(epoch, expected):
    assert TRIANGULAR(progress_at(10 * epoch, 10, 80)) == pytest.approx(expected, rel=1e-12)


def test_triangular_equals_torch():
    expected = torch_momenta(
        lambda o: CyclicLR(o, 0.1, 0.2, 200, base_momentum=0.85, max_momentum=0.95), 4000
    )
    assert [TRIANGULAR(progress_at(step, 100, 4000)) for step in range(4000)] == pytest.approx(expected)


def test_one_cycle_equals_torch():
    total, share = 4000, (0.25 * 4000 + 1) / 4001  # see test_one_cycle.py
    expected = torch_momenta(lambda o: OneCycleLR(o, 0.2, total_steps=total + 1, pct_start=share), total)
    assert [ONE_CYCLE(progress_at(step, 100, total)) for step in range(total)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "where"),
    [
        (-0.1, 0.9, "momentum_policy.base_momentum"),
        (0.95, 0.85, "momentum_policy.max_momentum"),
        (0.85, 1.0, "momentum_policy.max_momentum"),
        (float("nan"), 0.9, "momentum_policy.base_momentum"),
    ],
)
def test_bad_value_is_refused(low, high, where):
    with pytest.raises(UserError) as caught:
        InverseMomentum(low, high, Triangular(0, 1, 2))
    assert caught.value.where == where
