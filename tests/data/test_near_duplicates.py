"""Nearly equal pictures in several parts: found whatever was done to them, and not where pictures are only alike."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clrx.data.near_duplicates import BITS, POPULATION, near_pairs, note_near_duplicates, picture_hashes
from clrx.data.source import Source
from clrx.data.split import Split


def pictures(count: int, seed: int = 0, size: int = 64) -> np.ndarray:
    """(N, 1, size, size) uint8: smooth shapes, none like another."""
    rough = np.random.default_rng(seed).integers(0, 256, (count, 7, 7), dtype=np.uint8)
    large = [Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC) for one in rough]
    return np.stack([np.asarray(one) for one in large])[:, None]


def as_jpeg(image: np.ndarray) -> np.ndarray:
    packed = io.BytesIO()
    Image.fromarray(image[0]).save(packed, "JPEG", quality=70)
    return np.asarray(Image.open(packed))[None]


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 2, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


CHANGES = {
    "encoded again": as_jpeg,
    "brighter": lambda image: (image * 0.9 + 20).clip(0, 255).astype(np.uint8),
    "noise": noisy,
    "smaller and back": lambda image: np.asarray(Image.fromarray(image[0]).resize((40, 40)).resize((64, 64)))[
        None
    ],
}


def source_of(count: int) -> Source:
    names = [f"{k}.png" for k in range(count)]
    table = pd.DataFrame({"image": names, "group": names})
    return Source("mine", "binary", ("a", "b"), table, np.arange(count) % 2, files=tuple(names))


def noted(array: np.ndarray, train, validation, test) -> tuple[str, ...]:
    digests = np.zeros((len(array), 16), np.uint8)
    digests[:, 0] = np.unique(array.reshape(len(array), -1), axis=0, return_inverse=True)[1].ravel()
    split = Split(*(np.array(rows, dtype=np.int64) for rows in (train, validation, test)), hash="")
    return note_near_duplicates(source_of(len(array)), split, array, digests).notes


@pytest.mark.parametrize("how", CHANGES)
def test_pictures_that_are_nearly_equal_are_counted(how):
    array = pictures(40)
    array = np.concatenate([array, np.stack([CHANGES[how](array[k]) for k in (3, 7)])])
    notes = noted(array, range(30), range(30, 38), [38, 39, 40, 41])
    assert notes == ("2 images of train are nearly equal to one of a later part: 3.png and 40.png",)


def test_pictures_that_are_only_alike_are_not():
    assert noted(pictures(200), range(120), range(120, 150), range(150, 200)) == ()


def test_equal_pixels_and_pictures_without_contours_are_not_counted_here():
    array = pictures(20)
    array[15] = array[2]
    array[16:] = 100
    array[0:2] = 101
    assert noted(array, range(10), [], range(10, 20)) == ()


def test_validation_is_compared_with_test():
    array = np.concatenate([pictures(20), as_jpeg(pictures(20)[12])[None]])
    assert noted(array, range(10), range(10, 15), range(15, 21))[0].startswith("1 images of validation are")


@pytest.mark.parametrize("size", [8, 16, 17, 28, 33, 224])
def test_any_size_has_a_hash(size):
    hashes = picture_hashes(np.repeat(pictures(3, size=size), 3, axis=1))
    assert hashes.shape == (3, 32)
    assert len(np.unique(hashes, axis=0)) == 3


def test_all_pairs_that_are_near_are_found():
    """Ten bits of sixteen stretches leave six stretches equal: no near pair is missed, whichever bits differ."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (60, 32), dtype=np.uint8)
    for k in range(30):
        bits = np.zeros(256, dtype=np.uint8)
        bits[rng.choice(256, k % 14, replace=False)] = 1
        hashes[30 + k] = hashes[k] ^ np.packbits(bits)
    digests = np.arange(60, dtype=np.uint8)[:, None].repeat(16, axis=1)
    found = near_pairs(hashes, digests, np.arange(30), np.arange(30, 60))
    distance = POPULATION[hashes[:30, None] ^ hashes[None, 30:]].sum(axis=2, dtype=int)
    assert found.tolist() == [[a, 30 + b] for a, b in np.argwhere(distance <= BITS).tolist()]
