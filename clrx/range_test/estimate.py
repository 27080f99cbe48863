"""What each rule suggests, and how well it is known: the rule read off resamples of the curve."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clrx.range_test.curve import Curve, Points
from clrx.range_test.rules import RULES, Bounds, Missing, Rule

RESAMPLES = 400
QUANTILES = (0.05, 0.95)
FEW = 3  # repeats below which nothing is known of how they differ


class Estimate(NamedTuple):
    """A rate with its interval."""

    value: float
    low: float
    high: float


def method(repeats: int) -> str:
    """How the intervals are made, in a sentence or two."""
    what = (
        f"{QUANTILES[0]:.0%} to {QUANTILES[1]:.0%} of {RESAMPLES} resamples: repeats sampled with replacement, in each "
        "the residuals of its smoothed curve with random signs, neighbours together (wild block bootstrap)"
    )
    if repeats < FEW:
        return f"{what}; with fewer than {FEW} repeats the interval knows of the noise within a repeat alone"
    return (
        f"{what}; widened about the value by {_widening(repeats):.2f}, Student's factor for {repeats} repeats"
    )


@dataclass(frozen=True)
class Suggestion:
    """One rule's answer from the mean of all repeats, or why it has none."""

    rule: str
    base_lr: Estimate | None
    max_lr: Estimate | None
    missing: Missing | None
    found: float  # share of the resamples in which the rule has an answer
    single: tuple[float | None, ...]  # max_lr from each repeat alone


@dataclass(frozen=True)
class Reading:
    """One quantity of a range test, ready for the rules: its mean curve and the resamples of that."""

    points: Points
    curve: Curve
    resamples: Sequence[Curve]

    @property
    def noise(self) -> float:
        """The standard deviation of the mean curve, over its points the median."""
        return float(np.median(np.std([curve.value for curve in self.resamples], axis=0)))

    @property
    def fall(self) -> float:
        """From the first level to the lowest."""
        return float(self.curve.value[: self.curve.edge + 1].mean() - self.curve.value.min())


def read(points: Points, seed: int) -> Reading:
    """The curves that the rules are applied to."""
    return Reading(points, points.curve(), points.resampled(seed, RESAMPLES))


def suggest(readings: Mapping[str, Reading | None], rules: Iterable[str] = tuple(RULES)) -> list[Suggestion]:
    """The suggestions of the rules; `readings` has one for `loss` and one for `accuracy`, None where too short."""
    return [_suggestion(name, RULES[name], readings[RULES[name].reads]) for name in rules]


def _suggestion(name: str, rule: Rule, reading: Reading | None) -> Suggestion:
    if reading is None:
        return Suggestion(name, None, None, Missing("there are too few points"), 0.0, ())
    answer = rule.read(reading.curve)
    answers = [rule.read(curve) for curve in reading.resamples]
    found = [other for other in answers if isinstance(other, Bounds)]
    share, single = len(found) / len(answers), _single(rule, reading.points)
    if isinstance(answer, Missing):
        return Suggestion(name, None, None, answer, share, single)
    base, top = (_estimate(answer[i], [other[i] for other in found], reading.points) for i in (0, 1))
    return Suggestion(name, base, top, None, share, single)


def _single(rule: Rule, points: Points) -> tuple[float | None, ...]:
    answers = [rule.read(curve) for curve in points.single()]
    return tuple(answer.max_lr if isinstance(answer, Bounds) else None for answer in answers)


def _estimate(value: float, others: Sequence[float], points: Points) -> Estimate:
    """The interval in decades about the value; never less than half a smoothing length to either side."""
    away = np.log10(np.quantile(others or [value], QUANTILES)) - np.log10(value)
    least = 0.5 * points.length * points.spacing
    low, high = np.array([min(away[0], 0.0), max(away[1], 0.0)]) * _widening(len(points.values))
    return Estimate(value, value * 10.0 ** min(low, -least), value * 10.0 ** max(high, least))


def _widening(repeats: int) -> float:
    """What a bootstrap of few lacks: their spread is too small by (n - 1) / n, and Student's t is not the normal."""
    if repeats < FEW:
        return 1.0
    from scipy import special  # a second, which runs without a range test do without

    factor = special.stdtrit(repeats - 1, QUANTILES[1]) / special.ndtri(QUANTILES[1])
    return float(factor * np.sqrt(repeats / (repeats - 1)))
