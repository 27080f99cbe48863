"""Images by class folder: which of a tree's folders are classes, which are parts, and what belongs to neither.

What the names say without doubt is read so and noted. What could be read in two ways is refused.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError
from clrx.data.classes import encode, task_of
from clrx.data.decode.image import IMAGE_TYPES
from clrx.data.folder_names import (
    NEVER_A_CLASS,
    derived_files,
    is_prediction,
    is_wrapper,
    lies_beside,
    part_of,
)
from clrx.data.image_folders import Folder, counted, quoted, read_folder
from clrx.data.locate import check_equal
from clrx.data.source import LikelyGroups, Source
from clrx.data.spelling import plain

Notes = list[str]


@dataclass(frozen=True)
class ClassImage:
    """One image in a class folder."""

    path: str  # absolute
    name: str  # relative to the folder that holds classes or parts, with forward slashes
    label: str  # the class folder it lies in, at any depth
    part: str | None  # train, validation or test, where a folder above says so


def class_images(
    root: Path, classes: Sequence[str] | None = None
) -> tuple[list[ClassImage], tuple[str, ...]]:
    """Every image of a tree of class folders, sorted by name, and notes on what was left out.

    `classes`: names of the class folders; None: all folders that can be classes. Raises UserError for no image, for
    one in no class folder, for a class without images, and for folders whose names leave it open what they are.
    """
    whole, notes = read_folder(root), list[str]()
    skipped = whole.others_below()
    if not whole.has_images():
        only = f" (only {counted(skipped)})" if skipped else ""
        raise UserError(f"there are no images{only}", where=str(root), allowed=", ".join(IMAGE_TYPES))
    top = _top(whole, classes)
    parts = _parts(top, classes, notes)
    top = top if parts else _inner(top, classes, notes)
    roots = parts or [(None, top)]
    found = [one for part, folder in roots for one in _of_root(folder, part, top, classes, notes)]
    _refuse_lost([folder for _, folder in roots], {one.label for one in found}, classes)
    if skipped:
        notes.append(f"files that are not read as images: {counted(skipped)}")
    return sorted(found, key=lambda one: one.path), tuple(notes)


def below_class(image: ClassImage) -> str:
    """The path of an image below its class folder: patient7/1.png of train/cat/patient7/1.png."""
    parts = image.name.split("/")
    return "/".join(parts[parts.index(image.label) + 1 :])


def folder_source(
    name: str,
    root: Path,
    found: Sequence[ClassImage],
    *,
    channels: int,
    positive: str | None = None,
    classes: tuple[str, ...] | None = None,
    group: Sequence[str] | None = None,
    likely: LikelyGroups | None = None,
    notes: tuple[str, ...] = (),
    **more: object,
) -> Source:
    """A Source of images in class folders: class index by folder name, the split where folders name one.

    `classes`: their order, where it is known. `group`: of each image; None: each image for itself, and `likely` are the
    groups that the names suggest.
    """
    ordered, labels, spelt = encode([one.label for one in found], positive, classes)
    table = pd.DataFrame({"image": [one.name for one in found]})
    table["group"] = table["image"] if group is None else list(group)
    if found and found[0].part:
        table["split"] = [one.part for one in found]
    settings = {
        "files": tuple(one.path for one in found),
        "channels": channels,
        "root": str(root),
        "likely": likely,
        **more,
    }
    task = task_of(len(ordered), name)
    return Source(name, task, ordered, table, labels, notes=(*notes, *spelt), **settings)  # type: ignore[arg-type]


def _is_class(folder: str, classes: Sequence[str] | None) -> bool:
    return classes is not None and plain(folder) in {plain(str(name)) for name in classes}


def _top(folder: Folder, classes: Sequence[str] | None) -> Folder:
    """The folder itself, or the only one in it: archives often wrap all they have in one folder."""
    inside = [*folder.meant().values()]
    if folder.images or len(inside) != 1 or not inside[0].folders:
        return folder
    only = inside[0]
    return folder if part_of(only.name) or _is_class(only.name, classes) else _top(only, classes)


def _parts(top: Folder, classes: Sequence[str] | None, notes: Notes) -> list[tuple[str | None, Folder]]:
    """The folders of the parts with their roles; none where the names name no part."""
    folders = {name: one for name, one in top.folders.items() if not _is_class(name, classes)}
    parts = [(part, one) for name, one in folders.items() if (part := part_of(name)) and one.has_images()]
    if not parts:
        return []
    others = [one for name, one in top.folders.items() if not part_of(name) and one.has_images()]
    for one in [one for one in others if is_prediction(one.name) or one.name.casefold() in NEVER_A_CLASS]:
        others.remove(one)
        what = "images without classes" if is_prediction(one.name) else "images beside train/ and test/"
        notes.append(f"{one.name}/ is left out: {sum(1 for _ in one.paths()):,} {what}")
    without = [
        *map(top.path_of, top.images),
        *(path for one in others for path in one.paths()),
    ]
    if without:
        first = os.path.relpath(without[0], top.path)
        what = f"some images lie below train/, val/ or test/, {len(without):,} others do not: {first}"
        raise UserError(what, where=top.path, fix="all below such folders, or none")
    return [(part, _unwrapped(one, part, classes)) for part, one in parts]


def _unwrapped(folder: Folder, part: str, classes: Sequence[str] | None) -> Folder:
    """The folder of a part, or the only one in it where its name adds nothing: training_set/training_set/."""
    inside = [*folder.meant().values()]
    if folder.images or len(inside) != 1 or _is_class(inside[0].name, classes):
        return folder
    only = inside[0]
    adds_nothing = (
        part_of(only.name) == part or is_wrapper(only.name) or plain(only.name) == plain(folder.name)
    )
    return _unwrapped(only, part, classes) if adds_nothing and only.folders else folder


def _inner(top: Folder, classes: Sequence[str] | None, notes: Notes) -> Folder:
    """The folder that classes lie in: this one, or images/ or data/ in it with only docs/ or masks/ beside it."""
    with_images = [
        one for one in top.folders.values() if one.has_images() and not _is_class(one.name, classes)
    ]
    wrappers = [one for one in with_images if is_wrapper(one.name)]
    others = [one for one in with_images if not is_wrapper(one.name)]
    if top.images or len(wrappers) != 1 or not all(one.name.casefold() in NEVER_A_CLASS for one in others):
        return top
    if sum(one.has_images() for one in wrappers[0].folders.values()) < 2:
        return top
    for one in others:
        notes.append(
            f"{one.name}/ beside {wrappers[0].name}/ is left out: {sum(1 for _ in one.paths()):,} images"
        )
    return wrappers[0]


def _of_root(
    root: Folder, part: str | None, top: Folder, classes: Sequence[str] | None, notes: Notes
) -> Iterator[ClassImage]:
    """The images of the class folders in one folder."""
    begin = len(top.path.rstrip("/")) + 1
    if root.images:
        name = root.path_of(root.images[0])[begin:]
        fix = "one folder a class, below train/, val/ and test/ or not"
        raise UserError(f"{name} lies in no class folder", where=top.path, fix=fix)
    folders = [one for one in root.folders.values() if one.has_images()]
    if classes is not None:
        for one in [one for one in folders if not _is_class(one.name, classes)]:
            folders.remove(one)
            notes.append(f"{one.path[begin:]}/ is left out: dataset.classes does not name it")
    else:
        for one in [one for one in folders if _is_copy(one, root)]:
            folders.remove(one)
            notes.append(f"{one.path[begin:]}/ is left out: a copy of the folders beside it")
        _refuse_open(folders, top)
    for folder in folders:
        for path in _of_class(folder, begin, notes):
            yield ClassImage(path, path[begin:], folder.name, part)


def _refuse_open(folders: Sequence[Folder], top: Folder) -> None:
    """UserError where a folder among the classes has a name that is hardly that of a class."""
    odd = [one.name for one in folders if _is_odd(one.name)]
    if odd and len(folders) > 1:
        rest = [one.name for one in folders if one.name not in odd]
        what = f"is {quoted(odd)} a class? The folders with images are {quoted(one.name for one in folders)}"
        names = ",".join(rest if len(rest) > 1 else (one.name for one in folders))
        fix = (
            f"name the classes, dataset.classes=[{names}], or the folder that holds them, dataset.root=FOLDER"
        )
        raise UserError(what, where=top.path, fix=fix)


def _is_odd(folder: str) -> bool:
    return is_wrapper(folder) or is_prediction(folder) or folder.casefold() in NEVER_A_CLASS


def _is_copy(folder: Folder, root: Folder) -> bool:
    """Whether a folder among the classes repeats them: cell_images/cell_images/ with the classes of cell_images/.

    UserError where its images are others than those beside it.
    """
    beside = {name for name, one in root.folders.items() if one is not folder and one.has_images()}
    again = {name for name, one in folder.folders.items() if one.has_images() and name in beside}
    if len(again) < 2:
        return False
    twins = {path: [path, root.path + path[len(folder.path) :]] for path in folder.paths()}
    lone = [path for path, (_, twin) in twins.items() if not os.path.exists(twin)]  # noqa: PTH110
    if lone:
        what = f"{folder.name}/ holds {quoted(again)}, as the folder it lies in does, and other images: {lone[0]}"
        raise UserError(what, where=root.path, fix=f"dataset.root={folder.path}, or dataset.classes=[...]")
    check_equal(twins)
    return True


def _of_class(folder: Folder, begin: int, notes: Notes) -> list[str]:
    """The images of a class, without masks, thumbnails and such beside them: in folders, or by their file names."""
    aside = [one for one in folder.below() if one is not folder and lies_beside(one.name)]
    inside = {path for one in aside for path in one.paths()}
    paths = [path for path in folder.paths() if path not in inside]
    if not paths:  # nothing but masks: so they are the images
        paths, aside = [*folder.paths()], []
    for one in aside:
        if one.images:
            notes.append(
                f"{one.path[begin:]}/ is left out: {len(one.images):,} images beside those of the class"
            )
    derived = {
        one.path_of(name) for one in folder.below() for name in derived_files(one.images)
    }.intersection(paths)
    if derived:
        example = min(derived)[begin:]
        notes.append(f"{len(derived):,} images made from others beside them are left out, e.g. {example}")
    return [path for path in paths if path not in derived]


def _refuse_lost(roots: Sequence[Folder], found: set[str], classes: Sequence[str] | None) -> None:
    """UserError for class folders of which no image is read."""
    have = {plain(label) for label in found}
    folders = {name: one for root in roots for name, one in root.meant().items() if not one.has_images()}
    lost = {
        name: counted(one.others_below()) or "empty"
        for name, one in folders.items()
        if plain(name) not in have
    }
    if classes is not None:
        named = {str(name): lost.get(str(name), "there is no such folder") for name in classes}
        lost = {name: why for name, why in named.items() if plain(name) not in have}
    if lost:
        reasons = ", ".join(f"{name} ({why})" for name, why in sorted(lost.items()))
        fix = f"convert the files (png, jpg), remove the folders, or dataset.classes=[{','.join(sorted(found))}]"
        raise UserError(f"no image is read of {reasons}", where=roots[0].path, fix=fix)
