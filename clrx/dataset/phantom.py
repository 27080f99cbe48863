"""The embedded default: a synthetic ChestX-ray14, one disease against No Finding, drawn on first use."""

from dataclasses import replace

from clrx.data.nih.labels import check_disease
from clrx.data.nih.release import binary_source, open_release
from clrx.data.phantom.draw import LABEL, phantom_folder
from clrx.data.source import Source


def load(
    label: str, no_finding: int | None = None, images: int = 6000, pixels: int = 96, seed: int = 0
) -> Source:
    """Images with `label` (1) against `no_finding` of No Finding (0; None: as many), of `images` phantoms."""
    check_disease(label)
    release = open_release(phantom_folder(images, pixels, seed))
    release = replace(release, notes=(LABEL, *release.notes))
    return binary_source(release, label, no_finding, seed, "phantom", synthetic=True)
