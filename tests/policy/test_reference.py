"""Policies with keys chosen at random against the schedulers of torch and timm, step by step.

CLRX_TEST_SEED=7 pytest -m slow tests/policy/test_reference.py     # the same keys again
"""

import os
import random
from collections.abc import Callable

import pytest
import timm.scheduler as timms
import torch
from torch.optim import lr_scheduler as torchs
from torch_schedulers import torch_rates

from clrx.policy.cosine import Cosine
from clrx.policy.exp_range import ExpRange
from clrx.policy.exponential import Exponential
from clrx.policy.multi_step import MultiStep
from clrx.policy.one_cycle import OneCycle
from clrx.policy.polynomial import Polynomial
from clrx.policy.sgdr import SGDR
from clrx.policy.step import StepDecay
from clrx.policy.triangular import Triangular
from clrx.policy.triangular2 import Triangular2
from clrx.schedule.progress import Policy, progress_at
from clrx.schedule.warmup import Warmup

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("CLRX_TEST_SEED") or random.SystemRandom().randrange(2**31))
STEPS, STEPS_PER_EPOCH, ROUNDS = 1500, 20, 25


def timm_rates(make: Callable, steps: int, lr: float) -> list[float]:
    """The rate of each of `steps` updates under a timm scheduler that counts updates."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for step in range(steps):
        scheduler.step_update(step)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def by_step(policy: Policy, steps: int = STEPS) -> list[float]:
    return [policy(progress_at(step, STEPS_PER_EPOCH, steps)) for step in range(steps)]


def by_epoch(policy: Policy) -> list[float]:
    """The rate at the first step of each of STEPS epochs: for schedulers that are stepped once an epoch."""
    return [policy(progress_at(epoch, 1, STEPS)) for epoch in range(STEPS)]


def rates(rng: random.Random) -> tuple[float, float]:
    low = rng.choice([0.0, 10 ** rng.uniform(-6, -2)])
    return low, low + 10 ** rng.uniform(-4, 0)


def step(rng):
    every, gamma, (_, lr) = rng.randint(1, 400), rng.uniform(0.1, 1), rates(rng)
    expected = torch_rates(lambda o: torchs.StepLR(o, every, gamma), STEPS, lr)
    return by_epoch(StepDecay(lr, gamma, every)), expected


def multi_step(rng):
    milestones = sorted(rng.sample(range(1, STEPS), rng.randint(1, 6)))
    gamma, (_, lr) = rng.uniform(0.1, 1), rates(rng)
    expected = torch_rates(lambda o: torchs.MultiStepLR(o, milestones, gamma), STEPS, lr)
    return by_epoch(MultiStep(lr, gamma, milestones)), expected


def exponential(rng):
    gamma, (_, lr) = rng.uniform(0.98, 1), rates(rng)
    return by_epoch(Exponential(lr, gamma)), torch_rates(lambda o: torchs.ExponentialLR(o, gamma), STEPS, lr)


def polynomial(rng):
    power, (_, lr) = rng.uniform(0.3, 4), rates(rng)
    expected = torch_rates(lambda o: torchs.PolynomialLR(o, STEPS, power), STEPS, lr)
    return by_step(Polynomial(lr, 0.0, power)), expected


def polynomial_of_timm(rng):
    power, (low, lr) = rng.uniform(0.3, 4), rates(rng)
    expected = timm_rates(
        lambda o: timms.PolyLRScheduler(o, STEPS, power=power, lr_min=low, t_in_epochs=False), STEPS, lr
    )
    return by_step(Polynomial(lr, low, power)), expected


def cosine(rng):
    low, lr = rates(rng)
    expected = torch_rates(lambda o: torchs.CosineAnnealingLR(o, STEPS, low), STEPS, lr)
    return by_step(Cosine(lr, low)), expected


def sgdr(rng):
    first, factor, (low, top) = rng.randint(5, 300), rng.randint(1, 4), rates(rng)
    expected = torch_rates(lambda o: torchs.CosineAnnealingWarmRestarts(o, first, factor, low), STEPS, top)
    return by_step(SGDR(low, top, first / STEPS_PER_EPOCH, factor)), expected


def falling_restarts_of_timm(rng):
    """timm lowers the top, not its distance to the floor: equal where the floor is 0. Its cycles: of equal length."""
    first, m_mul, (_, top) = rng.randint(5, 300), rng.uniform(0.3, 1), rates(rng)
    cycles = {"cycle_decay": m_mul, "cycle_limit": STEPS, "t_in_epochs": False}
    expected = timm_rates(lambda o: timms.CosineLRScheduler(o, first, **cycles), STEPS, top)
    return by_step(SGDR(0.0, top, first / STEPS_PER_EPOCH, 1, m_mul)), expected


def triangles(rng):
    up, down, (low, top) = rng.randint(1, 300), rng.randint(1, 300), rates(rng)
    gamma, mode = rng.uniform(0.99, 1), rng.choice(["triangular", "triangular2", "exp_range"])
    shape = (low, top, (up + down) / 2 / STEPS_PER_EPOCH)
    rise = up / (up + down)
    policy = {
        "triangular": Triangular(*shape, rise),
        "triangular2": Triangular2(*shape, rise),
        "exp_range": ExpRange(*shape, gamma, rise),
    }[mode]
    keys = {"step_size_up": up, "step_size_down": down, "mode": mode, "gamma": gamma, "cycle_momentum": False}
    return by_step(policy), torch_rates(lambda o: torchs.CyclicLR(o, low, top, **keys), STEPS)


def one_cycle(rng):
    """torch peaks a step earlier: its schedule has a step more, its rise the step that it lacks."""
    three_phase, strategy = rng.random() < 0.5, rng.choice(["cos", "linear"])
    share, final, factor = rng.uniform(0.05, 0.45), 10 ** rng.uniform(0, 5), rng.uniform(1.5, 50)
    top = 10 ** rng.uniform(-4, 0)
    keys = {"div_factor": factor, "final_div_factor": final, "cycle_momentum": False}
    keys |= {"three_phase": three_phase, "anneal_strategy": strategy}
    pct_start = (share * STEPS + 1) / (STEPS + 1)
    expected = torch_rates(
        lambda o: torchs.OneCycleLR(o, top, total_steps=STEPS + 1, pct_start=pct_start, **keys), STEPS
    )
    return by_step(OneCycle(top / factor, top, share, final, three_phase, strategy)), expected


def warm_up(rng):
    epochs, factor, (low, lr) = rng.randint(1, 30), rng.uniform(0.01, 1), rates(rng)
    warm = epochs * STEPS_PER_EPOCH

    def make(o):
        after = torchs.CosineAnnealingLR(o, STEPS - warm, low)
        return torchs.SequentialLR(o, [torchs.LinearLR(o, factor, total_iters=warm), after], [warm])

    return by_step(Warmup(Cosine(lr, low), epochs, factor)), torch_rates(make, STEPS, lr)


CASES = (step, multi_step, exponential, polynomial, polynomial_of_timm, cosine, sgdr)
CASES += (falling_restarts_of_timm, triangles, one_cycle, warm_up)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's SequentialLR about its own use
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_rates_are_those_of_the_other_library(case):
    print(f"CLRX_TEST_SEED={SEED}")
    for number in range(ROUNDS):
        ours, theirs = case(random.Random(f"{SEED} {case.__name__} {number}"))
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9), f"round {number}"
