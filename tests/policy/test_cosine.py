"""The cosine policy."""

import pytest
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.cosine import Cosine
from clrx.schedule.progress import Progress, progress_at


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, 0.5), (1 / 3, 0.4), (0.5, 0.3), (2 / 3, 0.2), (1.0, 0.1), (1.5, 0.1)],  # cos 60 degrees = 1/2
)
def test_rate(fraction, expected):
    assert Cosine(0.5, 0.1)(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12)


def test_equals_torch():
    policy = Cosine(0.3, 0.001)
    expected = torch_rates(
        lambda optimizer: CosineAnnealingLR(optimizer, T_max=3000, eta_min=0.001), 3000, lr=0.3
    )
    rates = [policy(progress_at(step, 100, 3000)) for step in range(3000)]
    assert rates == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("values", "where"), [((-0.1, 0), "lr"), ((0.1, 0.2), "lr"), ((0.1, -0.1), "policy.min_lr")]
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Cosine(*values)
    assert caught.value.where == where
