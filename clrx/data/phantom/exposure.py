"""From densities to a radiograph: textures, wires and folds that are no finding, exposure, grain, side marker."""

from functools import lru_cache

import numpy as np

from clrx.core.randomness import random_generator
from clrx.data.phantom.anatomy import Array, Chest, ramp

TILES, TILE = 12, 256
TEXTURES = {"soft": (0.02, 2.0), "fine": (0.08, 1.5), "net": (0.05, 2.5), "reticle": (0.12, 2.0)}


@lru_cache(maxsize=2)
def textures(seed: int) -> dict[str, Array]:
    """Periodic noise, (TILES, TILE, TILE) float32, mean 0, variance 1: clouds (`soft`, `fine`) and ridges.

    TEXTURES gives the cut-off of each (cycles a pixel) and the steepness beyond it.
    """
    generator = random_generator(seed, "phantom", "textures")
    frequency = np.fft.fftfreq(TILE)[:, None] ** 2 + np.fft.rfftfreq(TILE)[None, :] ** 2
    tiles = {}
    for name, (cutoff, slope) in TEXTURES.items():
        noise = np.fft.rfft2(generator.standard_normal((TILES, TILE, TILE)))
        field = np.fft.irfft2(noise / (1.0 + frequency / cutoff**2) ** slope, s=(TILE, TILE))
        ridged = name in ("net", "reticle")
        tiles[name] = _unit(-np.sqrt(np.abs(field)) if ridged else field)
    return tiles


def _unit(field: Array) -> Array:
    return ((field - field.mean()) / field.std()).astype(np.float32)


def crops(tiles: Array, generator: np.random.Generator, count: int, pixels: int) -> Array:
    """`count` random windows (pixels, pixels) of the tiles, some of them mirrored."""
    which = generator.integers(len(tiles), size=count)
    corner = generator.integers(TILE - pixels + 1, size=(count, 2))
    mirror = generator.choice([-1, 1], size=(count, 2))
    windows = [
        tiles[t, r : r + pixels, c : c + pixels][::up, ::across]
        for t, (r, c), (up, across) in zip(which, corner, mirror, strict=True)
    ]
    return np.stack(windows)


def add_distractors(chest: Chest, generator: np.random.Generator) -> None:
    """A wire or catheter on one image in three, a skin fold on one in five: lines and edges, no disease."""
    for share, cast in ((0.35, _wire), (0.22, _fold)):
        rows = np.flatnonzero(generator.random(len(chest.density)) < share)
        a, b, c = (generator.uniform(-1, 1, (3, len(rows), 1, 1))).astype(np.float32)
        x, y = chest.x[rows], chest.y[rows]
        path = x - 0.8 * a - 0.5 * b * y - 0.6 * c * y * y
        chest.density[rows] += cast(path, generator.uniform(0.5, 1.0, (len(rows), 1, 1)).astype(np.float32))


def _wire(path: Array, strength: Array) -> Array:
    return 0.16 * strength * ramp(0.013 - np.abs(path), 0.01)


def _fold(path: Array, strength: Array) -> Array:
    """Brighter towards an edge, then back at once."""
    return 0.09 * strength * ramp(path, 0.01) * np.clip(1.0 - path / 0.25, 0.0, 1.0)


def expose(chest: Chest, generator: np.random.Generator, blur: Array) -> Array:
    """The radiographs, (B, H, W) uint8: vessels, blur where `blur` (B,) is set, exposure, grain, a side marker."""
    count = len(chest.density)

    def uniform(low: float, high: float) -> Array:
        return generator.uniform(low, high, (count, 1, 1)).astype(np.float32)

    image = chest.density + chest.vessels * chest.lung
    image += uniform(-0.05, 0.05) * chest.x + uniform(-0.04, 0.04) * chest.y
    image[blur] = _smooth(image[blur])
    image = np.clip(image * uniform(0.85, 1.2) + uniform(-0.08, 0.06), 0.0, 1.0)
    image += uniform(-0.2, 0.2) * image * (1.0 - image)
    image += uniform(0.015, 0.055) * (1.1 - image) * generator.standard_normal(image.shape, dtype=np.float32)
    _mark(image, generator)
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _smooth(image: Array) -> Array:
    for axis in (1, 2):
        image = 0.5 * image + 0.25 * (np.roll(image, 1, axis) + np.roll(image, -1, axis))
    return image


def _mark(image: Array, generator: np.random.Generator) -> None:
    """A white L near the upper corner on the patient's left, as technicians place it."""
    size = image.shape[-1]
    stroke, long = max(1, size // 64), size // 16
    for radiograph, (row, column) in zip(
        image, generator.integers(0, size // 12, (len(image), 2)), strict=True
    ):
        top, left = size // 32 + row, size - size // 32 - long - column
        radiograph[top : top + long, left : left + stroke] = 0.95
        radiograph[top + long - stroke : top + long, left : left + long // 2 + 1] = 0.95
