"""Policies on a terminal: charts in Braille dots (or stars), tables of the rates, and the warnings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from clrx.core.console import console, say, show
from clrx.schedule.preview import Line

DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # Braille: 4 rows of 2 dots
LARGE, SMALL = (96, 12), (24, 5)  # columns at most, and rows, of a chart
FRAME = 14  # columns that the frame and the labels of a chart take
ROWS = 48  # of a table at most; a longer run has several epochs a row


def show_lines(lines: Sequence[Line], directory: Path) -> None:
    """Print charts, tables and warnings of the lines of clrx.schedule.preview, and where their files are."""
    rates = [line for line in lines if not line.is_momentum]
    if len(rates) == 1:
        for line in lines:
            width = max(10, min(LARGE[0], console.width - FRAME))
            show(_panel(line, width, LARGE[1]))
        show(_by_epoch(lines))
    else:
        panels = [_panel(line, *SMALL) for line in lines]
        if console.width < SMALL[0] + FRAME:
            show(*panels)
        else:
            console.print(Columns(panels), soft_wrap=False)
        if sum(max(9, len(line.name)) + 2 for line in lines) + 7 <= console.width:
            show(_side_by_side(lines))
        show(_summary(lines))
    for line in rates:
        for warning in line.warnings:
            console.print(f"[yellow]warning:[/] {line.name}: {warning}", soft_wrap=True)
    say(f"policy.png and policy.csv (every step) are in {directory}")


def chart(values: np.ndarray, width: int, height: int, braille: bool = True) -> list[str]:
    """`height` lines of `width` characters that trace `values` from the lowest to the highest."""
    across, down = (2 * width, 4 * height) if braille else (width, height)
    low, high = values.min(), values.max()
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    rows = np.round((1 - share) * (down - 1)).astype(int)  # of each value: 0 for the highest
    if len(rows) < across:
        rows = rows[np.arange(across) * len(rows) // across]
    dots = np.zeros((down, across), dtype=bool)
    before = rows[0]
    for column, own in enumerate(np.array_split(rows, across)):
        dots[min(own.min(), before) : max(own.max(), before) + 1, column] = True
        before = own[-1]
    if not braille:
        return ["".join(" *"[dot] for dot in row) for row in dots.astype(int)]
    cells = dots.reshape(down // 4, 4, across // 2, 2).transpose(0, 2, 1, 3)
    return ["".join(chr(0x2800 + int((cell * DOTS).sum())) for cell in row) for row in cells]


def _panel(line: Line, width: int, height: int) -> Panel:
    """A chart in its frame: highest and lowest rate at the left, the epochs below, the name above."""
    rows = chart(line.values, width, height, braille=console.encoding.startswith("utf"))
    labels = [f"{line.values.max():.4g}", *[""] * (height - 2), f"{line.values.min():.4g}"]
    margin = 9  # the same for all charts, so that frames line up
    style = "magenta" if line.is_momentum else "cyan"
    body = Text(no_wrap=True)
    for label, row in zip(labels, rows, strict=True):
        body.append(f"{label:>{margin}} ", style="dim").append(f"{row}\n", style=style)
    last = f"{line.epochs} epochs"
    body.append(f"{'':>{margin}} 0{last:>{width - 1}}", style="dim")
    return Panel(body, title=line.name, title_align="left", expand=False, border_style="dim")


def _by_epoch(lines: Sequence[Line]) -> Table:
    """The table of one policy: first, lowest and highest rate of each row's epochs, and momentum where it moves."""
    rate, *momentum = lines
    table = Table(box=None, header_style="bold")
    for head in ("epoch", "first lr", "lowest", "highest", *("momentum" for _ in momentum), ""):
        table.add_column(head, justify="right")
    for name, start, stop, steps in _rows_of(rate):
        lr = rate.values[steps]
        shown = [lr[0], lr.min(), lr.max(), *(line.values[steps][0] for line in momentum)]
        note = "[dim]cycle ends[/]" if any(start < end <= stop for end in rate.cycle_ends) else ""
        table.add_row(name, *(f"{value:.4g}" for value in shown), note)
    return table


def _summary(lines: Sequence[Line]) -> Table:
    """The table of several policies: a row for each."""
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for head in ("", "first", "lowest", "highest", "mean", "last", "cycles"):
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    for line in lines:
        lr = line.values
        shown = (lr[0], lr.min(), lr.max(), lr.mean(), lr[-1])
        table.add_row(line.name, *(f"{value:.4g}" for value in shown), str(len(line.cycle_ends) or ""))
    return table


def _side_by_side(lines: Sequence[Line]) -> Table:
    """The mean rate of each epoch, a column for each policy: the mean does not depend on where a cycle stands."""
    table = Table(box=None, header_style="bold", title="mean rate", title_justify="left")
    for head in ("epoch", *(line.name for line in lines)):
        table.add_column(head, justify="right", no_wrap=True, min_width=len(head))
    for name, _, _, steps in _rows_of(lines[0]):
        table.add_row(name, *(f"{line.values[steps].mean():.4g}" for line in lines))
    return table


def _rows_of(line: Line) -> Iterator[tuple[str, int, int, np.ndarray]]:
    """The rows of a table: their epochs as text, the first, the one after the last, and a mask of their steps."""
    every = -(-line.epochs // ROWS)
    for start in range(0, line.epochs, every):
        stop = min(start + every, line.epochs)
        name = str(start) if stop - start == 1 else f"{start}-{stop - 1}"
        yield name, start, stop, (line.epoch >= start) & (line.epoch < stop)
