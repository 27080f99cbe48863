"""Dermatology: the tables of HAM10000, of the ISIC challenges and of the ISIC archive, or folders by class."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.data.archive import ENDINGS, resolve_root
from clrx.data.class_folders import class_images, folder_source
from clrx.data.classes import encode, task_of
from clrx.data.image_folders import given_folder, image_files
from clrx.data.image_table import check_missing, header_of, read_csv, refuse_rows, settle_missing
from clrx.data.locate import locate
from clrx.data.source import Source
from clrx.data.spelling import plain, unify

IDS = ("image_id", "image", "image_name", "isic_id")  # HAM10000, ISIC 2018 and 2019, ISIC 2020, the archive
LABELS = ("dx", "benign_malignant", "diagnosis_1", "diagnosis", "target")  # the first that a table has
CODES = (
    "MEL",
    "NV",
    "BCC",
    "AK",
    "AKIEC",
    "BKL",
    "DF",
    "VASC",
    "SCC",
    "UNK",
)  # of ISIC 2018 and 2019: columns of 0, 1
GROUPS = ("patient_id", "lesion_id")  # a patient may have several lesions, a lesion several images
PATTERN = "*metadata*.csv"
NO_CLASS = re.compile(r"images|part[-_ ]?\d|input", re.IGNORECASE)  # folders that releases are packed in


def load(
    root: str | None = None,
    metadata: str | None = None,
    label: str | None = None,
    group: str | None = None,
    missing: str = "error",
) -> Source:
    """Images with their diagnosis, grouped by patient or lesion.

    `root`: a folder with the images, at any depth, or an archive of them, and `metadata` the table of diagnoses (None:
    the one in or beside `root`), of HAM10000, an ISIC challenge or the ISIC archive. Lesions and patients may stand in
    a table of their own. `label`: the column with the diagnosis (None: the first of LABELS, or the columns of CODES).
    `group`: the column with the patient or lesion (None: the first of GROUPS that is filled in), or `image`: each image
    for itself. Without a table: one folder a class, each image its own group, as a private set like Mishra et al.
    2019's (10 classes, 7,543 images) can be laid out. `missing`: error | drop images that the table names and the
    folder lacks. Raises UserError.
    """
    check_missing(missing)
    folder = _images_folder(
        given_folder(root, "a folder or archive of images, with a table of diagnoses or class folders")
    )
    tables = _tables(Path(str(root)).expanduser().absolute(), folder)
    file = _chosen(tables, metadata, label)
    return _by_class(folder) if file is None else _by_table(file, tables, folder, label, group, missing)


def _images_folder(folder: Path) -> Path:
    """The folder itself, or the one archive that lies in it where it has no images of its own."""
    archives = [file for file in sorted(folder.iterdir()) if file.name.lower().endswith(ENDINGS)]
    return resolve_root(str(archives[0])) if len(archives) == 1 and not image_files(folder) else folder


def _tables(root: Path, folder: Path) -> dict[Path, list[str]]:
    """The CSV files in and beside the images that name images or are called metadata, with their columns."""
    beside = root.rglob("*.csv") if root.is_dir() else root.parent.glob("*.csv")
    headers = {file: header_of(file) for file in sorted({*beside, *folder.rglob("*.csv")})}
    return {
        file: header
        for file, header in headers.items()
        if (_first(IDS, header) and (_labels_in(header) or _first(GROUPS, header))) or file.match(PATTERN)
    }


def _first(names: Sequence[str], header: Sequence[str]) -> str | None:
    return next((name for name in names if name in header), None)


def _labels_in(header: Sequence[str]) -> list[str]:
    """The column with the diagnosis, or the columns of 0 and 1 that make it."""
    codes = [name for name in CODES if name in header]
    return codes if len(codes) > 1 else [name for name in LABELS if name in header][:1]


def _chosen(tables: dict[Path, list[str]], metadata: str | None, label: str | None) -> Path | None:
    """The table of diagnoses: the one named, the one that has them, or the one called metadata."""
    if metadata is not None:
        file = Path(metadata).expanduser()
        if not file.is_file():
            raise UserError(f"there is no metadata table {metadata}", where="dataset.metadata")
        return file
    labelled = [file for file, header in tables.items() if _labels_in(header) or label in header] or [*tables]
    if len(labelled) > 1:
        allowed = ", ".join(map(str, labelled))
        raise UserError("there are several metadata tables", allowed=allowed, fix="dataset.metadata=FILE")
    return labelled[0] if labelled else None


def _by_class(folder: Path) -> Source:
    found, notes = class_images(folder)
    wrong = sorted({image.label for image in found if NO_CLASS.search(image.label)})
    if wrong:
        what = f"there is no metadata table, and {wrong[0]} is no name of a class"
        fix = f"dataset.metadata=FILE, a CSV with lesion_id, image_id, dx, or one of {', '.join(IDS)} and a diagnosis"
        raise UserError(what, where=str(folder), fix=fix)
    return folder_source("dermatology", folder, found, channels=3, notes=notes)


def _by_table(
    file: Path,
    tables: dict[Path, list[str]],
    folder: Path,
    label: str | None,
    group: str | None,
    missing: str,
) -> Source:
    header = header_of(file)
    image, labels = _first(IDS, header) or IDS[0], [label] if label else _labels_in(header) or [LABELS[0]]
    keys = {image: "column image_id", **dict.fromkeys(labels, "dataset.label")}
    raw, notes = read_csv(file, keys, unique=[image], blank=labels)
    raw = raw.rename(columns={image: "image", "age_approx": "age"})
    raw, joined = _joined(raw, file, tables)
    diagnosis, left_out = _diagnosis(raw, labels, file)
    raw = raw.assign(dx=diagnosis)[diagnosis != ""].reset_index(drop=True)
    if labels == ["dx"] and group is None and "lesion_id" in raw:  # HAM10000 knows every lesion
        refuse_rows(raw["lesion_id"] == "", "an empty cell under 'lesion_id'", file)
    raw["group"], grouped = _groups(raw, group, file)
    files, doubled = locate(raw["image"].tolist(), image_files(folder), folder)
    words = {"names": file.name, "place": "in the folder", "where": str(folder)}
    fix = "dataset.root=FOLDER with the images"
    table, dropped = settle_missing(raw.assign(file=files), missing, **words, fix=fix)
    classes, indices, spelt = encode(table["dx"])
    return Source(
        name="dermatology",
        task=task_of(len(classes), "dermatology"),
        classes=classes,
        table=table.drop(columns=["file", "dx", *labels, *GROUPS], errors="ignore"),
        labels=indices,
        files=tuple(table["file"]),
        channels=3,
        notes=(*notes, *joined, *left_out, *grouped, *doubled, *dropped, *spelt),
        root=str(folder),
    )


def _joined(
    raw: pd.DataFrame, file: Path, tables: dict[Path, list[str]]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with the columns that other tables have of its images: lesion_id, patient_id, age, sex, site."""
    if _first(GROUPS, [*raw.columns]):
        return raw, ()
    notes: tuple[str, ...] = ()
    for other, header in tables.items():
        image = _first(IDS, header)
        if other == file or image is None or not _first(GROUPS, header):
            continue
        more, said = read_csv(other, {image: "column image_id"}, unique=[image])
        more = more.rename(columns={image: "image", "age_approx": "age"})
        if {*raw["image"]} <= {*more["image"]}:
            new = [name for name in more.columns if name not in raw.columns]
            raw = raw.merge(more[["image", *new]], on="image", how="left").fillna("")
            notes = (*notes, *said, f"lesions and further columns are those of {other.name}")
    return raw, notes


def _diagnosis(raw: pd.DataFrame, labels: Sequence[str], file: Path) -> tuple[pd.Series, tuple[str, ...]]:
    """The diagnosis of each image, "" where there is none, and a note on those."""
    if len(labels) == 1:
        found = raw[labels[0]]
    else:
        hot = np.column_stack([raw[name].map(plain) == "1" for name in labels])
        if (hot.sum(axis=1) > 1).any():
            image = raw["image"].iloc[int((hot.sum(axis=1) > 1).argmax())]
            raise UserError(f"{image} has several diagnoses", where=str(file), fix="dataset.label=COLUMN")
        names = np.array([*labels, ""], dtype=object)
        found = pd.Series(names[np.where(hot.any(axis=1), hot.argmax(axis=1), len(labels))], index=raw.index)
    without = int((found == "").sum())
    note = f"{without:,} images without a diagnosis under {', '.join(labels)} are left out"
    return found, (note,) if without else ()


def _groups(raw: pd.DataFrame, group: str | None, file: Path) -> tuple[list[str], tuple[str, ...]]:
    """The patient of each image, or its lesion where that is not filled in, or else the image itself."""
    if group == "image":
        return raw["image"].tolist(), (
            "grouped by image: of one patient or lesion some may train and others test",
        )
    columns = [group] if group else [name for name in GROUPS if name in raw.columns]
    if not columns or columns[0] not in raw.columns:
        what = f"{file.name} has no column '{group or GROUPS[1]}'"
        fix = "dataset.group=COLUMN with the patient or lesion, or dataset.group=image: each image for itself"
        raise UserError(what, where=str(file), allowed=", ".join(raw.columns), fix=fix)
    filled, notes = raw["image"], list[str]()
    for column in reversed(columns):
        names, said = unify(raw[column], "groups")
        filled = pd.Series(names, index=raw.index).where(raw[column] != "", filled)
        notes += said
    empty = int((raw[columns] == "").all(axis=1).sum())
    if empty:
        notes.append(f"{empty:,} images without {' or '.join(columns)} are grouped each for itself")
    return filled.tolist(), tuple(notes)
