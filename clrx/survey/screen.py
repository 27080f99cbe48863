"""The numbers of a dataset, and the caches, on a terminal."""

from collections.abc import Iterable

from rich.table import Table

from clrx.core.console import console, say, show
from clrx.data.cache.list import Entry
from clrx.survey.numbers import Numbers, shown_table

MEGABYTE = 1_000_000


def show_numbers(tables: Iterable[Numbers]) -> None:
    """One table under another, each as wide as it must be."""
    for numbers in tables:
        shown = shown_table(numbers)
        console.print(shown.title, style="bold", markup=False, soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        for index, head in enumerate(shown.header):
            is_text = any(isinstance(row[index], str) for row in numbers.rows)
            table.add_column(head, justify="left" if is_text else "right", overflow="fold")
        for row in shown.rows:
            table.add_row(*(cell.replace("[", r"\[") for cell in row))
        show(table)
        if shown.note:
            say(shown.note)
        say("")


def show_caches(entries: list[Entry]) -> None:
    """A line a cache, and the sum."""
    if not entries:
        say("the cache is empty")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("kind", "of", "size", "images", "MB", "state"):
        table.add_column(head, justify="right" if head in ("images", "MB") else "left", overflow="fold")
    for one in entries:
        size = f"{one.size} px, {one.channels} ch" if one.size else ""
        table.add_row(one.kind, one.name, size, f"{one.images:,}", f"{one.bytes / MEGABYTE:,.1f}", one.state)
    show(table)
    total = sum(one.bytes for one in entries) / MEGABYTE
    say(f"{len(entries)} caches, {total:,.1f} MB, in {entries[0].path.parents[1]}")
