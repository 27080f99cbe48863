"""Rows that need no decoding: those of older caches of the same images, and those of an array in memory.

Both write pixels into the file and yield answers, as decoding does, so that a build records them in one way.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from clrx.data.cache.files import HEADER, describe, read_csv, read_journal, read_listing
from clrx.data.cache.listing import Listing, folder_name
from clrx.data.decode.image import to_planes
from clrx.data.decode.pool import Answer, Batches
from clrx.data.decode.worker import DONE, row_digest, write_at

BATCH = 256  # rows recorded at a time
Identity = tuple[str, int, int]  # path, bytes, mtime_ns


def older_rows(images: Path, listing: Listing, missing: np.ndarray, pixels: int) -> Batches:
    """Copy what other caches, finished or not, have of the missing rows; each is checked by its digest."""
    folders = relatives(images, listing)
    if folders:
        wanted = {one: row for row, one in zip(missing.tolist(), _identities(listing, missing), strict=True)}
        for folder in folders:
            yield from _batched(_copy(folder, listing.row_bytes, wanted, pixels))


def array_rows(listing: Listing, missing: np.ndarray, pixels: int) -> Batches:
    """Bring the missing rows of the source's array to the size and channels of the cache."""
    assert listing.array is not None
    for start in range(0, len(missing), BATCH):
        rows = missing[start : start + BATCH].tolist()
        planes = [_array_row(listing.array[row], listing) for row in rows]
        for row, data in zip(rows, planes, strict=True):
            write_at(pixels, data, HEADER + row * listing.row_bytes)
        yield [Answer(row, DONE, row_digest(data)) for row, data in zip(rows, planes, strict=True)]


def relatives(images: Path, listing: Listing) -> list[Path]:
    """Other caches made in the same way, of images under the same root; finished ones first."""
    folders = sorted(path.parent for path in images.glob("*/listing.json"))
    folders = [folder for folder in folders if _is_relative(folder, listing)]
    return sorted(folders, key=lambda folder: folder.suffix)


def done_rows(folder: Path) -> Iterator[tuple[Identity, int, bytes]]:
    """Identity, row in pixels.npy and digest of every row that a cache has, finished or not."""
    listed = list(read_listing(folder))
    if not (folder / "complete.json").exists():
        digests, _ = read_journal(folder, len(listed))
        yield from (
            (listed[row], row, digests[row].tobytes()) for row in np.flatnonzero(digests.any(axis=1)).tolist()
        )
        return
    left_out = {int(row) for row, _, _ in read_csv(folder / "unreadable.csv")}
    kept = (one for row, one in enumerate(listed) if row not in left_out)
    digests = np.load(folder / "digests.npy", mmap_mode="r")
    yield from ((one, row, digests[row].tobytes()) for row, one in enumerate(kept))


def superseded(images: Path, listing: Listing) -> list[Path]:
    """Unfinished caches that hold nothing but what this finished listing has too."""
    partials = [folder for folder in relatives(images, listing) if folder.suffix == ".partial"]
    mine = set(_identities(listing, np.arange(len(listing)))) if partials else set()
    return [folder for folder in partials if all(one in mine for one, _, _ in done_rows(folder))]


def _is_relative(folder: Path, listing: Listing) -> bool:
    if folder.name.startswith(folder_name(listing)) or listing.files is None:
        return False
    try:
        facts = json.loads((folder / "listing.json").read_bytes())
    except (OSError, ValueError):  # just removed, or damaged: not to be used
        return False
    mine = describe(listing)
    same = all(facts.get(name) == mine[name] for name in ("format", "size", "channels", "code", "kind"))
    # a link that stays in a narrower root stays in a wider one, so its rows may be used there
    return same and Path(facts["root"]).is_relative_to(listing.root)


def _identities(listing: Listing, rows: np.ndarray) -> Iterator[Identity]:
    if listing.files is not None and listing.identities is not None:
        for row, (size, mtime) in zip(rows.tolist(), listing.identities[rows].tolist(), strict=True):
            yield listing.files[row], size, mtime


def _copy(folder: Path, length: int, wanted: dict[Identity, int], pixels: int) -> Iterator[Answer]:
    try:
        with (folder / "pixels.npy").open("rb") as file:
            for one, row, digest in done_rows(folder):
                if one not in wanted:
                    continue
                data = os.pread(file.fileno(), length, HEADER + row * length)
                if row_digest(data) == digest.hex():
                    mine = wanted.pop(one)
                    write_at(pixels, data, HEADER + mine * length)
                    yield Answer(mine, DONE, digest.hex())
    except (FileNotFoundError, ValueError):  # it was removed meanwhile, or its lists are damaged
        return


def _batched(answers: Iterator[Answer]) -> Batches:
    batch = []
    for answer in answers:
        batch.append(answer)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _array_row(image: np.ndarray, listing: Listing) -> bytes:
    grey = image.ndim == 2 or image.shape[2] == 1
    picture = Image.fromarray(np.ascontiguousarray(image.reshape(image.shape[:2]) if grey else image))
    return to_planes(picture, listing.size, listing.channels)
