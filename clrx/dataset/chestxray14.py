"""ChestX-ray14 (Wang et al. 2017), one disease against No Finding, as Chopade et al. 2021 train on it."""

from clrx.data.nih.labels import check_disease
from clrx.data.nih.release import binary_source, open_release
from clrx.data.source import Source


def load(
    root: str | None,
    label: str,
    no_finding: int | None = None,
    seed: int = 0,
    missing: str = "error",
    table: str | None = None,
    images: str | None = None,
) -> Source:
    """Images with `label` (1) against `no_finding` images of No Finding (0); grey, grouped by patient."""
    check_disease(label)
    release = open_release(root, missing, table, images)
    return binary_source(release, label, no_finding, seed, "chestxray14")
