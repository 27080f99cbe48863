"""figures/precision_recall.png: precision against recall at every threshold, over the line of prevalence."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clrx.metrics.measure import measure
from clrx.plot import style
from clrx.plot.roc import counts
from clrx.run.read import read_run
from clrx.run.scores import Scores

FEW = 4  # up to so many classes have their lines of prevalence drawn; the legend gives it always


def draw(run: Path) -> list[Path]:
    """Draw a run's precision-recall curve from predictions.csv; nothing where the test set is not scored."""
    test = read_run(run).scores
    if test is None:
        return []
    names = test.view.names
    panel = style.WIDTH - 0.7
    figure, (ax,) = style.sheet(
        [panel], "Precision and recall, test set", read_run(run).facts, lines=len(names) + 2
    )
    prepare(ax)
    for k, name in enumerate(names):
        _one(ax, test, k, name)
    if test.view.task == "multiclass":
        ax.plot([], [], " ", label=f"mean {style.interval_text(test.metrics.get('average_precision'))}")
    style.legend_below(ax, f"average precision ({test.level})")
    return [style.save(figure, run / "figures" / "precision_recall.png")]


def prepare(ax: Axes) -> None:
    """Axes of recall and precision."""
    style.unit_square(ax, "recall (sensitivity)", "precision")


def curve(ax: Axes, truth: np.ndarray, scores: np.ndarray, **line: Any) -> None:
    """One curve of (N,) 0/1 labels, both present, as the steps whose area is average precision."""
    recall, precision = points(truth, scores)
    ax.plot(recall, precision, **{"linewidth": 1.5, "drawstyle": "steps-pre", **line})


def on_grid(truth: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Precision at the first threshold that reaches each recall in `grid` (M,), for bands over runs."""
    recall, precision = points(truth, scores)
    return precision[np.minimum(np.searchsorted(recall, grid, "left"), len(recall) - 1)]


def points(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(recall, precision) at each distinct score from the highest down, after the conventional (0, 1)."""
    alarms, hits = counts(truth, scores)
    precision = np.append(1.0, hits[1:] / (hits[1:] + alarms[1:]))
    return hits / hits[-1], precision


def _one(ax: Axes, test: Scores, k: int, name: str) -> None:
    truth, scores = test.view.truth[:, k], test.view.scores[:, k]
    look = {"color": style.colour(k), "linestyle": style.dash(k)}
    if truth.all() or not truth.any():
        ax.plot([], [], label=f"{name}: no curve, one class only", **look)
        return
    value = measure("binary", truth, scores)["average_precision"]
    text = style.interval_text(test.entry("average_precision", name), value)
    curve(ax, truth, scores, label=f"{name} {text}, prevalence {truth.mean():.3f}", **look)
    if len(test.view.names) <= FEW:
        ax.axhline(truth.mean(), color=look["color"], linewidth=0.9, linestyle=":")
    if test.view.task == "binary" and test.metrics.get("precision"):
        at = (test.metrics["recall"]["value"], test.metrics["precision"]["value"])
        ax.plot(*at, "o", color=look["color"], markersize=6, label=f"threshold {test.threshold:.3g}")
