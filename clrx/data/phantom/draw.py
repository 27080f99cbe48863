"""The phantom's folder: synthetic chest radiographs in the layout of the NIH release. None shows a person."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from clrx.core.errors import RunError, UserError
from clrx.core.lock import locked
from clrx.core.paths import cache_dir
from clrx.data.phantom.anatomy import Array
from clrx.data.phantom.exposure import TILE, textures
from clrx.data.phantom.images import draw_images
from clrx.data.phantom.patients import Population, sample_population

PHANTOM_VERSION = (
    1  # raised by whatever changes an image; tests/data/phantom/test_golden_radiographs.py holds some
)
CHUNK = 24  # images drawn together: few enough for the processor's cache, enough for numpy's pace
LABEL = "Synthetic phantom images drawn by clrx; they show no person"
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)


def phantom_folder(images: int, pixels: int, seed: int) -> Path:
    """The folder of this phantom, drawn on first use; of processes that want it at once, one draws.

    `images` in all, each a square of `pixels`. Raises UserError for sizes that cannot be drawn and a cache folder
    that cannot be written, RunError for a full disk.
    """
    _check(images, pixels)
    folder = cache_dir() / f"phantom-{PHANTOM_VERSION}-{images}-{pixels}px-seed{seed}"
    if folder.is_dir():
        return folder
    try:
        with locked(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _draw_beside(folder, images, pixels, seed)
    except OSError as error:
        raise RunError(f"the phantom cannot be written: {error}", where=str(cache_dir())) from error
    return folder


def _draw_beside(folder: Path, images: int, pixels: int, seed: int) -> None:
    """Draw into a folder beside, then rename it; what a process that was killed left there goes first."""
    beside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        write_phantom(beside, images, pixels, seed)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check(images: int, pixels: int) -> None:
    if images < 100:
        raise UserError(f"dataset.images={images} phantoms are too few", allowed="100 or more")
    if not 32 <= pixels <= TILE:
        raise UserError(f"dataset.pixels={pixels} is out of range", allowed=f"32 to {TILE}")


def write_phantom(folder: Path, images: int, pixels: int, seed: int) -> None:
    """Fill `folder`: PNG under images/, Data_Entry_2017_phantom.csv, both official lists, README.txt."""
    people, tiles = sample_population(seed, images), textures(seed)
    (folder / "images").mkdir()

    def write(start: int) -> None:
        rows = np.arange(start, min(start + CHUNK, images))
        _write_images(folder / "images", people, rows, draw_images(people, rows, tiles, pixels, seed))

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy and zlib let go of the interpreter
        list(threads.map(write, range(0, images, CHUNK)))
    _write_tables(folder, people, pixels)


def _write_images(folder: Path, people: Population, rows: Array, images: Array) -> None:
    about = PngInfo()
    about.add_text("Description", LABEL)
    for name, pixels in zip(people.table["image"].to_numpy()[rows], images, strict=True):
        Image.fromarray(pixels).save(folder / name, pnginfo=about, compress_level=1)


def _write_tables(folder: Path, people: Population, pixels: int) -> None:
    table = people.table.drop(columns="test").assign(width=pixels, height=pixels)
    table["x"] = table["y"] = round(400 / pixels, 3)  # mm a pixel: the radiograph is 40 cm wide
    rows = table.to_csv(index=False, header=False, lineterminator="\n")
    (folder / "Data_Entry_2017_phantom.csv").write_text(f"{HEADER}\n{rows}")
    for name, test in (("train_val_list.txt", False), ("test_list.txt", True)):
        chosen = people.table["image"][people.table["test"] == test]
        (folder / name).write_text("".join(f"{image}\n" for image in chosen))
    (folder / "README.txt").write_text(f"{LABEL}.\n")
