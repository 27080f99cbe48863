"""Each class in each part: a division of groups mended where a part lacks a class that it could have."""

from collections.abc import Iterator, Sequence

import numpy as np

NODES = 20_000  # steps of a search before it gives up

Need = tuple[int, int]  # a class, and a part that must hold it


def cover_classes(
    part: np.ndarray, held: np.ndarray, rank: np.ndarray, parts: Sequence[int], partly: bool = False
) -> np.ndarray:
    """The division `part` (U,) of U groups, changed by as few moves as found so that each part holds each class.

    `held` (U, K) bool: the classes of each group. `rank` (U,): of groups that would serve alike, the lowest is moved.
    Returned as it is where nothing is lacking, and where no division gives each class to each part (or none is found
    in NODES steps). `partly`: classes of too few groups are not asked for, and stay in the parts that they are in.
    """
    has = np.array([held[part == p].any(axis=0) for p in parts])
    enough = held.sum(axis=0) >= len(parts)
    if has[:, enough].all() or not (partly or enough.all()):
        return part
    alone = held & (held.sum(axis=1, keepdims=True) == 1)
    settled = np.array([alone[part == p].any(axis=0) for p in parts]).all(axis=0)  # no move can spoil these
    needs = [
        (k, p)
        for k in np.flatnonzero(~settled).tolist()
        for i, p in enumerate(parts)
        if enough[k] or has[i, k]
    ]
    needs.sort(key=lambda need: has[parts.index(need[1]), need[0]])  # first what asks for a move
    moves = _search(part, held, rank, needs)
    mended = part.copy()
    for group, p in moves or []:
        mended[group] = p
    return mended


def can_cover(held: np.ndarray, count: int) -> bool:
    """Whether groups that hold these classes (U, K) can be divided so that each of `count` parts holds each class."""
    parts = range(count)
    some = np.arange(len(held)) % count
    covered = cover_classes(some, held, np.arange(len(held)), parts)
    return all(held[covered == p].any(axis=0).all() for p in parts)


def _search(
    part: np.ndarray, held: np.ndarray, rank: np.ndarray, needs: list[Need]
) -> list[tuple[int, int]] | None:
    """Groups and the parts they go to, so that every need is met; None where that cannot be, or is not found.

    Depth first: a need of the class with the fewest groups to spare is met next, by a free group of each kind in turn.
    """
    free, held = np.ones(len(part), dtype=bool), np.asfortranarray(held)
    chosen: list[tuple[int, int]] = []

    def choices(needs: list[Need], count: np.ndarray) -> Iterator[tuple[int, int]]:
        """The ways to meet the next need: first those that move nothing, then by rank."""
        spare = count - np.bincount([k for k, _ in needs], minlength=held.shape[1])
        k, p = min(needs, key=lambda need: spare[need[0]])
        groups = np.flatnonzero(free & held[:, k]) if spare[k] >= 0 else np.empty(0, dtype=np.int64)
        kinds = set()
        for group in groups[np.lexsort((rank[groups], part[groups] != p))].tolist():
            if (kind := held[group].tobytes()) not in kinds:
                kinds.add(kind)
                yield group, p

    count = held.sum(axis=0)  # free groups of each class
    stack = [(needs, count, choices(needs, count))]
    for _ in range(NODES):
        needs, count, ways = stack[-1]
        if (way := next(ways, None)) is not None:
            group, p = way
            free[group] = False
            chosen.append(way)
            needs = [(k, q) for k, q in needs if q != p or not held[group, k]]
            if not needs:
                return chosen
            count = count - held[group]
            stack.append((needs, count, choices(needs, count)))
            continue
        stack.pop()
        if not stack:
            return None
        free[chosen.pop()[0]] = True
    return None
