"""The linear warm-up."""

import pytest
from torch.optim.lr_scheduler import CosineAnnealingLR, CyclicLR, LinearLR, SequentialLR
from torch_schedulers import torch_rates

from clrx.core.errors import UserError
from clrx.policy.constant import Constant
from clrx.policy.cosine import Cosine
from clrx.policy.one_cycle import OneCycle
from clrx.policy.time_decay import TimeDecay
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at, unwrapped, warmup_epochs
from clrx.schedule.stretch import Stretched
from clrx.schedule.warmup import Warmup


@pytest.mark.parametrize(
    ("policy", "step", "expected"),
    [  # 10 steps an epoch, 10 epochs
        (Warmup(Constant(1.0), 2, 0.2), 0, 0.2),
        (Warmup(Constant(1.0), 2, 0.2), 5, 0.4),
        (Warmup(Constant(1.0), 2, 0.2), 20, 1.0),
        (Warmup(Constant(1.0), 2, 0.2), 99, 1.0),
        (Warmup(Constant(1.0), 2, 0.0), 0, 0.0),
        (Warmup(Constant(1.0), 0, 0.2), 0, 1.0),
        (Warmup(Triangular(0.1, 0.5, 2), 2, 0.5), 10, 0.075),  # half way from 0.05 to 0.1
        (Warmup(Triangular(0.1, 0.5, 2), 2, 0.5), 40, 0.5),  # two epochs after the warm-up
        (Warmup(TimeDecay(1.0, 0.1), 2, 0.5), 30, 0.5),  # ten steps after the warm-up
        (Warmup(Cosine(1.0, 0.0), 2, 0.5), 60, 0.5),  # the middle of the 8 epochs that are left
        (Warmup(OneCycle(0.1, 1.0, 0.5, 10), 2, 0.5), 60, 1.0),
        (Warmup(Constant(1.0), 20, 0.0), 99, 0.495),  # longer than the run
    ],
)
def test_rate(policy, step, expected):
    assert policy(progress_at(step, 10, 100)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("policy", "make"),
    [
        (Triangular(0.01, 0.3, 1.5), lambda o: CyclicLR(o, 0.01, 0.3, 150, cycle_momentum=False)),
        (Cosine(0.3, 0.001), lambda o: CosineAnnealingLR(o, T_max=2800, eta_min=0.001)),
    ],
    ids=["triangular", "cosine"],
)
def test_equals_torch_behind_a_linear_warm_up(policy, make):
    after = torch_rates(make, 2800, lr=policy(progress_at(0, 100, 3000)))
    before = torch_rates(lambda o: LinearLR(o, 0.1, total_iters=200), 200, lr=after[0])
    warmed = Warmup(policy, 2, 0.1)
    rates = [warmed(progress_at(step, 100, 3000)) for step in range(3000)]
    assert rates == pytest.approx(before + after, rel=1e-6)


def test_equals_torch_sequential():
    """Constant behind a warm-up is torch's LinearLR alone, and a sequence of it and anything constant."""
    both = torch_rates(
        lambda o: SequentialLR(o, [LinearLR(o, 0.1, total_iters=30), LinearLR(o, 1.0)], milestones=[30]), 100
    )
    warmed = Warmup(Constant(1.0), 3, 0.1)
    assert [warmed(progress_at(step, 10, 100)) for step in range(100)] == pytest.approx(both, rel=1e-9)


@pytest.mark.parametrize(
    ("policy", "epochs"),
    [
        (Constant(1.0), 0.0),
        (Warmup(Constant(1.0), 4, 0.1), 4.0),
        (Stretched(Constant(1.0), 0.25, 0.0625), 0.0),
        (Stretched(Warmup(Constant(1.0), 4, 0.1), 0.25, 0.0625), 1.0),
        (Warmup(Stretched(Warmup(Constant(1.0), 4, 0.1), 0.5, 0.25), 3, 0.1), 5.0),
    ],
)
def test_epochs_of_the_warm_up_behind_any_wrapper(policy, epochs):
    assert warmup_epochs(policy) == epochs
    assert unwrapped(policy) == Constant(1.0)


def test_cycle_ends_move_with_the_warm_up():
    assert Warmup(Triangular(0.1, 0.5, 2), 3, 0.5).cycle_ends(12) == (7, 11)
    assert Warmup(Triangular(0.1, 0.5, 2), 3, 0.5).cycle_ends(2) == ()
    assert Warmup(Constant(0.1), 3, 0.5).cycle_ends(12) == ()


@pytest.mark.parametrize(
    ("epochs", "start_factor", "where"),
    [
        (-1, 0.1, "warmup.epochs"),
        (None, 0.1, "warmup.epochs"),
        (1, -0.1, "warmup.start_factor"),
        (1, 1.1, "warmup.start_factor"),
    ],
)
def test_bad_value_is_refused(epochs, start_factor, where):
    with pytest.raises(UserError) as caught:
        Warmup(Constant(0.1), epochs, start_factor)
    assert caught.value.where == where
