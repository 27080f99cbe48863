"""Warm-up, stable, decay against the formulas of its sources."""

import math

import pytest

from clrx.core.errors import UserError
from clrx.policy.wsd import WSD
from clrx.schedule.progress import Progress, progress_at


@pytest.mark.parametrize(
    ("decay_type", "fraction", "expected"),
    [  # a fall of the last 0.4 of the run, from 1.1 to 0.1; half and a quarter of it are at 0.8 and 0.7
        ("linear", 0.0, 0.1),
        ("linear", 0.05, 0.6),
        ("linear", 0.1, 1.1),
        ("linear", 0.6, 1.1),
        ("linear", 0.7, 0.85),
        ("linear", 0.8, 0.6),
        ("sqrt", 0.7, 0.6),  # 1 - sqrt(1/4) = 1/2
        ("sqrt", 0.964, 0.1 + 1 - math.sqrt(0.91)),
        ("cosine", 0.8, 0.6),
        ("cosine", 0.6 + 0.4 / 3, 0.85),  # (1 + cos 60 degrees) / 2 = 3/4
        ("sqrt", 1.0, 0.1),
        ("cosine", 1.5, 0.1),
    ],
)
def test_rate(decay_type, fraction, expected):
    policy = WSD(1.1, 0.1, 0.1, 0.4, decay_type)
    assert policy(Progress(0, 0.0, fraction)) == pytest.approx(expected, rel=1e-9)


def of_transformers(step, warmup, stable, decay, kind, min_ratio):
    """get_wsd_schedule of transformers: the factor of the rate at a step."""
    if step < warmup:
        return step / warmup * (1 - min_ratio) + min_ratio
    if step < warmup + stable:
        return 1.0
    if step >= warmup + stable + decay:
        return min_ratio
    passed = (step - warmup - stable) / decay
    factor = {
        "linear": 1 - passed,
        "cosine": 0.5 * (1 + math.cos(math.pi * 0.5 * 2 * passed)),
        "sqrt": 1 - math.sqrt(passed),
    }[kind]
    return factor * (1 - min_ratio) + min_ratio


@pytest.mark.parametrize("kind", ["linear", "sqrt", "cosine"])
@pytest.mark.parametrize(("warmup", "stable", "decay"), [(250, 3750, 1000), (0, 4000, 1000), (1000, 0, 4000)])
def test_equals_the_formula_of_transformers(kind, warmup, stable, decay):
    policy = WSD(0.3, 0.03, warmup / 5000, decay / 5000, kind)
    rates = [policy(progress_at(step, 100, 5000)) for step in range(5000)]
    expected = [0.3 * of_transformers(step, warmup, stable, decay, kind, 0.1) for step in range(5000)]
    assert rates == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["linear", "sqrt"])
def test_equals_the_cooldown_of_haegele_et_al(kind):
    """f(n, N, N_decay): 1 - (n - (N - N_decay)) / N_decay, or 1 minus its square root."""
    policy, total, decay = WSD(1.0, 0.0, 0.0, 0.2, kind), 10_000, 2000
    for n in range(total - decay, total):
        passed = (n - (total - decay)) / decay
        expected = 1 - (passed if kind == "linear" else math.sqrt(passed))
        assert policy(progress_at(n, 100, total)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_all_stable_is_constant():
    policy = WSD(0.3, 0.0, 0.0, 0.0, "linear")
    assert {policy(progress_at(step, 10, 100)) for step in range(100)} == {0.3}


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"lr": -1}, "lr"),
        ({"min_lr": 0.5}, "lr"),
        ({"min_lr": -0.5}, "policy.min_lr"),
        ({"warmup_fraction": 1.0}, "policy.warmup_fraction"),
        ({"decay_fraction": 0.96}, "policy.decay_fraction"),  # more than the warm-up leaves
        ({"decay_type": "1-sqrt"}, "policy.decay_type"),
        ({"decay_type": None}, "policy.decay_type"),
    ],
)
def test_bad_value_is_refused(keys, where):
    good = {"lr": 0.1, "min_lr": 0.0, "warmup_fraction": 0.05, "decay_fraction": 0.2, "decay_type": "sqrt"}
    with pytest.raises(UserError) as caught:
        WSD(**good | keys)
    assert caught.value.where == where
