"""Every verdict, from curves made to deserve it, and what it says to type."""

import numpy as np
import pytest
from omegaconf import OmegaConf

from clrx.range_test.curve import Repeat
from clrx.range_test.find import read_repeats
from clrx.range_test.ramp import Ramp
from clrx.range_test.verdict import DIVERGED, FLAT, NARROW, NOISY, USABLE

STEPS = 100
X = np.linspace(-7.0, 0.0, STEPS)


def logistic(centre=-2.5, width=0.3, fall=0.6):
    return 1.0 - fall / (1.0 + np.exp(-(X - centre) / width))


def verdict_on(
    loss,
    noise=0.02,
    end=STEPS,
    stopped="end",
    rule="bottom",
    repeats=5,
    highest=1.0,
    steps=STEPS,
    weights=None,
):
    """The verdict on repeats of `loss` with independent noise, each ended after `end` steps."""
    rng = np.random.default_rng(3)
    node = {"curve": "loss", "smoothing": 0.04, "rule": rule, "repeats": repeats, "every": 5}
    noisy = [(loss + noise * rng.normal(size=STEPS))[:end] for _ in range(repeats)]
    found = [Repeat(10.0 ** X[:end], X[:end], {"loss": y, "accuracy": 1.0 - y}, stopped) for y in noisy]
    cfg = OmegaConf.create({"seed": 0, "range_test": node, "model": {"weights": weights}})
    return read_repeats(cfg, Ramp("exponential", 1e-7, highest, steps), found).verdict


DIVERGING = logistic() + np.minimum(np.exp((X + 0.5) / 0.1), 30.0)
LATE = "the loss passed its limit"
MORE = "range_test.repeats=10 range_test.steps=200"


@pytest.mark.parametrize(
    ("loss", "settings", "word", "fix"),
    [
        (DIVERGING, {"end": 96, "stopped": LATE}, USABLE, ""),
        (DIVERGING, {"end": 96, "stopped": LATE, "rule": "chopade2021"}, USABLE, ""),
        (logistic(), {}, USABLE, ""),  # the end of the fall is in sight without a divergence
        (np.ones(STEPS), {}, FLAT, "range_test.steps=400"),
        (np.ones(STEPS), {"highest": 1e-3}, FLAT, "range_test.end=1"),
        (np.ones(STEPS), {"steps": 400}, FLAT, "model=mobilenet model.weights=imagenet"),
        (np.ones(STEPS), {"steps": 400, "weights": "imagenet"}, FLAT, "range_test.steps=1600"),
        (np.ones(STEPS), {"end": 90, "stopped": LATE}, FLAT, "range_test.steps=400"),
        (np.ones(STEPS), {"noise": 0.5}, NOISY, MORE),
        (logistic(width=1.5), {"noise": 0.1, "rule": "steepest"}, NOISY, MORE),
        (
            np.ones(STEPS),
            {"end": 5, "stopped": LATE},
            DIVERGED,
            "range_test.start=1e-10 range_test.end=1.92e-07",
        ),
        (
            np.ones(STEPS),
            {"end": 9, "stopped": LATE},
            DIVERGED,
            "range_test.start=1e-10 range_test.end=3.68e-07",
        ),
        (
            np.ones(STEPS),
            {"end": 0, "stopped": "the loss was not finite"},
            DIVERGED,
            "range_test.start=1e-10",
        ),
        (logistic(centre=-0.2), {}, NARROW, "range_test.end=10"),
        (logistic(centre=-0.5), {"rule": "chopade2021"}, NARROW, "range_test.end=10"),
        (logistic(centre=-7.0), {}, NARROW, "range_test.start=1e-09"),
        (1.0 + 0.1 * X, {}, NARROW, "range_test.start=1e-09"),  # too high from the first rate on
        (1.0 + 0.1 * (X + 7.0) ** 2, {}, NARROW, "range_test.start=1e-09"),
    ],
)
def test_verdict(loss, settings, word, fix):
    verdict = verdict_on(loss, **settings)
    assert (verdict.word, verdict.usable) == (word, word == USABLE), verdict.why
    assert verdict.fix == fix or (fix and verdict.fix.startswith(fix))
    assert verdict.why
