"""Policies against the schedules of Keras and optax, whose numbers are stored: tests/golden_numbers/make.py."""

import pytest
from goldens import goldens

from clrx.policy.cosine import Cosine
from clrx.policy.exponential import Exponential
from clrx.policy.linear import Linear
from clrx.policy.multi_step import MultiStep
from clrx.policy.one_cycle import OneCycle
from clrx.policy.polynomial import Polynomial
from clrx.policy.sgdr import SGDR
from clrx.policy.step import StepDecay
from clrx.policy.time_decay import TimeDecay
from clrx.schedule.progress import progress_at
from clrx.schedule.warmup import Warmup

STEPS = goldens()["steps"]


def piecewise(case):
    """Keras keeps a rate at its boundary too, where torch's milestones and ours begin the next one."""
    values = case["values"]
    return MultiStep(values[0], values[1] / values[0], [edge + 1 for edge in case["boundaries"]])


def restarts(case):
    low = case["alpha"] * case["lr"]
    return SGDR(low, case["lr"], case["first_decay_steps"], case["t_mul"], case["m_mul"])


KERAS = {
    "ExponentialDecay": lambda c: Exponential(c["lr"], c["decay_rate"] ** (1 / c["decay_steps"])),
    "staircase": lambda c: StepDecay(c["lr"], c["decay_rate"], c["decay_steps"]),
    "InverseTimeDecay": lambda c: TimeDecay(c["lr"], c["decay_rate"] / c["decay_steps"]),
    "PolynomialDecay": lambda c: Polynomial(c["lr"], c["end_learning_rate"], c["power"]),
    "CosineDecay": lambda c: Cosine(c["lr"], c["alpha"] * c["lr"]),
    "CosineDecayRestarts": restarts,
    "PiecewiseConstantDecay": piecewise,
}
OPTAX = {
    "exponential_decay": lambda c: Exponential(
        c["init_value"], c["decay_rate"] ** (1 / c["transition_steps"])
    ),
    "staircase": lambda c: StepDecay(c["init_value"], c["decay_rate"], c["transition_steps"]),
    "polynomial_schedule": lambda c: Polynomial(c["init_value"], c["end_value"], c["power"]),
    "linear_schedule": lambda c: Linear(c["init_value"], c["end_value"]),
    "cosine_decay_schedule": lambda c: Cosine(c["init_value"], c["alpha"] * c["init_value"]),
    "cosine_onecycle_schedule": lambda c: OneCycle(
        c["peak_value"] / c["div_factor"], c["peak_value"], c["pct_start"], c["final_div_factor"]
    ),
    "warmup_cosine_decay_schedule": lambda c: Warmup(
        Cosine(c["peak_value"], c["end_value"]), c["warmup_steps"], c["init_value"] / c["peak_value"]
    ),
}


@pytest.mark.parametrize(
    ("library", "name"), [*(("keras", name) for name in KERAS), *(("optax", name) for name in OPTAX)]
)
def test_rates_are_those_of_the_other_library(library, name):
    """A step is an epoch here: the clocks of the policies are then the steps that the libraries count."""
    cases = [case for case in goldens()[f"{library}_schedules"] if case["name"] == name]
    assert len(cases) == 6
    for case in cases:
        policy = {"keras": KERAS, "optax": OPTAX}[library][name](case)
        ours = [policy(progress_at(step, 1, STEPS)) for step, _ in case["rates"]]
        theirs = [rate for _, rate in case["rates"]]
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-7 * max(theirs)), case
