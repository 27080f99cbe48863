"""A sweep that crosses data sets, set by set: each run is compared with its like."""

from collections.abc import Sequence
from pathlib import Path

from clrx.run.read import Record, collect

KINDS = ("dataset", "disease")  # choices that make a data set


def data_sets(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Name -> the run directories at or below `paths` that stand on one data set and split; one name is "" for all.

    A set is named by the choices of KINDS that tell it from the others, else by its split. The folds of a k-fold split
    are one set. A run that never opened its data goes with those of its choices.
    """
    runs = collect(paths)
    sets: dict[tuple, list[Record]] = {}
    for run in runs:
        if key := _hashes(run):
            sets.setdefault(key, []).append(run)
    if len(sets) < 2:
        return {"": [run.path for run in runs]}
    for run in runs:
        if not _hashes(run):
            _home(run, list(sets.values())).append(run)
    return dict(zip(_names(sets), [[run.path for run in found] for found in sets.values()], strict=True))


def _hashes(run: Record) -> tuple | None:
    found = run.facts.get("data_hash"), run.facts.get("split_hash")
    return None if None in found else (found if run.fold is None else (found[0], None))


def _home(run: Record, sets: list[list[Record]]) -> list[Record]:
    return next((found for found in sets if _kinds(found[0]) == _kinds(run)), sets[0])


def _kinds(run: Record) -> tuple[str, ...]:
    choices = run.facts.get("choices") or {}
    return tuple(str(choices.get(name)) for name in KINDS)


def _names(sets: dict[tuple, list[Record]]) -> list[str]:
    kinds = [_kinds(found[0]) for found in sets.values()]
    telling = [i for i in range(len(KINDS)) if len({kind[i] for kind in kinds}) > 1]
    names = ["_".join(kind[i] for i in telling) for kind in kinds]
    hashes = ["".join(str(part)[:8] for part in reversed(key) if part) for key in sets]
    return names if len(set(names)) == len(names) else hashes
