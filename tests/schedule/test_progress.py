"""The clock, and the ends of cycles, by hand."""

import pytest

from clrx.policy.constant import Constant
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import Progress, cycle_at, cycle_ends, ends_every, progress_at


def test_the_clocks_of_a_step():
    assert progress_at(0, 10, 40) == Progress(0, 0.0, 0.0)
    assert progress_at(15, 10, 40) == Progress(15, 1.5, 0.375)
    assert progress_at(40, 10, 40).fraction < 1  # no policy runs past its end
    assert progress_at(0, 10, 0) == Progress(0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("epoch", "length", "cycle", "passed"),
    [
        (0.0, 2.0, 0, 0.0),
        (1.5, 2.0, 0, 0.75),
        (2.0, 2.0, 1, 0.0),
        (3 / 10, 0.1, 3, 0.0),  # 3 / 10 < 3 * 0.1 in floating point
        (2.0 - 1e-6, 2.0, 0, 1.0 - 5e-7),
    ],
)
def test_the_cycle_of_an_epoch(epoch, length, cycle, passed):
    assert cycle_at(epoch, length) == (cycle, pytest.approx(passed, abs=1e-12))


def test_cycle_ends_of_any_policy():
    assert cycle_ends(Constant(0.1), 12) == ()
    assert cycle_ends(Triangular(0.1, 0.2, 3), 12) == (6, 12)
    assert ends_every(2.5, 8) == (2.5, 5.0, 7.5)
