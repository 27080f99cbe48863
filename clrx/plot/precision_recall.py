"""Precision-recall curves: precision against recall at every threshold, above the line of prevalence."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clrx.metrics.measure import measure
from clrx.plot import style
from clrx.plot.roc import counts
from clrx.run.scores import Scores

TITLE, METRIC, AREA = "Precision and recall", "average_precision", "average precision"
FEW = 4  # up to so many classes have their prevalence drawn as a line; the legend always gives it


def prepare(ax: Axes) -> None:
    """Label the axes."""
    style.unit_square(ax, "recall (sensitivity)", "precision")


def curve(ax: Axes, truth: np.ndarray, scores: np.ndarray, **line: Any) -> None:
    """One curve of (N,) 0/1 labels, both present, and their scores: steps whose area is average precision."""
    recall, precision = points(truth, scores)
    ax.plot(recall, precision, **{"linewidth": 1.5, "drawstyle": "steps-pre", **line})


def curve_of_class(ax: Axes, test: Scores, k: int, **line: Any) -> None:
    """The curve of a test set's k-th class with its average precision and prevalence.

    Of a binary task with the point of its threshold.
    """
    view, name = test.view, test.view.names[k]
    truth, scores = view.truth[:, k], view.scores[:, k]
    text = style.interval_text(test.entry(METRIC, name), measure("binary", truth, scores)[METRIC])
    curve(ax, truth, scores, label=f"{name} {text}, prevalence {truth.mean():.3f}", **line)
    if len(view.names) <= FEW:
        ax.axhline(truth.mean(), color=line["color"], linewidth=0.9, linestyle=":")
    if view.task == "binary" and test.metrics.get("precision"):
        point = (test.metrics["recall"]["value"], test.metrics["precision"]["value"])
        ax.plot(*point, "o", color=line["color"], markersize=6, label=f"threshold {test.threshold:.3g}")


def on_grid(truth: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Precision at the first threshold that reaches each recall in `grid` (M,), for a mean or a band over runs."""
    recall, precision = points(truth, scores)
    return precision[np.minimum(np.searchsorted(recall, grid, "left"), len(recall) - 1)]


def points(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(recall, precision) at each distinct score from the highest down, after the conventional (0, 1)."""
    alarms, hits = counts(truth, scores)
    precision = np.append(1.0, hits[1:] / (hits[1:] + alarms[1:]))
    return hits / hits[-1], precision
