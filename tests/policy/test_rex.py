"""The REX profile against the paper's formula."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.rex import Rex
from clrx.schedule.progress import Progress, progress_at


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, 1.0), (0.5, 2 / 3), (0.75, 0.4), (0.9, 2 / 11), (1.0, 0.0), (1.5, 0.0)],
)
def test_rate(fraction, expected):
    """By hand: half of the run leaves 0.5 / 0.75, a quarter 0.25 / 0.625, a tenth 0.1 / 0.55."""
    assert Rex(1.0, 0.0)(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_equals_the_formula_of_the_paper():
    """arXiv:2107.04197: eta_t = eta_0 * (1 - t / T) / (1/2 + 1/2 * (1 - t / T))."""
    policy, total = Rex(0.3, 0.0), 7000
    for t in range(total):
        expected = 0.3 * ((1 - t / total) / (1 / 2 + 1 / 2 * (1 - t / total)))
        assert policy(progress_at(t, 100, total)) == pytest.approx(expected, rel=1e-9)


def test_it_ends_at_min_lr():
    assert Rex(0.5, 0.1)(Progress(0, 0.0, 0.5)) == pytest.approx(0.1 + 0.4 * 2 / 3)
    assert Rex(0.5, 0.1)(Progress(0, 0.0, 1.0)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("values", "where"), [((-0.1, 0), "lr"), ((0.1, 0.2), "lr"), ((0.1, -0.1), "policy.min_lr")]
)
def test_bad_value_is_refused(values, where):
    with pytest.raises(UserError) as caught:
        Rex(*values)
    assert caught.value.where == where
