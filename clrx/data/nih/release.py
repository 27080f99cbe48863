"""An NIH ChestX-ray14 release as a table of images with files, and the binary task that is cut from it."""

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.core.randomness import random_key
from clrx.data.image_table import check_missing, settle_missing
from clrx.data.locate import check_equal, doubled_note, locate
from clrx.data.nih.files import Found, find_files, label_table, official_parts
from clrx.data.nih.labels import DISEASES, NO_FINDING, one_hot, read_table
from clrx.data.source import Source, Task


@dataclass(frozen=True)
class Release:
    """A row an image: `table` (image, group, labels, age, gender, view, follow_up, split); `files`."""

    table: pd.DataFrame
    files: np.ndarray  # (N,) absolute paths, "" where there is no such file
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def open_release(
    root: str | os.PathLike[str] | None,
    missing: str = "error",
    table: str | None = None,
    images: str | None = None,
) -> Release:
    """Read the release in `root`, a folder or an archive.

    `missing`: `error` refuses images that the label table names and the folder lacks, with their count;
    `drop` leaves them out, with a note; `keep` leaves them in, with "" for a path. `table`: the label table,
    where there are several; `images`: the folder below `root`, or the archive in it, that holds the images,
    where some lie there twice or are packed. Raises UserError.
    """
    check_missing(missing)
    found = find_files(root)
    path = label_table(found, table)
    frame, digest = read_table(path)
    if parts := official_parts(found):
        frame["split"] = frame["image"].map(parts).fillna("")
    kept, notes = _present(frame, find_files(found.folder / images) if images else found, missing)
    facts = (("label table", path.name), ("label table sha256", digest))
    return Release(kept.drop(columns="file"), kept["file"].to_numpy(), facts, notes)


def _present(frame: pd.DataFrame, found: Found, missing: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows to use, each with the path of its image, and the note on images that are not there."""
    twice = {name: found.twice[name] for name in sorted({*found.twice} & {*frame["image"]})}
    check_equal(twice, "name the folder to read: dataset.images=FOLDER")
    files = np.array([found.images.get(name, "") for name in frame["image"]], dtype=object)
    absent = np.flatnonzero(files == "")
    others, doubled = locate(frame["image"].iloc[absent].tolist(), found.images.values(), found.folder)
    files[absent] = others
    frame = frame.assign(file=files)
    archives = sorted(found.archives)
    fix = f"unpack {', '.join(archives[:3]) or 'them'} there"
    fix += f", or name it: dataset.images={archives[0]}" if len(archives) == 1 else ""
    words = {"names": "the label table", "place": "under the folder", "where": str(found.folder), "fix": fix}
    table, dropped = settle_missing(frame, missing, **words)
    return table, (*doubled_note(len(twice)), *doubled, *dropped)


def choose(images: pd.Series, count: int, seed: int, purpose: str) -> np.ndarray:
    """Positions of `count` of the images (or all, if fewer), by (seed, purpose, name); row order plays no part."""
    keys = np.array([random_key(seed, purpose, image) for image in images], dtype=np.int64)
    return np.argsort(keys, kind="stable")[:count]


def as_source(
    release: Release,
    rows: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    task: Task,
    name: str,
    notes: tuple[str, ...] = (),
    synthetic: bool = False,
) -> Source:
    """The given rows of a release, in its order, with their labels."""
    order = np.argsort(rows, kind="stable")
    return Source(
        name=name,
        task=task,
        classes=classes,
        table=release.table.iloc[rows[order]].reset_index(drop=True),
        labels=labels[order],
        files=tuple(release.files[rows[order]]),
        synthetic=synthetic,
        notes=(*release.notes, *notes),
        facts=release.facts,
    )


def binary_source(
    release: Release, label: str, no_finding: int | None, seed: int, name: str, synthetic: bool = False
) -> Source:
    """All images with `label`, alone or among others, against `no_finding` of No Finding, chosen by seed.

    Chopade et al. 2021, A2 and Table 2. `no_finding` None: as many as there are images with the label. Where
    there are fewer, all are taken, with a note. Raises UserError for an empty class.
    """
    positive = np.flatnonzero(one_hot(release.table["labels"])[:, DISEASES.index(label)])
    healthy = np.flatnonzero(release.table["labels"] == NO_FINDING)
    for found, what in ((positive, label), (healthy, NO_FINDING)):
        if not len(found):
            raise UserError(f"{name}: none of the {len(release.table):,} images is labelled {what}")
    wanted = len(positive) if no_finding is None else no_finding
    if wanted < 1:
        raise UserError(f"dataset.no_finding={wanted} leaves a class empty", allowed="1 or more, or null")
    healthy = healthy[choose(release.table["image"].iloc[healthy], wanted, seed, "no finding")]
    notes = shortage(NO_FINDING, len(healthy), wanted)
    labels = np.repeat(np.array([1, 0]), [len(positive), len(healthy)])
    rows = np.concatenate([positive, healthy])
    return as_source(release, rows, labels, (NO_FINDING, label), "binary", name, notes, synthetic)


def shortage(label: str, found: int, wanted: int) -> tuple[str, ...]:
    """The note that says that a class has fewer images than asked for."""
    return (f"{label}: {found:,} images found and taken, {wanted:,} asked for",) if found < wanted else ()
