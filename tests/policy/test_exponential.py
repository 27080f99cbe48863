"""The exponential policy."""

import pytest
from torch.optim.lr_scheduler import ExponentialLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.exponential import Exponential
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.4), (2, 0.2), (4, 0.1), (1, 0.4 / 2**0.5)],  # a quarter an epoch, 4 steps an epoch
)
def test_rate(step, expected):
    assert Exponential(0.4, 0.25)(progress_at(step, 4, 100)) == pytest.approx(expected, rel=1e-12)


def test_equals_torch_stepped_by_epoch():
    policy = Exponential(0.3, 0.97)
    expected = torch_rates(lambda optimizer: ExponentialLR(optimizer, gamma=0.97), 1000, lr=0.3)
    rates = [policy(progress_at(25 * epoch, 25, 25_000)) for epoch in range(1000)]
    assert rates == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("values", "where"),
    [((float("nan"), 0.9), "lr"), ((0.1, 0.0), "policy.gamma"), ((0.1, 2), "policy.gamma")],
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Exponential(*values)
    assert caught.value.where == where
