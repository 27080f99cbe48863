"""Counts of a source: classes by part of the split, groups, label combinations, ages, further columns."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from clrx.data.source import Source
from clrx.data.split import PARTS, Split
from clrx.survey.numbers import ALL, Cell, Numbers

NONE = "none of these"  # of a multilabel image without a label
OWN = ("image", "group", "split", "labels", "age")  # columns that have tables of their own
VALUES = 30  # a column with more distinct values is no kind of anything
CLASSES = 8  # more are not counted side by side
DECADE = 10  # years


def members(source: Source) -> dict[str, np.ndarray]:
    """(N,) bool by class: which images are of it; for multilabel also those that have no label."""
    labels = source.labels
    if labels.ndim == 1:
        return {name: labels == index for index, name in enumerate(source.classes)}
    found = {name: labels[:, index] > 0 for index, name in enumerate(source.classes)}
    found[NONE] = np.logical_not((labels > 0).any(axis=1))
    return found


def class_counts(source: Source, split: Split | None, lost: Mapping[str, np.ndarray]) -> Numbers:
    """Images of each class: by part, in all, as a share, and how many of them are `lost` ((N,) bool by name)."""
    rows_of = parts_of(split)
    lost = {name: rows for name, rows in lost.items() if rows.any()}
    header = ("class", *rows_of, "all", "% of all", *lost)

    def row(name: str, mine: np.ndarray) -> tuple[Cell, ...]:
        count, total = int(mine.sum()), len(source)
        by_part = (int(mine[rows].sum()) for rows in rows_of.values())
        return (
            name,
            *by_part,
            count,
            100 * count / total,
            *(int((mine & rows).sum()) for rows in lost.values()),
        )

    rows = [row(name, mine) for name, mine in members(source).items()]
    everything = row(ALL, np.ones(len(source), dtype=bool))
    note = "An image may have several labels." if source.labels.ndim == 2 else ""
    bars = tuple(range(1, 1 + len(rows_of))) or (1,)
    return Numbers("classes", "Images by class", header, (*rows, everything), note, bars, shown=60)


def part_counts(source: Source, split: Split) -> Numbers:
    """Images and groups (patients, lesions, films) of each part."""
    group = source.table["group"].to_numpy(dtype=str)

    def row(name: str, rows: np.ndarray) -> tuple[Cell, ...]:
        sizes = np.unique(group[rows], return_counts=True)[1]
        most = int(sizes.max()) if len(sizes) else 0
        return name, len(rows), 100 * len(rows) / len(source), len(sizes), float(np.median(sizes)), most

    parts = parts_of(split)
    rows = [row(name, rows) for name, rows in {**parts, "all": np.arange(len(source))}.items()]
    header = ("part", "images", "% of all", "groups", "images a group, median", "most")
    return Numbers(
        "split", "Images and groups by part of the split", header, tuple(rows), f"Split {split.hash[:12]}."
    )


def parts_of(split: Split | None) -> dict[str, np.ndarray]:
    """Rows by part, those without images left out; nothing where there is no split."""
    if split is None:
        return {}
    found = {name: getattr(split, name) for name in PARTS}
    return {name: rows for name, rows in found.items() if len(rows)}


def combinations(source: Source) -> Numbers | None:
    """How often each set of labels occurs, where images may have several; None elsewhere."""
    if "labels" in source.table:
        sets = source.table["labels"].str.replace("|", " + ", regex=False).str.replace("_", " ", regex=False)
    elif source.labels.ndim == 2:
        sets = _joined(source)
    else:
        return None
    counts = Counter(sets).most_common()
    rows = tuple((name, count, 100 * count / len(source)) for name, count in counts)
    title = f"Label combinations: {len(rows):,} distinct"
    return Numbers("combinations", title, ("labels", "images", "% of all"), rows, bars=(1,), shown=15)


def _joined(source: Source) -> pd.Series:
    names = np.array(source.classes)
    kinds, of_row = np.unique(source.labels > 0, axis=0, return_inverse=True)
    return pd.Series([" + ".join(names[kind]) or NONE for kind in kinds])[of_row.ravel()]


def ages(source: Source) -> list[Numbers]:
    """Ages by class, their quartiles and their counts by decade; nothing where no age is known."""
    if "age" not in source.table:
        return []
    years = pd.to_numeric(source.table["age"], errors="coerce").to_numpy(dtype=float)
    if np.isnan(years).all():
        return []
    return [_quartiles(source, years), _decades(source, years)]


def _quartiles(source: Source, years: np.ndarray) -> Numbers:
    rows = []
    for name, mine in _with_all(source).items():
        known = years[mine & ~np.isnan(years)]
        quartiles = np.percentile(known, [0, 25, 50, 75, 100]).tolist() if len(known) else [None] * 5
        rows.append((name, len(known), int(mine.sum()) - len(known), *quartiles))
    header = ("class", "known", "unknown", "youngest", "25%", "median", "75%", "oldest")
    old = int((years > 110).sum())
    note = f"{old} ages are above 110 years: mistakes in the table." if old else ""
    return Numbers("ages", "Ages by class, in years", header, tuple(rows), note)


def _decades(source: Source, years: np.ndarray) -> Numbers:
    found = _side_by_side(source)
    decade = np.floor(years / DECADE)
    rows: list[tuple[Cell, ...]] = [
        (f"{start:.0f} to {start + DECADE - 1:.0f}", *_counted(found, decade == start / DECADE))
        for start in (np.unique(decade[~np.isnan(decade)]) * DECADE).tolist()
    ]
    bars = tuple(range(1, 1 + len(found)))
    return Numbers("ages_by_decade", "Images by age", ("years", *found), tuple(rows), bars=bars)


def column_counts(source: Source) -> list[Numbers]:
    """A table for each further column of few values (view, gender, site, ...), by class."""
    columns = [name for name in source.table.columns if name not in OWN]
    return [found for name in columns if (found := _column(source, name))]


def _column(source: Source, column: str) -> Numbers | None:
    values = source.table[column].astype(str).replace({"": "unknown", "nan": "unknown"})
    counts = values.value_counts()
    if not 1 < len(counts) <= VALUES:
        return None
    found = _side_by_side(source)
    found |= {"all": np.ones(len(source), dtype=bool)} if len(found) > 1 else {}
    cells = values.to_numpy()
    rows: list[tuple[Cell, ...]] = [(str(value), *_counted(found, cells == value)) for value in counts.index]
    return Numbers(f"by_{_file_name(column)}", f"Images by {column}", (column, *found), tuple(rows))


def _counted(found: Mapping[str, np.ndarray], rows: np.ndarray) -> list[int]:
    return [int((mine & rows).sum()) for mine in found.values()]


def _file_name(column: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in column)


def _side_by_side(source: Source) -> dict[str, np.ndarray]:
    """The classes, where they are few and exclude each other; else all images as one."""
    found = members(source)
    few = len(found) <= CLASSES and source.labels.ndim == 1
    return found if few else {"images": np.ones(len(source), dtype=bool)}


def _with_all(source: Source) -> dict[str, np.ndarray]:
    return {**members(source), ALL: np.ones(len(source), dtype=bool)}
