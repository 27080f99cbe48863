"""Rules that read bounds off a range test's curve: pure functions, each with its source.

Every rule reads slopes per decade of the rate and looks only where the smoothed curve has neighbours on both sides,
so neither a tail that diverged nor a first or last point is ever a suggestion.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from clrx.range_test.curve import NAMES, Curve


class Bounds(NamedTuple):
    """What a rule suggests for `bounds`."""

    base_lr: float
    max_lr: float


class Missing(NamedTuple):
    """Why a rule has nothing to suggest; `side` of the tested range that hides it: below, above, or neither."""

    why: str
    side: str = ""


class Rule(NamedTuple):
    """One way to read a curve. `reads`: the curve that was asked for, or always one of accuracy."""

    read: Callable[[Curve], Bounds | Missing]
    reads: str  # loss | accuracy
    says: str
    source: str


def steepest(curve: Curve) -> Bounds | Missing:
    """max_lr where the loss falls fastest per decade, before its minimum; base_lr a quarter of it."""
    lowest, name = int(curve.value.argmin()), NAMES[curve.name]
    if lowest < curve.edge:
        return _lowest_first(curve)
    index = curve.edge + int(curve.slope[curve.edge : lowest + 1].argmin())
    if index == curve.edge:
        return Missing(f"the {name} improves fastest at the lowest rates", "below")
    if index >= len(curve.lr) - curve.edge:
        side = "" if curve.diverged else "above"
        return Missing(f"the {name} improves fastest at the highest rates", side)
    return _quarter(float(curve.lr[index]))


def valley(curve: Curve) -> Bounds | Missing:
    """max_lr half-way, on the log axis, down the fall into the valley; base_lr a quarter of it."""
    span = _span(curve)
    return span if isinstance(span, Missing) else _quarter(float(np.sqrt(span.base_lr * span.max_lr)))


def bottom(curve: Curve) -> Bounds | Missing:
    """max_lr at the bottom of the curve; base_lr a quarter of it.

    That is its lowest point where it diverges behind it, as Chopade's. Where it does not, the bottom is flat and chance
    decides which of its points is lowest: then where the fall has stopped. Half-way down (`valley`) is no measure of
    pretrained weights: a new head first learns the class shares, at rates far too low for the rest.
    """
    if curve.diverged:
        return chopade2021(curve)
    inner = slice(len(curve.lr) - curve.edge)
    span = _span(replace(curve, lr=curve.lr[inner], value=curve.value[inner], slope=curve.slope[inner]))
    return span if isinstance(span, Missing) else _quarter(span.max_lr)


def minimum_tenth(curve: Curve) -> Bounds | Missing:
    """max_lr a tenth of the rate of the lowest loss; base_lr a quarter of max_lr."""
    found = _minimum(curve)
    if isinstance(found, Missing):
        return found
    if found / 10.0 < curve.lr[0]:
        return Missing("a tenth of the best rate is lower than the range", "below")
    return _quarter(found / 10.0)


def chopade2021(curve: Curve) -> Bounds | Missing:
    """max_lr at the lowest loss; base_lr a quarter of it."""
    found = _minimum(curve)
    return found if isinstance(found, Missing) else _quarter(found)


def smith2017(curve: Curve) -> Bounds | Missing:
    """base_lr where the accuracy starts to rise, max_lr where it stops to; `curve` is one minus an accuracy."""
    return _span(curve)


SMITH = "Smith 2017, arXiv:1506.01186, 3.3"
RULES = {
    "steepest": Rule(steepest, "loss", "improves fastest per decade", f"fastai `steep`; base: {SMITH}"),
    "bottom": Rule(bottom, "loss", "best, or the end of the fall", f"Chopade et al. 2021, A6; {SMITH}"),
    "valley": Rule(valley, "loss", "half-way to the best", f"after fastai `valley`; base: {SMITH}"),
    "minimum_tenth": Rule(minimum_tenth, "loss", "best / 10", f"fastai `minimum`; base: {SMITH}"),
    "smith2017": Rule(smith2017, "accuracy", "accuracy starts and stops to rise", SMITH),
    "chopade2021": Rule(chopade2021, "loss", "best; base a quarter", "Chopade et al. 2021, A6"),
}


def _quarter(rate: float) -> Bounds:
    return Bounds(rate / 4.0, rate)


def _minimum(curve: Curve) -> float | Missing:
    lowest = int(curve.value.argmin())
    if lowest < curve.edge:
        return _lowest_first(curve)
    if lowest >= len(curve.lr) - curve.edge and not curve.diverged:
        return _lowest_last(curve)
    return float(curve.lr[min(lowest, last_judged(curve))])


def _span(curve: Curve) -> Bounds | Missing:
    """The rates where the way from the first level to the best starts and stops; no source says when that is."""
    fall = fall_of(curve)
    if fall is None:
        return _lowest_first(curve)
    if began_before(curve, fall):
        return Missing(f"the {NAMES[curve.name]} improves from the lowest rates on", "below")
    if goes_on(curve, fall):
        return _lowest_last(curve)
    return Bounds(fall.low, min(fall.high, float(curve.lr[last_judged(curve)])))


def _lowest_first(curve: Curve) -> Missing:
    return Missing(f"the {NAMES[curve.name]} is best at the lowest rates", "below")


def _lowest_last(curve: Curve) -> Missing:
    return Missing(f"the {NAMES[curve.name]} still improves at the highest rates", "above")


STARTS, STOPS = 0.2, 0.8  # shares of the way from a curve's first level to its best


class Fall(NamedTuple):
    """The part of a curve between STARTS and STOPS of its way."""

    start: int  # the first point beyond STARTS to stay there
    stop: int  # the first point behind it that is at STOPS
    low: float  # the rate at which the way passes STARTS
    high: float  # and STOPS
    steepness: float  # what the curve falls by per decade between them


def fall_of(curve: Curve) -> Fall | None:
    """The fall down to the lowest point; None where that comes first.

    The best level is a mean too, as the lowest of many noisy values lies below what any of them is.
    """
    lowest, edge = int(curve.value.argmin()), curve.edge
    first, best = curve.value[: edge + 1].mean(), curve.value[max(0, lowest - edge) : lowest + 1].mean()
    if lowest < edge or first <= best:
        return None
    way = (first - curve.value[: lowest + 1]) / (first - best)
    start = int(np.flatnonzero(way < STARTS)[-1]) + 1
    stop = start + int((way[start:] >= STOPS).argmax())
    low, high = _crossing(curve, way, start, STARTS), _crossing(curve, way, stop, STOPS)
    steepness = (STOPS - STARTS) * (first - best) / np.log10(high / low) if high > low else np.inf
    return Fall(start, stop, low, high, float(steepness))


def last_judged(curve: Curve) -> int:
    """The last point with neighbours on both sides: the most that a curve which diverged without warning allows."""
    return len(curve.lr) - 1 - curve.edge


def began_before(curve: Curve, fall: Fall) -> bool:
    """Whether the start of the fall may lie below the rates: it starts at their first, or is half as steep there."""
    return fall.start <= curve.edge or _drop(curve, 0) > fall.steepness / 2


def goes_on(curve: Curve, fall: Fall) -> bool:
    """Whether the end of the fall may lie beyond the rates: it stops at their last, or is half as steep there."""
    if curve.diverged:
        return False
    late = max(0, len(curve.lr) - 4 * curve.edge)
    return fall.stop > last_judged(curve) or _drop(curve, late) > fall.steepness / 2


def _drop(curve: Curve, start: int) -> float:
    """What the curve falls by per decade, from the first to the second half of four smoothing lengths."""
    half = min(2 * curve.edge, (len(curve.lr) - start) // 2)
    before, after = slice(start, start + half), slice(start + half, start + 2 * half)
    decades = np.log10(curve.lr[after]).mean() - np.log10(curve.lr[before]).mean()
    return float((curve.value[before].mean() - curve.value[after].mean()) / decades)


def _crossing(curve: Curve, way: np.ndarray, index: int, level: float) -> float:
    """The rate at which `way` passes `level`, just before `index`, on the log axis."""
    between = (level - way[index - 1]) / (way[index] - way[index - 1])
    low, high = np.log10(curve.lr[index - 1 : index + 1])
    return float(10.0 ** (low + between * (high - low)))
