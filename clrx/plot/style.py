"""How every figure looks: sizes for a phone's width, colours for all eyes, a footer that says what was run.

Figures are made with the object-oriented interface: pyplot and matplotlib's settings are never touched.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.core.files import write_bytes
from clrx.plot.letters import settle_text
from clrx.schedule.stretch import scaled_mark

WIDTH = 5.0  # inches; shown 375 pixels wide (a phone), a 10 point letter is 10 pixels high
DPI = 200
TEXT, SMALL = 10, 8.5  # points
LINE = 0.155  # inches that a line of small text takes
GREY = "#6b6b6b"
# Okabe and Ito's palette without its yellow, which is lost on white, and its black, kept for reference lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#8C510A")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))


def colour(index: int) -> str:
    """The colour of the index-th line; `dash` tells apart those that share one."""
    return COLOURS[index % len(COLOURS)]


def dash(index: int) -> Any:
    """The dash of the index-th line: full, until the colours begin again."""
    return DASHES[index // len(COLOURS) % len(DASHES)]


def sheet(
    panels: Sequence[float], title: str, footer: str, *, lines: int = 0, width: float = WIDTH
) -> tuple[Figure, Any]:
    """(figure, its axes): panels of these heights (inches) one under another on one x axis, title and footer.

    `footer` says what was run (`describe`); `lines` is the number of lines that the legend below will have.
    """
    footer = fill(footer, int(15.2 * width))
    below = 0.1 + LINE * (footer.count("\n") + 1)
    legend = lines * LINE + (0.14 if lines else 0)
    height = sum(panels) + 0.35 + below + legend
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    bottom = (below + legend) / height
    figure.set_layout_engine("constrained", rect=(0.0, bottom, 1.0, 1 - bottom), h_pad=0.05)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=list(panels))[:, 0]
    figure.suptitle(title, fontsize=TEXT + 1, fontweight="bold", x=0.02, ha="left")
    figure.text(0.02, 0.06 / height, footer, fontsize=SMALL - 0.5, color=GREY, va="bottom")
    return figure, axes


def describe(facts: dict[str, Any], disease: str | None = None) -> str:
    """One line on a run from its run.json, as far as known: data (SYNTHETIC where so), disease, policy, split, seed.

    `disease`: the one that the dataset was asked for, where it reads one (`Record.disease`).
    """
    data = str(facts.get("dataset", ""))
    if facts.get("synthetic"):
        data = f"{data} (SYNTHETIC images)".strip()
    parts = [scaled_mark(facts.get("scale")), data, disease or "", str(facts.get("policy", ""))]
    if facts.get("split_hash"):
        parts.append(f"split {str(facts['split_hash'])[:8]}")
    if facts.get("seed") is not None:
        parts.append(f"seed {facts['seed']}")
    return " · ".join(part for part in parts if part)


def dress(ax: Axes, xlabel: str = "", ylabel: str = "") -> None:
    """Give axes their labels, ticks and a light grid; no frame above and to the right."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(labelsize=SMALL, color=GREY, length=3)
    ax.grid(color="#e3e3e3", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(xlabel, fontsize=TEXT)
    ax.set_ylabel(ylabel, fontsize=TEXT)


def unit_square(ax: Axes, xlabel: str, ylabel: str, aspect: str = "equal") -> None:
    """Axes that both go from 0 to 1."""
    dress(ax, xlabel, ylabel)
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect=aspect)
    ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])


def legend_below(ax: Axes, title: str = "", columns: int = 1) -> None:
    """Put the legend of `ax` under the panels, in the lines that `sheet` left for it."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    bottom = figure.get_layout_engine().get()["rect"][1]  # type: ignore[union-attr]
    legend = figure.legend(
        *ax.get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=(0.01, bottom),
        borderaxespad=0.1,
        borderpad=0.4,
        ncols=columns,
        fontsize=SMALL,
        frameon=False,
        title=title or None,
        handlelength=2.2,
        labelspacing=0.3,
    )
    legend.get_title().set_fontsize(SMALL)
    legend.set_alignment("left")


def interval_text(entry: dict[str, Any] | None, value: float | None = None) -> str:
    """ "0.871 (0.842 to 0.896)" from an entry of metrics.json, the value alone where there is no interval."""
    entry = entry or {"value": value}
    if entry.get("value") is None:
        return "no value"
    low, high = entry.get("low"), entry.get("high")
    return f"{entry['value']:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else "")


def save(figure: Figure, path: Path) -> Path:
    """Write the figure atomically, in the format of the path's ending (png, svg, pdf)."""
    settle_text(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=path.suffix[1:], metadata={"Date": None} if path.suffix == ".svg" else None)
    write_bytes(path, buffer.getvalue())
    return path
