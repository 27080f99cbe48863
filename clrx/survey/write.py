"""The directory of `clrx data`: tables as CSV, pictures as PNG, one page of HTML."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from matplotlib.figure import Figure

from clrx.core.files import write_text
from clrx.plot.bars import draw_bars
from clrx.plot.contact_sheet import draw_sheet
from clrx.plot.style import describe, save
from clrx.survey.collect import Look
from clrx.survey.numbers import ALL, Numbers, write_numbers
from clrx.survey.page import page
from clrx.survey.tables import notices, strips


def write_survey(path: Path, look: Look, groups: Mapping[str, Sequence[Numbers]], across: int) -> None:
    """Write tables/*.csv, figures/*.png and data.html below `path`; `across`: images a class on the contact sheet."""
    source = look.source
    record = {
        "dataset": source.name,
        "synthetic": source.synthetic,
        "split_hash": look.split and look.split.hash,
    }
    for numbers in (one for group in groups.values() for one in group):
        write_numbers(path / "tables", numbers)
        if numbers.bars:
            save(_bars(numbers, record), path / "figures" / f"{numbers.name}.png")
    if found := strips(look, across):
        save(draw_sheet(found, across, describe(record)), path / "figures" / "contact_sheet.png")
    pictures = {file.stem: file.read_bytes() for file in sorted((path / "figures").glob("*.png"))}
    write_text(path / "data.html", page(title_of(look), facts_of(look), notices(look), groups, pictures))


def _bars(numbers: Numbers, record: dict[str, Any]) -> Figure:
    rows = [row for row in numbers.rows[: numbers.shown] if row[0] != ALL]
    columns = {numbers.header[index]: [cast(int, row[index]) for row in rows] for index in numbers.bars}
    return draw_bars(numbers.title, [str(row[0]) for row in rows], columns, record)


def title_of(look: Look) -> str:
    source = look.source
    kind = "SYNTHETIC images" if source.synthetic else "images"
    return f"{source.name}: {len(source):,} {kind}, {len(source.classes)} classes"


def facts_of(look: Look) -> list[tuple[str, str]]:
    """Names and values at the head of the page and of the screen."""
    source, split, cache = look.source, look.split, look.cache
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
