"""From the `dataset` node to images, labels and split in memory: everything a run needs to know of its data."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.cache.open import Cache, open_cache
from clrx.data.source import Source
from clrx.data.split import Split, keep_rows, make_split
from clrx.data.subsample import thin
from clrx.schedule.stretch import scale_of

# conf/dataset/_common.yaml
COMMON = ("size", "channels", "split", "unreadable", "balanced", "survey", "recipe")


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


def load_source(dataset: DictConfig) -> Source:
    """Call the dataset's `_target_` with its own keys; it raises UserError for whatever is wrong with them."""
    plain = OmegaConf.to_container(dataset, resolve=True)
    assert isinstance(plain, dict)
    own = {key: value for key, value in plain.items() if key not in COMMON}
    return instantiate(own, _convert_="all")


def open_data(cfg: DictConfig, progress: Callable[[int, int], None] | None = None) -> Data:
    """Load, check, split and decode the data of `cfg`. The split is checked before anything is decoded."""
    source = load_source(cfg.dataset)
    if source.files is not None and "" in source.files:
        fix = "dataset.missing=drop leaves missing images out"
        raise UserError("dataset.missing=keep is for clrx data: nothing can be trained on it", fix=fix)
    split, scale = split_of(cfg, source), scale_of(cfg)
    if scale < 1:
        source, split = thin(source, split, cfg.dataset.split, scale, cfg.split.seed)
    channels = cfg.dataset.channels or source.channels
    check_image(cfg.dataset.size, channels)
    cache = open_cache(
        source, cfg.dataset.size, channels, cfg.dataset.unreadable, workers=cfg.workers, progress=progress
    )
    if len(cache.kept) < len(source):
        whole, source = source, source.take(cache.kept)
        split = split_of(cfg, source) if scale == 1 else keep_rows(whole, split, cache.kept)
    return Data(source, split, cache, _training_rows(cfg, source, split))


def split_of(cfg: DictConfig, source: Source) -> Split:
    """The split that the `split` and `dataset.split` keys ask for."""
    s = cfg.split
    validation = 0.0 if cfg.selection == "test" else s.validation
    by = cfg.dataset.split
    if by == "auto":
        by = "given" if "split" in source.table else "group"
    return make_split(source, by, validation, s.test, s.folds, s.fold, s.seed)


def check_image(size: int, channels: int) -> None:
    """Refuse sizes and channel counts that no network here takes."""
    if not isinstance(size, int) or not 8 <= size <= 4096:
        raise UserError(f"dataset.size={size} is no image size", allowed="8 to 4096 pixels")
    if channels not in (1, 3):
        raise UserError(f"dataset.channels={channels} is not possible", allowed="1, 3 or null")


def _training_rows(cfg: DictConfig, source: Source, split: Split) -> np.ndarray:
    each, scale = cfg.dataset.balanced, scale_of(cfg)
    if each is None:
        return split.train
    if scale < 1:  # whole groups: a class may have kept fewer than its share
        left = np.unique(source.labels[split.train], return_counts=True)[1].min()
        each = max(1, min(round(scale * each), int(left)))
    return balanced_rows(source.labels, split.train, each, cfg.split.seed)


def balanced_rows(labels: np.ndarray, rows: np.ndarray, each: int, seed: int) -> np.ndarray:
    """`each` rows of every class, drawn by seed, sorted; UserError where a class has fewer."""
    if labels.ndim != 1:
        raise UserError("dataset.balanced needs one class an image", where="dataset.balanced", allowed="null")
    chosen = []
    for label in np.unique(labels[rows]):
        mine = rows[labels[rows] == label]
        if len(mine) < each:
            what = f"dataset.balanced={each}, but class {label} has {len(mine)} training images"
            raise UserError(what, where="dataset.balanced", allowed=f"1 to {len(mine)}")
        chosen.append(random_generator(seed, "balanced", int(label)).permutation(mine)[:each])
    return np.sort(np.concatenate(chosen))
