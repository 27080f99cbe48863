"""`clrx data`: prepare a dataset and show what is in it; list and clear what is cached."""

from omegaconf import DictConfig

from clrx.config.load import invocation, load, recorded
from clrx.config.schema import DataConfig
from clrx.core.console import open_screen, say
from clrx.data.cache.list import clear_caches, list_caches
from clrx.run.directory import write_config
from clrx.survey.collect import look_at, published
from clrx.survey.screen import show_caches, show_numbers
from clrx.survey.tables import grouped, notices
from clrx.survey.write import facts_of, title_of, write_survey


def task(raw: DictConfig) -> int:
    """Show the numbers of papers on the release, then the dataset's own; write all to the run directory."""
    about, cfg = invocation(raw), load(raw, kind=DataConfig)
    if cfg.cache is not None:
        return manage_caches(cfg.cache)
    path = about.directory
    papers = published(cfg.dataset)
    show_numbers(one for one in papers if len(one.header) > 2)  # the others are figures
    with open_screen() as screen:
        look = look_at(cfg, screen.decoding())
    groups = grouped(look, papers, cfg.sample)
    say(title_of(look))
    for name, value in facts_of(look):
        say(f"  {name}: {value}")
    show_numbers(one for name, group in groups.items() if name != "Publications" for one in group)
    for text in notices(look):
        say(f"note: {text}")
    write_config(path, recorded(raw))
    write_survey(path, look, groups, cfg.sheet)
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
