"""`clrx data`: prepare a dataset and show what is in it; list and clear what is cached."""

from collections.abc import Iterable

from omegaconf import DictConfig
from rich.table import Table

from clrx.config.load import invocation, load, recorded
from clrx.config.schema import DataConfig
from clrx.core.console import console, open_screen, say, show
from clrx.data.cache.list import Entry, clear_caches, list_caches
from clrx.run.directory import write_config
from clrx.survey.collect import published, survey_dataset
from clrx.survey.numbers import Numbers, shown_table
from clrx.survey.tables import grouped, notices
from clrx.survey.write import facts_of, title_of, write_survey

MEGABYTE = 1_000_000


def task(raw: DictConfig) -> int:
    """Show the numbers of papers on the release, then the dataset's own; write all to the run directory."""
    about, cfg = invocation(raw), load(raw, kind=DataConfig)
    if cfg.cache is not None:
        return manage_caches(cfg.cache)
    path = about.directory
    papers = published(cfg.dataset)
    show_numbers(one for one in papers if len(one.header) > 2)  # the others are figures
    with open_screen() as screen:
        survey = survey_dataset(cfg, screen.decoding())
    groups = grouped(survey, papers, cfg.sample)
    say(title_of(survey))
    for name, value in facts_of(survey):
        say(f"  {name}: {value}")
    show_numbers(one for name, group in groups.items() if name != "Publications" for one in group)
    for text in notices(survey):
        say(f"note: {text}")
    write_config(path, recorded(raw))
    write_survey(path, survey, groups, cfg.sheet)
    say(f"data.html, tables/*.csv and figures/*.png are in {path}")
    return 0


def manage_caches(what: str) -> int:
    """List the caches, or remove all of them or those that this version cannot use."""
    if what == "list":
        show_caches(list_caches())
        return 0
    removed, left = clear_caches(only="all" if what == "clear" else "unused")
    show_caches(removed)
    say(f"removed {len(removed)} caches")
    for one in left:
        say(f"left, since it is being built now: {one.path}")
    return 0


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
