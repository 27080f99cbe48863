"""Images as they lie in folders: a folder a class, below train/val/test folders or not."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.archive import resolve_root
from clrx.errors import UserError
from clrx.source import Source, Task

IMAGE_TYPES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".dcm", ".dicom")
PARTS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Leaf:
    """One image below a root."""

    path: str  # absolute
    name: str  # relative to the root, with forward slashes
    label: str  # the folder it lies in
    part: str | None  # train, validation or test, where a folder above says so


def given_root(root: str | None, what: str) -> Path:
    """The folder or file of `dataset.root`, unpacked where it is an archive; UserError where there is none."""
    if root is None:
        raise UserError(
            "dataset.root is not set", where="dataset.root", allowed=what, fix="dataset.root=PLACE"
        )
    return resolve_root(root)


def image_files(folder: Path) -> list[str]:
    """Absolute paths of all image files below a folder, sorted; hidden files and folders are passed over."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.join(place, name)  # noqa: PTH118 - a Path for each of 100,000 files costs seconds
            for name in names
            if name.lower().endswith(IMAGE_TYPES) and not name.startswith(".")
        ]
    return sorted(found)


def leaves(folder: Path) -> list[Leaf]:
    """Every image of a tree of class folders; UserError where an image lies in no class folder."""
    found = []
    for path in image_files(folder):
        name = Path(path).relative_to(folder).as_posix()
        parents = name.split("/")[:-1]
        part = PARTS.get(parents[0].lower()) if parents else None
        labels = parents[1:] if part else parents
        if not labels:
            fix = "one folder a class, below train/, val/ and test/ or not"
            raise UserError(f"{name} lies in no class folder", where=str(folder), fix=fix)
        found.append(Leaf(path, name, labels[-1], part))
    if not found:
        raise UserError("there are no images", where=str(folder), allowed=", ".join(IMAGE_TYPES))
    return found


def tree_source(
    name: str,
    folder: Path,
    found: Iterable[Leaf],
    *,
    channels: int,
    classes: tuple[str, ...] | None = None,
    group: "pd.Series | list[str] | None" = None,
    **more: object,
) -> Source:
    """A Source of the leaves: class index by folder name, the split where every image's folder names one."""
    found = list(found)
    classes = classes or tuple(sorted({leaf.label for leaf in found}))
    table = pd.DataFrame({"image": [leaf.name for leaf in found]})
    table["group"] = table["image"] if group is None else list(group)
    parts = [leaf.part for leaf in found]
    if all(parts):
        table["split"] = parts
    labels = np.array([classes.index(leaf.label) for leaf in found], dtype=np.int64)
    files = tuple(leaf.path for leaf in found)
    settings = {"files": files, "channels": channels, "root": str(folder), **more}
    return Source(name, task_of(len(classes), name), classes, table, labels, **settings)  # type: ignore[arg-type]


def task_of(classes: int, name: str) -> Task:
    """binary for two classes, else multiclass; UserError for fewer."""
    if classes < 2:
        raise UserError(f"{name}: there is only one class", allowed="two or more")
    return "binary" if classes == 2 else "multiclass"
