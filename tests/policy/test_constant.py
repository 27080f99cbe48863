"""The constant policy."""

import pytest

from clrx.core.errors import UserError
from clrx.policy.constant import Constant
from clrx.schedule.progress import progress_at


@pytest.mark.parametrize("step", [0, 1, 999, 5000])
def test_rate_stays(step):
    """Alyafi et al. 2019, section IV-C: fixed at 0.002."""
    assert Constant(0.002)(progress_at(step, 100, 1000)) == 0.002


def test_whole_number_gives_a_float():
    assert isinstance(Constant(1)(progress_at(0, 1, 1)), float)


@pytest.mark.parametrize("lr", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_rate_is_refused(lr):
    with pytest.raises(UserError) as caught:
        Constant(lr)
    assert caught.value.where == "lr"
