"""Whether a range test found a valley that can be used; where not, why, and what to type next."""

from collections.abc import Sequence
from typing import NamedTuple

from clrx.config.schema import TrainConfig
from clrx.range_test.curve import GAINS, LEAST, NAMES, Repeat
from clrx.range_test.estimate import Reading, Suggestion
from clrx.range_test.ramp import Ramp

SIGNAL = (
    5.0  # standard deviations that the loss must fall: the lowest of 25 noisy levels lies 2 below their mean
)
SEEN = 0.1  # share of the first loss whose fall a test must be able to see before it may call a curve flat
WIDEST = (
    10.0  # factor between the ends of an interval: beyond it a rate is not known to its order of magnitude
)
HIGH = 1.0  # a rate up to which a test should look before it needs more steps
MANY = 400  # steps after which fresh weights are too slow for a range test
SOLID = 0.8  # share of the resamples in which a rule must have an answer

USABLE, FLAT, DIVERGED, NARROW, NOISY = (
    *("usable", "flat", "diverged at once"),
    *("range too narrow", "too noisy"),
)


class Verdict(NamedTuple):
    """One of USABLE, FLAT, DIVERGED, NARROW, NOISY; the reason; overrides that change it."""

    word: str
    why: str
    fix: str = ""

    @property
    def usable(self) -> bool:
        return self.word == USABLE


def verdict_on(
    cfg: TrainConfig, ramp: Ramp, repeats: Sequence[Repeat], reading: Reading | None, suggestion: Suggestion
) -> Verdict:
    """The verdict on the curve that was asked for and on the rule that `range_test.rule` names."""
    taken = min(len(repeat.lr) for repeat in repeats)
    diverged = any(repeat.stopped != "end" for repeat in repeats)
    if reading is None and not diverged:
        every = max(1, ramp.steps // (2 * LEAST))
        fix = f"range_test.every={min(every, cfg.range_test.every)} range_test.steps={2 * ramp.steps}"
        return Verdict(NARROW, f"fewer than {LEAST} points were measured", fix)
    if reading is None or (diverged and taken < 0.1 * ramp.steps):
        reached = repeats[0].lr[taken - 1] if taken else ramp.start
        fix = f"range_test.start={ramp.start / 1e3:.3g} range_test.end={reached:.3g}"
        return Verdict(DIVERGED, f"a repeat ended after {taken} of {ramp.steps} steps, at {reached:.3g}", fix)
    if reading.fall < SIGNAL * reading.noise:
        return _unseen(cfg, ramp, reading)
    if suggestion.missing is not None:
        return _missing(ramp, suggestion)
    return _known(cfg, ramp, suggestion)


def _unseen(cfg: TrainConfig, ramp: Ramp, reading: Reading) -> Verdict:
    """The curve does not fall beyond its noise: flat where a fall would have been seen, else too noisy to say."""
    first, name = abs(float(reading.curve.value[: reading.curve.edge + 1].mean())), reading.curve.name
    fall, noise = max(reading.fall, 0.0), reading.noise
    level = 1.0 - first if name in GAINS else first
    said = f"the {NAMES[name]} improves by {fall:.3g} from {level:.3g}, and its noise is {noise:.2g}"
    if reading.curve.value[len(reading.curve.lr) // 4] - first > SIGNAL * noise:
        why = f"the {NAMES[name]} only gets worse, from the lowest rates on"
        return Verdict(NARROW, why, f"range_test.start={ramp.start / 100:g}")
    if SIGNAL * noise > SEEN * first:
        return Verdict(NOISY, said, _more(cfg, ramp))
    if reading.curve.diverged:
        said = f"{said}, before it diverges at {reading.curve.lr[-1]:.3g}"
    elif ramp.end < HIGH:
        return Verdict(FLAT, said, f"range_test.end={HIGH:g}")
    return _slow(cfg, ramp, said)


def _slow(cfg: TrainConfig, ramp: Ramp, said: str) -> Verdict:
    """Flat up to high rates: more steps, and if many were not enough for fresh weights, trained ones."""
    if ramp.steps < MANY or cfg.model.weights is not None:
        return Verdict(FLAT, said, f"range_test.steps={4 * ramp.steps}")
    why = f"{said}: from fresh weights {ramp.steps} steps are too few at any rate"
    return Verdict(FLAT, why, "model=mobilenet model.weights=imagenet")


def _missing(ramp: Ramp, suggestion: Suggestion) -> Verdict:
    assert suggestion.missing is not None
    why, side = suggestion.missing
    fixes = {"below": f"range_test.start={ramp.start / 100:g}", "above": f"range_test.end={10 * ramp.end:g}"}
    return Verdict(NARROW, why, fixes.get(side, f"range_test.steps={2 * ramp.steps}"))


def _known(cfg: TrainConfig, ramp: Ramp, suggestion: Suggestion) -> Verdict:
    """Usable where the rate is known to its order of magnitude."""
    rate = suggestion.max_lr
    assert rate is not None
    within = f"{rate.low:.2g} to {rate.high:.2g}"
    if suggestion.found < SOLID:
        why = f"{suggestion.rule} has an answer in only {suggestion.found:.0%} of the resamples"
        return Verdict(NOISY, why, _more(cfg, ramp))
    if rate.high > WIDEST * rate.low:
        why = f"{suggestion.rule} is known from {within} only, a factor of {rate.high / rate.low:.0f}"
        return Verdict(NOISY, why, _more(cfg, ramp))
    return Verdict(USABLE, f"{suggestion.rule}: max_lr {rate.value:.3g}, {within}")


def _more(cfg: TrainConfig, ramp: Ramp) -> str:
    return f"range_test.repeats={2 * cfg.range_test.repeats} range_test.steps={2 * ramp.steps}"
