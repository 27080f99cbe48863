"""The multi_step policy: drops at given epochs."""

import pytest
from torch.optim.lr_scheduler import MultiStepLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.multi_step import MultiStep
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.1), (31_999, 0.1), (32_000, 0.01), (47_999, 0.01), (48_000, 0.001), (63_999, 0.001)],
)
def test_the_drops_of_resnets_on_cifar10(step, expected):
    """He et al. 2016, section 4.2: 0.1, divided by 10 at 32k and 48k iterations, ended at 64k."""
    policy = MultiStep(0.1, 0.1, [32, 48])  # epochs of 1000 iterations
    assert policy(progress_at(step, 1000, 64_000)) == pytest.approx(expected, rel=1e-12)


def test_equals_torch_stepped_by_epoch():
    policy = MultiStep(0.3, 0.7, [3, 7.0, 100, 150, 151])
    expected = torch_rates(
        lambda o: MultiStepLR(o, milestones=[3, 7, 100, 150, 151], gamma=0.7), 2000, lr=0.3
    )
    rates = [policy(progress_at(25 * epoch, 25, 50_000)) for epoch in range(2000)]
    assert rates == pytest.approx(expected, rel=1e-9)


def test_a_milestone_within_an_epoch_is_not_late_by_rounding():
    """3 / 10 < 3 * 0.1 in floating point."""
    policy = MultiStep(0.8, 0.5, [0.1 * 3, 0.7])
    assert [policy(progress_at(step, 10, 100)) for step in (2, 3, 6, 7)] == [0.8, 0.4, 0.4, 0.2]


@pytest.mark.parametrize(
    ("milestones", "where"),
    [
        (3, "policy.milestones"),
        ("3,4", "policy.milestones"),
        ([0, 3], "policy.milestones"),
        ([3, 3], "policy.milestones"),
        ([5, 3], "policy.milestones"),
        ([3, None], "policy.milestones"),
    ],
)
def test_milestones_that_are_none_are_refused(milestones, where):
    with pytest.raises(UserError) as caught:
        MultiStep(0.1, 0.1, milestones)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("values", "where"),
    [((-1, 0.1, [3]), "lr"), ((0.1, 0, [3]), "policy.gamma"), ((0.1, 2, [3]), "policy.gamma")],
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        MultiStep(*values)
    assert caught.value.where == where


def test_without_milestones_it_is_constant():
    assert MultiStep(0.1, 0.5, [])(progress_at(99, 10, 100)) == 0.1
