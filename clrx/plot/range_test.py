"""The figure of a range test: loss and accuracy against the rate, and under them what each rule suggests."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from clrx.core.files import read_table
from clrx.plot import style
from clrx.range_test.curve import GAINS, NAMES
from clrx.run.read import read_run

HEIGHTS = (2.3, 1.2, 1.5)  # inches: loss, accuracy, rules
LABELS = {"minimum_tenth": "minimum / 10", "smith2017": "Smith 2017", "chopade2021": "Chopade 2021"}


def plot_range_test(path: Path) -> None:
    """Write figures/range_test.png of a run directory from its mean_curves.csv and suggestions.json.

    Nothing before the range test is finished.
    """
    run = read_run(path)
    found, means = run.suggestions, read_table(path / "mean_curves.csv")
    if not found:
        return
    curves = list(dict.fromkeys(means["curve"])) if len(means) else []
    heights = [*HEIGHTS[: len(curves)], HEIGHTS[2]]
    title = f"Range test: {found['verdict']['word']}"
    footer = style.describe({**run.facts, "policy": run.facts.get("model", "")}, run.disease)
    figure, axes = style.sheet(heights, title, footer, lines=1)
    for ax, name in zip(axes, curves, strict=False):
        _curve(ax, means[means["curve"] == name], name)
    _rules(axes[-1], found)
    for ax in axes:
        _mark(ax, found)
    _rate_axis(axes[-1], found["ramp"])
    style.legend_below(axes[-1], columns=3)
    style.save(figure, path / "figures" / "range_test.png")


def _curve(ax: Axes, mean: pd.DataFrame, name: str) -> None:
    """The smoothed mean of the repeats, over the band of the single repeats; a divergence is cut off above."""
    value, low, high = (mean[column].to_numpy(float) for column in ("value", "low", "high"))
    if name in GAINS:
        value, low, high = 1.0 - value, 1.0 - high, 1.0 - low
    lr = mean["lr"].to_numpy(float)
    style.dress(ax, ylabel=NAMES[name].replace(" ", "\n"))
    ax.fill_between(lr, low, high, color=style.colour(0), alpha=0.22, linewidth=0)
    ax.plot(lr, value, color=style.colour(0), linewidth=1.6)
    if name not in GAINS:
        first = float(value[: max(1, len(value) // 20)].mean())
        ax.set_ylim(top=max(high[: len(high) // 2 + 1].max(), first + 0.5 * (first - value.min())))


def _rules(ax: Axes, found: dict[str, Any]) -> None:
    """A line for each rule: base_lr (ring) to max_lr (dot) with its interval; or why it suggests nothing."""
    style.dress(ax, "learning rate")
    names = list(found["suggestions"])
    for row, name in enumerate(names):
        _rule(ax, row, name, found)
    ax.set_yticks(range(len(names)), [LABELS.get(name, name) for name in names])
    for label, name in zip(ax.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == found["rule"] else "normal")
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.plot([], [], "o", mfc="white", color=style.GREY, label="base_lr")
    ax.plot([], [], "o", color=style.GREY, label="max_lr")
    ax.plot([], [], color=style.GREY, linewidth=4, alpha=0.4, label="5-95% interval of max_lr")


def _rule(ax: Axes, row: int, name: str, found: dict[str, Any]) -> None:
    entry, colour = found["suggestions"][name], style.colour(row)
    if entry["max_lr"] is None:
        look: dict[str, Any] = {"fontsize": style.SMALL, "color": style.GREY, "va": "center"}
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.text(0.02, row, entry["missing"], transform=ax.get_yaxis_transform(), **look)
        return
    base, top = entry["base_lr"]["value"], entry["max_lr"]
    ax.plot(
        [top["low"], top["high"]], [row, row], color=colour, linewidth=4, alpha=0.4, solid_capstyle="butt"
    )
    ax.plot([base, top["value"]], [row, row], color=colour, linewidth=1)
    ax.plot([base], [row], "o", color=colour, mfc="white", markersize=5)
    ax.plot([top["value"]], [row], "o", color=colour, markersize=5)


def _mark(ax: Axes, found: dict[str, Any]) -> None:
    """Every rule's max_lr as a line through a panel, the chosen rule's unbroken."""
    for row, (name, entry) in enumerate(found["suggestions"].items()):
        if entry["max_lr"] is not None:
            chosen = name == found["rule"]
            look: dict[str, Any] = {
                "linestyle": "-" if chosen else (0, (3, 2)),
                "linewidth": 1.4 if chosen else 0.9,
                "alpha": 0.8,
            }
            ax.axvline(entry["max_lr"]["value"], color=style.colour(row), zorder=1, **look)


def _rate_axis(ax: Axes, ramp: dict[str, Any]) -> None:
    ax.set_xscale("log")
    decades = np.log10(ramp["end"] / ramp["start"])
    ax.set_xlim(ramp["start"] * 10 ** (-0.02 * decades), ramp["end"] * 10 ** (0.02 * decades))
    if decades > 2:
        ax.xaxis.set_major_locator(LogLocator(numticks=12))
        ax.xaxis.set_minor_formatter(NullFormatter())
        return
    ax.xaxis.set_minor_locator(LogLocator(subs=(2, 5) if decades > 1.3 else (2, 3, 5)))
    ax.xaxis.set_minor_formatter("{x:g}")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(axis="x", which="both", labelsize=style.SMALL)
