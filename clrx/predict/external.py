"""The record of an external evaluation: metrics, their drop against the run's own test, subgroups, calibration."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clrx.bundle.description import Description
from clrx.core.errors import UserError, did_you_mean
from clrx.metrics.calibration import calibration, decision_curve, fit_temperature, predictive_values, scaled
from clrx.metrics.intervals import counts, intervals
from clrx.metrics.predictions import Predictions
from clrx.metrics.weighted import columns, weighted

FEW = 10  # images of a class below which a subgroup is marked
VALUES = 8  # distinct numbers from which a column is divided at its quartiles


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    threshold: float
    seed: int
    resamples: int
    level: float


def metrics_of(d: Description, data: Predictions, s: Settings) -> dict[str, Any]:
    """Each metric with its interval over whole patients."""
    settings = (s.threshold, s.seed, s.resamples, s.level, d.classes)
    return dict(intervals(d.task, data.labels, data.scores, data.patients, *settings))


def drops(d: Description, own: Predictions | None, data: Predictions, s: Settings) -> dict[str, Any]:
    """External less own value of each metric, with the interval of the difference of two independent samples.

    Each resample of one set is paired with one of the other, which shares no patient with it.
    """
    if own is None:
        return {}
    pairs = [resampled(d, own, replace(s, seed=s.seed + 1)), resampled(d, data, s)]  # independent resamples
    found = {}
    for name in pairs[0]:
        if name not in pairs[1]:
            continue
        (here, ours), (there, theirs) = (pair[name] for pair in pairs)
        gaps = theirs - ours
        gaps = gaps[np.isfinite(gaps)]
        low, high = _edges(gaps, s.level)
        found[name] = {"own": _finite(here), "external": _finite(there), "low": low, "high": high}
        known = np.isfinite(here) and np.isfinite(there)
        found[name]["difference"] = there - here if known else None
    return found


def resampled(d: Description, data: Predictions, s: Settings) -> dict[str, tuple[float, np.ndarray]]:
    """Metric -> (value, its values in all resamples of patients)."""
    view = columns(d.task, data.labels, data.scores, s.threshold, d.classes)
    names, member = np.unique(data.patients.astype(str), return_inverse=True)
    whole = weighted(view, np.ones((len(member), 1)))
    width = max(1, 1_000_000 // len(member))
    starts = range(0, s.resamples, width)
    chunks = [range(start, min(start + width, s.resamples)) for start in starts]
    parts = [weighted(view, counts(len(names), chunk, s.seed)[member]) for chunk in chunks]
    return {name: (float(whole[name][0]), np.concatenate([part[name] for part in parts])) for name in whole}


def subgroups(
    d: Description, data: Predictions, table: pd.DataFrame, names: Sequence[str], small: int, s: Settings
) -> list[dict[str, Any]]:
    """A row for each value of each column: images, patients, positives, metrics with intervals, a mark where small."""
    found = []
    for name in names:
        if name not in table:
            fix = did_you_mean(name, map(str, table.columns))
            what = f"the dataset has no column '{name}'"
            raise UserError(what, where="subgroups", allowed=", ".join(map(str, table.columns)), fix=fix)
        values = parts_of(table[name])
        for value in sorted(set(values), key=_in_order):
            rows = np.flatnonzero(values == value)
            found.append({"column": name, "value": value, **_subgroup(d, _take(data, rows), small, s)})
    return found


def _subgroup(d: Description, data: Predictions, small: int, s: Settings) -> dict[str, Any]:
    view = columns(d.task, data.labels, data.scores, s.threshold, d.classes)
    positives = view.truth.sum(axis=0)
    least = int(min(positives.min(), (len(view.truth) - positives).min()))
    return {
        "images": len(data.images),
        "patients": len(set(data.patients)),
        "positives": [int(count) for count in positives],
        "small": len(data.images) < small or least < FEW,
        "metrics": metrics_of(d, data, s),
    }


def parts_of(column: pd.Series) -> np.ndarray:
    """The value of each row as text; numbers of many values in four parts at their quartiles."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().mean() > 0.5 and numbers.nunique() > VALUES:
        cut = pd.qcut(numbers, 4, duplicates="drop")
        texts = [
            "unknown" if pd.isna(one) else f"{max(one.left, numbers.min()):g} to {one.right:g}" for one in cut
        ]
        return np.array(texts, dtype=object)
    return column.astype(str).replace({"": "unknown", "nan": "unknown", "None": "unknown"}).to_numpy(object)


def _in_order(text: str) -> tuple[int, float, str]:
    first = text.split(" ")[0]
    try:
        return 0, float(first), text
    except ValueError:
        return (2 if text == "unknown" else 1), 0.0, text


def calibrations(
    d: Description, validation: Predictions | None, data: Predictions, threshold: float
) -> dict[str, Any]:
    """Calibration before and, where the run's validation scores are known, after temperature scaling; decisions."""
    view = columns(d.task, data.labels, data.scores, threshold, d.classes)
    found: dict[str, Any] = {
        "before": calibration(view.truth, view.scores),
        "after": None,
        "temperature": None,
    }
    if validation is not None:
        found["temperature"] = t = fit_temperature(d.task, validation.labels, validation.scores)
        after = columns(d.task, data.labels, scaled(d.task, data.scores, t), threshold, d.classes)
        found["after"] = calibration(after.truth, after.scores)
        view = after
    found["decision_curves"] = {
        name: decision_curve(view.truth[:, k], view.scores[:, k]) for k, name in enumerate(view.names)
    }
    return found


def predictive(d: Description, data: Predictions, prevalence: float | None, s: Settings) -> dict[str, Any]:
    """Predictive values at a prevalence, with intervals; of a binary task alone. None: that of the run's own test."""
    if d.task != "binary" or prevalence is None:
        return {}
    found: dict[str, Any] = {"prevalence": prevalence}
    values = resampled(d, data, s)
    (recall, recalls), (specificity, specificities) = values["recall"], values["specificity"]
    whole = predictive_values(np.array([recall]), np.array([specificity]), prevalence)
    sampled = predictive_values(recalls, specificities, prevalence)
    for name, value, spread in zip(("positive", "negative"), whole, sampled, strict=True):
        low, high = _edges(spread[np.isfinite(spread)], s.level)
        found[name] = {"value": _finite(float(value[0])), "low": low, "high": high}
    return found


def _take(data: Predictions, rows: np.ndarray) -> Predictions:
    parts: Iterable[np.ndarray] = (data.images, data.patients, data.labels, data.scores)
    images, patients, labels, scores = (part[rows] for part in parts)
    return Predictions(data.task, data.classes, images, patients, labels, scores)


def _edges(values: np.ndarray, level: float) -> tuple[float | None, float | None]:
    if not len(values):
        return None, None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
