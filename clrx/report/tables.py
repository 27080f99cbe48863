"""Tables of a report, and how they are written as HTML, Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from clrx.report import html

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet's formulas begin
TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
TEX |= {mark: f"\\{mark}" for mark in "&%$#_{}"}
TEX |= {"×": r"$\times$", "±": r"$\pm$", "−": "$-$", "<": r"$<$", ">": r"$>$", "∞": r"$\infty$", "–": "--"}


@dataclass(frozen=True)
class Table:
    """Cells as they are shown: each row has as many as the header, and the first names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""  # what a reader must know to read it

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.header)]:
            raise ValueError(
                f"{self.title}: a row of {len(wrong[0])} cells under {len(self.header)} headings"
            )


def as_html(table: Table) -> html.Markup:
    """The table with its title above and its note below."""
    below = html.tag("p", table.note, class_="note") if table.note else None
    return html.render([html.table(table.header, table.rows, table.title), below])


def as_markdown(table: Table) -> str:
    """A table as GitHub reads it; pipes and HTML in cells are escaped."""
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    body = "\n".join(f"| {' | '.join(_markdown(cell) for cell in line)} |" for line in lines)
    return "\n\n".join(part for part in (f"**{_markdown(table.title)}**", body, table.note) if part) + "\n"


def _markdown(cell: str) -> str:
    escaped = cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_latex(table: Table) -> str:
    """A table environment with the rules of the package booktabs."""
    columns = "l" + "r" * (len(table.header) - 1)
    body = [" & ".join(map(_latex, row)) + r" \\" for row in table.rows]
    caption = f"{_latex(table.title)}. {_latex(table.note)}".rstrip(". ") + "."
    return "\n".join([
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_latex, table.header)) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ])  # fmt: skip


def _latex(cell: str) -> str:
    return "".join(TEX.get(letter, letter) for letter in cell.replace("\n", " "))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows of values as CSV: numbers with all their digits, an empty cell for None.

    Text that a spreadsheet would take for a formula is put behind an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_plain(cell) for cell in header])
    writer.writerows([[_plain(cell) for cell in row] for row in rows])
    return text.getvalue()


def _plain(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return repr(float(cell)) if isinstance(cell, float) else cell
