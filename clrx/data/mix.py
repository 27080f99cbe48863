"""Mixing the images of a batch with each other: mixup and cutmix."""

from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from torch import Tensor

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.feed import send


@dataclass(frozen=True)
class Mix:
    """The alphas of mixup and cutmix, 0 for off. With both on, each image gets one of them, at even odds."""

    mixup: float = 0.0  # Zhang et al. 2018, arXiv:1710.09412, section 2: lambda ~ Beta(alpha, alpha)
    cutmix: float = 0.0  # Yun et al. 2019, arXiv:1905.04899, section 3.1, eq. 1 and 2

    def __post_init__(self) -> None:
        for name, alpha in (("mixup", self.mixup), ("cutmix", self.cutmix)):
            if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 <= alpha < inf:
                raise UserError(f"mix.{name}={alpha} cannot be used", allowed="0 (off) or a positive number")

    def __call__(
        self, images: Tensor, labels: Tensor, classes: int, seed: int, step: int
    ) -> tuple[Tensor, Tensor]:
        """Mixed images (B, C, H, W) and soft targets (B, classes) of float images and class indices (B,).

        Each image has its own partner and share, which depend on (seed, step) alone. Nothing waits for the device.
        """
        targets = (labels[:, None] == torch.arange(classes, device=labels.device)).to(torch.float32)
        if not (self.mixup or self.cutmix):
            return images, targets
        sampled = self.sample(images.shape, seed, step)
        partner, rows, columns, outside, share = (send(part, images.device) for part in sampled)
        box = (rows[:, :, None] & columns[:, None, :])[:, None]  # (B, 1, H, W)
        kept = torch.where(box, 0.0, outside[:, None, None, None])
        return torch.lerp(images[partner], images, kept), torch.lerp(
            targets[partner], targets, share[:, None]
        )

    def sample(self, shape: tuple[int, ...], seed: int, step: int) -> tuple[np.ndarray, ...]:
        """For images (B, C, H, W): the partner of each (B,); the rows (B, H) and columns (B, W) of the box
        that is the partner's; what the image keeps of itself outside the box (B,), and in all (B,), float32.
        """
        count, _, height, width = shape
        generator = random_generator(seed, "mix", step)
        uniform = generator.random((4, count))
        blend, cut = (
            generator.beta(alpha or 1.0, alpha or 1.0, count) for alpha in (self.mixup, self.cutmix)
        )
        cuts = uniform[1] < (0.5 if self.mixup and self.cutmix else float(self.cutmix > 0))
        rows, columns = (
            _span(cut, middle, side) for middle, side in zip(uniform[2:], (height, width), strict=True)
        )
        rows &= cuts[:, None]
        outside = np.where(cuts, 1.0, blend)
        share = outside * (1.0 - rows.mean(axis=1) * columns.mean(axis=1))
        return np.argsort(uniform[0]), rows, columns, outside.astype(np.float32), share.astype(np.float32)


def _span(share: np.ndarray, middle: np.ndarray, side: int) -> np.ndarray:
    """(B, side) bool: the rows or columns of cutmix's box (eq. 2), sqrt(1 - lambda) of the side long about a
    middle in 0..1; what lies beyond the edge is lost."""
    positions = (np.arange(side) + 0.5) / side
    return np.abs(positions - middle[:, None]) < np.sqrt(1.0 - share)[:, None] / 2
