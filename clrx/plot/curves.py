"""Curves of a run: accuracy and loss over the epochs, and under them the learning rate."""

from collections.abc import Iterator
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from clrx.plot import style

PANELS = (2.1, 2.1, 1.3)  # inches: accuracy, loss, learning rate
FEW = 15  # up to so many epochs are marked each


def plot(epochs: pd.DataFrame, steps: pd.DataFrame, footer: str) -> Figure | None:
    """The curves of a run, finished or not, from its epochs.csv and steps.csv; None before its first epoch."""
    if epochs.empty:
        return None
    figure, axes = style.sheet(PANELS, "Training", footer, lines=1)
    for ax, metric in zip(axes, ("accuracy", "loss"), strict=False):
        style.dress(ax, ylabel=metric)
        for k, part in enumerate(("train", "val")):
            label = "training" if part == "train" else "validation"
            curve(ax, epochs.get(f"{part}_{metric}"), label=label, color=style.colour(k))
    scale_loss(axes[1])
    rates(axes[2], steps)
    phases(axes, epochs)
    axes[2].set_xlim(0, 1.02 * len(epochs))
    axes[2].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    style.legend_below(axes[0], columns=2)
    return figure


def curve(ax: Axes, values: pd.Series | np.ndarray | None, **line: Any) -> None:
    """Plot values (epochs,) at the ends of the epochs, 1, 2, ...; NaN leaves a gap. None (no such column): nothing."""
    if values is None:
        return
    values = np.asarray(values, dtype=float)
    marked = len(values) <= FEW or not np.isfinite(values).all()
    look = {"linewidth": 1.5, "marker": "o" if marked else None, "markersize": 3.5}
    ax.plot(np.arange(1, len(values) + 1), values, **{**look, **line})


def rates(ax: Axes, steps: pd.DataFrame, **line: Any) -> None:
    """Plot the learning rate of every row of steps.csv over the epochs of the run."""
    style.dress(ax, "epoch", "learning rate")
    if steps.empty:
        return
    lr = steps["lr"].to_numpy(float)
    ax.plot(run_epochs(steps["epoch"].to_numpy(float)), lr, **{"linewidth": 1.2, "color": "black", **line})
    if lr.min() > 0 and lr.max() / lr.min() >= 100:
        ax.set_yscale("log")
    elif lr.max() < 0.001:
        ax.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
        ax.yaxis.get_offset_text().set_fontsize(style.SMALL)


def run_epochs(epochs: np.ndarray) -> np.ndarray:
    """Epochs (steps,) of the whole run, from epochs that may start again at 0 in every phase."""
    restarts = np.flatnonzero(np.diff(epochs) < 0)
    total = epochs.copy()
    for last in restarts:
        total[last + 1 :] += np.floor(epochs[last]) + 1
    return total


def phases(axes: np.ndarray, epochs: pd.DataFrame) -> None:
    """Mark where a phase begins: thin vertical lines, named above the first panel; nothing for a single phase."""
    spans = list(phase_spans(epochs))
    if len(spans) < 2:
        return
    inch = (style.WIDTH - 0.9) / len(epochs)
    fits = all(len(name) * 0.075 < (end - start) * inch for name, start, end in spans)
    for number, (name, start, _) in enumerate(spans, 1):
        for ax in axes if start else []:
            ax.axvline(start, color=style.GREY, linewidth=0.8)
        text = name if fits else str(number)
        above = axes[0].get_xaxis_transform()
        axes[0].text(start, 1.02, f" {text}", fontsize=style.SMALL, color=style.GREY, transform=above)
    if not fits:
        names = " · ".join(f"{number} {name}" for number, (name, _, _) in enumerate(spans, 1))
        axes[0].set_title(fill(names, 66), fontsize=style.SMALL, color=style.GREY, loc="left", pad=16)


def phase_spans(epochs: pd.DataFrame) -> Iterator[tuple[str, int, int]]:
    """(name, epochs before it, epochs at its end) of each phase in epochs.csv, in turn."""
    names = [str(name) for name in epochs.get("phase", pd.Series(dtype=str))]
    start = 0
    for end in range(1, len(names) + 1):
        if end == len(names) or names[end] != names[start]:
            yield names[start], start, end
            start = end


def scale_loss(ax: Axes) -> None:
    """A logarithmic axis where a loss grew beyond a hundredfold, so that the rest can still be seen."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.get_lines()] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() / values.min() > 100:
        ax.set_yscale("log")
