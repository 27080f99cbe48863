"""The step policy."""

import pytest
from torch.optim.lr_scheduler import StepLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.step import StepDecay
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("policy", "step", "expected"),
    [  # 10 steps an epoch
        (StepDecay(0.1, 0.1, 3), 0, 0.1),
        (StepDecay(0.1, 0.1, 3), 29, 0.1),
        (StepDecay(0.1, 0.1, 3), 30, 0.01),
        (StepDecay(0.1, 0.1, 3), 60, 0.001),
        (StepDecay(0.8, 0.5, 0.3), 2, 0.8),
        (StepDecay(0.8, 0.5, 0.3), 3, 0.4),  # 3 / 10 epochs
        (StepDecay(0.8, 0.5, 0.1), 3, 0.1),  # 3 / 10 < 3 * 0.1 in floating point
    ],
)
def test_rate(policy, step, expected):
    assert policy(progress_at(step, 10, 100)) == pytest.approx(expected, rel=1e-12)


def test_equals_torch_stepped_by_epoch():
    policy = StepDecay(0.3, 0.7, 7)
    expected = torch_rates(lambda optimizer: StepLR(optimizer, step_size=7, gamma=0.7), 200, lr=0.3)
    assert [policy(progress_at(25 * epoch, 25, 5000)) for epoch in range(200)] == pytest.approx(expected)
    assert policy(progress_at(25 * 7 - 1, 25, 5000)) == 0.3


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ((-1, 0.1, 3), "lr"),
        ((0.1, 0, 3), "policy.gamma"),
        ((0.1, 1.1, 3), "policy.gamma"),
        ((0.1, 0.1, 0), "policy.drop_every"),
    ],
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        StepDecay(*values)
    assert caught.value.where == where
