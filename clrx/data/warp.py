"""Move the pixels of a batch: a matrix an image, composed on the host, and one sampling pass on the device.

The geometry is that of Keras's ImageDataGenerator (Keras 3.15, keras/src/legacy/preprocessing/image.py,
`apply_affine_transform`): a new pixel reads the old image at `R(rotation) . T(shift) . S(shear) . Z(zoom)`
of its own position, all about the centre `size / 2 - 0.5`, and flips come after. Keras draws the movement along
the width from height_shift_range and the other way round; here each is what its name says.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

FILLS = {
    "nearest": "border",
    "constant": "zeros",
    "reflect": "reflection",
}  # ours (and scipy's): grid_sample's


@dataclass(frozen=True)
class Moves:
    """The movement of each of B images; axes are (x, y), y pointing down."""

    rotation: np.ndarray  # (B,) radians
    shear: np.ndarray  # (B,) radians
    zoom: np.ndarray  # (2, B) factors of the position that is read: below 1 enlarges
    shift: np.ndarray  # (2, B) pixels
    crop: np.ndarray  # (2, B) whole pixels, moved after the rest and before the flips
    flip: np.ndarray  # (2, B) bool


def affine(moves: Moves, height: int, width: int) -> np.ndarray:
    """(B, 2, 3) float32: from a new pixel's (x, y, 1), in pixels from the centre, to where to read the old.

    The result is in grid_sample's units for align_corners=False: -1..1 from edge to edge, whose 0 is Keras's
    centre. R . S . Z multiplies out to [[zx cos t, -zy sin(t+s)], [zx sin t, zy cos(t+s)]].
    """
    turn, lean = moves.rotation, moves.rotation + moves.shear
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    leaned = np.array([[np.cos(turn), -np.sin(lean)], [np.sin(turn), np.cos(lean)]])
    linear = leaned * moves.zoom
    offset = (turned * moves.shift).sum(axis=1) + (linear * moves.crop).sum(axis=1)
    mirrored = linear * np.where(moves.flip, -1.0, 1.0)
    matrix = np.concatenate([mirrored, offset[:, None]], axis=1)  # (2, 3, B)
    units = 2 / np.array([width, height])
    return np.ascontiguousarray((matrix * units[:, None, None]).transpose(2, 0, 1), dtype=np.float32)


def warp(images: torch.Tensor, matrices: torch.Tensor, interpolation: str, fill: str) -> torch.Tensor:
    """Sample float images (B, C, H, W) once through `affine`'s matrices (B, 2, 3); the memory format stays.

    The grid is multiplied out by elements: affine_grid uses a matrix product, which TF32 and autocast round,
    at 64 pixels by an eighth of one.
    """
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device, dtype=torch.float32).sub_(width / 2 - 0.5)
    y = torch.arange(height, device=images.device, dtype=torch.float32).sub_(height / 2 - 0.5)
    by_x, by_y, offset = matrices[..., None].unbind(2)  # each (B, 2, 1)
    rows, columns = torch.addcmul(offset, by_y, y), by_x * x
    grid = (rows[..., :, None] + columns[..., None, :]).permute(0, 2, 3, 1)  # (B, H, W, 2), x and y in planes
    moved = F.grid_sample(images, grid, mode=interpolation, padding_mode=FILLS[fill], align_corners=False)
    last = images.is_contiguous(memory_format=torch.channels_last)
    return moved.contiguous(memory_format=torch.channels_last) if last else moved
