"""Arrays in the MedMNIST layout (Yang et al. 2023, doi:10.1038/s41597-022-01721-8): train_*, val_*, test_*."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clrx.errors import UserError, did_you_mean
from clrx.npz import read_npz
from clrx.places import cache_dir
from clrx.source import Source, Task
from clrx.tree import given_root, task_of

PARTS = {"train": "train", "val": "validation", "test": "test"}


def load(root: str | None = None, name: str | None = None) -> Source:
    """Images with the split that the file gives.

    `root`: an npz with {train,val,test}_images uint8 (N, H, W[, 3]) and {train,val,test}_labels (N,), (N, 1) or, for
    several labels an image, (N, K) of 0 and 1. `name`: a MedMNIST set (chestmnist, dermamnist, ...) that the
    `medmnist` package (clrx[medmnist]) downloads into the cache folder.
    """
    file = _downloaded(name) if name is not None else given_root(root, "an npz file in the MedMNIST layout")
    names = [f"{part}_{what}" for part in PARTS for what in ("images", "labels")]
    arrays = read_npz(file)
    if lacking := [key for key in names if key not in arrays]:
        raise UserError(f"the npz lacks {', '.join(lacking)}", where=str(file), allowed=", ".join(names))
    labels = np.concatenate([_two_dimensional(arrays[f"{part}_labels"]) for part in PARTS])
    sizes = {part: len(arrays[f"{part}_images"]) for part in PARTS}
    rows = [(f"{part}/{index:06d}", PARTS[part]) for part, size in sizes.items() for index in range(size)]
    table = pd.DataFrame(rows, columns=["image", "split"])
    array = np.concatenate([arrays[f"{part}_images"] for part in PARTS])
    _check(array, labels, file)
    task, classes = _task(labels, _names(name or file.stem), file)
    return Source(
        name=name or file.stem,
        task=task,
        classes=classes,
        table=table.assign(group=table["image"]),
        labels=labels.astype(np.uint8) if task == "multilabel" else labels[:, 0].astype(np.int64),
        array=array,
        channels=3 if array.ndim == 4 else 1,
    )


def _two_dimensional(labels: np.ndarray) -> np.ndarray:
    return labels.reshape(len(labels), -1)


def _check(array: np.ndarray, labels: np.ndarray, file: Path) -> None:
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3):
        what = f"images are {array.dtype} {array.shape}"
        raise UserError(what, where=str(file), allowed="uint8 (N, H, W) or (N, H, W, 3)")
    if len(array) != len(labels):
        raise UserError(f"{len(array)} images, but {len(labels)} labels", where=str(file))


def _task(labels: np.ndarray, names: tuple[str, ...], file: Path) -> tuple[Task, tuple[str, ...]]:
    """The task that the labels make, and its class names: the known ones, else numbers."""
    if labels.shape[1] > 1:
        if not set(np.unique(labels)) <= {0, 1}:
            raise UserError("several labels an image, but not of 0 and 1", where=str(file))
        return "multilabel", names or tuple(str(index) for index in range(labels.shape[1]))
    highest = int(labels.max())
    if labels.min() < 0 or not np.issubdtype(labels.dtype, np.integer):
        raise UserError("labels are no class numbers", where=str(file), allowed="0, 1, 2, ...")
    classes = names if len(names) > highest else tuple(str(index) for index in range(highest + 1))
    return task_of(len(classes), file.name), classes


def _known() -> dict[str, Any]:
    """What the medmnist package says of its sets; nothing where it is not installed."""
    try:
        from medmnist import INFO
    except ImportError:
        return {}
    return INFO


def _names(stem: str) -> tuple[str, ...]:
    labels = _known().get(stem.split("_")[0], {}).get("label", {})
    return tuple(str(labels[str(index)]) for index in range(len(labels)))


def _downloaded(name: str) -> Path:
    known = _known()
    if not known:
        raise UserError(
            "MedMNIST by name needs a package", fix="pip install 'clrx[medmnist]', or dataset.root=FILE.npz"
        )
    if name not in known:
        raise UserError(
            f"there is no MedMNIST set '{name}'", allowed=", ".join(known), fix=did_you_mean(name, known)
        )
    import medmnist

    folder = cache_dir() / "medmnist"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        getattr(medmnist, known[name]["python_class"])(split="train", download=True, root=str(folder))
    except Exception as error:  # whatever the package's downloader raises
        what = f"{name} could not be downloaded: {str(error).splitlines()[0]}"
        raise UserError(what, fix=f"download {name}.npz elsewhere: dataset.root=FILE.npz") from error
    return folder / f"{name}.npz"
