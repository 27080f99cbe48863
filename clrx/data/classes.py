"""The classes of a dataset: their order, which of two is the positive one, and the task that they make."""

from collections.abc import Iterable

import numpy as np

from clrx.core.errors import UserError, did_you_mean
from clrx.data.source import Task


def in_order(names: Iterable[str], positive: str | None = None) -> tuple[str, ...]:
    """Class names sorted, numbers by value; of two, `positive` (null: the latter) comes last and is class 1."""
    names = set(names)
    numbers = all(name.isdecimal() for name in names)
    ordered = sorted(names, key=lambda name: (int(name) if numbers else 0, name))
    if positive is None:
        return tuple(ordered)
    if len(ordered) != 2 or str(positive) not in ordered:
        what = f"dataset.positive={positive}, but the classes are {', '.join(ordered[:12])}"
        fix = did_you_mean(str(positive), ordered) if len(ordered) == 2 else "leave it out"
        raise UserError(what, where="dataset.positive", allowed="one of two classes, or null", fix=fix)
    return tuple(sorted(ordered, key=lambda name: name == str(positive)))


def indices(names: Iterable[str], classes: tuple[str, ...]) -> np.ndarray:
    """(N,) int64: the place of each name in `classes`."""
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place[name] for name in names], dtype=np.int64)


def task_of(classes: int, name: str) -> Task:
    """binary for two classes, else multiclass; UserError for fewer."""
    if classes < 2:
        raise UserError(f"{name}: there is only one class", allowed="two or more")
    return "binary" if classes == 2 else "multiclass"
