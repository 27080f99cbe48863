"""Metrics of weighted images: one computation for a whole set (weights of one) and for its resamples (counts).

Every task is taken one-vs-rest: a column a class, one column (the positive class) where the task is binary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clrx.core.errors import RunError
from clrx.data.source import Task

HALF = "_at_0.5"  # suffix of the metrics reported at a threshold of 0.5 beside the chosen one


@dataclass(frozen=True)
class Columns:
    """Labels, scores and decisions of N images in K columns."""

    task: Task
    truth: np.ndarray  # (N, K) bool
    scores: np.ndarray  # (N, K) float64
    chosen: dict[str, np.ndarray]  # suffix of the metric's name -> (N, K) bool
    names: tuple[str, ...]  # of the K columns

    @property
    def present(self) -> np.ndarray:
        """(K,) bool: columns with a positive image."""
        return np.asarray(self.truth.any(axis=0))

    @property
    def refused(self) -> np.ndarray:
        """(K,) bool: columns with a negative image."""
        return np.asarray(~self.truth.all(axis=0))


def columns(
    task: Task,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float | Sequence[float] = 0.5,
    classes: Sequence[str] = (),
    at_half: bool = False,
) -> Columns:
    """Labels and scores of N images -> their K one-vs-rest columns.

    An image is called positive when its score >= threshold, in a multiclass task when the score is its largest.

    labels: (N,) class index, multilabel (N, K) 0/1. scores: binary (N,), otherwise (N, K). threshold: one
    number or one a column. RunError for scores that are not finite, ValueError for shapes and labels that do
    not fit.
    """
    labels, scores = np.asarray(labels), _finite(np.asarray(scores, dtype=np.float64))
    scores = scores[:, None] if task == "binary" else scores
    truth = _truth(task, labels, scores)
    if task == "multiclass":
        chosen = {"": scores.argmax(axis=1)[:, None] == np.arange(scores.shape[1])}
    else:
        chosen = {"": scores >= np.asarray(threshold, dtype=np.float64)}
        chosen |= {HALF: scores >= 0.5} if at_half else {}
    return Columns(task, truth, scores, chosen, _names(task, classes, scores.shape[1]))


def _names(task: Task, classes: Sequence[str], count: int) -> tuple[str, ...]:
    """One name a column; of the two classes of a binary task the positive one's."""
    names = tuple(classes)[-1:] if task == "binary" else tuple(classes)
    if names and len(names) != count:
        raise ValueError(f"{task}: {len(names)} class names for {count} columns of scores")
    return names or (("positive",) if task == "binary" else tuple(str(k) for k in range(count)))


def _finite(scores: np.ndarray) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=tuple(range(1, scores.ndim))))
    if len(bad):
        raise RunError(
            f"{len(bad)} of {len(scores)} images have a score that is not a finite number",
            where=f"scores, first in row {bad[0]}",
            fix="the network has diverged: lower the learning rate, or clip the gradient",
        )
    return scores


def _truth(task: Task, labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(N, K) bool of labels; ValueError for shapes and values that do not fit."""
    wanted = scores.shape if task == "multilabel" else scores.shape[:1]
    if scores.ndim != 2 or len(scores) == 0 or labels.shape != wanted:
        raise ValueError(f"{task}: labels of shape {labels.shape} do not go with scores of {scores.shape}")
    count = scores.shape[1]
    top = count if task == "multiclass" else 2
    if not np.isin(labels, np.arange(top)).all():
        raise ValueError(f"{task}: labels must be 0 to {top - 1}, got {np.unique(labels)[:5]}")
    if task == "multiclass":
        return labels[:, None] == np.arange(count)
    return labels.astype(bool).reshape(scores.shape)


def weighted(view: Columns, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric under R sets of image weights (N, R), any numbers >= 0: name -> (R,), NaN where it has no value.

    A mean over classes takes the classes that are present without weights: the same ones in every resample.
    """
    found: dict[str, np.ndarray] = {}
    for suffix in view.chosen:
        found |= {name + suffix: value for name, value in _rates(view, suffix, weights).items()}
    auroc, average_precision = _rankings(view, weights)
    both = view.present & view.refused
    found |= {"auroc": _mean(auroc, both), "average_precision": _mean(average_precision, both)}
    if view.task == "multilabel":
        found |= {f"auroc_{name}": auroc[k] for k, name in enumerate(view.names)}
        found |= {f"average_precision_{name}": average_precision[k] for k, name in enumerate(view.names)}
    return found


def _rates(view: Columns, suffix: str, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics of decisions, from the weighted counts (K, R) of hits, decisions and positives."""
    chosen = view.chosen[suffix]
    parts = (view.truth & chosen, chosen, view.truth)
    hits, called, actual = (part.T.astype(float) @ weights for part in parts)
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / actual
        specificity = (total - actual - called + hits) / (total - actual)
        # Nothing called positive: 0, as scikit-learn's zero_division=0; no positives at all: no value.
        precision = np.where(actual > 0, np.where(called > 0, hits / called, 0.0), np.nan)
        f1 = np.where(actual > 0, 2 * hits / (called + actual), np.nan)
        right = (total + 2 * hits - called - actual) / total
    present, refused = view.present, view.refused
    if view.task == "multiclass":
        accuracy, balanced = hits.sum(axis=0) / total, _mean(recall, present)
    else:
        accuracy, balanced = right.mean(axis=0), _mean((recall + specificity) / 2, present & refused)
    return {
        "accuracy": accuracy,
        "balanced_accuracy": balanced,
        "precision": _mean(precision, present),
        "recall": _mean(recall, present),
        "specificity": _mean(specificity, refused),
        "f1": _mean(f1, present),
    }


def _mean(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    return values[which].mean(axis=0) if which.any() else np.full(values.shape[1], np.nan)


def _rankings(view: Columns, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = [rank(view.truth[:, k], view.scores[:, k], weights) for k in range(view.truth.shape[1])]
    return np.stack([auroc for auroc, _ in pairs]), np.stack([precision for _, precision in pairs])


def rank(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and average precision, both (R,), of (N,) scores under weights (N, R), from one sort.

    AUROC is the Mann-Whitney probability with half a point for a tie; average precision is the step sum
    sum_k (recall_k - recall_{k-1}) precision_k over distinct scores, as in scikit-learn. NaN where a class
    has no weight.
    """
    order = np.argsort(scores, kind="stable")
    up, down = order[truth[order]], order[~truth[order]]
    positive, negative = scores[up], scores[down]
    weight, hits, alarms = weights[up], _running(weights[up]), _running(weights[down])
    below = alarms[np.searchsorted(negative, positive, "left")]
    tied = alarms[np.searchsorted(negative, positive, "right")]
    true = hits[-1] - hits[np.searchsorted(positive, positive, "left")]
    false = alarms[-1] - below
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = np.einsum("ir,ir->r", weight, below + tied) / (2 * hits[-1] * alarms[-1])
        share = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
        precision = np.einsum("ir,ir->r", weight, share) / hits[-1]
    return auroc, np.where(alarms[-1] > 0, precision, np.nan)


def _running(weights: np.ndarray) -> np.ndarray:
    """(n + 1, R) sums of the first 0, 1, ... n rows."""
    sums = np.zeros((len(weights) + 1, weights.shape[1]))
    np.cumsum(weights, axis=0, out=sums[1:])
    return sums
