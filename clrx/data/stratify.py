"""Division of groups of images at random, stratified by class: a pure function of (seed, ids, labels).

A unit (a group, or a single image) is never divided. It belongs to the stratum of the rarest class that it
holds; each stratum is divided on its own. Where a part still lacks a class, since the units of one stratum may
hold other classes too, a few units are moved. The order of the rows plays no part.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clrx.core.errors import UserError
from clrx.core.randomness import random_key
from clrx.data.coverage import can_cover, cover_classes


@dataclass(frozen=True)
class _Units:
    """U units, sorted by id; per unit its images, its stratum (0 the rarest class) and its random key."""

    of_row: np.ndarray  # (N,) the unit of each row
    size: np.ndarray  # (U,) images
    stratum: np.ndarray  # (U,)
    key: np.ndarray  # (U,)
    held: np.ndarray  # (U, K) bool: the classes of each unit
    multilabel: bool

    def by_stratum(self) -> list[np.ndarray]:
        """The units of each stratum, in the order of their random keys."""
        order = np.argsort(self.key, kind="stable")
        return [order[self.stratum[order] == stratum] for stratum in np.unique(self.stratum)]

    def covered(self, part: np.ndarray, parts: Sequence[int]) -> np.ndarray:
        """The division `part` (U,), with each class in each part where it can be; small units are moved first."""
        rank = np.empty(len(part), dtype=np.int64)
        rank[np.lexsort((self.key, self.size))] = np.arange(len(part))
        return cover_classes(part, self.held, rank, parts, partly=self.multilabel)


def divide(ids: np.ndarray, labels: np.ndarray, share: dict[int, float], seed: int) -> np.ndarray:
    """The part (N,) of each row: part p has about `share[p]` of the images, part 0 the rest.

    `ids` (N,) str: the unit of each row; `labels` (N,) class index or (N, K) multilabel. Each class is in each part
    wherever a division can do that. Raises UserError for fewer units than parts.
    """
    units = _units(ids, labels, seed)
    if len(units.size) <= len(share):
        raise UserError(f"{len(units.size)} groups cannot be split into {len(share) + 1} parts")
    part = np.zeros(len(units.size), dtype=np.int64)
    for members in units.by_stratum():
        part[members] = _stretches(units.size[members], share)
    return units.covered(part, (0, *share))[units.of_row]


def assign_folds(ids: np.ndarray, labels: np.ndarray, folds: int, seed: int, rest: int = 1) -> np.ndarray:
    """The fold (N,) of each row: units go largest first to the fold with the fewest images of their stratum.

    Each class is in each fold, and in each of the `rest` (1 or 2) parts that the other folds can be divided into,
    wherever that can be. Raises UserError for fewer units than folds.
    """
    units = _units(ids, labels, seed)
    if len(units.size) < folds:
        raise UserError(f"{len(units.size)} groups cannot make {folds} folds")
    fold_of = np.zeros(len(units.size), dtype=np.int64)
    total = [0] * folds
    for members in units.by_stratum():
        heap = sorted((0, total[fold], fold) for fold in range(folds))
        for unit in members[np.argsort(-units.size[members], kind="stable")]:
            held, _, fold = heap[0]
            fold_of[unit] = fold
            total[fold] += int(units.size[unit])
            heapq.heapreplace(heap, (held + int(units.size[unit]), total[fold], fold))
    return _covered_folds(units, fold_of, folds, rest)[units.of_row]


def _covered_folds(units: _Units, fold_of: np.ndarray, folds: int, rest: int) -> np.ndarray:
    """The folds (U,) with each class in each; of two folds, each must hold it as often as `rest` asks for.

    Of three or more folds the others hold each class twice anyway.
    """
    enough = (units.held.sum(axis=0) >= folds * rest).all()
    if folds == 2 and rest > 1 and enough:
        if all(can_cover(units.held[fold_of == fold], rest) for fold in range(folds)):
            return fold_of
        halves = fold_of * rest + np.arange(len(fold_of)) % rest
        fold_of = units.covered(halves, range(folds * rest)) // rest
    return units.covered(fold_of, range(folds))


def sample(ids: np.ndarray, labels: np.ndarray, share: float, least: int, seed: int) -> np.ndarray:
    """Which rows (N,) bool make about `share` of the images of every stratum: whole units in the order of their keys.

    Every stratum keeps a unit, and as many as hold `least` images where it has them; every class keeps a unit.
    """
    units = _units(ids, labels, seed)
    kept = np.zeros(len(units.size), dtype=bool)
    for members in units.by_stratum():
        size = units.size[members]
        before = np.cumsum(size) - size
        kept[members] = (before < least) | (before + size / 2 < share * size.sum())
    for k in np.flatnonzero(~units.held[kept].any(axis=0)):  # where all units of a class lie in rarer strata
        holders = np.flatnonzero(units.held[:, k])
        kept[holders[units.key[holders].argmin()]] = True
    return kept[units.of_row]


def _units(ids: np.ndarray, labels: np.ndarray, seed: int) -> _Units:
    names, of_row, size = np.unique(ids, return_inverse=True, return_counts=True)
    key = np.array([random_key(seed, "split", str(name)) for name in names], dtype=np.int64)
    columns = labels[:, None] == np.unique(labels) if labels.ndim == 1 else labels > 0
    columns = np.column_stack([columns, ~columns.any(axis=1)])  # rows without a label make a stratum too
    held = np.zeros((len(names), columns.shape[1]), dtype=bool)
    for k in range(columns.shape[1]):
        held[of_row[columns[:, k]], k] = True
    rarest_first = np.argsort(held.sum(axis=0), kind="stable")
    return _Units(of_row, size, held[:, rarest_first].argmax(axis=1), key, held[:, :-1], labels.ndim == 2)


def _stretches(size: np.ndarray, share: dict[int, float]) -> np.ndarray:
    """Lay the units side by side on [0, 1) and cut it: a unit belongs where the middle of its images lies.

    In hash order this favours neither large nor small units. A part left empty gets one from the fullest.
    """
    middle = (np.cumsum(size) - size / 2) / size.sum()
    edges = np.cumsum([0.0, *share.values()])
    part = np.zeros(len(size), dtype=np.int64)
    for which, start, end in zip(share, edges[:-1], edges[1:], strict=True):
        part[(middle >= start) & (middle < end)] = which
    for which in (*share, 0):
        if len(size) > len(share) and not (part == which).any():
            fullest = np.bincount(part).argmax()
            part[np.flatnonzero(part == fullest)[0 if which else -1]] = which
    return part
