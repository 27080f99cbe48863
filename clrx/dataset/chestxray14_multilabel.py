"""ChestX-ray14 with all 14 findings at once, as CheXNet (Rajpurkar et al. 2017) is trained on it."""

import numpy as np

from clrx.data.nih.labels import DISEASES, one_hot
from clrx.data.nih.release import as_source, open_release
from clrx.data.source import Source


def load(
    root: str | None,
    missing: str = "error",
    table: str | None = None,
    images: str | None = None,
) -> Source:
    """Every image of the release; labels (N, 14) uint8, all 0 for No Finding; grouped by patient."""
    release = open_release(root, missing, table, images)
    rows, labels = np.arange(len(release.table)), one_hot(release.table["labels"])
    return as_source(release, rows, labels, DISEASES, "multilabel", "chestxray14_multilabel")
