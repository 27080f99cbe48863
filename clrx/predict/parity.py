"""Whether an exported graph gives the scores that the run recorded for its test images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clrx.bundle.description import Description
from clrx.core.errors import RunError
from clrx.predict.picture import open_picture, planes
from clrx.predict.score import decide

LARGEST = 1e-4  # difference of a score that passes
NEAR = 1e-4  # a score this near to the threshold may fall on either side


@dataclass(frozen=True)
class Parity:
    """What a comparison found."""

    images: int
    largest: float  # absolute difference of a score
    decisions: int  # images with another predicted class
    what: str  # what the images are

    def __str__(self) -> str:
        return (
            f"{self.images} {self.what}: largest difference of a score {self.largest:.2g}, "
            f"{self.decisions} decisions differ"
        )


def compared(
    description: Description,
    run_graph: Callable[[np.ndarray], np.ndarray],
    pictures: Sequence[np.ndarray],
    expected: np.ndarray,
    what: str,
) -> Parity:
    """Run a graph over pictures uint8 (3, H, W) of any sizes, two at once where sizes agree, and compare its scores."""
    found = np.concatenate([np.atleast_1d(run_graph(picture[None])) for picture in pictures])
    if len(pictures) > 1 and pictures[0].shape == pictures[1].shape:
        pair = run_graph(np.stack(pictures[:2]))
        found[:2] = pair  # more than one image at once
    largest = float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max())
    called = [decide(description, scores, description.threshold) for scores in (found, expected)]
    return Parity(len(pictures), largest, sum(a != b for a, b in zip(*called, strict=True)), what)


def refuse_difference(parity: Parity, path: Path) -> None:
    """RunError where scores or decisions differ; the file is removed."""
    if parity.largest > LARGEST or parity.decisions:
        path.unlink(missing_ok=True)
        fix = "clrx predict and format=bundle give the run's own scores"
        raise RunError(f"the graph does not give the scores of the run: {parity}", where=str(path), fix=fix)


def pictures_of(files: Sequence[str], description: Description) -> list[np.ndarray]:
    """The pictures in some files as uint8 (3, H, W)."""
    grey = description.channels == 1
    return [planes(open_picture(file, description.size, grey)) for file in files]
