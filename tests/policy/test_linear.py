"""The linear policy."""

import pytest
from torch.optim.lr_scheduler import PolynomialLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.linear import Linear
from clrx.schedule.progress import Progress, progress_at


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, 0.007), (0.25, 0.0055), (0.5, 0.004), (0.75, 0.0025), (1.0, 0.001), (1.5, 0.001)],
)
def test_rate(fraction, expected):
    """Smith's decay: 0.007 to 0.001, 0.0015 lower after each quarter."""
    assert Linear(0.007, 0.001)(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12)


def test_equals_torch():
    expected = torch_rates(lambda optimizer: PolynomialLR(optimizer, total_iters=300), 300, lr=0.3)
    rates = [Linear(0.3, 0.0)(progress_at(step, 100, 300)) for step in range(300)]
    assert rates == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("values", "where"), [((-0.1, 0), "lr"), ((0.1, 0.2), "lr"), ((0.1, -0.1), "policy.min_lr")]
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Linear(*values)
    assert caught.value.where == where
