"""The pointing game: how often the maximum of a map lies in a box that a radiologist drew.

Source: Zhang et al., Top-down neural attention by excitation backprop, ECCV 2016, section 4.2. The boxes are those of
BBox_List_2017.csv of the NIH ChestX-ray14 release: x, y, width and height in pixels of images of 1024 x 1024.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clrx.core.errors import UserError
from clrx.data.image_table import decoded
from clrx.data.spelling import plain

SIDE = 1024.0  # pixels of an image of the release
RENAMED = {"infiltrate": "infiltration"}  # in the list of boxes alone
Boxes = dict[
    tuple[str, str], list[tuple[float, float, float, float]]
]  # (image, finding) -> x, y, width, height


@dataclass(frozen=True)
class Pointing:
    """The count of a pointing game."""

    images: int
    hits: int
    area: float  # mean share of an image that its boxes cover: the hit rate of a random point

    def __str__(self) -> str:
        if not self.images:
            return "pointing game: no image with a box was explained for its finding"
        rate = self.hits / self.images
        return (
            f"pointing game: the maximum lies in a box in {self.hits} of {self.images} images ({rate:.0%}); "
            f"a random point would in {self.area:.0%}"
        )


def read_boxes(path: Path) -> Boxes:
    """The boxes of a list of the NIH; UserError where it is none."""
    if not path.is_file():
        raise UserError(
            "there is no such list of boxes", where=str(path), allowed="BBox_List_2017.csv of the NIH"
        )
    found: Boxes = {}
    for number, line in enumerate(decoded(path.read_bytes(), path)[0].splitlines()[1:], 2):
        cells = [cell.strip() for cell in line.replace("[", "").replace("]", "").split(",")]
        try:
            name, finding = cells[0], plain(cells[1])
            x, y, width, height = (float(cell) for cell in cells[2:6])
        except (ValueError, IndexError):
            if not line.strip(" ,"):
                continue
            raise UserError(
                f"line {number} is no box", where=str(path), allowed="image, finding, x, y, w, h"
            ) from None
        found.setdefault((name, RENAMED.get(finding, finding)), []).append((x, y, width, height))
    return found


def pointing_game(boxes: Boxes, names: list[str], findings: list[str], maps: np.ndarray) -> Pointing:
    """Images by their file's name, the finding each map (N, H, W) is of, and the maps -> hits."""
    images = hits = 0
    areas = []
    for name, finding, heat in zip(names, findings, maps, strict=True):
        mine = boxes.get((Path(name).name, plain(finding)))
        if not mine:
            continue
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        y, x = ((row + 0.5) / heat.shape[0] * SIDE, (column + 0.5) / heat.shape[1] * SIDE)
        images += 1
        hits += any(left <= x <= left + w and top <= y <= top + h for left, top, w, h in mine)
        areas.append(min(1.0, sum(w * h for _, _, w, h in mine) / SIDE**2))
    return Pointing(images, hits, float(np.mean(areas)) if areas else 0.0)
