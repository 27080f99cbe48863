"""The inverse square root against Vaswani's and Zhai's formulas."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.inverse_sqrt import InverseSqrt
from clrx.schedule.progress import progress_at
from clrx.schedule.warmup import Warmup


@pytest.mark.parametrize(("step", "expected"), [(0, 0.6), (300, 0.3), (800, 0.2), (3500, 0.1)])
def test_rate(step, expected):
    """With a timescale of 100 steps: sqrt(1 + 3) = 2, sqrt(1 + 8) = 3, sqrt(1 + 35) = 6."""
    assert InverseSqrt(0.6, 100)(progress_at(step, 37, 10_000)) == pytest.approx(expected, rel=1e-12)


def test_behind_a_warm_up_it_is_vaswanis_equation_3():
    """d_model ** -0.5 * min(step ** -0.5, step * warmup ** -1.5), d_model = 512, 4000 steps of warm-up."""
    peak = 512**-0.5 * 4000**-0.5
    assert peak == pytest.approx(6.9877e-4, rel=1e-4)
    policy = Warmup(InverseSqrt(peak, 4000), epochs=40, start_factor=0.0)
    for step in range(1, 20_000, 3):
        expected = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
        assert policy(progress_at(step, 100, 20_000)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("values", "where"), [((-1, 10), "lr"), ((0.1, 0), "policy.timescale")])
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        InverseSqrt(*values)
    assert caught.value.where == where
