"""Which image trains, which validates and which tests: by group, official, by image, as given, or k-fold."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from clrx.core.errors import UserError, did_you_mean
from clrx.data.source import Source
from clrx.data.stratify import assign_folds, divide

PARTS = ("train", "validation", "test")
WAYS = ("group", "official", "image", "given")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Split:
    """Rows of a source, int64 and sorted; `hash` is the sha256 of the sorted lines "image<TAB>part<LF>"."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    hash: str
    notes: tuple[str, ...] = ()


def make_split(
    source: Source,
    by: str = "group",
    validation: float = 0.1,
    test: float = 0.2,
    folds: int | None = None,
    fold: int | None = None,
    seed: int = 0,
) -> Split:
    """Split the rows of `source` into train, validation and test; the order of the rows plays no part.

    `by`: `group` keeps groups (patients, lesions, films) whole; `image` does not, and notes how many leak;
    `official` and `given` read the table's `split` column, and divide its train rows by group for the parts that it
    does not name (`official` must name test images). `fold`: where not None, test is that one of `folds` folds,
    and the test parts of all folds divide the data. `validation` (0: none), `test`: shares of all images;
    after an official, given or fold's test part, `validation` is the share of the images that are left.

    Raises UserError: unknown `by`, share or fold out of range, fewer groups than parts, a class without an
    image in one part (for multilabel a note instead), a group on two sides of a given split.
    """
    _check_request(by, validation, test, folds, fold)
    _check_table(source)
    shares = {TEST: test, VALIDATION: validation} if validation else {TEST: test}
    if by in ("official", "given"):
        part = _named(source, by, shares, seed)
    elif fold is not None:
        part = _fold(source, by, validation, folds or 0, fold, seed)
    else:
        part = _cut(source, by, np.arange(len(source)), shares, seed)
    overlap = _check_overlap(source, by, part)
    notes = (*_check_classes(source, part, validation > 0), *overlap)
    rows = [np.flatnonzero(part == p) for p in (TRAIN, VALIDATION, TEST)]
    return Split(rows[0], rows[1], rows[2], _hash(source, part), notes)


def keep_rows(source: Source, split: Split, rows: np.ndarray, *notes: str) -> Split:
    """The split of `source.take(rows)`: every image stays in its part, and the hash is of those that are left."""
    part = np.full(len(source), -1)
    for p, name in enumerate(PARTS):
        part[getattr(split, name)] = p
    part = part[rows]
    train, validation, test = (np.flatnonzero(part == p) for p in (TRAIN, VALIDATION, TEST))
    return Split(train, validation, test, _hash(source.take(rows), part), (*split.notes, *notes))


def leave_out(source: Source, split: Split, rows: np.ndarray, *notes: str) -> Split:
    """The split without the given rows of the source, which then lie in no part; UserError where a class is lost."""
    part = np.full(len(source), -1)
    for p, name in enumerate(PARTS):
        part[getattr(split, name)] = p
    part[rows] = -1
    kept = np.flatnonzero(part >= 0)
    smaller = keep_rows(source, split, kept, *notes)
    _check_classes(source.take(kept), part[kept], len(split.validation) > 0)
    train, validation, test = (np.flatnonzero(part == p) for p in (TRAIN, VALIDATION, TEST))
    return Split(train, validation, test, smaller.hash, smaller.notes)


def _check_request(by: str, validation: float, test: float, folds: int | None, fold: int | None) -> None:
    if by not in WAYS:
        raise UserError(f"unknown split: {by}", allowed=" | ".join(WAYS), fix=did_you_mean(by, WAYS))
    if not (0 <= validation < 1 and 0 < test < 1 and validation + test < 1):
        what = f"split shares out of range: validation={validation}, test={test}"
        raise UserError(what, allowed="validation from 0, test above 0, their sum below 1")
    if fold is not None and by in ("official", "given"):
        raise UserError(f"the {by} split has no folds (fold={fold})", allowed="fold with group or image")
    if fold is not None and not (folds and folds >= 2 and 0 <= fold < folds):
        raise UserError(f"fold {fold} of {folds} is out of range", allowed="folds >= 2, fold 0 to folds - 1")


def _check_table(source: Source) -> None:
    image, group = source.table["image"], source.table["group"]
    if image.duplicated().any():
        what = f"{source.name}: image {image[image.duplicated()].iloc[0]} is listed twice"
        raise UserError(what, fix="give each image an id of its own")
    if group.isna().any():
        raise UserError(f"{source.name}: {int(group.isna().sum())} images have no group")


def _cut(source: Source, by: str, rows: np.ndarray, shares: dict[int, float], seed: int) -> np.ndarray:
    return divide(_ids(source, by)[rows], source.labels[rows], shares, seed)


def _fold(source: Source, by: str, validation: float, folds: int, fold: int, seed: int) -> np.ndarray:
    fold_of = assign_folds(_ids(source, by), source.labels, folds, seed, rest=2 if validation else 1)
    part = np.where(fold_of == fold, TEST, TRAIN)
    rest = np.flatnonzero(part == TRAIN)
    if validation:
        part[rest] = _cut(source, by, rest, {VALIDATION: validation}, seed)
    return part


def _named(source: Source, by: str, shares: dict[int, float], seed: int) -> np.ndarray:
    named = _column(source, by)
    part = np.select([named == name for name in PARTS], [TRAIN, VALIDATION, TEST])
    if by == "official" and TEST not in part:
        raise UserError(f"{source.name}: no image is in the official test list", fix="dataset.split=group")
    missing = {p: share for p, share in shares.items() if p not in part}
    if missing:
        rest = np.flatnonzero(part == TRAIN)
        part[rest] = _cut(source, "group", rest, missing, seed)
    return part


def _column(source: Source, by: str) -> np.ndarray:
    if "split" not in source.table:
        fix = "dataset.split=group; for ChestX-ray14, put train_val_list.txt and test_list.txt under its root"
        raise UserError(f"{source.name}: the dataset names no {by} split", fix=fix)
    named = source.table["split"].fillna("").to_numpy(dtype=str)
    unknown = np.flatnonzero(~np.isin(named, PARTS))
    if len(unknown):
        what = f"{source.name}: {len(unknown)} images are in no part of the {by} split"
        first = f"{source.table['image'].iloc[unknown[0]]}: {named[unknown[0]]!r}"
        raise UserError(what, where=f"e.g. {first}", allowed=" | ".join(PARTS))
    return named


def _ids(source: Source, by: str) -> np.ndarray:
    return source.table["image" if by == "image" else "group"].to_numpy(dtype=str)


def _check_classes(source: Source, part: np.ndarray, validated: bool) -> tuple[str, ...]:
    """UserError where a part lacks a class; for multilabel a note, as that label's metrics are then null."""
    labels = source.labels
    columns = labels[:, None] == np.arange(len(source.classes)) if labels.ndim == 1 else labels > 0
    absent = [
        f"no image of class {source.classes[k]} in {name} ({_extent(source, columns[:, k])} in all)"
        for p, name in enumerate(PARTS)
        if p != VALIDATION or validated or VALIDATION in part
        for k in np.flatnonzero(~columns[part == p].any(axis=0))
    ]
    if absent and source.task != "multilabel":
        fix = "bring more groups of that class, or change the shares or the split"
        raise UserError(f"{source.name}: {'; '.join(absent)}", fix=fix)
    return tuple(absent)


def _extent(source: Source, rows: np.ndarray) -> str:
    return f"{int(rows.sum())} images of {source.table['group'][rows].nunique()} groups"


def _check_overlap(source: Source, by: str, part: np.ndarray) -> tuple[str, ...]:
    """Groups that lie in more than one part: a note for `image`, a UserError for every other way."""
    table = source.table[["group"]].assign(part=part).drop_duplicates()
    shared = sorted(table["group"][table["group"].duplicated()].astype(str).unique())
    if shared and by != "image":
        what = f"{source.name}: {len(shared)} groups lie in more than one part of the {by} split"
        fix = "correct the split column, or dataset.split=group"
        raise UserError(what, where=", ".join(shared[:5]), fix=fix)
    if not shared:
        return ()
    total = source.table["group"].nunique()
    return (f"split by image: patients leak, {len(shared)} of {total} groups lie in more than one part",)


def _hash(source: Source, part: np.ndarray) -> str:
    pairs = zip(source.table["image"], part.tolist(), strict=True)
    return sha256("".join(sorted(f"{image}\t{PARTS[p]}\n" for image, p in pairs)).encode()).hexdigest()
