"""The phantom's radiographs, drawn a chunk of images at a time: body, findings, distractors, exposure."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from clrx.core.randomness import random_generator
from clrx.data.nih.labels import DISEASES
from clrx.data.phantom.anatomy import Array, Body, Chest, draw_chest
from clrx.data.phantom.exposure import add_distractors, crops, expose
from clrx.data.phantom.findings import BODY, SHADOW, Case
from clrx.data.phantom.patients import Population


def draw_images(people: Population, rows: Array, tiles: dict[str, Array], pixels: int, seed: int) -> Array:
    """Radiographs (B, pixels, pixels) uint8 of the images `rows` (B,): a pure function of the arguments."""
    generator = random_generator(seed, "phantom", "images", int(rows[0]))
    sick = {name: np.flatnonzero(people.severity[rows, k]) for k, name in enumerate(DISEASES)}
    crop = partial(_crop, tiles, generator, pixels)
    cases = {name: _case(people, rows[who], name, generator, crop) for name, who in sick.items() if len(who)}
    body = draw_bodies(people, rows)
    _apply(BODY, body, sick, cases)
    chest = draw_chest(body, crop(len(rows), "net"), pixels)
    _apply(SHADOW, chest, sick, cases)
    add_distractors(chest, generator)
    portable = (people.table["view"].to_numpy()[rows] == "AP") & (generator.random(len(rows)) < 0.5)
    return expose(chest, generator, portable)


def _apply(
    signs: dict[str, Callable], images: Body | Chest, sick: dict[str, Array], cases: dict[str, Case]
) -> None:
    """Let each finding change the images that have it."""
    for name, case in cases.items():
        if name in signs:
            part: Any = images.take(sick[name])
            signs[name](part, case)
            images.put(sick[name], part)


def _case(people: Population, rows: Array, name: str, generator: np.random.Generator, crop: Callable) -> Case:
    """How the images `rows` have the finding `name`."""
    count, k = len(rows), DISEASES.index(name)
    severity, side = (of[rows, k, None, None].astype(np.float32) for of in (people.severity, people.side))
    return Case(severity, side, partial(_uniform, generator, count), partial(crop, count))


def _uniform(generator: np.random.Generator, count: int, low: float, high: float) -> Array:
    return generator.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _crop(
    tiles: dict[str, Array], generator: np.random.Generator, pixels: int, count: int, name: str
) -> Array:
    return crops(tiles[name], generator, count, pixels)


def draw_bodies(people: Population, rows: Array) -> Body:
    """Build and pose of the given images; lengths in half image sides."""
    build = people.build[rows].T[:, :, None, None].astype(np.float32)
    table = people.table.iloc[rows]
    female = (table["gender"] == "F").to_numpy(np.float32)[:, None, None]
    portable = (table["view"] == "AP").to_numpy(np.float32)[
        :, None, None
    ]  # lying: high diaphragm, large heart
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
