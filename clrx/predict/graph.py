"""A trained network with its preprocessing as one module, from RGB pictures of any size to scores.

Resizing is Pillow's (src/libImaging/Resample.c, Reduce.c): blocks are averaged first where a side is 6 times the input
or more (`reducing_gap`), then its BILINEAR, an antialiased triangle filter, in a horizontal and a vertical pass; each
step is rounded to whole grey levels. Lengths are tensors, so that the size of a picture stays open in the graph.
"""

import torch
from torch import Tensor, nn

from clrx.bundle.description import Description
from clrx.data.decode.image import GAP
from clrx.network.network import Network
from clrx.training.loss import scores_of

LUMA = (19595, 38470, 7471)  # of R, G, B, in 1/65536: ITU-R 601 as Pillow rounds it


class Graph(nn.Module):
    """uint8 RGB pictures (B, 3, H, W) -> float32 scores: binary (B,) of the positive class, else (B, K)."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: Network, description: Description) -> None:
        super().__init__()
        self.network = network
        self.task, self.size = description.task, description.size
        self.grey, self.flips = description.channels == 1, description.flips
        mean, std = (
            torch.tensor(v, dtype=torch.float64).reshape(1, -1, 1, 1) for v in (network.mean, network.std)
        )
        self.register_buffer("scale", (1 / (255 * std)).float())
        self.register_buffer("shift", (-mean / std).float())

    def forward(self, images: Tensor) -> Tensor:
        """The scores that `clrx predict` gives for these pictures."""
        values = images.float()
        if self.grey:
            red, green, blue = (values[:, k : k + 1] * LUMA[k] for k in range(3))
            values = torch.floor((red + green + blue + 32768) / 65536)  # exact: below 2^24
        inputs = resized(values, self.size) * self.scale + self.shift
        score = scores_of(self.task, self.network(inputs))
        if self.flips:
            score = (score + scores_of(self.task, self.network(inputs.flip(-1)))) / 2
        return score


def resized(values: Tensor, size: int) -> Tensor:
    """Whole grey levels (B, C, H, W) as a square of `size`, as Pillow's `resize` with a reducing gap gives them."""
    width, height = _total(values, 3), _total(values, 2)
    wide, high = (torch.floor(side / size / GAP).clamp(min=1) for side in (width, height))
    sums, columns = _block_sums(values, width, wide)
    sums, rows = _block_sums(sums.transpose(2, 3), height, high)
    values = _rounded(sums.transpose(2, 3) / (columns * rows[:, None]))
    values = _rounded(values @ triangle_weights(width, wide, columns, size).T)
    return _rounded(triangle_weights(height, high, rows, size) @ values)


def _total(values: Tensor, axis: int) -> Tensor:
    """The length of an axis as a tensor."""
    return torch.ones(values.shape[axis], dtype=torch.float64).sum()


def _rounded(values: Tensor) -> Tensor:
    return torch.floor(values + 0.5).clamp(0, 255)


def _block_sums(values: Tensor, total: Tensor, block: Tensor) -> tuple[Tensor, Tensor]:
    """(sums of blocks of `block` values along the last axis, values in each block (n,), 1 beyond the last).

    The axis keeps its length: behind the last block nothing is read.
    """
    first = torch.arange(values.shape[3], dtype=torch.float64) * block
    first, last = torch.minimum(first, total), torch.minimum(first + block, total)
    running = torch.cat([torch.zeros_like(values[..., :1]), values.cumsum(3)], 3)
    sums = running.index_select(3, last.long()) - running.index_select(3, first.long())
    return sums, (last - first).clamp(min=1).float()


def triangle_weights(total: Tensor, block: Tensor, counts: Tensor, size: int) -> Tensor:
    """The matrix (size, n) that resizes a line of `total` / `block` pixels to `size`, as Pillow's BILINEAR does."""
    here = torch.arange(counts.shape[0], dtype=torch.float64)
    scale, end = total / block / size, torch.ceil(total / block)
    support = torch.clamp(scale, min=1.0)
    centres = ((torch.arange(size, dtype=torch.float64) + 0.5) * scale)[:, None]
    first = torch.floor(centres - support + 0.5).clamp(min=0)
    last = torch.minimum(torch.floor(centres + support + 0.5), end)
    weights = (1 - ((here + 0.5 - centres) / support).abs()).clamp(min=0)
    weights = torch.where((here >= first) & (here < last), weights, torch.zeros_like(weights))
    return (weights / weights.sum(1, keepdim=True)).float()
