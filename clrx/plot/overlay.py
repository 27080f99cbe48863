"""Pictures of explanations: a map over an image with its scale, and sheets of right, wrong and least sure images."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from clrx.core.files import write_bytes

COLOURS, ALPHA = "inferno", 0.45
SIDE = 2.6  # inches of an image


class Explained(NamedTuple):
    """An image with its map."""

    picture: np.ndarray  # (H, W, 3) uint8
    heat: np.ndarray  # (h, w) in [0, 1], of the whole picture
    title: str


def save_overlay(one: Explained, path: Path) -> None:
    """The picture, and beside it the map over it, with the scale of its colours and the class it is of."""
    figure = Figure(figsize=(2 * SIDE + 0.9, SIDE + 0.5), layout="constrained")
    plain, covered = figure.subplots(1, 2)
    plain.imshow(one.picture, aspect="equal")
    shown = _cover(covered, one)
    figure.colorbar(shown, ax=covered, shrink=0.85, label="share of the largest value")
    figure.suptitle(one.title, fontsize=9)
    for ax in (plain, covered):
        ax.set_axis_off()
    _save(figure, path)


def save_sheet(rows: Sequence[tuple[str, Sequence[Explained]]], path: Path, footer: str) -> None:
    """A sheet: one row for each kind of image, its name before it, each image with its map over it."""
    columns = max(len(found) for _, found in rows)
    figure = Figure(figsize=(columns * SIDE, len(rows) * (SIDE + 0.5) + 0.4), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (name, found) in zip(axes, rows, strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, one in zip(line, found, strict=False):
            shown = _cover(ax, one)
            ax.set_title(one.title, fontsize=7)
        line[0].text(-0.06, 0.5, name, rotation=90, va="center", ha="right", transform=line[0].transAxes)
    figure.colorbar(shown, ax=axes, shrink=0.4, label="share of the largest value")
    figure.supxlabel(footer, fontsize=7)
    _save(figure, path)


def _cover(ax, one: Explained):
    height, width = one.picture.shape[:2]
    ax.imshow(one.picture, aspect="equal")
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    return ax.imshow(
        one.heat, cmap=COLOURS, alpha=ALPHA, vmin=0, vmax=1, extent=extent, interpolation="bilinear"
    )


def _save(figure: Figure, path: Path) -> None:
    content = BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_bytes(path, content.getvalue())
