"""Intervals of test metrics: a percentile bootstrap that resamples patients, each with all its images."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from clrx.core.randomness import random_generator
from clrx.data.source import Task
from clrx.metrics.measure import measure, reasons
from clrx.metrics.weighted import Columns, columns, weighted

FEW_GROUPS = 20  # below this a percentile interval is too narrow (tests/metrics/test_coverage.py measures it)
FEW_OF_A_CLASS = 10  # groups with an image of the rarer class, likewise
MANY_LEFT_OUT = 0.05  # share of resamples without a value from which the interval carries a reason
CELLS = 1_000_000  # images x resamples that one thread works on (8 MB an array)

Interval = dict[str, float | str | None]


def intervals(
    task: Task,
    labels: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    threshold: float | Sequence[float] = 0.5,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
    classes: Sequence[str] = (),
) -> dict[str, Interval]:
    """Labels (N,), scores and groups of a test set -> each metric as {"value", "low", "high"[, "reason"]}.

    The metrics are those of `measure(..., at_half=True)`, whose arguments these are. groups: (N,) patients
    (lesions, radiographs), sampled whole and with replacement (Field and Welsh, J. R. Stat. Soc. B 69:369,
    2007); the threshold stays as chosen on validation. low and high are the (1 - level) / 2 and (1 + level) / 2
    quantiles over `resamples`, None where there is no value or one group only. Resamples in which a metric has
    no value are left out, and counted in its reason when they are many. The resamples depend on the seed and
    the groups alone, so two runs on one test set share them.
    """
    view = columns(task, labels, scores, threshold, classes, at_half=True)
    values = measure(task, labels, scores, threshold, classes, at_half=True)
    names, member = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    sampled = _resampled(view, member, len(names), seed, resamples) if len(names) > 1 else {}
    why, few = reasons(task, labels, classes), _few(labels, member, len(names))
    return {
        name: _interval(value, sampled.get(name, np.empty(0)), level, [why.get(name, ""), few])
        for name, value in values.items()
    }


def _resampled(
    view: Columns, member: np.ndarray, groups: int, seed: int, resamples: int
) -> dict[str, np.ndarray]:
    """The values of each metric in all resamples: name -> (resamples,)."""
    width = max(1, CELLS // len(member))
    chunks = [range(start, min(start + width, resamples)) for start in range(0, resamples, width)]
    workers = min(8, os.cpu_count() or 1)  # threads: numpy works outside the interpreter's lock
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda chunk: weighted(view, counts(groups, chunk, seed)[member]), chunks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def counts(groups: int, numbers: range, seed: int) -> np.ndarray:
    """(groups, len(numbers)) float64: how often each group is in the resamples of these numbers."""
    found = []
    for number in numbers:
        sampled = random_generator(seed, "bootstrap", number).integers(0, groups, groups)
        found.append(np.bincount(sampled, minlength=groups))
    return np.stack(found, axis=1).astype(np.float64)


def _few(labels: np.ndarray, member: np.ndarray, groups: int) -> str:
    """Why the intervals cannot be trusted, "" where they can: few groups, or few with an image of some class."""
    if groups < 2:
        return "one group only: no interval"
    if groups < FEW_GROUPS:
        return f"only {groups} groups: the interval is likely too narrow"
    of_a_class = labels.T if labels.ndim > 1 else [labels == index for index in np.unique(labels)]
    fewest = min((len(np.unique(member[np.asarray(one, bool)])) for one in of_a_class), default=0)
    if 0 < fewest < FEW_OF_A_CLASS:
        return f"only {fewest} groups have the rarest class: the interval is likely too narrow"
    return ""


def _interval(value: float | None, sampled: np.ndarray, level: float, why: list[str]) -> Interval:
    low = high = None
    kept = sampled[np.isfinite(sampled)]
    if value is not None and len(kept):
        low, high = (float(edge) for edge in np.quantile(kept, [(1 - level) / 2, (1 + level) / 2]))
        missing = len(sampled) - len(kept)
        if missing > MANY_LEFT_OUT * len(sampled):
            why = [*why, f"{missing} of {len(sampled)} resamples lack a class and were left out"]
        if low == high:
            why = [*why, "every resample gave this value: the interval says nothing"]
    reason = "; ".join(text for text in why if text)
    return {"value": value, "low": low, "high": high} | ({"reason": reason} if reason else {})
