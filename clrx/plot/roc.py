"""ROC curves: sensitivity against false alarms at every threshold."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clrx.metrics.measure import measure
from clrx.plot import style
from clrx.run.scores import Scores

TITLE, METRIC, AREA = "ROC", "auroc", "AUROC"


def prepare(ax: Axes) -> None:
    """Label the axes and draw the diagonal of chance."""
    style.unit_square(ax, "1 - specificity (false alarms)", "sensitivity")
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":")


def curve(ax: Axes, truth: np.ndarray, scores: np.ndarray, **line: Any) -> None:
    """One ROC curve of (N,) 0/1 labels, both present, and their scores."""
    alarms, hits = counts(truth, scores)
    corner = np.ones(len(hits), dtype=bool)  # points on a straight piece would only make files larger
    corner[1:-1] = (np.diff(alarms, 2) != 0) | (np.diff(hits, 2) != 0)
    ax.plot((alarms / alarms[-1])[corner], (hits / hits[-1])[corner], **{"linewidth": 1.5, **line})


def curve_of_class(ax: Axes, test: Scores, k: int, **line: Any) -> None:
    """The curve of a test set's k-th class with its AUROC; of a binary task with the point of its threshold."""
    view, name = test.view, test.view.names[k]
    truth, scores = view.truth[:, k], view.scores[:, k]
    text = style.interval_text(test.entry(METRIC, name), measure("binary", truth, scores)[METRIC])
    curve(ax, truth, scores, label=f"{name} {text}", **line)
    if view.task == "binary":
        chosen = view.chosen[""][:, k]
        point = (chosen[~truth].mean(), chosen[truth].mean())
        ax.plot(*point, "o", color=line["color"], markersize=6, label=f"threshold {test.threshold:.3g}")


def on_grid(truth: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Sensitivity at each rate of false alarms in `grid` (M,), for a mean or a band over several runs."""
    alarms, hits = counts(truth, scores)
    return np.interp(grid, alarms / alarms[-1], hits / hits[-1])


def counts(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false alarms, hits), each (M + 1,): none, then at each distinct score from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(truth[order].astype(np.int64))[ends]
    return np.append(0, ends + 1 - hits), np.append(0, hits)
