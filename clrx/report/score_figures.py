"""Figures of ROC, precision-recall, confusion and calibration of every group, from the predictions of its runs."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clrx.plot import calibration, confusion, precision_recall, roc, style
from clrx.report.comparison import Comparison
from clrx.report.figures import Picture, footer, line_of, picture
from clrx.report.formatting import number, shortened
from clrx.report.grouping import Group
from clrx.report.results import shown_groups, shown_note
from clrx.run.scores import Scores

GRID = np.linspace(0, 1, 201)
OnGrid = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Tests = list[tuple[Group, list[Scores]]]  # each group with the scores of its complete runs


def score_pictures(comparison: Comparison) -> Iterator[Picture]:
    """The figures of the test scores; none where no run has any."""
    tests: Tests = [
        (group, [run.scores for run in group.complete.values() if run.scores is not None])
        for group in shown_groups(comparison)
    ]
    if any(found for _, found in tests):
        yield _curves(comparison, tests, "roc", roc)
        yield _curves(comparison, tests, "precision_recall", precision_recall)
        yield _confusion(comparison, tests)
        yield _calibration(comparison, tests)


def _tasks(tests: Tests) -> set[str]:
    return {test.view.task for _, found in tests for test in found}


def _curves(comparison: Comparison, tests: Tests, name: str, kind: ModuleType) -> Picture:
    """A mean curve and a band over its seeds for each group; kind: clrx.plot.roc or clrx.plot.precision_recall."""
    title = f"{kind.TITLE}, test set"
    figure, (ax,) = style.sheet([style.WIDTH - 0.7], title, footer(comparison), lines=len(tests))
    kind.prepare(ax)
    for k, (group, found) in enumerate(tests):
        values = [value for run in group.complete.values() if (value := run.test(kind.METRIC)) is not None]
        mean = number(float(np.mean(values)), 3) if values else "no value"
        _band(ax, [_mean_over_classes(test, kind.on_grid) for test in found], f"{group.label}: {mean}", k)
    style.legend_below(ax)
    several = " Mean over the classes, each against the rest." if _tasks(tests) - {"binary"} else ""
    caption = f"{title}. Line: mean over the complete runs; band: lowest to highest.{several}{shown_note(comparison)}"
    return picture(name, figure, f"{title}: one curve for each group", caption)


def _mean_over_classes(test: Scores, on_grid: OnGrid) -> np.ndarray:
    """The curve on GRID; NaN where no class has both positive and negative images."""
    truth, scores = test.view.truth, test.view.scores
    both = test.view.present & test.view.refused
    found = [on_grid(truth[:, k], scores[:, k], GRID) for k in np.flatnonzero(both)]
    return np.mean(found, axis=0) if found else np.full(len(GRID), np.nan)


def _band(ax: Axes, lines: list[np.ndarray], label: str, k: int) -> None:
    """Plot the mean and the range of lines on GRID; without lines the label alone."""
    if not lines:
        ax.plot([], [], label=label, **line_of(k))
        return
    values = np.stack(lines)
    if len(lines) > 1:
        ax.fill_between(GRID, values.min(0), values.max(0), color=style.colour(k), alpha=0.15, linewidth=0)
    ax.plot(GRID, values.mean(axis=0), label=label, linewidth=1.5, **line_of(k))


def _confusion(comparison: Comparison, tests: Tests) -> Picture:
    """A matrix for each group, one under another, with the images of all its runs."""
    tables = [(group.label, [confusion.table(test) for test in found]) for group, found in tests]
    rows, across = next(found[0] for _, found in tables if found)[1:]
    sums = {
        label: np.sum([counts for counts, *_ in found], axis=0)
        for label, found in tables
        if found and all(names == rows for _, names, _ in found)
    }
    heights = [(0.5 if len(rows) <= 4 else 0.4) * len(rows) + 0.4] * len(sums)
    width = max(style.WIDTH, 1.6 + 0.52 * len(across))
    figure, axes = style.sheet(heights, "Confusion, test set", footer(comparison), width=width)
    for ax, (label, counts) in zip(axes, sums.items(), strict=True):
        confusion.matrix(ax, counts, rows, across)
        ax.set_title(shortened(label, 40), fontsize=style.TEXT, loc="left")
        ax.set_xlabel(ax.get_xlabel() if ax is axes[-1] else "")
    rule = "the class of the highest score" if _tasks(tests) == {"multiclass"} else "at each run's threshold"
    caption = f"Confusion on the test set, {rule}: images of all complete runs together, and their share of the row."
    return picture("confusion", figure, "Confusion matrix of each group", caption + shown_note(comparison))


def _calibration(comparison: Comparison, tests: Tests) -> Picture:
    """A reliability curve for each group, of the images of all its runs together."""
    title = "Calibration, test set"
    figure, (ax,) = style.sheet([style.WIDTH - 0.8], title, footer(comparison), lines=len(tests))
    labels = ("score", "share that is positive")
    for k, (group, found) in enumerate(tests):
        likely = [test for test in found if calibration.are_probabilities(test.view.scores)]
        if not likely:
            ax.plot([], [], label=f"{group.label}: no probabilities", **line_of(k))
            continue
        outcomes = [calibration.outcomes(test) for test in likely]
        labels = outcomes[0][2:]
        error = np.mean([calibration.reliability(*one[:2]).error for one in outcomes])
        right, scores = (np.concatenate([one[i] for one in outcomes]) for i in (0, 1))
        pooled = calibration.reliability(right, scores)
        look: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1.3, **line_of(k)}
        ax.plot(pooled.score, pooled.observed, label=f"{group.label}: ECE {error:.3f}", **look)
    calibration.prepare(ax, labels[1])
    ax.set_xlabel(labels[0], fontsize=style.TEXT)
    style.legend_below(ax)
    caption = "Calibration on the test set: the images of all complete runs together, in 10 bins of score."
    caption += " ECE: expected calibration error, mean over the runs." + shown_note(comparison)
    return picture("calibration", figure, "Reliability curve of each group", caption)
