"""A user's own table: a line an image, with its path and label, and its group and split where there are."""

import os
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError
from clrx.data.archive import resolve_root
from clrx.data.classes import in_order, indices, task_of
from clrx.data.image_folders import PARTS, given_file
from clrx.data.image_table import check_missing, read_csv, settle_missing
from clrx.data.source import Source


def load(
    root: str | None = None,
    images: str | None = None,
    path: str = "path",
    label: str = "label",
    group: str | None = None,
    split_column: str | None = None,
    positive: str | None = None,
    missing: str = "error",
    color: bool = True,
) -> Source:
    """The images that the CSV file `root` names in its column `path`.

    Paths are relative to `images`, a folder or an archive (null: the CSV's folder). `label`, `group` (null: each
    image for itself) and `split_column` (train | val | test; null: none) are columns. `positive`: of two classes
    the one that is 1 (null: the one that sorts last). `missing`: error | drop files that are not there.
    """
    check_missing(missing)
    file = given_file(root, "a CSV file")
    keys = {"dataset.path": path, "dataset.label": label}
    keys |= {"dataset.group": group} if group else {}
    keys |= {"dataset.split_column": split_column} if split_column else {}
    table = _columns(read_csv(file, keys, unique=[path]), path, label, group, split_column, file)
    base = resolve_root(images) if images else file.parent
    table["file"] = [_present(os.path.join(base, name)) for name in table["image"]]  # noqa: PTH118
    fix = "dataset.images=FOLDER that the paths are relative to"
    words = {"names": file.name, "place": "there", "where": str(base), "fix": fix}
    table, notes = settle_missing(table, missing, **words)
    classes = in_order(table["label"], positive)
    return Source(
        name="csv",
        task=task_of(len(classes), file.name),
        classes=classes,
        table=table.drop(columns=["file", "label"]),
        labels=indices(table["label"], classes),
        files=tuple(table["file"]),
        channels=3 if color else 1,
        notes=notes,
        root=str(base),
    )


def _columns(
    raw: pd.DataFrame, path: str, label: str, group: str | None, split: str | None, file: Path
) -> pd.DataFrame:
    """image, label, group and, where asked for, split under our names; further columns under their own."""
    table = pd.DataFrame({"image": raw[path], "label": raw[label], "group": raw[group or path]})
    if split:
        table["split"] = _parts(raw[split], file)
    named = {path, label, group, split, *table.columns, "split", "file"}
    return table.join(raw[[name for name in raw.columns if name not in named]])


def _parts(column: pd.Series, file: Path) -> pd.Series:
    parts = column.str.lower().map(PARTS)
    if parts.isna().any():
        value = column[parts.isna()].iloc[0]
        raise UserError(
            f"'{value}' under '{column.name}' is no split", where=str(file), allowed=", ".join(PARTS)
        )
    return parts


def _present(path: str) -> str:
    return path if os.path.isfile(path) else ""  # noqa: PTH113 - a Path for each of 100,000 costs seconds
