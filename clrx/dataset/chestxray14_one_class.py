"""ChestX-ray14, No Finding against an anomaly class of all 14 diseases (Chopade et al. 2021, A3.2, A4.2)."""

import numpy as np

from clrx.core.errors import UserError
from clrx.data.nih.labels import DISEASES, NO_FINDING, one_hot
from clrx.data.nih.release import Release, as_source, choose, open_release, shortage
from clrx.data.source import Source


def load(
    root: str | None,
    no_finding: int = 2800,
    per_disease: int = 200,
    seed: int = 0,
    missing: str = "error",
    table: str | None = None,
    images: str | None = None,
) -> Source:
    """`no_finding` images of No Finding (0) against `per_disease` images of each disease (1), none twice.

    All are chosen by seed, the rarest disease first, so that images with several labels do not run short.
    Where a label has too few images, all are taken, with a note. Raises UserError for an empty class.
    """
    if no_finding < 1 or per_disease < 1:
        raise UserError(f"no_finding={no_finding}, per_disease={per_disease}: both must be at least 1")
    release = open_release(root, missing, table, images)
    healthy = np.flatnonzero(release.table["labels"] == NO_FINDING)
    healthy = healthy[choose(release.table["image"].iloc[healthy], no_finding, seed, "no finding")]
    anomalies, notes = _anomalies(release, per_disease, seed)
    if not len(healthy) or not len(anomalies):
        empty = NO_FINDING if not len(healthy) else "any disease"
        raise UserError(f"none of the {len(release.table):,} images is labelled {empty}")
    labels = np.repeat(np.array([0, 1]), [len(healthy), len(anomalies)])
    notes = (*shortage(NO_FINDING, len(healthy), no_finding), *notes)
    rows = np.concatenate([healthy, anomalies])
    return as_source(release, rows, labels, (NO_FINDING, "Anomaly"), "binary", "chestxray14_one_class", notes)


def _anomalies(release: Release, each: int, seed: int) -> tuple[np.ndarray, tuple[str, ...]]:
    has = one_hot(release.table["labels"]).astype(bool)
    taken = np.zeros(len(has), dtype=bool)
    notes: list[str] = []
    for k in np.argsort(has.sum(axis=0), kind="stable"):
        free = np.flatnonzero(has[:, k] & ~taken)
        chosen = free[choose(release.table["image"].iloc[free], each, seed, DISEASES[k])]
        taken[chosen] = True
        notes += shortage(DISEASES[k], len(chosen), each)
    return np.flatnonzero(taken), tuple(notes)
