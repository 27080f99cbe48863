"""Curves of a comparison: a line and a band over its seeds for each group; and how figures get into a report."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from clrx.plot import curves, style
from clrx.plot.letters import settle_text
from clrx.report.comparison import Comparison, has_values
from clrx.report.formatting import metric_name
from clrx.report.grouping import Group
from clrx.report.results import shown_groups, shown_note

MOST = 800  # points of a line of rates: more cannot be seen


@dataclass(frozen=True)
class Picture:
    """A figure in two formats, in words for readers who cannot see it, and how to read it."""

    name: str  # of its files
    svg: bytes
    png: bytes
    alt: str
    caption: str


def picture(name: str, figure: Figure, alt: str, caption: str) -> Picture:
    """The images of a figure; the same figure gives the same bytes."""
    settle_text(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, not once a format
    for ax in figure.axes:
        ax.set_position(Bbox(ax.get_position().get_points().round(4)))  # the solver's last bits vary
    with matplotlib.rc_context({"svg.hashsalt": name}):
        return Picture(name, _image(figure, "svg", {"Date": None}), _image(figure, "png"), alt, caption)


def _image(figure: Figure, kind: str, metadata: dict[str, Any] | None = None) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def footer(comparison: Comparison) -> str:
    """What is written under every figure: data, disease and split, as far as all runs share them."""
    shared = {name: comparison.facts.get(name) for name in ("dataset", "synthetic", "scale", "split_hash")}
    if comparison.mismatch:
        shared["split_hash"] = None
    diseases = {run.disease for run in comparison.runs}
    return style.describe(shared, diseases.pop() if len(diseases) == 1 else None)


def curve_pictures(comparison: Comparison) -> Iterator[Picture]:
    """Validation, and training, over the epochs; the learning rates beneath (Chopade 2021, figures 7-10)."""
    wanted = dict.fromkeys([comparison.curve, "val_accuracy", "val_loss"])
    validation = [name for name in wanted if name.startswith("val_")]
    yield from _curves(comparison, "validation", "Validation", validation)
    yield from _curves(comparison, "training", "Training", ["train_accuracy", "train_loss"])


def _curves(comparison: Comparison, name: str, title: str, columns: list[str]) -> Iterator[Picture]:
    shown = [column for column in columns if any(has_values(run, column) for run in comparison.runs)]
    if not shown:
        return
    heights = [1.9] * len(shown) + [1.3]
    figure, axes = style.sheet(heights, title, footer(comparison), lines=len(shown_groups(comparison)))
    for ax, column in zip(axes, shown, strict=False):
        style.dress(ax, ylabel=metric_name(column.split("_", 1)[1]))
        for k, group in enumerate(shown_groups(comparison)):
            _band(ax, group, column, k)
        if column.endswith("loss"):
            curves.scale_loss(ax)
    longest = 0.0
    for k, group in enumerate(shown_groups(comparison)):
        longest = max(longest, _rates(axes[-1], group, k))
    axes[-1].set_xlim(0, 1.02 * longest or None)  # the markers of the last epoch are whole
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    style.legend_below(axes[0])
    alt = f"{title}: {', '.join(shown)} over the epochs, and the learning rate, one line for each of "
    alt += "; ".join(group.label for group in shown_groups(comparison))
    caption = f"{title}. Line: mean over the complete runs; band: from the lowest to the highest of them."
    caption += " Beneath, the learning rate of each step." + shown_note(comparison)
    yield picture(name, figure, alt, caption)


def line_of(k: int) -> dict[str, Any]:
    """Colour and dash of the k-th group, the same in every figure; neighbours differ in both, for lines that cover
    each other and for paper without colour."""
    return {"color": style.colour(k), "linestyle": style.DASHES[k % len(style.DASHES)]}


def _band(ax: Axes, group: Group, column: str, k: int) -> None:
    """Plot the mean and the range of a column over the complete runs, up to the end of the shortest."""
    lines = [run.epochs[column].to_numpy(float) for run in group.complete.values() if column in run.epochs]
    label = f"{group.label} ({len(lines)} complete)" if len(lines) != 1 else group.label
    if not lines:
        ax.plot([], [], label=f"{group.label} (no complete run)", **line_of(k))
        return
    values = np.stack([line[: min(map(len, lines))] for line in lines])
    epochs = np.arange(1, values.shape[1] + 1)
    if len(lines) > 1:
        low, high = values.min(axis=0), values.max(axis=0)
        ax.fill_between(epochs, low, high, color=style.colour(k), alpha=0.15, linewidth=0)
    curves.curve(ax, values.mean(axis=0), label=label, **line_of(k))


def _rates(ax: Axes, group: Group, k: int) -> float:
    """Plot the learning rate of the group's first run with steps; the number of its epochs."""
    run = next((run for run in (*group.complete.values(), *group.runs) if len(run.steps)), None)
    if run is None:
        return 0.0
    curves.rates(ax, subsampled(run.steps), **{**line_of(k), "linewidth": 1.2})
    return float(max(len(run.epochs), 1))


def subsampled(steps: Any) -> Any:
    """At most MOST rows of a table, evenly spaced, the last one kept."""
    if len(steps) <= MOST:
        return steps
    return steps.iloc[np.linspace(0, len(steps) - 1, MOST).round().astype(int)]
