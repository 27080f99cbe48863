"""Sheets of images: training images beside their augmentations, and a few images of each class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.plot import style

if TYPE_CHECKING:
    from torch import Tensor

GAP = 3  # pixels of white between images
SIDE = 1.15  # inches: an image beside its augmentations
EDGE = 0.1  # inches left and right of the images of classes
TITLE = 0.24  # inches above the images of a class


def plot_augmented(path: Path, batches: "Sequence[Tensor]", titles: Sequence[str]) -> None:
    """Write a PNG: a column for each batch, uint8 (B, C, H, W), under its title, and a row for each image.

    All batches have one shape, C of 1 (grey) or 3.
    """
    rows, columns = len(batches[0]), len(batches)
    images = np.stack([batch.cpu().numpy() for batch in batches], axis=1)  # (B, columns, C, H, W)
    below = ((0, GAP), (0, 0), (0, 0))
    strips = [np.pad(_strip(row, columns), below, constant_values=255) for row in images]
    width, height = SIDE * columns + 0.1, SIDE * rows + 0.3
    figure = Figure(figsize=(width, height), dpi=150)
    axes = figure.add_axes((0.05 / width, 0.05 / height, 1 - 0.1 / width, 1 - 0.3 / height))
    _show(axes, np.concatenate(strips)[:-GAP])
    for column, title in enumerate(titles):
        x = (column + 0.5) * (images.shape[-1] + GAP)
        axes.text(x, -GAP, title, ha="center", va="bottom", fontsize=8)
    style.save(figure, path)


def plot_classes(images: Mapping[str, np.ndarray], across: int, footer: str) -> Figure:
    """A figure with a strip of images, uint8 (n, C, H, W), under each title; n is at most `across`, C is 1 or 3."""
    width, foot = style.WIDTH, 0.3
    side = (width - 2 * EDGE) / across
    height = len(images) * (side + TITLE) + foot
    figure = Figure(figsize=(width, height), dpi=style.DPI, facecolor="white")
    for row, (title, some) in enumerate(images.items()):
        bottom = height - (row + 1) * (side + TITLE)
        axes = figure.add_axes((EDGE / width, bottom / height, 1 - 2 * EDGE / width, side / height))
        _show(axes, _strip(some, across))
        axes.set_anchor("W")
        y = (bottom + side + 0.04) / height
        figure.text(EDGE / width, y, title, fontsize=style.SMALL, va="bottom")
    figure.text(EDGE / width, 0.06 / height, footer, fontsize=style.SMALL - 0.5, color=style.GREY)
    return figure


def _strip(images: np.ndarray, across: int) -> np.ndarray:
    """(H, W', C) uint8: images (n, C, H, W) side by side on white, as wide as `across` of them."""
    frames = np.pad(images.transpose(0, 2, 3, 1), ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    empty = [np.full_like(frames[0], 255)] * (across - len(frames))
    return np.concatenate([*frames, *empty], axis=1)[:, :-GAP]


def _show(axes: Axes, sheet: np.ndarray) -> None:
    pixels = sheet[..., 0] if sheet.shape[2] == 1 else sheet
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
    axes.set_axis_off()
