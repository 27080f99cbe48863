"""The fall of a range test's curve: where it starts and stops, how steep it is, and whether it goes on."""

from typing import NamedTuple

import numpy as np

from clrx.range_test.curve import Curve

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


def _crossing(curve: Curve, way: np.ndarray, place: int, level: float) -> float:
    """The rate at which `way` passes `level`, just before `place`, on the log axis."""
    between = (level - way[place - 1]) / (way[place] - way[place - 1])
    low, high = np.log10(curve.lr[place - 1 : place + 1])
    return float(10.0 ** (low + between * (high - low)))
