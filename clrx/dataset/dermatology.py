"""Dermatology: HAM10000 and the ISIC archive's layout (images and a metadata table), or folders by class."""

from pathlib import Path

import numpy as np
import pandas as pd

from clrx.archive import resolve_root
from clrx.errors import UserError
from clrx.source import Source
from clrx.tree import given_root, image_files, leaves, task_of, tree_source

COLUMNS = ("lesion_id", "image_id", "dx")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")


def load(root: str | None = None, metadata: str | None = None, missing: str = "error") -> Source:
    """Images with their diagnosis `dx`, grouped by `lesion_id`.

    `root`: a folder with the images, at any depth, or an archive of them, and `metadata` the table (null: the one
    *metadata*.csv in or beside `root`). Without a table: one folder a class, each image its own group, as a private
    set like Mishra et al. 2019's (10 classes, 7,543 images) can be laid out. `missing`: error | drop images that the
    table names and the folder lacks.
    """
    if missing not in ("error", "drop"):
        raise UserError(f"dataset.missing={missing} is unknown", allowed="error, drop")
    folder = _images_folder(
        given_root(root, "a folder or archive of images, with a *metadata*.csv or class folders")
    )
    table = _metadata_file(Path(str(root)).expanduser(), folder, metadata)
    if table is None:
        return tree_source("dermatology", folder, leaves(folder), channels=3)
    return _by_table(_read(table), folder, missing, table)


def _images_folder(place: Path) -> Path:
    """The folder itself, or the one archive that lies in it where it has no images of its own."""
    archives = [file for file in sorted(place.iterdir()) if file.name.lower().endswith(ARCHIVES)]
    return resolve_root(str(archives[0])) if len(archives) == 1 and not image_files(place) else place


def _metadata_file(root: Path, folder: Path, named: str | None) -> Path | None:
    if named is not None:
        if not Path(named).expanduser().is_file():
            raise UserError(f"there is no metadata table {named}", where="dataset.metadata")
        return Path(named).expanduser()
    places = dict.fromkeys([root if root.is_dir() else root.parent, folder])
    tables = sorted({file for place in places for file in place.rglob("*metadata*.csv")})
    if len(tables) > 1:
        allowed = ", ".join(map(str, tables))
        raise UserError("there are several metadata tables", allowed=allowed, fix="dataset.metadata=FILE")
    return tables[0] if tables else None


def _read(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, dtype=str)
    if lacking := [name for name in COLUMNS if name not in table.columns]:
        what = f"the metadata table lacks {', '.join(lacking)}"
        raise UserError(what, where=str(file), allowed=", ".join(COLUMNS))
    empty = table[list(COLUMNS)].isna().any(axis=1) | table["image_id"].duplicated()
    if empty.any():
        what = f"line {int(empty.to_numpy().argmax()) + 2} has an empty cell or names an image again"
        raise UserError(what, where=str(file))
    return table


def _by_table(table: pd.DataFrame, folder: Path, missing: str, file: Path) -> Source:
    paths = {Path(path).stem: path for path in image_files(folder)}
    present = table["image_id"].isin(paths.keys()).to_numpy()
    lacking = int((~present).sum())
    note = f"{lacking:,} of the {len(table):,} images that {file.name} names are not in the folder"
    if lacking and (missing == "error" or not present.any()):
        fix = (
            "dataset.missing=drop leaves them out" if present.any() else "dataset.root=FOLDER with the images"
        )
        raise UserError(note, where=str(folder), fix=fix)
    table = table[present].reset_index(drop=True)
    classes = tuple(sorted(table["dx"].unique()))
    return Source(
        name="dermatology",
        task=task_of(len(classes), "dermatology"),
        classes=classes,
        table=table.rename(columns={"image_id": "image", "lesion_id": "group"}),
        labels=np.searchsorted(np.array(classes), table["dx"].to_numpy(dtype=str)).astype(np.int64),
        files=tuple(paths[name] for name in table["image_id"]),
        channels=3,
        notes=(f"{note}; they are left out",) if lacking else (),
        root=str(folder),
    )
