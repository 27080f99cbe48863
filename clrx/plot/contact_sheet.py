"""A few images of each class as they lie in the cache, a strip a class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from clrx.plot import style

GAP = 3  # pixels of white between images
EDGE = 0.1  # inches left and right
TITLE = 0.24  # inches above a strip


def draw_sheet(strips: Mapping[str, np.ndarray], across: int, footer: str) -> Figure:
    """A figure with a strip for each title: uint8 (n, C, H, W), C of 1 or 3, n at most `across`."""
    width, foot = style.WIDTH, 0.3
    side = (width - 2 * EDGE) / across
    height = len(strips) * (side + TITLE) + foot
    figure = Figure(figsize=(width, height), dpi=style.DPI, facecolor="white")
    for row, (title, images) in enumerate(strips.items()):
        bottom = height - (row + 1) * (side + TITLE)
        ax = figure.add_axes((EDGE / width, bottom / height, 1 - 2 * EDGE / width, side / height))
        ax.imshow(
            _strip(images, across), cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal"
        )
        ax.set_anchor("W")
        ax.set_axis_off()
        place = (bottom + side + 0.04) / height
        figure.text(EDGE / width, place, title, fontsize=style.SMALL, va="bottom")
    figure.text(EDGE / width, 0.06 / height, footer, fontsize=style.SMALL - 0.5, color=style.GREY)
    return figure


def _strip(images: np.ndarray, across: int) -> np.ndarray:
    """(H, W') or (H, W', 3) uint8: the images side by side on white, as wide as `across` of them."""
    frames = np.pad(images.transpose(0, 2, 3, 1), ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    short = across - len(frames)
    if short:
        frames = np.concatenate([frames, np.full_like(frames[:1], 255).repeat(short, axis=0)])
    strip = np.concatenate(list(frames), axis=1)[:, :-GAP]
    return strip[..., 0] if strip.shape[2] == 1 else strip
