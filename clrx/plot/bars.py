"""Counts as horizontal bars: a bar a row, stacked by column, each with its total."""

from collections.abc import Mapping, Sequence
from textwrap import fill, shorten
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.plot import style

BAR = 0.24  # inches a row
LETTERS = 34  # of a name


def draw_bars(
    title: str, names: Sequence[str], columns: Mapping[str, Sequence[int]], record: dict[str, Any]
) -> Figure:
    """A bar for each of `names`, made of `columns` (name -> a count a bar); `record` is for the footer."""
    lines = -(-len(columns) // 3) if len(columns) > 1 else 0
    figure, (ax,) = style.sheet([BAR * len(names) + 0.55], fill(title, 52), record, lines=lines)
    counts = np.array(list(columns.values()))
    left = np.cumsum(counts, axis=0) - counts
    for index, (column, own) in enumerate(zip(columns, counts, strict=True)):
        ax.barh(
            range(len(names)), own, left=left[index], color=style.colour(index), height=0.74, label=column
        )
    _write_totals(ax, counts.sum(axis=0))
    style.dress(ax, "images")
    ax.grid(visible=False, axis="y")
    ax.set_yticks(range(len(names)), [shorten(name, LETTERS, placeholder=" …") for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.locator_params(axis="x", nbins=4)
    if lines:
        style.legend_below(ax, columns=3)
    return figure


def _write_totals(ax: Axes, totals: np.ndarray) -> None:
    for row, total in enumerate(totals.tolist()):
        ax.text(total, row, f" {total:,}", va="center", fontsize=style.SMALL - 1, color=style.GREY)
    ax.set_xlim(0, max(1, totals.max()) * 1.16)
