"""Images of several parts of a split that are nearly one picture: encoded again, brightened, or a neighbouring frame.

A picture's hash says of 16 x 16 places whether it grows brighter to the right (dHash): 256 bits. Pictures whose hashes
differ in few bits are nearly equal; such pairs share whole stretches of bits, by which they are found without comparing
all pairs. Of 1,000 X-rays of ChestX-ray14 no two of 20,000 pairs drawn at random differ in fewer than 23.
"""

from dataclasses import replace

import numpy as np

from clrx.data.source import Source
from clrx.data.split import Split

SIDE = 16
BITS = 10  # of 256 that may differ
STEP = 1.5  # grey levels that count as brighter: fewer are noise
INFORMED = 24  # bits that must be set, and be clear: a picture without contours is like every other one
CROWD = 16  # later images with one stretch of bits, at most: more share it by chance, as a black border
LARGEST = 4 << 30  # bytes of decoded images that are looked at
CHUNK = 1024  # images, or pairs by the hundred
POPULATION = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def note_near_duplicates(source: Source, split: Split, array: np.ndarray, digests: np.ndarray) -> Split:
    """The split, with a note on how many images are nearly equal to one of a later part, and an example.

    `array` (N, C, H, W) uint8, `digests` (N, 16): equal ones are the matter of `settle_duplicates`. Arrays of more than
    LARGEST bytes are not looked at.
    """
    if array.nbytes > LARGEST:
        return split
    hashes = picture_hashes(array)
    told = POPULATION[hashes].sum(axis=1, dtype=int)
    informed = (told >= INFORMED) & (told <= 8 * hashes.shape[1] - INFORMED)
    later = {"train": np.concatenate([split.validation, split.test]), "validation": split.test}
    found = {
        name: near_pairs(hashes, digests, *(rows[informed[rows]] for rows in (getattr(split, name), others)))
        for name, others in later.items()
    }
    counts = " and ".join(
        f"{len({*pairs[:, 0]}):,} images of {name}" for name, pairs in found.items() if len(pairs)
    )
    if not counts:
        return split
    first = next(pairs for pairs in found.values() if len(pairs))[0]
    one, other = source.table["image"].iloc[first]
    return replace(
        split, notes=(*split.notes, f"{counts} are nearly equal to one of a later part: {one} and {other}")
    )


def picture_hashes(array: np.ndarray) -> np.ndarray:
    """(N, 32) uint8: the 256 bits of each image of (N, C, H, W) uint8."""
    height, width = array.shape[2:]
    found = np.zeros((len(array), SIDE * SIDE // 8), dtype=np.uint8)
    for start in range(0, len(array), CHUNK):
        grey = array[start : start + CHUNK].mean(axis=1, dtype=np.float32)
        small = _means(_means(grey, 1, SIDE, height), 2, SIDE + 1, width)
        brighter = small[:, :, 1:] > small[:, :, :-1] + STEP
        found[start : start + CHUNK] = np.packbits(brighter.reshape(len(grey), -1), axis=1)
    return found


def near_pairs(hashes: np.ndarray, digests: np.ndarray, rows: np.ndarray, later: np.ndarray) -> np.ndarray:
    """(P, 2) rows: one of `rows` and one of `later` whose hashes differ in BITS bits at most; equal pixels apart."""
    stretches = hashes.view(np.uint16)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for band in range(stretches.shape[1]):
        ordered = later[np.argsort(stretches[later, band], kind="stable")]
        keys = stretches[ordered, band]
        begin = np.searchsorted(keys, stretches[rows, band], "left")
        count = np.searchsorted(keys, stretches[rows, band], "right") - begin
        count[count > CROWD] = 0
        left = np.repeat(rows, count)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        right = ordered[np.repeat(begin, count) + offset]
        for start in range(0, len(left), 100 * CHUNK):
            a, b = left[start : start + 100 * CHUNK], right[start : start + 100 * CHUNK]
            near = POPULATION[hashes[a] ^ hashes[b]].sum(axis=1, dtype=int) <= BITS
            a, b = a[near], b[near]
            other = (digests[a] != digests[b]).any(axis=1)
            pairs.append(np.column_stack([a[other], b[other]]))
    return np.unique(np.concatenate(pairs), axis=0)


def _means(images: np.ndarray, axis: int, parts: int, length: int) -> np.ndarray:
    """Means over `parts` stretches of an axis of that length; of a shorter axis its nearest values."""
    edges = np.arange(parts) * length // parts
    if length < parts:
        return np.take(images, edges, axis=axis)
    sizes = np.diff(np.append(edges, length)).astype(np.float32)
    shape = [-1 if k == axis else 1 for k in range(images.ndim)]
    return np.add.reduceat(images, edges, axis=axis) / sizes.reshape(shape)
