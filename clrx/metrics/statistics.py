"""Statistics over runs: means over seeds, paired differences with corrected tests, time to a target.

Runs with one seed share initial weights, order and augmentation, so policies are compared seed by seed.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import floor, isfinite, log10, sqrt

import numpy as np
import pandas as pd
from scipy import special  # scipy.stats has the same two functions and takes half a second to load

Values = Mapping[Hashable, float | None]  # seed (or seed and fold) -> value; None: the run has none
SMALL = 16  # up to so many pairs all sign flips are tried


@dataclass(frozen=True)
class Summary:
    """Mean of n values, standard deviation (n - 1) and t interval; None where there are too few."""

    n: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None


def summarise(values: Iterable[float | None], level: float = 0.95) -> Summary:
    """Values of seeds -> mean, standard deviation and Student's t interval of the mean; None and NaN are left out."""
    found = np.array([value for value in values if value is not None and isfinite(value)])
    n = len(found)
    if n < 2:
        return Summary(n, float(found[0]) if n else None, None, None, None)
    mean, std = float(found.mean()), float(found.std(ddof=1))
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * std / sqrt(n)
    return Summary(n, mean, std, mean - half, mean + half)


@dataclass(frozen=True)
class Difference:
    """Values minus the baseline's, pair by pair, over the n seeds that both have."""

    n: int
    mean: float | None
    std: float | None
    low: float | None  # t interval
    high: float | None
    p: float | None  # two-sided paired t test
    p_flip: float | None  # exact sign-flip test; at best 2 / 2^n, so 0.25 with 3 seeds
    p_holm: float | None = None  # p, corrected over all comparisons with the baseline
    p_flip_holm: float | None = None
    comparisons: int = 1  # that the correction is over
    unpaired: tuple[Hashable, ...] = ()  # seeds that one of the two lacks


def paired(values: Values, baseline: Values, level: float = 0.95) -> Difference:
    """Values by seed, and a baseline's -> their mean difference over shared seeds, with interval and p values.

    Two identical series differ by exactly 0 with the interval 0 to 0 and p = 1. Differences that are all the
    same and not 0 leave no spread: no interval and no t test.
    """
    both = [seed for seed in values if _known(values[seed]) and _known(baseline.get(seed))]
    unpaired = tuple(seed for seed in {**values, **baseline} if seed not in both)
    gaps = np.array([float(values[seed]) - float(baseline[seed]) for seed in both])  # type: ignore[arg-type]
    n = len(gaps)
    if n and not gaps.any():
        return Difference(n, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, unpaired=unpaired)
    mean = float(gaps.mean()) if n else None
    std = float(gaps.std(ddof=1)) if n > 1 else None
    if std is None or std <= 1e-9 * np.abs(gaps).max():  # what subtraction leaves of equal differences
        return Difference(n, mean, std, None, None, None, sign_flip(gaps), unpaired=unpaired)
    summary = summarise(gaps, level)
    p = float(2 * special.stdtr(n - 1, -abs(gaps.mean()) * sqrt(n) / std))
    return Difference(n, mean, std, summary.low, summary.high, p, sign_flip(gaps), unpaired=unpaired)


def _known(value: float | None) -> bool:
    return value is not None and isfinite(value)


def sign_flip(gaps: np.ndarray) -> float | None:
    """(n,) differences -> two-sided p of their mean under all 2^n flips of sign; None for no or over 16 pairs.

    Exact where the null hypothesis makes either sign of a difference as likely (Fisher 1935, section 21).
    """
    n = len(gaps)
    if not 0 < n <= SMALL:
        return None
    flips = np.array(list(product((1.0, -1.0), repeat=n)))
    sums, seen = np.abs(flips @ gaps), abs(gaps.sum())
    return float(np.mean(sums >= seen - 1e-12 * np.abs(gaps).sum()))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p values -> Holm's step-down adjusted ones (Scand. J. Stat. 6:65, 1979), in the order given; None stays None."""
    order = sorted((i for i, p in enumerate(values) if p is not None), key=lambda i: values[i] or 0.0)
    adjusted: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * (values[i] or 0.0)))
        adjusted[i] = highest
    return adjusted


def compare(values: Mapping[str, Values], baseline: str, level: float = 0.95) -> dict[str, Difference]:
    """Values of policies by name -> the difference of each to the baseline, p values corrected over all of them."""
    names = [name for name in values if name != baseline]
    found = [paired(values[name], values[baseline], level) for name in names]
    by_t, by_flip = holm([each.p for each in found]), holm([each.p_flip for each in found])
    return {
        name: replace(each, p_holm=t, p_flip_holm=flip, comparisons=len(names))
        for name, each, t, flip in zip(names, found, by_t, by_flip, strict=True)
    }


def conclusion(
    name: str,
    baseline: str,
    difference: Difference,
    *,
    higher_is_better: bool = True,
    level: float = 0.95,
    unit: str = "seed",
) -> str:
    """A difference as one sentence; the two are called separated when the corrected p is below 1 - level."""
    d = difference
    count = f"{d.n} {unit}{'' if d.n == 1 else 's'}"
    if d.mean is None:
        return f"No {unit} has a value for both {name} and {baseline}."
    if d.mean == 0 and d.std == 0:
        return f"{name} and {baseline} gave the same value on {count}: difference 0."
    if d.low is None or d.high is None or d.p is None:
        why = f"one {unit} has no spread" if d.n == 1 else "all differences are equal, so there is no spread"
        return f"{count} cannot separate {name} from {baseline}: difference {_digits(d.mean, d.mean)}, {why}."
    width = max(abs(d.mean), d.high - d.low)
    low, high = _digits(d.low, width), _digits(d.high, width)
    numbers = f"difference {_digits(d.mean, width)}, {level:.0%} interval {low} to {high}"
    p = d.p if d.p_holm is None else d.p_holm
    if p >= 1 - level:
        corrected = "" if d.low <= 0 <= d.high else f", but p = {p:.2g} over {d.comparisons} comparisons"
        return f"{count} cannot separate {name} from {baseline}: {numbers}{corrected}."
    better = "better" if (d.mean > 0) == higher_is_better else "worse"
    correction = f", corrected over {d.comparisons} comparisons" if d.comparisons > 1 else ""
    return f"{name} is {better} than {baseline} on {count}: {numbers}, p = {p:.2g}{correction}."


def _digits(value: float, width: float) -> str:
    """A number with as many decimals as show two figures of `width`, three at least."""
    decimals = min(8, max(3, 1 - floor(log10(width)))) if width > 0 else 3
    return f"{value:.{decimals}f}".replace("-", "−")


@dataclass(frozen=True)
class Reached:
    """When a run first reached a target: epochs and optimizer steps done, seconds spent by then."""

    epochs: int
    steps: int | None  # None: steps.csv was not given
    seconds: float | None  # None: not recorded


def time_to_target(
    epochs: pd.DataFrame,
    column: str,
    target: float,
    *,
    falling: bool = False,
    steps: pd.DataFrame | None = None,
) -> Reached | None:
    """The first epoch at whose end `column` of epochs.csv is at least (`falling`: at most) `target`, or None.

    Epochs without a value are passed over; a run that reaches the target and loses it again has reached it.
    """
    values = epochs[column].to_numpy(float)
    hits = np.flatnonzero(values <= target if falling else values >= target)
    if not len(hits):
        return None
    done = int(hits[0]) + 1
    seconds = float(epochs["seconds"].iloc[:done].sum()) if "seconds" in epochs else None
    taken = None if steps is None or steps.empty else int((steps["epoch"] < done).sum())
    return Reached(done, taken, seconds)
