"""A user's own table: a line an image, with its path and label, and its group and split where there are."""

from pathlib import Path

import numpy as np
import pandas as pd

from clrx.errors import UserError, did_you_mean
from clrx.source import Source
from clrx.tree import PARTS, given_root, task_of


def load(
    root: str | None = None,
    images: str | None = None,
    path: str = "path",
    label: str = "label",
    group: str | None = None,
    split_column: str | None = None,
    missing: str = "error",
    color: bool = True,
) -> Source:
    """The images that the CSV file `root` names in its column `path`, relative to `images` (null: the CSV's folder).

    `label`, `group` (null: each image for itself) and `split_column` (train | val | test; null: by seed) are columns.
    `missing`: error | drop files that are not there.
    """
    file = given_root(root, "a CSV file")
    if not file.is_file():
        raise UserError(f"{file} is no file", where="dataset.root", allowed="a CSV file")
    table = _read(file, {"path": path, "label": label, "group": group, "split": split_column})
    base = Path(images).expanduser().absolute() if images else file.parent
    table, notes = _present(table, base, missing, file)
    classes = tuple(sorted(table["label"].unique()))
    return Source(
        name="csv",
        task=task_of(len(classes), file.name),
        classes=classes,
        table=table.drop(columns=["path", "label"]),
        labels=np.array([classes.index(name) for name in table["label"]], dtype=np.int64),
        files=tuple(table["path"]),
        channels=3 if color else 1,
        notes=notes,
        root=str(base),
    )


def _read(file: Path, named: dict[str, str | None]) -> pd.DataFrame:
    """The table with columns image, path, label, group and, where there is one, split."""
    try:
        raw = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"the CSV cannot be read: {str(error).splitlines()[0]}", where=str(file)) from error
    for key, column in named.items():
        if column is not None and column not in raw.columns:
            what, fix = f"the CSV has no column '{column}' (dataset.{key})", did_you_mean(column, raw.columns)
            raise UserError(what, where=str(file), allowed=", ".join(raw.columns), fix=fix)
    table = pd.DataFrame({key: raw[column].str.strip() for key, column in named.items() if column})
    wrong = (table[["path", "label"]] == "").any(axis=1) | table["path"].duplicated()
    if wrong.any():
        line = int(wrong.to_numpy().argmax()) + 2
        raise UserError(f"line {line} has an empty cell or names an image again", where=str(file))
    if "split" in table:
        table["split"] = _parts(table["split"], file)
    return table.assign(image=table["path"], group=table.get("group", table["path"]))


def _parts(column: pd.Series, file: Path) -> pd.Series:
    parts = column.str.lower().map(PARTS)
    if parts.isna().any():
        value = column[parts.isna()].iloc[0]
        raise UserError(f"'{value}' is no split", where=str(file), allowed=", ".join(PARTS))
    return parts


def _present(
    table: pd.DataFrame, base: Path, missing: str, file: Path
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    if missing not in ("error", "drop"):
        raise UserError(f"dataset.missing={missing} is unknown", allowed="error, drop")
    paths = [str(base / name) for name in table["path"]]
    there = np.array([Path(path).is_file() for path in paths], dtype=bool)
    table = table.assign(path=paths)
    if there.all() and len(table):
        return table, ()
    note = f"{int((~there).sum()):,} of the {len(table):,} images that {file.name} names are not there"
    if missing == "error" or not there.any():
        first = next((path for path, found in zip(paths, there, strict=True) if not found), "an empty table")
        raise UserError(
            f"{note}, e.g. {first}", where=str(file), fix="dataset.images=FOLDER, or dataset.missing=drop"
        )
    return table[there].reset_index(drop=True), (f"{note}; they are left out",)
