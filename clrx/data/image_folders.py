"""Images as they lie in folders: a folder a class, below train/val/test folders or not."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError
from clrx.data.archive import resolve_root
from clrx.data.classes import in_order, indices, task_of
from clrx.data.source import Source

IMAGE_TYPES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".pgm", ".ppm", ".pbm", ".pnm", ".jp2", ".j2k", ".dcm", ".dicom", ".ima"),
)
PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class ClassImage:
    """One image below a root."""

    path: str  # absolute
    name: str  # relative to the root, with forward slashes
    label: str  # the class folder it lies in, at any depth
    part: str | None  # train, validation or test, where a folder above says so


def given_root(root: str | None, what: str) -> Path:
    """The folder or file of `dataset.root`, unpacked where it is an archive; UserError where there is none."""
    if root is None:
        raise UserError(
            "dataset.root is not set", where="dataset.root", allowed=what, fix="dataset.root=PATH"
        )
    return resolve_root(str(root))


def given_folder(root: str | None, what: str) -> Path:
    """`given_root`, and UserError for a file that is no archive."""
    path = given_root(root, what)
    if not path.is_dir():
        raise UserError(f"{path} is a file", where="dataset.root", allowed=what)
    return path


def given_file(root: str | None, what: str) -> Path:
    """`given_root`, and UserError for a folder."""
    path = given_root(root, what)
    if not path.is_file():
        raise UserError(f"{path} is no file", where="dataset.root", allowed=what)
    return path


def image_files(folder: Path) -> list[str]:
    """Absolute paths of all image files below a folder, sorted.

    Linked folders are followed, each folder once; hidden files and folders are passed over. Raises UserError
    for a folder that cannot be read.
    """
    return sorted(
        os.path.join(place, name)  # noqa: PTH118 - a Path for each of 100,000 files costs seconds
        for place, names in _folders(folder)
        for name in names
        if name.lower().endswith(IMAGE_TYPES) and not name.startswith(".")
    )


def _folders(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder below, once, with the names of the files in it."""
    seen = set()
    for place, folders, names in os.walk(folder, onerror=_refuse_folder, followlinks=True):
        about = os.stat(place)  # noqa: PTH116
        if (about.st_dev, about.st_ino) in seen:
            folders[:] = []
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        yield place, names


def _refuse_folder(error: OSError) -> None:
    raise UserError(f"a folder cannot be read: {error.strerror}", where=str(error.filename)) from error


def class_images(folder: Path) -> list[ClassImage]:
    """Every image of a tree of class folders.

    Raises UserError for no image, for one in no class folder, and where some lie below train/, val/ or
    test/ and others do not.
    """
    top, paths = _top(folder), image_files(folder)
    if not paths:
        raise UserError("there are no images", where=str(folder), allowed=", ".join(IMAGE_TYPES))
    found = [_leaf(path, path[len(str(top)) :].strip(os.sep).replace(os.sep, "/"), top) for path in paths]
    without = [leaf.name for leaf in found if leaf.part is None]
    if 0 < len(without) < len(found):
        what = f"some images lie below train/, val/ or test/, {len(without):,} others do not: {without[0]}"
        raise UserError(what, where=str(top), fix="all below such folders, or none")
    return found


def _top(folder: Path) -> Path:
    """The folder itself, or the only one in it: archives often wrap all they have in one folder."""
    inside = [one for one in sorted(folder.iterdir()) if not one.name.startswith((".", "__MACOSX"))]
    if len(inside) != 1 or not inside[0].is_dir() or inside[0].name.lower() in PARTS:
        return folder
    return _top(inside[0]) if any(one.is_dir() for one in inside[0].iterdir()) else folder


def _leaf(path: str, name: str, top: Path) -> ClassImage:
    parents = name.split("/")[:-1]
    part = PARTS.get(parents[0].lower()) if parents else None
    labels = parents[1:] if part else parents
    if not labels:
        fix = "one folder a class, below train/, val/ and test/ or not"
        raise UserError(f"{name} lies in no class folder", where=str(top), fix=fix)
    return ClassImage(path, name, labels[0], part)


def folder_source(
    name: str,
    folder: Path,
    found: Iterable[ClassImage],
    *,
    channels: int,
    classes: tuple[str, ...] | None = None,
    group: "pd.Series | list[str] | None" = None,
    **more: object,
) -> Source:
    """A Source of the class_images: class index by folder name, the split where folders name one."""
    found = list(found)
    classes = classes or in_order({leaf.label for leaf in found})
    table = pd.DataFrame({"image": [leaf.name for leaf in found]})
    table["group"] = table["image"] if group is None else list(group)
    if found and found[0].part:
        table["split"] = [leaf.part for leaf in found]
    labels = indices((leaf.label for leaf in found), classes)
    files = tuple(leaf.path for leaf in found)
    settings = {"files": files, "channels": channels, "root": str(folder), **more}
    return Source(name, task_of(len(classes), name), classes, table, labels, **settings)  # type: ignore[arg-type]
