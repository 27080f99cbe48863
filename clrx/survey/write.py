"""The directory of `clrx data`: tables as CSV, pictures as PNG, and one page of HTML that loads nothing."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill, shorten
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from clrx.core.files import write_text
from clrx.core.paths import STYLE
from clrx.plot import style
from clrx.plot.images import plot_classes
from clrx.report import html
from clrx.report.tables import as_html
from clrx.survey.collect import Survey
from clrx.survey.numbers import ALL, Numbers, shown_table, write_numbers
from clrx.survey.tables import notices, sheet_images

BAR = 0.24  # inches a row of bars takes
LETTERS = 34  # of a bar's name at most


def write_survey(path: Path, survey: Survey, groups: Mapping[str, Sequence[Numbers]], across: int) -> None:
    """Write tables/*.csv, figures/*.png and data.html below `path`; `across`: images a class on the contact sheet."""
    source = survey.source
    about = {"dataset": source.name, "synthetic": source.synthetic}
    footer = style.describe({**about, "split_hash": survey.split and survey.split.hash})
    for numbers in (one for group in groups.values() for one in group):
        write_numbers(path / "tables", numbers)
        if numbers.bars:
            style.save(plot_bars(numbers, footer), path / "figures" / f"{numbers.name}.png")
    if found := sheet_images(survey, across):
        style.save(plot_classes(found, across, footer), path / "figures" / "contact_sheet.png")
    pictures = {file.stem: file.read_bytes() for file in sorted((path / "figures").glob("*.png"))}
    write_text(
        path / "data.html", page(title_of(survey), facts_of(survey), notices(survey), groups, pictures)
    )


def plot_bars(numbers: Numbers, footer: str) -> Figure:
    """A table as horizontal bars: a bar for each row, stacked from the columns `numbers.bars`, with its total."""
    rows = [row for row in numbers.rows[: numbers.shown] if row[0] != ALL]
    lines = -(-len(numbers.bars) // 3) if len(numbers.bars) > 1 else 0
    figure, (ax,) = style.sheet([BAR * len(rows) + 0.55], fill(numbers.title, 52), footer, lines=lines)
    counts = np.array([[row[column] for row in rows] for column in numbers.bars])
    totals = counts.sum(axis=0)
    left = np.cumsum(counts, axis=0) - counts
    for k, column in enumerate(numbers.bars):
        look: dict[str, Any] = {"color": style.colour(k), "height": 0.74, "label": numbers.header[column]}
        ax.barh(range(len(rows)), counts[k], left=left[k], **look)
    for row, total in enumerate(totals.tolist()):
        ax.text(total, row, f" {total:,}", va="center", fontsize=style.SMALL - 1, color=style.GREY)
    ax.set_xlim(0, max(1, totals.max()) * 1.16)
    style.dress(ax, "images")
    ax.grid(visible=False, axis="y")
    ax.set_yticks(range(len(rows)), [shorten(str(row[0]), LETTERS, placeholder=" …") for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.locator_params(axis="x", nbins=4)
    if lines:
        style.legend_below(ax, columns=3)
    return figure


def title_of(survey: Survey) -> str:
    source = survey.source
    kind = "SYNTHETIC images" if source.synthetic else "images"
    return f"{source.name}: {len(source):,} {kind}, {len(source.classes)} classes"


def facts_of(survey: Survey) -> list[tuple[str, str]]:
    """Names and values at the head of the page and of the screen."""
    source, split, cache = survey.source, survey.split, survey.cache
    facts = [
        ("task", f"{source.task}: {', '.join(source.classes)}"),
        ("groups", f"{source.table['group'].nunique():,}"),
        ("split", split.hash if split else ""),
        ("decoded", " x ".join(f"{side:,}" for side in cache.array.shape) if cache else "nothing"),
        ("cache", str(cache.path) if cache else ""),
        ("content hash", cache.hash if cache else ""),
        *source.facts,
    ]
    return [(name, value) for name, value in facts if value]


def page(
    title: str,
    facts: Iterable[tuple[str, str]],
    notices: Sequence[str],
    groups: Mapping[str, Sequence[Numbers]],
    pictures: Mapping[str, bytes],
) -> str:
    """The document: facts and notices, then a section for each group of tables, each with its pictures.

    `pictures` are PNGs by the name of the table that they show; `contact_sheet` has a section of its own.
    """
    sections: list[tuple[str, html.Node]] = [
        (name, _tables(numbers, pictures)) for name, numbers in groups.items() if numbers
    ]
    if "contact_sheet" in pictures:
        alt = "a few images of each class"
        sheet = html.picture(
            pictures["contact_sheet"], "png", alt, "As decoded, at the size that is trained on."
        )
        sections.insert(1, ("Images", sheet))
    links = [html.tag("a", name, href=f"#{_anchor(name)}") for name, _ in sections]
    body = [html.tag("section", html.tag("h2", name), inside, id=_anchor(name)) for name, inside in sections]
    lines = [html.tag("p", text, class_="notice", role="note") for text in notices]
    head = html.tag("header", html.tag("h1", title), html.pairs(facts))
    return html.document(title, STYLE.read_text(encoding="utf-8"), head, lines, html.tag("nav", links), body)


def _tables(numbers: Sequence[Numbers], pictures: Mapping[str, bytes]) -> html.Node:
    drawn = [html.picture(pictures[one.name], "png", one.title) for one in numbers if one.name in pictures]
    shown = [
        as_html(shown_table(one)) for one in numbers if not (one.name in pictures and len(one.header) == 2)
    ]
    return [html.tag("div", drawn, class_="figures") if drawn else None, shown]


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
