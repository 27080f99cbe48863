"""Chopade's modified triangular2 against the numbers of the paper's section A5."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.modified_triangular2 import ModifiedTriangular2
from clrx.policy.triangular2 import Triangular2
from clrx.schedule.progress import progress_at

PNEUMOTHORAX = ModifiedTriangular2(base_lr=0.0075, max_lr=0.03, step_size=2, cycles=3)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (0, 0.0075),
        (2, 0.03),  # the peaks that the paper names
        (6, 0.01875),
        (10, 0.013125),
        (14, 0.03),  # after 3 cycles again the original maximum
        (18, 0.01875),
        (22, 0.013125),
        (26, 0.03),
        (12, 0.0075),  # every cycle ends at base_lr
        (24, 0.0075),
        (1, 0.01875),
        (5, 0.013125),
        (13, 0.01875),
    ],
)
def test_chopade_figure_5(epoch, expected):
    """541 batches an epoch, 42 epochs."""
    assert PNEUMOTHORAX(progress_at(541 * epoch, 541, 541 * 42)) == pytest.approx(expected, rel=1e-12)


def test_first_three_cycles_are_triangular2():
    plain = Triangular2(0.0075, 0.03, 2)
    for step in range(0, 541 * 12, 13):
        now = progress_at(step, 541, 541 * 42)
        assert PNEUMOTHORAX(now) == plain(now)


def test_cycle_ends():
    assert PNEUMOTHORAX.cycle_ends(42) == (4, 8, 12, 16, 20, 24, 28, 32, 36, 40)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"base_lr": -0.1}, "bounds.base_lr"),
        ({"base_lr": float("inf")}, "bounds.base_lr"),
        ({"max_lr": float("nan")}, "bounds.max_lr"),
        ({"max_lr": 0.05}, "bounds.max_lr"),  # below base_lr
        ({"step_size": 0}, "bounds.step_size"),
        ({"step_size": -2}, "bounds.step_size"),
        ({"cycles": 0}, "policy.cycles"),
        ({"cycles": 2.5}, "policy.cycles"),
    ],
)
def test_bad_value_is_refused(keys, where):
    with pytest.raises(UserError) as caught:
        ModifiedTriangular2(**{"base_lr": 0.1, "max_lr": 0.2, "step_size": 2, "cycles": 3} | keys)
    assert caught.value.where == where
