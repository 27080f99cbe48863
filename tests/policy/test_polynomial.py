"""The polynomial policy against torch's and Keras's."""

import pytest
from torch.optim.lr_scheduler import PolynomialLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.linear import Linear
from clrx.policy.polynomial import Polynomial
from clrx.schedule.progress import Progress, progress_at


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, 0.5), (0.25, 0.325), (0.5, 0.2), (0.75, 0.125), (1.0, 0.1), (1.5, 0.1)],  # 0.1 + 0.4 * left ** 2
)
def test_rate(fraction, expected):
    assert Polynomial(0.5, 0.1, 2.0)(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("power", [0.5, 0.9, 1.0, 2.0])
def test_equals_torch(power):
    expected = torch_rates(lambda o: PolynomialLR(o, total_iters=3000, power=power), 3000, lr=0.3)
    rates = [Polynomial(0.3, 0.0, power)(progress_at(step, 100, 3000)) for step in range(3000)]
    assert rates == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("power", [0.5, 3.0])
def test_equals_the_formula_of_keras(power):
    """PolynomialDecay: (initial - end) * (1 - step / decay_steps) ** power + end."""
    policy = Polynomial(0.1, 0.01, power)
    for step in range(0, 10_000, 7):
        expected = (0.1 - 0.01) * (1 - step / 10_000) ** power + 0.01
        assert policy(progress_at(step, 100, 10_000)) == pytest.approx(expected, rel=1e-9)


def test_power_1_is_a_line():
    for step in range(300):
        now = progress_at(step, 100, 300)
        assert Polynomial(0.3, 0.1, 1.0)(now) == pytest.approx(Linear(0.3, 0.1)(now), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ((-0.1, 0, 1), "lr"),
        ((0.1, 0.2, 1), "lr"),
        ((0.1, -0.1, 1), "policy.min_lr"),
        ((0.1, 0, 0), "policy.power"),
    ],
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Polynomial(*values)
    assert caught.value.where == where
