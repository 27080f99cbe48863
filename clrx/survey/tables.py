"""From the survey of a dataset to its tables, its notices and the images of its contact sheet."""

from collections.abc import Sequence

import numpy as np

from clrx.core.randomness import random_generator
from clrx.survey.collect import Survey
from clrx.survey.counts import ages, class_counts, column_counts, combinations, members, part_counts
from clrx.survey.files import image_sizes, missing_images, unreadable_images
from clrx.survey.numbers import Numbers

SHEET_CLASSES = 24  # classes on the contact sheet


def grouped(survey: Survey, papers: Sequence[Numbers], sample: int) -> dict[str, list[Numbers]]:
    """Every table that the dataset has material for, under the headings of its page."""
    source, split, cache = survey.source, survey.split, survey.cache
    lost = {"missing": survey.missing, "unreadable": survey.unreadable}
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


def notices(survey: Survey) -> list[str]:
    """What a user should know before training on this."""
    source, split = survey.source, survey.split
    found = [*source.notes, *(split.notes if split else ()), survey.problem]
    missing, unreadable = int(survey.missing.sum()), int(survey.unreadable.sum())
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


def sheet_images(survey: Survey, across: int) -> dict[str, np.ndarray]:
    """uint8 (n, C, H, W) by title, drawn by seed: a few decoded images of each of the first classes."""
    if survey.cache is None:
        return {}
    found = {}
    for name, mine in list(members(survey.source).items())[:SHEET_CLASSES]:
        rows = np.flatnonzero(mine[survey.decoded])
        if len(rows):
            drawn = random_generator(0, "contact sheet", name).permutation(rows)[:across]
            found[f"{name} ({len(rows):,})"] = np.asarray(survey.cache.array[np.sort(drawn)])
    return found
