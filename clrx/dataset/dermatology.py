"""Dermatology: HAM10000 and the ISIC archive's layout (images and a metadata table), or folders by class."""

import re
from collections import Counter
from pathlib import Path

from clrx.core.errors import UserError
from clrx.data.archive import ENDINGS, resolve_root
from clrx.data.classes import in_order, indices, task_of
from clrx.data.image_folders import class_images, folder_source, given_folder, image_files
from clrx.data.image_table import check_missing, read_csv, settle_missing
from clrx.data.source import Source

COLUMNS = {"lesion_id": "group", "image_id": "image", "dx": "dx"}
PATTERN = "*metadata*.csv"
NO_CLASS = re.compile(r"images|part[-_ ]?\d|input", re.IGNORECASE)  # folders that releases are packed in


def load(root: str | None = None, metadata: str | None = None, missing: str = "error") -> Source:
    """Images with their diagnosis `dx`, grouped by `lesion_id`.

    `root`: a folder with the images, at any depth, or an archive of them, and `metadata` the table (null: the one
    *metadata*.csv in or beside `root`). Without a table: one folder a class, each image its own group, as a private
    set like Mishra et al. 2019's (10 classes, 7,543 images) can be laid out. `missing`: error | drop images that the
    table names and the folder lacks. Raises UserError.
    """
    check_missing(missing)
    folder = _images_folder(
        given_folder(root, "a folder or archive of images, with a *metadata*.csv or class folders")
    )
    table = _metadata_file(Path(str(root)).expanduser().absolute(), folder, metadata)
    return _by_class(folder) if table is None else _by_table(table, folder, missing)


def _images_folder(folder: Path) -> Path:
    """The folder itself, or the one archive that lies in it where it has no images of its own."""
    archives = [file for file in sorted(folder.iterdir()) if file.name.lower().endswith(ENDINGS)]
    return resolve_root(str(archives[0])) if len(archives) == 1 and not image_files(folder) else folder


def _metadata_file(root: Path, folder: Path, named: str | None) -> Path | None:
    if named is not None:
        if not Path(named).expanduser().is_file():
            raise UserError(f"there is no metadata table {named}", where="dataset.metadata")
        return Path(named).expanduser()
    beside = root.rglob(PATTERN) if root.is_dir() else root.parent.glob(PATTERN)
    tables = sorted({*beside, *folder.rglob(PATTERN)})
    if len(tables) > 1:
        allowed = ", ".join(map(str, tables))
        raise UserError("there are several metadata tables", allowed=allowed, fix="dataset.metadata=FILE")
    return tables[0] if tables else None


def _by_class(folder: Path) -> Source:
    found = class_images(folder)
    wrong = sorted({image.label for image in found if NO_CLASS.search(image.label)})
    if wrong:
        what = f"there is no metadata table, and {wrong[0]} is no name of a class"
        raise UserError(
            what, where=str(folder), fix="dataset.metadata=FILE, a CSV with " + ", ".join(COLUMNS)
        )
    return folder_source("dermatology", folder, found, channels=3)


def _by_table(file: Path, folder: Path, missing: str) -> Source:
    raw = read_csv(file, {f"column {name}": name for name in COLUMNS}, unique=["image_id"])
    table = raw.rename(columns=COLUMNS)
    paths = _paths(folder, set(table["image"]))
    table["file"] = [paths.get(name, "") for name in table["image"]]
    fix = "dataset.root=FOLDER with the images"
    words = {"names": file.name, "place": "in the folder", "where": str(folder), "fix": fix}
    table, notes = settle_missing(table, missing, **words)
    classes = in_order(table["dx"])
    return Source(
        name="dermatology",
        task=task_of(len(classes), "dermatology"),
        classes=classes,
        table=table.drop(columns=["file", "dx"]),
        labels=indices(table["dx"], classes),
        files=tuple(table["file"]),
        channels=3,
        notes=notes,
        root=str(folder),
    )


def _paths(folder: Path, wanted: set[str]) -> dict[str, str]:
    """The file of each wanted image, by its name without ending; UserError where one has several."""
    files = [(Path(path).stem, path) for path in image_files(folder)]
    twice = sorted(
        name for name, count in Counter(stem for stem, _ in files).items() if count > 1 and name in wanted
    )
    if twice:
        paths = ", ".join(path for stem, path in files if stem == twice[0])
        raise UserError(f"{len(twice):,} images are there more than once, e.g. {twice[0]}", where=paths)
    return {stem: path for stem, path in files if stem in wanted}
