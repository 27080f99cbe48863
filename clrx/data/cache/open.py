"""Images decoded once: one memory-mapped uint8 array a dataset and size, shared by all runs, never changed.

A cache is a folder named by a key: the path, bytes and time of every image in order, the size and channels,
and the version of the decoding code. So another listing, another transform or another version of either has another
folder, and none is used by mistake. Building continues where it was stopped, however it was stopped, and copies
the rows that older caches of the same files have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from clrx.core import paths
from clrx.core.errors import RunError, UserError
from clrx.data.cache.build import build_cache
from clrx.data.cache.files import Damaged, open_complete, read_csv
from clrx.data.cache.listing import Listing, folder_name, list_images
from clrx.data.source import Source

SHOWN = 20  # images named in a message


@dataclass(frozen=True)
class Cache:
    """The decoded images of a source: `array[j]` is its row `kept[j]`, row j of `source.take(cache.kept)`."""

    array: np.memmap  # uint8 (K, channels, size, size), read-only; stays valid when the cache is cleared
    digests: np.memmap  # uint8 (K, 16): BLAKE2b of each row: equal for equal pixels
    kept: np.ndarray  # (K,) int64 rows of the source: all of them unless unreadable ones were dropped
    hash: str  # SHA-256 hex of the content: equal for equal pixels in equal order
    unreadable: list[tuple[str, str]]  # (image, reason) of every image that was left out
    path: Path
    notes: tuple[str, ...] = ()  # what was taken over from older caches, or found damaged and built anew


def open_cache(
    source: Source,
    size: int,
    channels: int,
    unreadable: Literal["error", "drop"] = "error",
    cache_dir: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Cache:
    """The source's images as uint8 (K, channels, size, size); built first where there is none yet.

    `workers` are decoding processes (None: one a core); `progress(done, total)` is called while building.
    Raises UserError where images cannot be read (`unreadable="error"` lists them, "drop" leaves them out) and
    RunError where the disk is too small.
    """
    _check(unreadable, size, channels, workers)
    listing = list_images(source, size, channels)
    folder = Path(cache_dir or paths.cache_dir()) / "images" / folder_name(listing)
    notes: list[str] = []
    for _ in range(3):  # again only where another process clears the cache between its making and its opening
        try:
            return _opened(source, listing, folder, unreadable, notes)
        except PermissionError as error:
            raise paths.cache_denied(folder, error) from None
        except (FileNotFoundError, NotADirectoryError, Damaged):
            found, failed = build_cache(folder, listing, workers, progress)
            notes += found
        if failed:
            fix = "mend what the reasons name, and run again: what is done is kept"
            raise _complaint(source, failed, "could not be read this time", fix)
    raise RunError("the cache is removed as soon as it is made", where=str(folder))


def _opened(source: Source, listing: Listing, folder: Path, unreadable: str, notes: list[str]) -> Cache:
    array, digests, content = open_complete(folder, listing)
    reasons = {int(row): why for row, _, why in read_csv(folder / "unreadable.csv")}
    if reasons and (unreadable == "error" or not len(array)):
        drop = ", or dataset.unreadable=drop" if len(array) else ""
        fix = f"mend or remove them{drop}; the whole list: {folder / 'unreadable.csv'}"
        raise _complaint(source, reasons, "cannot be read", fix)
    kept = np.delete(np.arange(len(listing), dtype=np.int64), list(reasons))
    dropped = [(_name(source, row), why) for row, why in reasons.items()]
    return Cache(array, digests, kept, content, dropped, folder, tuple(notes))


def _complaint(source: Source, reasons: dict[int, str], what: str, fix: str) -> UserError:
    lines = [f"  {_name(source, row)}: {why}" for row, why in sorted(reasons.items())]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"  and {len(lines) - SHOWN:,} more"]
    text = "\n".join([f"{len(reasons):,} of {len(source):,} images {what}:", *lines])
    return UserError(text, where=source.root or f"dataset {source.name}", fix=fix)


def _name(source: Source, row: int) -> str:
    return str(source.table["image"].iloc[row])


def _check(unreadable: str, size: int, channels: int, workers: int | None) -> None:
    if unreadable not in ("error", "drop"):
        what = f"unreadable={unreadable} is not known"
        raise UserError(what, where="dataset.unreadable", allowed="error or drop")
    if size < 1 or channels not in (1, 3):
        what = f"images of {channels} channels and {size} pixels are not made"
        raise UserError(what, allowed="1 or 3 channels, 1 pixel or more")
    if workers is not None and workers < 1:
        raise UserError(f"workers={workers} is not possible", where="workers", allowed="null, or 1 and more")
