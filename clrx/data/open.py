"""From the `dataset` and `split` sections to images, labels and split in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from clrx.config.schema import TrainConfig
from clrx.config.sections import Dataset
from clrx.config.sections import Split as SplitConfig
from clrx.config.target import build
from clrx.core.errors import UserError
from clrx.data.cache.open import Cache, open_cache
from clrx.data.near_duplicates import note_near_duplicates
from clrx.data.patients import settle_likely_groups
from clrx.data.source import Source
from clrx.data.split import Split, keep_rows, make_split
from clrx.data.spot_checks import pixel_notes, settle_duplicates
from clrx.data.subsample import balanced_rows, subsample

SIDES = (8, 4096)  # pixels that dataset.size may have


@dataclass(frozen=True)
class Data:
    """A source whose images are decoded: row i of `cache.array`, of `source` and of the split are one image."""

    source: Source
    split: Split
    cache: Cache
    train: np.ndarray  # rows trained on: the split's, or a balanced subset of them

    @property
    def channels(self) -> int:
        return self.cache.array.shape[1]

    @property
    def labels_hash(self) -> str:
        """SHA-256 hex of the classes and of every row's label."""
        source = self.source
        return sha256("\t".join(source.classes).encode() + source.labels.tobytes()).hexdigest()

    @property
    def outputs(self) -> int:
        """Scores an image: 1 for a binary task, else one a class."""
        return 1 if self.source.task == "binary" else len(self.source.classes)


def load_source(dataset: Dataset) -> Source:
    """Call the dataset's `_target_` with its own keys; it raises UserError for whatever is wrong with them."""
    source: Source = build(dataset.source)
    return replace(source, root="/") if dataset.links == "follow" else source


def open_data(cfg: TrainConfig, source: Source, progress: Callable[[int, int], None] | None = None) -> Data:
    """Check, split and decode a source as `cfg` asks. The split is checked before anything is decoded."""
    if source.files is not None and "" in source.files:
        fix = "dataset.missing=drop leaves missing images out"
        raise UserError("dataset.missing=keep is for clrx data: nothing can be trained on it", fix=fix)
    dataset, scale = cfg.dataset, cfg.scale
    split = split_of(dataset, cfg.split, cfg.selection, source)
    if scale < 1:
        source, split = subsample(source, split, dataset.split, scale, cfg.split.seed)
    cache = open_cache(
        source,
        size_of(dataset, source),
        dataset.channels or source.channels,
        dataset.unreadable,
        workers=cfg.workers,
        progress=progress,
    )
    if len(cache.kept) < len(source):
        whole, source = source, source.take(cache.kept)
        if scale < 1:
            split = keep_rows(whole, split, cache.kept)
        else:
            split = split_of(dataset, cfg.split, cfg.selection, source)
    split = settle_duplicates(source, split, cache.digests, dataset.duplicates)
    split = note_near_duplicates(source, split, cache.array, cache.digests)
    source = replace(source, notes=(*source.notes, *pixel_notes(source, cache.array)))
    return Data(source, split, cache, _training_rows(dataset.balanced, scale, source, split, cfg.split.seed))


def size_of(dataset: Dataset, source: Source) -> int:
    """The side of the decoded images in pixels: `dataset.size`, or where that is null the longer one of an array's.

    Raises UserError for null where images are files, which may have any size, and where an array's is too large.
    """
    if dataset.size is not None:
        return dataset.size
    if source.array is None:
        what = "dataset.size=null takes the size of an array's images, but these are files"
        raise UserError(what, where="dataset.size", allowed="8 to 4096 pixels", fix="dataset.size=64")
    side = max(source.array.shape[1:3])
    if not SIDES[0] <= side <= SIDES[1]:
        what = f"the images of {source.name} have {side} pixels a side"
        raise UserError(what, where="dataset.size", allowed="8 to 4096 pixels", fix="dataset.size=64")
    return int(side)


def split_of(dataset: Dataset, split: SplitConfig, selection: str, source: Source) -> Split:
    """The split that the `split` section and `dataset.split` ask for; no validation where test selects."""
    validation = 0.0 if selection == "test" else split.validation
    by = dataset.split
    if by == "auto":
        by = "given" if "split" in source.table else "group"
    made = make_split(source, by, validation, split.test, split.folds, split.fold, split.seed)
    return made if source.likely is None else settle_likely_groups(source, made, by)


def _training_rows(each: int | None, scale: float, source: Source, split: Split, seed: int) -> np.ndarray:
    if each is None:
        return split.train
    if scale < 1:  # whole groups: a class may have kept fewer than its share
        left = np.unique(source.labels[split.train], return_counts=True)[1].min()
        each = max(1, min(round(scale * each), int(left)))
    return balanced_rows(source.labels, split.train, each, seed)
