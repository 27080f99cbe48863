"""A user's own table: a line an image, with its path and label or labels, and its group and split where there are."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.data.archive import resolve_root
from clrx.data.classes import encode, task_of
from clrx.data.folder_names import PARTS, part_of
from clrx.data.image_folders import given_file, image_files
from clrx.data.image_table import check_missing, header_of, read_csv, refuse_rows, settle_missing
from clrx.data.locate import locate
from clrx.data.patients import NONE, column_or_pattern, groups_by, likely_groups
from clrx.data.source import Source, Task
from clrx.data.spelling import unify
from clrx.data.table_labels import (
    check_uncertain,
    columns_of_labels,
    is_one_hot,
    patients_in,
    settle_uncertain,
)


def load(
    root: str | None = None,
    images: str | None = None,
    path: str = "path",
    label: str | Sequence[str] = "label",
    group: str | None = None,
    split_column: str | None = None,
    positive: str | None = None,
    missing: str = "error",
    uncertain: str | None = None,
    color: bool = True,
) -> Source:
    """The images that the CSV file `root` names in its column `path`.

    Paths are relative to `images`, a folder or an archive (None: the CSV's folder); a mere name is searched below it,
    with or without its ending. `label`: the column with the class, or a list of columns of 0 and 1, one a label.
    `group`: the column with the patient, or a pattern (regular expression) that finds it in the path; `none`: each
    image for itself; None: the patient that the path names, patient00001/, else each image for itself, unless the names
    seem to share patients' numbers. `split_column` (train | val | test; None: none) is a column. `positive`: of two
    classes the one that is 1 (None: the one that sorts last, or that is no `normal`, `healthy` and the like).
    `missing`: error | drop files that are not there. `uncertain`: how -1 and blanks in columns of 0 and 1 are read, see
    clrx.data.table_labels. Raises UserError.
    """
    check_missing(missing)
    check_uncertain(uncertain)
    file = given_file(root, "a CSV file")
    path, split_column = str(path), _name(split_column)
    group, pattern = column_or_pattern(_name(group), header_of(file))
    labels = (str(label),) if isinstance(label, str | int | float) else tuple(str(name) for name in label)
    keys = _keys(path, labels, group, split_column)
    raw, notes = read_csv(file, keys, unique=[path], blank=labels)
    raw, settled = settle_uncertain(raw, labels, uncertain, file)
    table, grouped = _table(raw, path, labels, (group, pattern), split_column, file)
    base = _base(resolve_root(str(images)) if images is not None else file.parent, table["image"])
    table, found = _with_files(table, base, file, missing)
    there = raw[raw[path].isin(table["image"])].reset_index(drop=True)
    task, classes, indices, named = _labels(there, labels, positive, file)
    paths = table["image"].tolist()
    likely = None if group or pattern or grouped else likely_groups(paths, paths, len(classes))
    return Source(
        name="csv",
        task=task,
        classes=classes,
        table=table.drop(columns="file"),
        labels=indices,
        files=tuple(table["file"]),
        channels=3 if color else 1,
        notes=(*notes, *settled, *grouped, *found, *named),
        likely=likely,
        root=str(base),
    )


def _keys(path: str, labels: tuple[str, ...], group: str | None, split: str | None) -> dict[str, str]:
    """The columns that are asked for, each with the key that names it."""
    optional = {group: "dataset.group", split: "dataset.split_column"}
    named = {column: key for column, key in optional.items() if column is not None}
    return {path: "dataset.path", **dict.fromkeys(labels, "dataset.label"), **named}


def _name(column: object) -> str | None:
    """The name of a column: on the command line one that is called 0 is a number."""
    return None if column is None else str(column)


def _table(
    raw: pd.DataFrame,
    path: str,
    labels: tuple[str, ...],
    grouping: tuple[str | None, str | None],
    split: str | None,
    file: Path,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """image, group and, where asked for, split under our names; further columns, but not labels, under their own."""
    group, _ = grouping
    groups, notes = _groups(raw, path, *grouping)
    table = pd.DataFrame({"image": raw[path], "group": groups})
    if split is not None:
        table["split"] = _parts(raw[split], file)
    named = {path, group, split, *labels, *table.columns, "split", "file"}
    return table.join(raw[[name for name in raw.columns if name not in named]]), notes


def _groups(
    raw: pd.DataFrame, path: str, column: str | None, pattern: str | None
) -> tuple[Sequence[str], tuple[str, ...]]:
    """The group of each row: of a column, of a pattern in its path, or what the path itself names."""
    if column is not None:
        return unify(raw[column], "groups")
    names = raw[path].tolist()
    if pattern == NONE:
        return names, ()
    if pattern is not None:
        return groups_by(pattern, names, names)
    patients = patients_in(raw[path])
    if patients is None:
        return names, ()
    return patients.tolist(), ("grouped by the patient that each path names",)


def _parts(column: pd.Series, file: Path) -> pd.Series:
    parts = column.map(part_of)
    if parts.isna().any():
        value = column[parts.isna()].iloc[0]
        raise UserError(
            f"'{value}' under '{column.name}' is no split", where=str(file), allowed=", ".join(PARTS)
        )
    return parts


def _base(folder: Path, names: pd.Series) -> Path:
    """The folder that paths are relative to: the one above, where all of them begin with the name of the folder.

    So CheXpert-v1.0-small/train.csv names its images, beside whose folders it lies.
    """
    if names.str.startswith(f"{folder.name}/").all() and not (folder / folder.name).exists():
        return folder.parent
    return folder


def _with_files(
    table: pd.DataFrame, base: Path, file: Path, missing: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows whose images are there, with their absolute paths under `file`."""
    paths = [os.path.normpath(os.path.join(base, name)) for name in table["image"]]  # noqa: PTH118
    files = np.array([path if os.path.isfile(path) else "" for path in paths], dtype=object)  # noqa: PTH113
    absent, notes = np.flatnonzero(files == ""), tuple[str, ...]()
    if len(absent) and base.is_dir():
        names = table["image"].iloc[absent].tolist()
        files[absent], notes = locate(names, image_files(base), base)
    twice = pd.Series(files).duplicated() & (files != "")
    what = "an image that an earlier line names too, in another spelling"
    refuse_rows(twice, what, file, "leave one line per image: it may lie in one part alone")
    fix = "dataset.images=FOLDER that the paths are relative to"
    words = {"names": file.name, "place": "there", "where": str(base), "fix": fix}
    table, dropped = settle_missing(table.assign(file=files), missing, **words)
    return table, (*notes, *dropped)


def _labels(
    table: pd.DataFrame, columns: tuple[str, ...], positive: str | None, file: Path
) -> tuple[Task, tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Task, classes, label array and notes of the label columns of a table."""
    if len(columns) == 1:
        classes, indices, notes = encode(table[columns[0]], positive)
        return task_of(len(classes), file.name), classes, indices, notes
    several = columns_of_labels(table, columns)
    if not is_one_hot(several):
        return "multilabel", columns, several, ()
    note = f"one label an image: the {len(columns)} columns are read as classes that exclude each other"
    return task_of(len(columns), file.name), columns, several.argmax(axis=1), (note,)
