"""A toy data set for whole runs: grey 16 x 16 images whose centre is brighter in class 1, in the MedMNIST layout."""

from pathlib import Path

import numpy as np

SIZES = {"train": 240, "val": 60, "test": 60}


def write_toy(path: Path, contrast: float = 60.0, classes: int = 2) -> Path:
    """Write the npz to `path`; `contrast` grey levels of 255 tell a class from the next, 0: nothing does."""
    rng, arrays = np.random.default_rng(0), {}
    for part, size in SIZES.items():
        labels = np.arange(size) % classes
        images = rng.normal(110.0, 30.0, (size, 16, 16))
        images[:, 4:12, 4:12] += contrast * labels[:, None, None]
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = (
            images.clip(0, 255).astype(np.uint8),
            labels[:, None],
        )
    np.savez(path, **arrays)
    return path
