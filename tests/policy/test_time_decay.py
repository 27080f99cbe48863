"""Keras's time decay."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.time_decay import TimeDecay
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize(
    ("lr", "decay", "step", "expected"),
    [
        (0.01, 0.0005, 0, 0.01),  # Chopade et al. 2021, Table 4: Pneumothorax
        (0.01, 0.0005, 2000, 0.005),  # 1 + 0.0005 * 2000 = 2
        (0.1, 0.0005, 6000, 0.025),  # Cardiomegaly: 1 + 3
        (0.001, 0.00005, 20_000, 0.0005),  # Fibrosis: 1 + 1
        (0.05, 0.0, 12_345, 0.05),
    ],
)
def test_rate(lr, decay, step, expected):
    assert TimeDecay(lr, decay)(progress_at(step, 271, 30_000)) == pytest.approx(expected, rel=1e-12)


def test_reads_the_step_and_nothing_else():
    """Keras counts its iterations: longer epochs or a longer run change nothing."""
    policy = TimeDecay(0.01, 0.001)
    assert policy(progress_at(500, 10, 1000)) == policy(progress_at(500, 271, 99_999))


@pytest.mark.parametrize(("values", "where"), [((-0.1, 0.1), "lr"), ((0.1, -0.1), "decay")])
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        TimeDecay(*values)
    assert caught.value.where == where
