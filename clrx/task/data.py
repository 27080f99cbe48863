"""`clrx data`: prepare a dataset and show what it is; list and clear what is cached."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from clrx.core.console import open_screen, say
from clrx.core.errors import UserError, did_you_mean, require_number
from clrx.core.files import write_text
from clrx.data.cache.list import clear_caches, list_caches
from clrx.survey.collect import look_at, published
from clrx.survey.screen import show_caches, show_numbers
from clrx.survey.tables import grouped, notices
from clrx.survey.write import facts_of, title_of, write_survey

CACHE = ("list", "clear", "clear_unused")
IMAGES = ("auto", True, False)


def task(cfg: DictConfig) -> int:
    """Show the numbers of papers on the release, then the dataset's own; write all to the run directory."""
    check_request(cfg)
    if cfg.cache is not None:
        return manage_caches(cfg.cache)
    path = Path(cfg.run.dir)
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
    write_text(path / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    write_survey(path, look, groups, cfg.sheet)
    say(f"data.html, tables/*.csv and figures/*.png are in {path}")
    return 0


def check_request(cfg: DictConfig) -> None:
    """UserError for a value of the command's own keys that is none."""
    if cfg.cache is not None and cfg.cache not in CACHE:
        fix = did_you_mean(str(cfg.cache), CACHE)
        raise UserError(f"cache={cfg.cache} is unknown", where="cache", allowed=", ".join(CACHE), fix=fix)
    if cfg.images not in IMAGES:
        raise UserError(f"images={cfg.images} is unknown", where="images", allowed="auto, true, false")
    require_number(cfg.sample, "sample", least=1, whole=True)
    require_number(cfg.sheet, "sheet", least=1, most=20, whole=True)


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
