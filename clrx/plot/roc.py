"""figures/roc.png: sensitivity against false alarms at every threshold, with AUROC and its interval."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clrx.metrics.measure import measure
from clrx.plot import style
from clrx.run.read import read_run
from clrx.run.scores import Scores


def draw(run: Path) -> list[Path]:
    """Draw a run's ROC curve from predictions.csv and metrics.json; nothing without test scores."""
    test = read_run(run).scores
    if test is None:
        return []
    names = test.view.names
    panel = style.WIDTH - 0.7
    figure, (ax,) = style.sheet([panel], "ROC, test set", read_run(run).facts, lines=len(names) + 2)
    prepare(ax)
    for k, name in enumerate(names):
        _one(ax, test, k, name)
    if test.view.task == "multiclass":
        ax.plot([], [], " ", label=f"mean {style.interval_text(test.metrics.get('auroc'))}")
    style.legend_below(ax, f"AUROC ({test.level})")
    return [style.save(figure, run / "figures" / "roc.png")]


def prepare(ax: Axes) -> None:
    """Axes and the diagonal of chance."""
    style.unit_square(ax, "1 - specificity (false alarms)", "sensitivity")
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":")


def curve(ax: Axes, truth: np.ndarray, scores: np.ndarray, **line: Any) -> None:
    """One ROC curve of (N,) 0/1 labels, both present, and their scores."""
    alarms, hits = counts(truth, scores)
    corner = np.ones(len(hits), dtype=bool)  # points on a straight piece would only make files larger
    corner[1:-1] = (np.diff(alarms, 2) != 0) | (np.diff(hits, 2) != 0)
    ax.plot((alarms / alarms[-1])[corner], (hits / hits[-1])[corner], **{"linewidth": 1.5, **line})


def on_grid(truth: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Sensitivity at each rate of false alarms in `grid` (M,), for a band over several runs."""
    alarms, hits = counts(truth, scores)
    return np.interp(grid, alarms / alarms[-1], hits / hits[-1])


def counts(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false alarms, hits), each (M + 1,): none, then at each distinct score from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(truth[order].astype(np.int64))[ends]
    return np.append(0, ends + 1 - hits), np.append(0, hits)


def _one(ax: Axes, test: Scores, k: int, name: str) -> None:
    truth, scores = test.view.truth[:, k], test.view.scores[:, k]
    look = {"color": style.colour(k), "linestyle": style.dash(k)}
    if truth.all() or not truth.any():
        ax.plot([], [], label=f"{name}: no curve, one class only", **look)
        return
    value = measure("binary", truth, scores)["auroc"]
    curve(ax, truth, scores, label=f"{name} {style.interval_text(test.entry('auroc', name), value)}", **look)
    if test.view.task == "binary":
        chosen = test.view.chosen[""][:, k]
        at = (chosen[~truth].mean(), chosen[truth].mean())
        ax.plot(*at, "o", color=style.colour(k), markersize=6, label=f"threshold {test.threshold:.3g}")
