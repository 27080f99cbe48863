"""A table of counts once, shown on screen and page, written as CSV, drawn as bars."""

from dataclasses import dataclass
from pathlib import Path

from clrx.core.files import write_text
from clrx.report.tables import Table, as_csv

Cell = str | int | float | None
ALL = "all images"  # the row of sums, which no picture shows: it would dwarf the others


@dataclass(frozen=True)
class Numbers:
    """Rows of plain values; the first cell of a row names it. A float is shown with one decimal."""

    name: str  # of its files
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    bars: tuple[int, ...] = ()  # columns to draw, stacked on one bar a row
    shown: int = 30  # rows on screen, page and picture; the CSV has all

    @property
    def cut_note(self) -> str:
        """The note, and how many rows are left out where some are."""
        cut = f"The first {self.shown} of {len(self.rows):,}; {self.name}.csv has all."
        return " ".join(part for part in (self.note, cut if len(self.rows) > self.shown else "") if part)


def text(cell: Cell) -> str:
    """A cell as people read it: 12,345; 12.3; nothing."""
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.1f}" if isinstance(cell, float) else cell


def shown_table(numbers: Numbers) -> Table:
    rows = tuple(tuple(map(text, row)) for row in numbers.rows[: numbers.shown])
    return Table(numbers.title, numbers.header, rows, numbers.cut_note)


def write_numbers(folder: Path, numbers: Numbers) -> None:
    """`folder`/NAME.csv with every row and all digits."""
    write_text(folder / f"{numbers.name}.csv", as_csv(numbers.header, numbers.rows))
