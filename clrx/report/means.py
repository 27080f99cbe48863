"""Figures of means over seeds and of paired differences to the baseline: a dot for each run, a line for an interval."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.metrics.statistics import Difference, Summary
from clrx.plot import style
from clrx.report.comparison import Comparison
from clrx.report.figures import Picture, footer, line_of, picture
from clrx.report.formatting import metric_name, metric_title, shortened
from clrx.report.results import Outcome, outcomes

ROW = 0.36  # inches


class Row(NamedTuple):
    """One configuration in a figure."""

    label: str
    position: int  # of the configuration, for its colour
    values: list[float]  # one for each run, or for each pair of runs
    summary: Summary | Difference  # of the values


def mean_pictures(comparison: Comparison) -> Iterator[Picture]:
    """The means, and the differences where there are some; nothing of a single run or without values."""
    if comparison.single:
        return
    found, name = outcomes(comparison, comparison.metric), metric_name(comparison.metric)
    rows = [Row(o.group.label, k, list(_known(o).values()), o.summary) for k, o in enumerate(found)]
    if any(row.values for row in rows):
        title = f"{metric_title(comparison.metric)}, test set"
        caption = f"{title}. Small: one run; large: mean; line: 95% interval over seeds."
        alt = f"{name} of every run, with mean and interval, by configuration"
        figure = _figure(title, comparison, rows, name)
        _keep_to_shares(figure.axes[0], [value for row in rows for value in row.values])
        yield picture("means", figure, alt, caption)
    if gaps := [row for row in _difference_rows(found) if row.values]:
        base = comparison.baseline.label
        figure = _figure("Paired differences", comparison, gaps, f"{name}: difference to {shortened(base)}")
        figure.axes[0].axvline(0, color=style.GREY, linewidth=1, zorder=1)
        alt = f"Difference in {name} to {base}, seed by seed, with mean and interval"
        caption = f"Difference to {base}, seed by seed. Small: one pair; large: mean; line: 95% interval."
        yield picture("differences", figure, alt, caption)


def _known(outcome: Outcome) -> dict[Any, float]:
    """The values by repetition, missing ones left out."""
    return {repetition: value for repetition, value in outcome.values.items() if value is not None}


def _difference_rows(found: Sequence[Outcome]) -> Iterator[Row]:
    base = next(_known(outcome) for outcome in found if outcome.difference is None)
    for k, outcome in enumerate(found):
        if outcome.difference is not None:
            gaps = [value - base[key] for key, value in _known(outcome).items() if key in base]
            yield Row(outcome.group.label, k, gaps, outcome.difference)


def _figure(title: str, comparison: Comparison, rows: Sequence[Row], xlabel: str) -> Figure:
    figure, (ax,) = style.sheet([ROW * len(rows) + 0.6], title, footer(comparison))
    style.dress(ax, xlabel=xlabel)
    for y, row in enumerate(rows):
        _plot_row(ax, y, row)
    ax.set_yticks(range(len(rows)), [shortened(row.label, 24) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.locator_params(axis="x", nbins=6)  # more labels of a sign and three digits would touch
    ax.grid(axis="y", visible=False)
    return figure


def _keep_to_shares(ax: Axes, values: Sequence[float]) -> None:
    """Cut off the intervals of too few seeds at 0 and 1, so that the values can still be distinguished."""
    left, right = ax.get_xlim()
    if values and min(values) >= 0 and max(values) <= 1:
        ax.set_xlim(max(left, -0.02), min(right, 1.02))


def _plot_row(ax: Axes, y: int, row: Row) -> None:
    colour, summary = line_of(row.position)["color"], row.summary
    if summary.low is not None and summary.high is not None:
        ax.plot([summary.low, summary.high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
    spread = np.linspace(-0.22, 0.22, len(row.values)) if len(row.values) > 1 else np.zeros(1)
    ax.plot(row.values, y + spread[: len(row.values)], "o", color=colour, markersize=3, alpha=0.55)
    if summary.mean is not None:
        ax.plot(summary.mean, y, "o", color=colour, markersize=8, markeredgecolor="white")
