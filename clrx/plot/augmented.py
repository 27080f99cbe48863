"""A sheet of training images as the network sees them: a row an image, a column a draw."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from clrx.plot.style import save

GAP = 3  # pixels of white between images
INCHES = 1.15  # side of an image on the sheet


def plot_augmented(
    path: Path | str, batches: Sequence[Tensor], titles: Sequence[str], names: Sequence[str] = ()
) -> None:
    """Write a PNG with one column a batch, uint8 (B, C, H, W), under its title, and one row an image.

    All batches have one shape, C of 1 (grey) or 3; `names`, one a row, stand at the left where given.
    """
    sheet = _sheet([batch.cpu().numpy() for batch in batches])
    rows, columns = len(batches[0]), len(batches)
    figure = Figure(figsize=(INCHES * columns + (0.9 if names else 0.1), INCHES * rows + 0.3), dpi=150)
    axes = figure.add_axes(_place(figure, bool(names)))
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
    axes.set_axis_off()
    height, width = (np.array(sheet.shape[:2]) + GAP) / (rows, columns)
    for column, title in enumerate(titles):
        axes.text((column + 0.5) * width, -GAP, title, ha="center", va="bottom", fontsize=8)
    for row, name in enumerate(names):
        axes.text(-2 * GAP, (row + 0.5) * height, name, ha="right", va="center", fontsize=8, wrap=True)
    save(figure, Path(path))


def _sheet(batches: list[np.ndarray]) -> np.ndarray:
    """(H', W') or (H', W', 3) uint8: the images on white, with a gap between them."""
    tall = [np.concatenate([_framed(image) for image in batch], axis=0) for batch in batches]
    whole = np.concatenate(tall, axis=1)[:-GAP, :-GAP]
    return whole[..., 0] if whole.shape[2] == 1 else whole


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image.transpose(1, 2, 0), ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


def _place(figure: Figure, names: bool) -> tuple[float, float, float, float]:
    """Where the sheet stands: room above for titles and, where there are names, at the left for them."""
    left, top = (0.9 if names else 0.05), 0.25
    width, height = figure.get_size_inches()
    return (left / width, 0.05 / height, 1 - (left + 0.05) / width, 1 - (top + 0.05) / height)
