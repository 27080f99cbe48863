"""The classes of a dataset: their order, which of two is the positive one, the index of each image's class."""

import re
from collections.abc import Iterable

import numpy as np

from clrx.core.errors import UserError, did_you_mean
from clrx.data.source import Task
from clrx.data.spelling import plain, unify

NEGATIVE = re.compile(
    r"normal|no[ _-]?findings?|healthy|negative|controls?|benign|uninfected|unaffected|absent|none|no|false|0"
    r"|(?:no|non|not|without)[ _-].+"
)


def encode(
    names: Iterable[str], positive: str | None = None, classes: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """The classes in their order, the class index of each name (N,) int64, and a note on names spelt in several ways.

    `positive`: of two classes the one to find, which comes last and is class 1; None: see `in_order`.
    `classes`: the order, where it is known. Raises UserError where `positive` is none of two classes.
    """
    names, notes = unify(names, "class names")
    classes = classes or in_order(names, positive)
    index = {plain(name): k for k, name in enumerate(classes)}
    return classes, np.array([index[plain(name)] for name in names], dtype=np.int64), notes


def in_order(names: Iterable[str], positive: str | None = None) -> tuple[str, ...]:
    """Class names sorted, numbers by value; of two, `positive` comes last and is class 1.

    Where that is None, it is the one beside a name that says that nothing was found (`is_negative`), else the latter.
    """
    names = set(names)
    numbers = all(name.isdecimal() for name in names)
    ordered = sorted(names, key=lambda name: (int(name) if numbers else 0, name))
    if positive is None:
        return tuple(
            sorted(ordered, key=lambda name: not is_negative(name)) if len(ordered) == 2 else ordered
        )
    wanted = [name for name in ordered if plain(name) == plain(str(positive))]
    if len(ordered) != 2 or len(wanted) != 1:
        what = f"dataset.positive={positive}, but the classes are {', '.join(ordered[:12])}"
        fix = did_you_mean(str(positive), ordered) if len(ordered) == 2 else "leave it out"
        raise UserError(what, where="dataset.positive", allowed="one of two classes, or null", fix=fix)
    return tuple(sorted(ordered, key=lambda name: name == wanted[0]))


def is_negative(name: str) -> bool:
    """Whether the name of a class says that nothing was found: normal, healthy, No Finding, no_tumor, non-covid, 0."""
    return bool(NEGATIVE.fullmatch(plain(name)))


def task_of(classes: int, name: str) -> Task:
    """binary for two classes, else multiclass; UserError for fewer."""
    if classes < 2:
        raise UserError(f"{name}: there is only one class", allowed="two or more")
    return "binary" if classes == 2 else "multiclass"
