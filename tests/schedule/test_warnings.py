"""Warnings about a policy over a run, and its trace."""

import numpy as np
import pytest

from clrx.policy.constant import Constant
from clrx.policy.cosine import Cosine
from clrx.policy.one_cycle import OneCycle
from clrx.policy.sgdr import SGDR
from clrx.policy.step import StepDecay
from clrx.policy.time_decay import TimeDecay
from clrx.policy.triangular import Triangular
from clrx.schedule.stretch import stretched
from clrx.schedule.warmup import Warmup
from clrx.schedule.warnings import policy_warnings, trace

TRIANGULAR = Triangular(0.0075, 0.03, 2)  # Chopade et al. 2021: cycles of 4 epochs


@pytest.mark.parametrize(
    ("policy", "epochs", "steps_per_epoch"),
    [
        (TRIANGULAR, 36, 541),
        (Triangular(0.002, 0.03, 2), 12, 2000),
        (SGDR(0.0, 0.01, 1, 2), 31, 100),
        (OneCycle(0.01, 0.1, 0.3, 1e4), 10, 100),
        (Cosine(0.1, 0.0), 10, 100),
        (Constant(0.1), 10, 100),
        (TimeDecay(0.1, 0.001), 10, 100),
        (StepDecay(0.1, 0.1, 3), 10, 100),
        (Warmup(TRIANGULAR, 4, 0.1), 36, 100),
    ],
    ids=lambda value: type(value).__name__ if callable(value) else str(value),
)
def test_a_run_that_leaves_nothing_undone_has_no_warning(policy, epochs, steps_per_epoch):
    assert policy_warnings(policy, epochs, steps_per_epoch) == ()


@pytest.mark.parametrize(
    ("policy", "epochs", "said"),
    [
        (TRIANGULAR, 30, ("ends at epoch 32", "epochs=28 or epochs=32")),
        (TRIANGULAR, 3, ("ends at epoch 4", "whole cycles: epochs=4")),
        (SGDR(0, 1, 1, 2), 30, ("ends at epoch 31", "epochs=15 or epochs=31")),
        (Warmup(TRIANGULAR, 1, 0.1), 8, ("ends at epoch 9", "epochs=5 or epochs=9")),
        (Triangular(0.1, 0.2, 2.5), 8, ("ends at epoch 10", "epochs=5 or epochs=10")),
    ],
)
def test_unfinished_cycle(policy, epochs, said):
    (warning,) = policy_warnings(policy, epochs, 100)
    assert "unfinished" in warning
    assert all(part in warning for part in said)


def test_unfinished_cycle_that_no_whole_number_of_epochs_ends():
    warnings = policy_warnings(Warmup(TRIANGULAR, 0.5, 0.1), 8, 100)
    assert "unfinished" in warnings[0]
    assert "whole cycles" not in warnings[0]


@pytest.mark.parametrize(
    ("policy", "epochs", "steps_per_epoch", "said"),
    [
        (
            SGDR(0, 0.2, 1, 1),
            30,
            3,
            "minimum of 0 is never reached: the lowest rate is 0.05",
        ),  # cos(120°)
        (Cosine(0.2, 0.0), 1, 3, "minimum of 0 is never reached: the lowest rate is 0.05"),
        (Triangular(0.1, 0.3, 20), 10, 100, "maximum of 0.3 is never reached: the highest rate is 0.2"),
        (SGDR(0.1, 0.2, 100, 1), 10, 100, "minimum of 0.1 is never reached"),
        (StepDecay(0.1, 0.1, 40), 30, 10, "never moves: it is 0.1"),
        (TimeDecay(0.1, 0.0), 30, 10, "never moves: it is 0.1"),
        (SGDR(0, 1, 1.5, 1), 3, 100, "cycles end within an epoch (at 1.5)"),
        (SGDR(0, 1, 1, 1.5), 10, 100, "cycles end within an epoch (at 2.5, 4.75, 8.125)"),
        (Warmup(TRIANGULAR, 0.5, 0.1), 9, 100, "cycles end within an epoch (at 4.5, 8.5)"),
        (Warmup(TRIANGULAR, 12, 0.1), 8, 100, "warm-up lasts 12 epochs and the run 8"),
        (Warmup(TRIANGULAR, 8, 0.1), 8, 100, "warm-up lasts 8 epochs and the run 8"),
    ],
)
def test_warning(policy, epochs, steps_per_epoch, said):
    assert any(said in warning for warning in policy_warnings(policy, epochs, steps_per_epoch))


@pytest.mark.parametrize(
    ("policy", "whole", "scale", "said"),
    [
        (TRIANGULAR, 36, 0.25, ()),
        (Warmup(TRIANGULAR, 4, 0.1), 36, 0.25, ()),
        (Constant(0.1), 1, 0.5, ()),  # one epoch of one is no warm-up as long as the run
        (Warmup(TRIANGULAR, 4, 0.1), 4, 0.5, ("the warm-up lasts 2 epochs and the run 2",)),
        (Warmup(Triangular(0.1, 0.3, 40), 4, 0.1), 24, 0.25, ("21", "maximum of 0.3 is never reached")),
        (Warmup(SGDR(0.1, 0.2, 100, 1), 4, 0.1), 12, 0.25, ("26", "minimum of 0.1 is never reached")),
        (TRIANGULAR, 30, 0.5, ("epochs=14 or epochs=16",)),
    ],
)
def test_a_scaled_run_has_the_warnings_of_its_own(policy, whole, scale, said):
    epochs = round(whole * scale) or 1
    warnings = policy_warnings(stretched(policy, whole, scale), epochs, 100)
    assert len(warnings) == len(said)
    assert all(text in warning for text, warning in zip(said, warnings, strict=True))


def test_trace_is_what_training_asks_for():
    seen = trace(Triangular(0.0, 1.0, 1), epochs=4, steps_per_epoch=2)
    assert seen.step.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert seen.epoch.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    assert seen.lr.tolist() == [0, 0.5, 1, 0.5, 0, 0.5, 1, 0.5]
    assert seen.lr.dtype == np.float64
