"""Patches with and without breast microcalcifications, as unbalanced as asked for (Alyafi et al. 2019)."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.class_folders import class_images, folder_source
from clrx.data.image_folders import given_root
from clrx.data.npz import as_images, as_numbers, read_npz
from clrx.data.source import Source
from clrx.data.spelling import unify

CLASSES = ("normal", "microcalcification")


def load(
    root: str | None = None, skew: str | float | None = None, positive: str | None = None, seed: int = 0
) -> Source:
    """Patches labelled 0 or 1, grouped by mammogram.

    `root`: an npz with `images` (N, H, W) uint8, `labels` (N,) and `groups` (N,); or a folder or archive of two
    class folders, `positive` being the one with microcalcifications, and a file's group the part of its name
    before the last underscore. `skew`: positives a negative, e.g. 1/17; the class that has too many loses some,
    chosen by `seed`; null: as they are.
    """
    ratio = None if skew is None else parse_skew(skew)
    path = given_root(root, "an npz file with images, labels and groups, or two class folders")
    source = _from_npz(path) if path.is_file() else _from_folders(path, positive)
    return source if ratio is None else _skewed(source, ratio, seed)


def _from_npz(file: Path) -> Source:
    arrays = read_npz(file, ("images", "labels", "groups"))
    labels, groups = as_numbers(arrays["labels"], "labels", file), arrays["groups"]
    found = np.unique(labels)
    if labels.shape[1] != 1 or found.tolist() != [0, 1]:
        what = f"labels are {labels.shape} of {', '.join(map(str, found[:5].tolist()))}"
        raise UserError(what, where=str(file), allowed="one an image, 0 or 1, both present")
    if groups.ndim != 1:
        raise UserError(f"groups are {groups.shape}", where=str(file), allowed="one an image")
    names = [f"{index:06d}" for index in range(len(labels))]
    table = pd.DataFrame({"image": names, "group": groups.astype(str)})
    images = as_images(arrays["images"], file)
    return Source("microcalcification", "binary", CLASSES, table, labels[:, 0].astype(np.int64), array=images)


def _from_folders(folder: Path, positive: str | None) -> Source:
    found, notes = class_images(folder)
    names = sorted({*unify([image.label for image in found], "")[0]})
    if len(names) != 2:
        what = f"{len(names)} class folders: {', '.join(names[:12])}"
        raise UserError(what, where=str(folder), allowed="two")
    if positive is None and "0" not in names:
        what = f"which folder holds the microcalcifications, {names[0]} or {names[1]}?"
        raise UserError(what, where="dataset.positive", fix=f"dataset.positive={names[0]}")
    stems = [Path(image.name).stem.rpartition("_")[0] or image.name for image in found]
    group, spelt = unify(stems, "groups")
    notes = (*notes, *spelt)
    return folder_source(
        "microcalcification", folder, found, channels=1, positive=positive, group=group, notes=notes
    )


def parse_skew(skew: str | float) -> Fraction:
    """Positives a negative as a fraction, from `1/17` or a number; UserError outside (0, 1]."""
    try:
        value = Fraction(str(skew).replace(" ", ""))
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(f"dataset.skew={skew} is no ratio", allowed="e.g. 1/17, 1/36, 0.1") from error
    if not 0 < value <= 1:
        raise UserError(f"dataset.skew={skew} is out of range", allowed="above 0, at most 1")
    return value


def _skewed(source: Source, skew: Fraction, seed: int) -> Source:
    """The largest subset with that ratio: all positives with fewer negatives, or all negatives with fewer positives."""
    positives, negatives = (np.flatnonzero(source.labels == label) for label in (1, 0))
    wanted = int(len(positives) / skew)
    if wanted <= len(negatives):
        negatives = _chosen(negatives, wanted, seed)
    else:
        positives = _chosen(positives, int(len(negatives) * skew), seed)
    if not len(positives):
        raise UserError(f"dataset.skew={skew} leaves no positives", allowed=f"1/{len(negatives)} or more")
    return source.take(np.sort(np.concatenate([positives, negatives])))


def _chosen(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    return random_generator(seed, "skew").permutation(rows)[:count]
