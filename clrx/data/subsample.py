"""A share of the images of each part of a split, by whole groups: what `scale` leaves of the data."""

import numpy as np

from clrx.data.source import Source
from clrx.data.split import PARTS, Split, keep_rows
from clrx.data.stratify import sample

FEW = 4  # images of a class that each part keeps, where it has so many


def thin(source: Source, split: Split, by: str, share: float, seed: int) -> tuple[Source, Split]:
    """About `share` of each part's images: groups (images where the split is by image) whole, classes in proportion.

    At least one group of each class is kept in each part, and of classes that are smaller than the share asks for as
    many as make FEW images. Which ones depends on `seed` and their ids alone.
    """
    ids = source.table["image" if by == "image" else "group"].to_numpy(dtype=str)
    kept = []
    for name in PARTS:
        rows = getattr(split, name)
        if len(rows):
            kept.append(rows[sample(ids[rows], source.labels[rows], share, FEW, seed)])
    rows = np.sort(np.concatenate(kept))
    note = f"scale={share:g}: {len(rows)} of {len(source)} images are used"
    return source.take(rows), keep_rows(source, split, rows, note)
