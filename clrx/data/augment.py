"""Augmentation of a batch of images on the device, each image with its own random numbers; and normalisation.

Settings mean what they mean in Keras's ImageDataGenerator, whose names stand beside ours; `clrx.data.warp` has the
geometry. Brightness is its `apply_brightness_shift`: the factor of PIL's ImageEnhance.Brightness, clipped to
0..255. Two things differ on purpose: values stay float where Keras cuts them to integers, before and after
the factor, and `fill: constant` fades to black over one pixel, where scipy stops at the edge.

The Keras followed is today's (3.15). Keras-Preprocessing 1.1.2, the newest when Chopade et al. published,
also stretched every image to 0..255 before the factor, and turned it about a point one pixel off the centre;
Keras has since mended both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np
import torch

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.feed import send
from clrx.data.warp import FILLS, Moves, affine, warp

INTERPOLATIONS = ("bilinear", "nearest")
NUMBERS = (
    11  # uniform numbers an image; a setting that is off leaves its own unused, so the others keep theirs
)


@dataclass(frozen=True)
class Augment:
    """The keys of conf/augment/*.yaml. Called with uint8 images it returns float32 images, both in 0..255."""

    rotation: float = 0.0  # degrees, from +-rotation (rotation_range)
    shear: float = 0.0  # degrees, from +-shear (shear_range)
    zoom: tuple[float, float] = (1.0, 1.0)  # [low, high], for each axis; below 1 enlarges (zoom_range)
    shift_width: float = 0.0  # fraction of the width, from +-shift_width (width_shift_range)
    shift_height: float = 0.0  # fraction of the height, from +-shift_height (height_shift_range)
    brightness: tuple[float, float] = (1.0, 1.0)  # [low, high] of the factor (brightness_range)
    horizontal_flip: bool = False  # of half the images
    vertical_flip: bool = False
    crop_padding: int = 0  # pixels: pad by that many on each side, cut the old size out at random
    fill: str = "nearest"  # beyond the edge: nearest | constant (black) | reflect (d c b a | a b c d)
    interpolation: str = "bilinear"  # bilinear | nearest

    def __post_init__(self) -> None:
        for name in ("zoom", "brightness"):
            pair = getattr(self, name)
            object.__setattr__(self, name, tuple(pair) if isinstance(pair, Sequence) else (pair,))
        for name, allowed, holds in _rules(self):
            if not holds:
                raise UserError(f"augment.{name}={getattr(self, name)} cannot be used", allowed=allowed)

    def __call__(self, images: torch.Tensor, seed: int, step: int) -> torch.Tensor:
        """Augment a batch: uint8 (B, C, H, W) to float32 (B, C, H, W) in 0..255, the memory format kept.

        The random numbers depend on (seed, step, position in the batch) alone: they are the same on every device and
        for every batch size. Nothing here waits for the device.
        """
        pixels = images.to(torch.float32)
        if not (self.moves or self.brightens):
            return pixels
        uniform = random_generator(seed, "augment", step).random((len(images), NUMBERS)).T
        if self.moves:
            height, width = images.shape[-2:]
            matrices = affine(self.moves_of(uniform, height, width), height, width)
            # whole-pixel moves need no interpolation, and without it no value changes by rounding
            interpolation = self.interpolation if self.interpolates else "nearest"
            pixels = warp(pixels, send(matrices, images.device), interpolation, self.fill)
        if self.brightens:
            factors = _between(*self.brightness, uniform[10]).astype(np.float32)
            pixels = (pixels * send(factors, images.device)[:, None, None, None]).clamp_(0, 255)
        return pixels

    @property
    def interpolates(self) -> bool:
        """Whether a pixel can come from between pixels; crop and flips alone move by whole ones."""
        return any((self.rotation, self.shear, self.shift_width, self.shift_height)) or self.zoom != (1, 1)

    @property
    def moves(self) -> bool:
        return self.interpolates or self.horizontal_flip or self.vertical_flip or self.crop_padding > 0

    @property
    def brightens(self) -> bool:
        return self.brightness != (1, 1)

    def moves_of(self, uniform: np.ndarray, height: int, width: int) -> Moves:
        """The movement of each image from uniform numbers (NUMBERS, B) in [0, 1)."""
        limit = np.array([[self.shift_width * width], [self.shift_height * height]])
        return Moves(
            rotation=np.deg2rad(_between(-self.rotation, self.rotation, uniform[0])),
            shear=np.deg2rad(_between(-self.shear, self.shear, uniform[1])),
            zoom=_between(*self.zoom, uniform[2:4]),
            shift=_between(-limit, limit, uniform[4:6]),
            crop=np.floor(uniform[6:8] * (2 * self.crop_padding + 1)) - self.crop_padding,
            flip=(uniform[8:10] < 0.5) & np.array([[self.horizontal_flip], [self.vertical_flip]]),
        )


def _between(low, high, uniform: np.ndarray) -> np.ndarray:
    return low + (high - low) * uniform


def _rules(a: Augment) -> list[tuple[str, str, bool]]:
    """(key, what is allowed, whether the value is); a value that is not a finite number is not."""
    return [
        ("rotation", "0 to 180 degrees", _ordered(0, a.rotation, 180)),
        ("shear", "0 to 89 degrees", _ordered(0, a.shear, 89)),
        ("zoom", "[low, high] with 0 < low <= high", _ordered(1e-6, *a.zoom) and len(a.zoom) == 2),
        ("shift_width", "a fraction of the width, 0 to 1", _ordered(0, a.shift_width, 1)),
        ("shift_height", "a fraction of the height, 0 to 1", _ordered(0, a.shift_height, 1)),
        (
            "brightness",
            "[low, high] with 0 <= low <= high",
            _ordered(0, *a.brightness) and len(a.brightness) == 2,
        ),
        ("horizontal_flip", "true or false", isinstance(a.horizontal_flip, bool)),
        ("vertical_flip", "true or false", isinstance(a.vertical_flip, bool)),
        ("crop_padding", "whole pixels, 0 or more", isinstance(a.crop_padding, int) and a.crop_padding >= 0),
        ("fill", " | ".join(FILLS), a.fill in FILLS),
        ("interpolation", " | ".join(INTERPOLATIONS), a.interpolation in INTERPOLATIONS),
    ]


def _ordered(*values: object) -> bool:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and -inf < v < inf]
    return len(numbers) == len(values) and numbers == sorted(numbers)


def normalise(images: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """(images / 255 - mean) / std of float images (B, C, H, W) in 0..255; mean and std a channel, in 0..1."""
    if not images.shape[1] == len(mean) == len(std):
        raise ValueError(f"{images.shape[1]} channels, but {len(mean)} means and {len(std)} deviations")
    scale, shift = _scale_and_shift(tuple(mean), tuple(std), images.device)
    return (images * scale).add_(shift)


@lru_cache(maxsize=16)
def _scale_and_shift(mean: tuple, std: tuple, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """On the device once: making them each step would wait for it. Shared, so no inference tensors."""
    with torch.inference_mode(False):
        m, s = (torch.tensor(v, dtype=torch.float64).reshape(1, -1, 1, 1) for v in (mean, std))
        return (1 / (255 * s)).float().to(device), (-m / s).float().to(device)
