"""Images in, a table of scores out: a row an image as it is scored, unreadable ones told and counted."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from clrx.bundle.description import Description
from clrx.predict.decode import Chunk, decoded
from clrx.predict.images import Image
from clrx.predict.score import Scorer, decide


@dataclass
class Counts:
    """How many images were scored, and how many could not be read."""

    scored: int = 0
    failed: int = 0


def predict_to(
    file: TextIO,
    scorer: Scorer,
    images: Iterator[Image],
    workers: int | None = None,
    on_failure: Callable[[str, str], None] = lambda name, why: None,
    on_progress: Callable[[int], None] = lambda done: None,
    overlays: Callable[[Chunk, np.ndarray], list[str]] | None = None,
) -> Counts:
    """Write a row an image to `file` in the order of the images, a chunk at a time.

    `on_failure(name, reason)` is told of each image that cannot be read, `on_progress(done)` of each chunk. `overlays`
    draws a chunk's and gives their paths.
    """
    description, counts = scorer.description, Counts()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(header(description, overlays is not None))
    for chunk in decoded(images, scorer.shapes, workers, scorer.batch_size):
        scores = scorer.score(chunk.pixels)
        paths = overlays(chunk, scores) if overlays else None
        names = [chunk.images[row].name for row in chunk.readable]
        table.writerows(rows(description, names, scores, scorer.threshold, paths))
        file.flush()
        for row, why in chunk.failed:
            on_failure(chunk.images[row].name, why)
        counts.scored += len(names)
        counts.failed += len(chunk.failed)
        on_progress(counts.scored + counts.failed)
    return counts


def header(description: Description, cam: bool = False) -> list[str]:
    """image, score_CLASS for each class that has a score, predicted, and cam where overlays are drawn."""
    columns = [f"score_{name}" for name in description.columns]
    return ["image", *columns, "predicted", *(["cam"] if cam else [])]


def rows(
    description: Description, names: list[str], scores: np.ndarray, threshold: float, paths: list[str] | None
) -> Iterator[list[str]]:
    """The cells of each image; scores in the fewest digits that give the same float32 again."""
    called = decide(description, scores, threshold)
    for number, name in enumerate(names):
        values = np.atleast_1d(scores[number])
        more = [paths[number]] if paths is not None else []
        yield [name, *(str(np.float32(value)) for value in values), called[number], *more]
