"""From the configuration of `clrx data` to a Survey: the named images, their split, files and decoded pixels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from clrx.config.schema import DataConfig
from clrx.config.sections import Dataset
from clrx.config.target import build
from clrx.core.errors import UserError
from clrx.data.cache.open import Cache, open_cache
from clrx.data.open import load_source, size_of, split_of
from clrx.data.source import Source
from clrx.data.split import Split
from clrx.survey.numbers import Numbers


@dataclass(frozen=True)
class Survey:
    """What was found of a dataset; `problem`: why it cannot be split, "" where it can."""

    source: Source  # every image that the dataset names, missing ones included
    split: Split | None
    problem: str
    cache: Cache | None  # None where nothing is decoded
    decoded: np.ndarray  # (K,) the row of the source that row j of the cache is

    @cached_property
    def missing(self) -> np.ndarray:
        """(N,) bool."""
        return absent(self.source)

    @cached_property
    def unreadable(self) -> np.ndarray:
        """(N,) bool: there, and not decoded for what is in it."""
        if self.cache is None:
            return np.zeros(len(self.source), dtype=bool)
        found = ~self.missing
        found[self.decoded] = False
        return found


def published(dataset: Dataset) -> list[Numbers]:
    """The tables that papers print of the whole release, where the dataset's YAML names them under `survey`."""
    return build(dataset.survey) if dataset.survey is not None else []


def survey_dataset(cfg: DataConfig, progress: Callable[[int, int], None] | None = None) -> Survey:
    """The dataset that is asked for, split and decoded; missing images stay in it to be listed, unreadable ones do not.

    UserError where its images are wanted (`images=true`) and none is there.
    """
    source = _named(cfg.dataset)
    channels = cfg.dataset.channels or source.channels
    split, problem = _split(cfg, source)
    present = np.flatnonzero(~absent(source))
    if cfg.images is False or (cfg.images == "auto" and not len(present)):
        return Survey(source, split, problem, None, present[:0])
    if not len(present):
        raise UserError(
            "none of the images is there", where="images=true", fix="images=auto, or dataset.root=PLACE"
        )
    there = source if len(present) == len(source) else source.take(present)
    cache = open_cache(
        there, size_of(cfg.dataset, source), channels, "drop", workers=cfg.workers, progress=progress
    )
    return Survey(source, split, problem, cache, present[cache.kept])


def absent(source: Source) -> np.ndarray:
    """(N,) bool: images that are named and not there."""
    return np.array([not path for path in source.files or ["array"] * len(source)], dtype=bool)


def _named(dataset: Dataset) -> Source:
    """The source with every image that it names: those that training would stop at are kept, to be listed."""
    own = dataset.source
    if own.arguments.get("missing") == "error":
        own = replace(own, arguments={**own.arguments, "missing": "keep"})
    return load_source(replace(dataset, source=own))


def _split(cfg: DataConfig, source: Source) -> tuple[Split | None, str]:
    try:
        return split_of(cfg.dataset, cfg.split, cfg.selection, source), ""
    except UserError as error:
        return None, f"clrx train could not split this: {error}"
