"""Small images on the disk, sources and caches of them, and what harms either."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from clrx.data.cache.open import Cache, open_cache
from clrx.data.source import Source


def source_of(files, **more) -> Source:
    files = tuple(str(path) for path in files)
    table = pd.DataFrame({"image": [Path(path).name for path in files], "group": "g"})
    return Source("toy", "binary", ("a", "b"), table, np.zeros(len(files), np.int64), files=files, **more)


def source_of_array(array) -> Source:
    table = pd.DataFrame({"image": [str(row) for row in range(len(array))], "group": "g"})
    return Source("toy", "binary", ("a", "b"), table, np.zeros(len(array), np.int64), array=array)


def save_noise(folder: Path, count: int, start: int = 0, side: int = 12) -> list[Path]:
    """Noise images, PNG of side x side, each another."""
    folder.mkdir(exist_ok=True)
    for row in range(start, start + count):
        pixels = np.random.default_rng(row).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(folder / f"{row:04}.png", compress_level=1)
    return sorted(folder.glob("*.png"))


def pixels_of(files) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path))[None] for path in files])


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a cache folder, with its content; but for those of one process or one moment."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if path.suffix != ".lock" and path.name != "seal.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def open_noise(files, size=12, channels=1, **more) -> Cache:
    return open_cache(source_of(files), size, channels, workers=1, **more)


def spoil(images: list[Path], *rows: int) -> None:
    for row in rows:
        images[row].write_bytes(images[row].read_bytes()[:60])


def damage(path: Path, place: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[place] ^= 255
    path.write_bytes(data)


def cut(path: Path, place: int) -> None:
    path.chmod(0o644)
    os.truncate(path, place)
