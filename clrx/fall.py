"""The fall of a range test's curve: how much of its way it has come, where it starts and stops, whether it goes on."""

import numpy as np

from clrx.curve import Curve

STARTS, STOPS = 0.2, 0.8  # shares of the way from a curve's first level to its best


def way_down(curve: Curve) -> np.ndarray | None:
    """(n,) the share of the way from the first level to the best, up to the lowest point; None where that comes first.

    The best level is a mean too, as the lowest of many noisy values lies below what any of them is.
    """
    lowest, edge = int(curve.value.argmin()), curve.edge
    first, best = curve.value[: edge + 1].mean(), curve.value[max(0, lowest - edge) : lowest + 1].mean()
    if lowest < edge or first <= best:
        return None
    return (first - curve.value[: lowest + 1]) / (first - best)


def last_judged(curve: Curve) -> int:
    """The last point with neighbours on both sides: the most that a curve which diverged without warning allows."""
    return len(curve.lr) - 1 - curve.edge


def departure(way: np.ndarray) -> int:
    """The first point of those that stay beyond STARTS of the way."""
    return int(np.flatnonzero(way < STARTS)[-1]) + 1


def arrival(way: np.ndarray) -> int:
    """The first point after the departure that is at STOPS of the way."""
    start = departure(way)
    return start + int((way[start:] >= STOPS).argmax())


def steepness(curve: Curve, way: np.ndarray) -> float:
    """What the curve falls by per decade between STARTS and STOPS of the way."""
    low, high = crossing(curve, way, departure(way), STARTS), crossing(curve, way, arrival(way), STOPS)
    whole = (curve.value[0] - curve.value[len(way) - 1]) / (way[-1] - way[0])
    return float((STOPS - STARTS) * whole / np.log10(high / low)) if high > low else np.inf


def falls_on(curve: Curve, way: np.ndarray) -> bool:
    """Whether the end of the fall may lie beyond the rates: it arrives at their end, or is half as steep there."""
    if curve.diverged:
        return False
    falling = drop(curve, max(0, len(curve.lr) - 4 * curve.edge)) > steepness(curve, way) / 2
    return arrival(way) > last_judged(curve) or falling


def drop(curve: Curve, start: int) -> float:
    """What the curve falls by per decade, from the first to the second half of four smoothing lengths."""
    half = min(2 * curve.edge, (len(curve.lr) - start) // 2)
    before, after = slice(start, start + half), slice(start + half, start + 2 * half)
    decades = np.log10(curve.lr[after]).mean() - np.log10(curve.lr[before]).mean()
    return float((curve.value[before].mean() - curve.value[after].mean()) / decades)


def crossing(curve: Curve, share: np.ndarray, place: int, level: float) -> float:
    """The rate at which `share` passes `level`, just before `place`, on the log axis."""
    between = (level - share[place - 1]) / (share[place] - share[place - 1])
    low, high = np.log10(curve.lr[place - 1 : place + 1])
    return float(10.0 ** (low + between * (high - low)))
