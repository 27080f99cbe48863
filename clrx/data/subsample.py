"""A part of the images of a split: by whole groups for a rehearsal (`scale`), or as many of each class."""

import numpy as np

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.source import Source
from clrx.data.split import PARTS, Split, keep_rows
from clrx.data.stratify import sample

FEW = 4  # images of a class that each part keeps, where it has so many


def subsample(source: Source, split: Split, by: str, share: float, seed: int) -> tuple[Source, Split]:
    """About `share` of each part's images: groups (images where the split is by image) whole, classes in proportion.

    At least one group of each class is kept in each part, and of classes that are smaller than the share asks for as
    many as make FEW images. Which ones depends on `seed` and their ids alone.
    """
    ids = source.table["image" if by == "image" else "group"].to_numpy(dtype=str)
    parts = [rows for name in PARTS if len(rows := getattr(split, name))]
    kept = [rows[sample(ids[rows], source.labels[rows], share, FEW, seed)] for rows in parts]
    rows = np.sort(np.concatenate(kept))
    note = f"scale={share:g}: {len(rows)} of {len(source)} images are used"
    return source.take(rows), keep_rows(source, split, rows, note)


def balanced_rows(labels: np.ndarray, rows: np.ndarray, each: int, seed: int) -> np.ndarray:
    """`each` of the rows of every class, chosen by seed, sorted; UserError where a class has fewer.

    `labels` (N,): class indices of all images; `rows`: the images to choose from.
    """
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
