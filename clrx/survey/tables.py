"""From a look at a dataset to its tables, its notices and its contact sheet."""

from collections.abc import Sequence

import numpy as np

from clrx.core.randomness import random_generator
from clrx.survey.collect import Look
from clrx.survey.counts import ages, class_counts, column_counts, combinations, members, part_counts
from clrx.survey.files import image_sizes, missing_images, unreadable_images
from clrx.survey.numbers import Numbers

STRIPS = 24  # classes on the contact sheet


def grouped(look: Look, papers: Sequence[Numbers], sample: int) -> dict[str, list[Numbers]]:
    """Every table that the dataset has material for, under the headings of its page."""
    source, split, cache = look.source, look.split, look.cache
    lost = {"missing": look.missing, "unreadable": look.unreadable}
    groups: dict[str, list[Numbers | None]] = {
        "Classes": [class_counts(source, split, lost), part_counts(source, split) if split else None],
        "Labels": [combinations(source)],
        "People": [*ages(source), *column_counts(source)],
        "Files": [
            image_sizes(source, sample) if cache is not None else None,
            missing_images(source),
            unreadable_images(cache.unreadable, len(source)) if cache is not None else None,
        ],
        "Publications": list(papers),
    }
    present = {name: [one for one in group if one is not None] for name, group in groups.items()}
    return {name: group for name, group in present.items() if group}


def notices(look: Look) -> list[str]:
    """What a user should know before training on this."""
    source, found = look.source, [*look.source.notes, *(look.split.notes if look.split else ()), look.problem]
    missing, unreadable = int(look.missing.sum()), int(look.unreadable.sum())
    if missing == len(source):
        found.append(
            "No image is here: all numbers are from the table alone, and nothing can be trained yet."
        )
    elif missing:
        found.append(
            f"{missing:,} images are missing: clrx train stops at them, dataset.missing=drop leaves them out."
        )
    if unreadable:
        left = "clrx train stops at them, dataset.unreadable=drop leaves them out"
        found.append(f"{unreadable:,} images are unreadable: {left}.")
    return [text for text in found if text]


def strips(look: Look, across: int) -> dict[str, np.ndarray]:
    """uint8 (n, C, H, W) by title, drawn by seed: a few decoded images of each of the first classes."""
    if look.cache is None:
        return {}
    found = {}
    for name, mine in list(members(look.source).items())[:STRIPS]:
        rows = np.flatnonzero(mine[look.decoded])
        if len(rows):
            drawn = random_generator(0, "contact sheet", name).permutation(rows)[:across]
            found[f"{name} ({len(rows):,})"] = np.asarray(look.cache.array[np.sort(drawn)])
    return found
