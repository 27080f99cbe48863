"""The phantom: synthetic chest radiographs in the layout of the NIH release. No image of it shows a person."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from clrx import film, finding, population, radiograph
from clrx.errors import RunError
from clrx.film import add_distractors, crops, expose, textures
from clrx.finding import BODY, SHADOW, Case
from clrx.nih_table import DISEASES
from clrx.places import cache_dir
from clrx.population import Population, draw_population
from clrx.radiograph import Array, Body, draw_chest
from clrx.randomness import random_generator

CHUNK = 48  # images drawn together: their arrays stay in the processor's cache
LABEL = "Synthetic phantom drawn by clrx. Not a radiograph of a person."
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)


def phantom_folder(images: int, pixels: int, seed: int) -> Path:
    """The folder of this phantom, drawn on first use. Two processes may draw it at once: one of them wins."""
    folder = cache_dir() / f"phantom-{_key(images, pixels, seed)}"
    if not folder.is_dir():
        cache_dir().mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f"{folder.name}.part-", dir=cache_dir()))
        try:
            write_phantom(beside, images, pixels, seed)
            _settle(beside, folder)
        except OSError as error:
            raise RunError(f"the phantom cannot be written: {error}", where=str(cache_dir())) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def _key(images: int, pixels: int, seed: int) -> str:
    """Depends on the code that draws too, so that no other version's phantom is taken for this one's."""
    parts = [Path(str(module.__file__)).read_bytes() for module in (film, finding, population, radiograph)]
    parts += [Path(__file__).read_bytes(), f"{images} {pixels} {seed}".encode()]
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _settle(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def write_phantom(folder: Path, images: int, pixels: int, seed: int) -> None:
    """Draw everything into `folder`: PNG under images/, Data_Entry_2017_phantom.csv, both official lists."""
    people = draw_population(seed, images)
    tiles = textures(seed)
    (folder / "images").mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy and zlib let go of the interpreter lock
        jobs = [
            threads.submit(_write_chunk, folder, people, tiles, start, pixels, seed)
            for start in range(0, images, CHUNK)
        ]
        for job in jobs:
            job.result()
    _write_tables(folder, people, pixels)


def _write_tables(folder: Path, people: Population, pixels: int) -> None:
    table = people.table.drop(columns="test").assign(width=pixels, height=pixels)
    table["x"] = table["y"] = round(400 / pixels, 3)  # mm: the film is 40 cm wide
    rows = table.to_csv(index=False, header=False, lineterminator="\n")
    (folder / "Data_Entry_2017_phantom.csv").write_text(f"{HEADER}\n{rows}")
    for name, test in (("train_val_list.txt", False), ("test_list.txt", True)):
        chosen = people.table["image"][people.table["test"] == test]
        (folder / name).write_text("".join(f"{image}\n" for image in chosen))
    (folder / "README.txt").write_text(f"{LABEL}\n")


def _write_chunk(folder: Path, people: Population, tiles: dict, start: int, pixels: int, seed: int) -> None:
    rows = np.arange(start, min(start + CHUNK, len(people.table)))
    about = PngInfo()
    about.add_text("Description", LABEL)
    for row, film_ in zip(rows, draw_images(people, rows, tiles, pixels, seed), strict=True):
        path = folder / "images" / people.table["image"].iloc[row]
        Image.fromarray(film_).save(path, pnginfo=about, compress_level=1)


def draw_images(people: Population, rows: Array, tiles: dict, pixels: int, seed: int) -> Array:
    """The films (B, pixels, pixels) uint8 of the given rows, which must be one chunk of the population."""
    generator = random_generator(seed, "phantom", "images", int(rows[0]))
    cases = _cases(people, rows, generator, tiles, pixels)
    body = _body(people, rows)
    for name, (sick, case) in cases.items():
        if name in BODY:
            part = body.take(sick)
            BODY[name](part, case)
            body.put(sick, part)
    chest = draw_chest(body, crops(tiles["net"], generator, len(rows), pixels), pixels)
    for name, (sick, case) in cases.items():
        if name in SHADOW:
            part = chest.take(sick)
            SHADOW[name](part, case)
            chest.put(sick, part)
    add_distractors(chest, generator)
    portable = (people.table["view"].to_numpy()[rows] == "AP") & (generator.random(len(rows)) < 0.5)
    return expose(chest, generator, portable)


def _cases(
    people: Population, rows: Array, generator: np.random.Generator, tiles: dict, pixels: int
) -> dict[str, tuple[Array, Case]]:
    """The images (places in `rows`) and the Case of each finding that is among them."""
    cases = {}
    for k, name in enumerate(DISEASES):
        sick = np.flatnonzero(people.severity[rows, k])
        if len(sick):
            severity, side = (
                a[rows[sick], k, None, None].astype(np.float32) for a in (people.severity, people.side)
            )
            texture = {t: crops(tiles[t], generator, len(sick), pixels) for t in tiles}
            cases[name] = sick, Case(severity, side, _drawer(generator, len(sick)), texture)
    return cases


def _drawer(generator: np.random.Generator, count: int) -> Callable[[float, float], Array]:
    return lambda low, high: generator.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _body(people: Population, rows: Array) -> Body:
    """Build and pose from standard normals; lengths in half image sides."""
    build = people.build[rows].astype(np.float32)[:, :, None, None].swapaxes(0, 1)
    table = people.table.iloc[rows]
    female, portable = (
        (table[c] == v).to_numpy(np.float32)[:, None, None] for c, v in (("gender", "F"), ("view", "AP"))
    )
    old = ((table["age"].to_numpy(np.float32) - 48) / 17)[:, None, None]
    dome = 0.40 + 0.05 * build[2] - 0.06 * portable
    return Body(
        width=0.79 + 0.035 * build[0] - 0.03 * female,
        apex=-0.74 + 0.03 * build[1],
        dome_right=dome,
        dome_left=dome + 0.05 + 0.02 * build[3],
        bend=1.0 + 0.15 * build[4],
        heart=0.335 + 0.02 * build[5] + 0.02 * portable + 0.006 * old,
        fat=0.16 + 0.06 * np.abs(build[6]),
        breast=female * np.clip(0.7 + 0.3 * build[7], 0.0, 1.3),
        vessels=1.0 + 0.2 * build[8],
        air=0.36 + 0.02 * build[9],
        rotation=0.035 * build[10],
        shift_x=0.03 * build[11],
        shift_y=0.03 * build[7],
        scale=1.05 + 0.035 * build[3] + 0.04 * portable,
        rib=0.17 + 0.008 * build[5],
        bone=1.0 + 0.12 * build[6] - 0.08 * old,
    )
