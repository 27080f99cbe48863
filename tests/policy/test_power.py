"""The power law against the formulas of its sources."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.power import Power
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.01), (9_999, 0.01), (10_000, 0.01), (40_000, 0.005), (250_000, 0.002), (1_000_000, 0.001)],
)
def test_the_inverse_square_root_of_raffel_et_al(step, expected):
    """Section 3.1.2: 1 / sqrt(max(n, k)) with k = 10,000."""
    policy = Power(lr=0.01, timescale=10_000, power=0.5)
    assert policy(progress_at(step, 1000, 2**20)) == pytest.approx(expected, rel=1e-4)
    assert policy(progress_at(step, 1000, 2**20)) == pytest.approx(1 / max(step, 10_000) ** 0.5, rel=1e-9)


@pytest.mark.parametrize(("a", "b", "beta", "tokens"), [(4.0, -0.5, 1024, 2**22), (7.0, -0.7, 128, 10**6)])
def test_equals_the_power_scheduler_of_shen_et_al(a, b, beta, tokens):
    """min(eta_max, beta * a * n ** b) after n tokens; a step takes `tokens` of them."""
    eta_max = beta * a * (300 * tokens) ** b  # so that the two meet at step 300
    policy = Power(eta_max, 300, -b)
    for step in range(1, 9000, 2):
        expected = min(eta_max, beta * a * (step * tokens) ** b)
        assert policy(progress_at(step, 100, 9000)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "where"),
    [((-1, 10, 0.5), "lr"), ((0.1, 0, 0.5), "policy.timescale"), ((1, 1, -1), "policy.power")],
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Power(*values)
    assert caught.value.where == where
