"""Figures of policies: one large, several as small multiples on shared axes."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from clrx.plot.style import COLOURS, DPI, GREY, SMALL, TEXT, WIDTH, dress
from clrx.schedule.preview import Line

RATE, BOUND, MOMENTUM = COLOURS[0], COLOURS[1], COLOURS[3]
LARGE, LOW = 2.7, 1.4  # inches: heights of a single policy's rate and of the momentum below it
SMALL_PANEL = (2.4, 1.5)  # inches: width and height of one of the small multiples
COLUMNS = 4  # of the small multiples, at most


def plot_policies(lines: Sequence[Line]) -> Figure:
    """One policy above its momentum, or several side by side, from the lines of clrx.schedule.preview."""
    is_one = sum(not line.is_momentum for line in lines) == 1
    return _plot_one(lines) if is_one else _plot_grid(lines)


def _plot_one(lines: Sequence[Line]) -> Figure:
    """One policy over epochs, steps along the top, its bounds, and momentum below on the same epochs."""
    heights = [LARGE, *[LOW for _ in lines[1:]]]
    figure = Figure(figsize=(WIDTH, 0.5 + sum(heights)), dpi=DPI, layout="constrained")
    panels = figure.subplots(len(lines), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, line in zip(panels, lines, strict=True):
        _plot_line(axes, line, width=1.6)
        axes.set_ylabel("momentum" if line.is_momentum else "learning rate", fontsize=TEXT)
        _plot_bounds(axes, line)
    panels[-1].set_xlabel("epoch", fontsize=TEXT)
    panels[0].set_title(lines[0].name, loc="left", fontsize=TEXT + 1, fontweight="bold")
    _plot_steps(panels[0], lines[0])
    return figure


def _plot_grid(lines: Sequence[Line]) -> Figure:
    """Small multiples: the rates share one scale, so that they can be compared; momentum has its own."""
    columns = min(COLUMNS, math.ceil(math.sqrt(len(lines))))
    rows = math.ceil(len(lines) / columns)
    size = (0.6 + SMALL_PANEL[0] * columns, 0.4 + SMALL_PANEL[1] * rows)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    top = max(line.values.max() for line in lines if not line.is_momentum)
    for index, (axes, line) in enumerate(zip(panels, lines, strict=False)):
        _plot_line(axes, line, width=1.3)
        axes.set_title(line.name, loc="left", fontsize=TEXT, fontweight="bold")
        if not line.is_momentum:
            axes.set_ylim(-0.04 * top, 1.08 * top)
            axes.tick_params(labelleft=index % columns == 0)
        axes.tick_params(labelbottom=index + columns >= len(lines))
    for axes in panels[len(lines) :]:
        axes.set_visible(False)
    figure.supxlabel("epoch", fontsize=TEXT)
    figure.supylabel("learning rate", fontsize=TEXT)
    return figure


def _plot_line(axes: Axes, line: Line, width: float) -> None:
    colour = MOMENTUM if line.is_momentum else RATE
    axes.plot(line.epoch, line.values, color=colour, linewidth=width, solid_joinstyle="round")
    if not line.is_momentum:
        axes.fill_between(line.epoch, line.values, color=colour, alpha=0.1, linewidth=0)
    dress(axes)
    axes.set_xlim(0, line.epochs)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 4, 5, 6, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter("{x:g}")


def _plot_bounds(axes: Axes, line: Line) -> None:
    """The bounds as lines, as in Alyafi's figures, named at the right: in one block where they are close."""
    if line.bounds is None:
        return
    low, high = line.bounds
    names = [("top", high, f"max_lr\n{high:g}"), ("bottom", low, f"base_lr\n{low:g}")]
    if high - low < 0.3 * line.values.max():
        names = [("top", high, "\n".join(text for _, _, text in names))]
    for side, value, text in names:
        beside = axes.get_yaxis_transform()
        axes.annotate(text, (1.015, value), xycoords=beside, color=BOUND, fontsize=SMALL, va=side)
    for value in line.bounds:
        axes.axhline(value, color=BOUND, linewidth=1.0, linestyle=(0, (5, 3)))


def _plot_steps(axes: Axes, line: Line) -> None:
    """Optimizer steps along the top."""
    steps = len(line.epoch) / line.epochs
    both_ways = (partial(np.multiply, steps), partial(np.multiply, 1 / steps))
    above = axes.secondary_xaxis("top", functions=both_ways)
    above.set_xlabel("step", fontsize=SMALL, color=GREY)
    above.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    above.xaxis.set_major_formatter("{x:,.0f}")
    above.tick_params(labelsize=SMALL, color=GREY, labelcolor=GREY, length=3)
    above.spines["top"].set_color("#cccccc")
