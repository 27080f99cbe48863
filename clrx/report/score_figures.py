"""ROC, precision-recall, confusion and calibration of every group, from the predictions of its runs."""

from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
from matplotlib.axes import Axes

from clrx.plot import calibration, confusion, precision_recall, roc, style
from clrx.report.comparison import Comparison
from clrx.report.figures import Picture, footer, look, picture, shortened
from clrx.report.formatting import number
from clrx.report.grouping import Group
from clrx.report.results import drawn, drawn_note
from clrx.run.scores import Scores

GRID = np.linspace(0, 1, 201)
OnGrid = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def score_pictures(comparison: Comparison) -> Iterator[Picture]:
    """What the predictions show; nothing where no run has any."""
    if not any(_scores_of(group) for group in drawn(comparison)):
        return
    yield _curves(comparison, "roc", "ROC", "auroc", roc)
    title = "Precision and recall"
    yield _curves(comparison, "precision_recall", title, "average_precision", precision_recall)
    yield _confusion(comparison)
    yield _calibration(comparison)


def _scores_of(group: Group) -> list[Scores]:
    return [test for run in group.complete.values() if (test := run.scores) is not None]


def _curves(comparison: Comparison, name: str, title: str, metric: str, drawing: ModuleType) -> Picture:
    """`drawing`: clrx.plot.roc or clrx.plot.precision_recall."""
    panel = style.WIDTH - 0.7
    title = f"{title}, test set"
    figure, (ax,) = style.sheet([panel], title, footer(comparison), lines=len(drawn(comparison)))
    drawing.prepare(ax)
    for k, group in enumerate(drawn(comparison)):
        lines = [_mean_over_classes(test, drawing.on_grid) for test in _scores_of(group)]
        _band(ax, lines, _named(group, metric), k)
    style.legend_below(ax)
    kinds = {test.view.task for group in drawn(comparison) for test in _scores_of(group)}
    several = " Mean over the classes, each against the rest." if kinds - {"binary"} else ""
    caption = f"{title}. Line: mean over the complete runs; band: lowest to highest.{several}{drawn_note(comparison)}"
    return picture(name, figure, f"{title}: one curve for each group", caption)


def _mean_over_classes(test: Scores, on_grid: OnGrid) -> np.ndarray:
    """The curve on GRID; NaN where no class has both positive and negative images."""
    truth, scores = test.view.truth, test.view.scores
    both = test.view.present & test.view.refused
    found = [on_grid(truth[:, k], scores[:, k], GRID) for k in np.flatnonzero(both)]
    return np.mean(found, axis=0) if found else np.full(len(GRID), np.nan)


def _named(group: Group, metric: str) -> str:
    values = [value for run in group.complete.values() if (value := run.test(metric)) is not None]
    return f"{group.label}: {number(float(np.mean(values)), 3)}" if values else f"{group.label}: no value"


def _band(ax: Axes, lines: list[np.ndarray], label: str, k: int) -> None:
    if not lines:
        ax.plot([], [], label=label, **look(k))
        return
    values = np.stack(lines)
    if len(lines) > 1:
        ax.fill_between(GRID, values.min(0), values.max(0), color=style.colour(k), alpha=0.15, linewidth=0)
    ax.plot(GRID, values.mean(axis=0), label=label, linewidth=1.5, **look(k))


def _confusion(comparison: Comparison) -> Picture:
    """One matrix a group, one under another, with the images of all its runs."""
    found = {
        group.label: [confusion.table(test) for test in _scores_of(group)] for group in drawn(comparison)
    }
    rows, across = next(tables[0] for tables in found.values() if tables)[1:]
    sums = {
        label: np.sum([counts for counts, *_ in tables], axis=0)
        for label, tables in found.items()
        if tables and all(names == rows for _, names, _ in tables)
    }
    heights = [(0.5 if len(rows) <= 4 else 0.4) * len(rows) + 0.4] * len(sums)
    width = max(style.WIDTH, 1.6 + 0.52 * len(across))
    figure, axes = style.sheet(heights, "Confusion, test set", footer(comparison), width=width)
    for ax, (label, counts) in zip(axes, sums.items(), strict=True):
        confusion.matrix(ax, counts, rows, across)
        ax.set_title(shortened(label, 40), fontsize=style.TEXT, loc="left")
        ax.set_xlabel(ax.get_xlabel() if ax is axes[-1] else "")
    tasks = {test.view.task for group in drawn(comparison) for test in _scores_of(group)}
    rule = "the class of the highest score" if tasks == {"multiclass"} else "at each run's threshold"
    caption = (
        f"Confusion on the test set, {rule}: images of all complete runs together, and their share of the"
    )
    caption += f" row.{drawn_note(comparison)}"
    return picture("confusion", figure, "Confusion matrix of each group", caption)


def _calibration(comparison: Comparison) -> Picture:
    figure, (ax,) = style.sheet(
        [style.WIDTH - 0.8], "Calibration, test set", footer(comparison), lines=len(drawn(comparison))
    )
    labels = ("score", "share that is positive")
    for k, group in enumerate(drawn(comparison)):
        found = [calibration.outcomes(test) for test in _scores_of(group) if _are_shares(test.view.scores)]
        labels = found[0][2:] if found else labels
        _reliability(ax, [(right, scores) for right, scores, *_ in found], group, k)
    calibration.prepare(ax, labels[1])
    ax.set_xlabel(labels[0], fontsize=style.TEXT)
    style.legend_below(ax)
    caption = "Calibration on the test set: the images of all complete runs together, in 10 bins of score."
    caption += " ECE: expected calibration error, mean over the runs." + drawn_note(comparison)
    return picture("calibration", figure, "Reliability curve of each group", caption)


def _are_shares(scores: np.ndarray) -> bool:
    return bool(scores.min() >= 0 and scores.max() <= 1)


def _reliability(ax: Axes, outcomes: list[tuple[np.ndarray, np.ndarray]], group: Group, k: int) -> None:
    if not outcomes:
        ax.plot([], [], label=f"{group.label}: no probabilities", **look(k))
        return
    error = np.mean([calibration.reliability(*one).error for one in outcomes])
    right, scores = (np.concatenate(parts) for parts in zip(*outcomes, strict=True))
    pooled = calibration.reliability(right, scores)
    label = f"{group.label}: ECE {error:.3f}"
    ax.plot(pooled.score, pooled.observed, marker="o", markersize=3.5, linewidth=1.3, label=label, **look(k))
