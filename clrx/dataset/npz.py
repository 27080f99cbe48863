"""Arrays in the MedMNIST layout (Yang et al. 2023, doi:10.1038/s41597-022-01721-8): train_*, val_*, test_*."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clrx.core.errors import UserError, did_you_mean, first_line
from clrx.core.paths import cache_dir
from clrx.data.classes import task_of
from clrx.data.image_folders import given_file
from clrx.data.npz import as_images, as_numbers, read_arrays
from clrx.data.source import Source, Task
from clrx.data.table_labels import is_one_hot

PARTS = {"train": "train", "val": "validation", "test": "test"}


def load(root: str | None = None, name: str | None = None) -> Source:
    """Images with the split that the file gives.

    `root`: an npz with {train,val,test}_images uint8 (N, H, W[, 1 or 3]) and {train,val,test}_labels (N,), (N, 1) or,
    for several labels an image, (N, K) of 0 and 1; where each row of those has exactly one 1, they are classes that
    exclude each other. `name`: a MedMNIST set (chestmnist, dermamnist, ...) that the
    `medmnist` package (clrx[medmnist]) downloads into the cache folder. Raises UserError.
    """
    file = _downloaded(name) if name is not None else given_file(root, "an npz file in the MedMNIST layout")
    arrays = read_arrays(file, [f"{part}_{what}" for part in PARTS for what in ("images", "labels")])
    labels, array = _labels(arrays, file), _images(arrays, file)
    sizes = {part: len(arrays[f"{part}_images"]) for part in PARTS}
    rows = [(f"{part}/{index:06d}", PARTS[part]) for part, size in sizes.items() for index in range(size)]
    table = pd.DataFrame(rows, columns=["image", "split"])
    task, classes, labels, notes = _task(labels, _names(name or file.stem), file)
    return Source(
        name=name or file.stem,
        task=task,
        classes=classes,
        table=table.assign(group=table["image"]),
        labels=labels,
        array=array,
        channels=3 if array.ndim == 4 and array.shape[3] == 3 else 1,
        notes=notes,
    )


def _labels(arrays: dict[str, np.ndarray], file: Path) -> np.ndarray:
    """(N, K): the labels of all parts, as many as there are images in each."""
    columns = {part: as_numbers(arrays[f"{part}_labels"], f"{part}_labels", file) for part in PARTS}
    for part, column in columns.items():
        images = len(arrays[f"{part}_images"])
        if len(column) != images:
            raise UserError(f"{part}: {images:,} images, but {len(column):,} labels", where=str(file))
    if len({column.shape[1] for column in columns.values()}) > 1:
        raise UserError("the parts have different numbers of labels an image", where=str(file))
    return np.concatenate(list(columns.values()))


def _images(arrays: dict[str, np.ndarray], file: Path) -> np.ndarray:
    parts = [as_images(arrays[f"{part}_images"], file) for part in PARTS]
    if len({part.shape[1:] for part in parts}) > 1:
        what = (
            f"the parts have images of different shapes: {', '.join(str(part.shape[1:]) for part in parts)}"
        )
        raise UserError(what, where=str(file))
    return np.concatenate(parts)


def _task(
    labels: np.ndarray, names: tuple[str, ...], file: Path
) -> tuple[Task, tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """The task that the labels (N, K) make, its class names (the known ones, else numbers), its labels, and notes."""
    count, found = labels.shape[1], np.unique(labels)
    if count > 1:
        if not set(found.tolist()) <= {0, 1}:
            raise UserError("there are several labels an image, but not of 0 and 1", where=str(file))
        classes = names if len(names) == count else tuple(str(index) for index in range(count))
        if not is_one_hot(labels):
            return "multilabel", classes, labels.astype(np.uint8), ()
        note = f"the labels are one-hot: read as {count} classes that exclude each other"
        return task_of(count, file.name), classes, labels.argmax(axis=1), (note,)
    whole = np.issubdtype(labels.dtype, np.integer) or (found == found.round()).all()
    if not (whole and len(found) and 0 <= found[0] <= found[-1] < len(labels)):
        what = f"labels are no class numbers: {labels.dtype} {', '.join(map(str, found[:5].tolist()))}"
        raise UserError(what, where=str(file), allowed="whole numbers 0, 1, 2, ...")
    indices = labels[:, 0].astype(np.int64)
    if len(names) > found[-1]:
        return task_of(len(names), file.name), names, indices, ()
    classes = tuple(str(int(value)) for value in found)
    indices = np.searchsorted(found, indices)
    odd = int(found[0]) != 0 or len(found) <= int(found[-1])
    note = f"the labels are {', '.join(classes[:5])}{', ...' if len(classes) > 5 else ''}: one class each"
    if len(names) == found[-1] == len(found):  # the known names, counted from 1
        classes = names
    return task_of(len(classes), file.name), classes, indices, (note,) if odd else ()


def _known() -> dict[str, Any]:
    """What the medmnist package says of its sets; nothing where it is not installed."""
    try:
        from medmnist import INFO
    except ImportError:
        return {}
    return INFO


def _names(stem: str) -> tuple[str, ...]:
    """The class names of the MedMNIST set that the file's name begins with; all sets have `mnist` in theirs."""
    if "mnist" not in stem:  # the package brings scikit-learn: seconds
        return ()
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
        what = f"{name} could not be downloaded: {first_line(error)}"
        raise UserError(what, fix=f"download {name}.npz elsewhere: dataset.root=FILE.npz") from error
    return folder / f"{name}.npz"
