"""The runs of a sweep sorted by data set and split: one report can only compare runs of the same images."""

import re
from collections.abc import Sequence
from pathlib import Path

from clrx.run.read import Record, collect

GROUPS = ("dataset", "disease")  # configuration groups that choose the images


def data_sets(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Name -> the run directories at or below `paths` of one data set and split; a single one is named "".

    A data set is named by the choices of GROUPS that distinguish it from the others, else by its hashes. The folds of
    a k-fold split are one set. A run that failed before it opened its data is put with those of the same choices.
    """
    runs = collect(paths)
    sets: dict[tuple, list[Record]] = {}
    for run in runs:
        if hashes := _hashes(run):
            sets.setdefault(hashes, []).append(run)
    if len(sets) < 2:
        return {"": [run.path for run in runs]}
    for run in runs:
        if not _hashes(run):
            like = (found for found in sets.values() if _chosen(found[0]) == _chosen(run))
            next(like, next(iter(sets.values()))).append(run)
    return dict(zip(_names(sets), [[run.path for run in found] for found in sets.values()], strict=True))


def _hashes(run: Record) -> tuple | None:
    data, split = run.facts.get("data_hash"), run.facts.get("split_hash")
    return None if None in (data, split) else (data, split if run.fold is None else None)


def _chosen(run: Record) -> tuple[str, ...]:
    return tuple(str(run.choices.get(name)) for name in GROUPS)


def _names(sets: dict[tuple, list[Record]]) -> list[str]:
    chosen = [_chosen(found[0]) for found in sets.values()]
    differing = [i for i in range(len(GROUPS)) if len({options[i] for options in chosen}) > 1]
    names = [
        re.sub(r"[^\w.-]+", "-", "_".join(options[i] for i in differing)).strip(".-") for options in chosen
    ]
    hashes = ["".join(re.sub(r"\W", "", str(part))[:8] for part in reversed(key) if part) for key in sets]
    return (
        names if len(set(names)) == len(names) and all(names) else hashes
    )  # a folder each, inside the report's
