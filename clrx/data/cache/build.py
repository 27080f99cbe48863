"""Building one cache: continue what is done, copy what older caches have, decode the rest, publish it whole.

A finished cache appears by one rename and never changes after it.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from clrx.core.errors import FULL, RunError
from clrx.core.lock import locked
from clrx.core.paths import cache_denied
from clrx.data.cache.files import CHECKED, HEADER, SIZED, Damaged, complete, open_complete, seal
from clrx.data.cache.listing import Listing
from clrx.data.cache.partial import Build, Report, begin, close_up, record_all
from clrx.data.cache.rows import array_rows, older_rows, superseded
from clrx.data.decode.pool import Job, cores, decode_all

BESIDE = 256  # bytes an image, about, in the lists beside the pixels


def build_cache(
    folder: Path, listing: Listing, workers: int | None = None, report: Report | None = None
) -> tuple[list[str], dict[int, str]]:
    """Make `folder` the finished cache of `listing`, unless another process does so first.

    Returns notes on what was found, and the rows that the system could not read, with reasons: if there are
    any, the folder is not made and a later call continues from here. Raises RunError when the disk is too
    small.
    """
    partial = beside(folder, "partial")
    with locked(beside(folder, "lock")) as lock, _enough_disk(partial, listing), _allowed(partial):
        notes = _remove_damaged(folder, listing)
        if folder.exists():
            return notes, {}
        if not _is_complete(partial, listing):
            with begin(partial, listing, report or (lambda done, total: None)) as build:
                notes += _fill(build, partial.parent, lock, workers or cores())
                if build.failed:
                    return notes, build.failed
                close_up(build)
            _write_lists(partial, build)
        _publish(partial, folder)
        _remove_superseded(folder.parent, listing)
    return notes, {}


def beside(folder: Path, kind: str) -> Path:
    """NAME.partial, NAME.lock or NAME.gone beside the folder NAME."""
    return folder.with_name(f"{folder.name}.{kind}")


def remove_folder(folder: Path) -> None:
    """Remove a cache: a process that has its pixels mapped keeps them, and none finds half of it."""
    gone = beside(folder, "gone")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)


def _fill(build: Build, images: Path, lock: int | None, workers: int) -> list[str]:
    """Make every missing row: from the array, or from older caches and then from the files."""
    listing, missing = build.listing, build.missing()
    if listing.array is not None:
        record_all(build, array_rows(listing, missing, build.pixels))
        return []
    record_all(build, older_rows(images, listing, missing, build.pixels))
    left = build.missing()
    settings = [build.pixels, HEADER, listing.size, listing.channels, listing.root]
    # with the lock inherited, the workers of a killed build hold it until they have ended too
    inherit = (build.pixels,) if lock is None else (build.pixels, lock)
    workers = min(workers, -(-len(left) // 8))
    record_all(build, decode_all(_jobs(listing, left), len(left), settings, workers, inherit))
    taken = len(missing) - len(left)
    return [f"{taken:,} of {len(listing):,} images were taken from older caches"] if taken else []


def _jobs(listing: Listing, rows: np.ndarray) -> Iterator[Job]:
    assert listing.files is not None
    assert listing.identities is not None
    for row in rows.tolist():
        yield Job(row, listing.files[row], *listing.identities[row].tolist())


def _write_lists(partial: Path, build: Build) -> None:
    readable = np.delete(build.digests, list(build.unreadable), axis=0)
    files = build.listing.files or ()
    reasons = [(row, files[row], why) for row, why in sorted(build.unreadable.items())]
    complete(partial, build.listing.shape, readable, reasons)


def _publish(partial: Path, folder: Path) -> None:
    (partial / "journal.txt").unlink(missing_ok=True)
    for name in (*CHECKED, *SIZED, "complete.json"):
        with suppress(PermissionError):  # of another who has begun it
            (partial / name).chmod(0o444)
        _sync(partial / name)
    seal(partial)
    _sync(partial)
    partial.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_complete(folder: Path, listing: Listing) -> bool:
    try:
        open_complete(folder, listing)
    except (FileNotFoundError, Damaged):
        return False
    return True


def _remove_damaged(folder: Path, listing: Listing) -> list[str]:
    try:
        open_complete(folder, listing)
    except FileNotFoundError:
        if not folder.exists():
            return []
        reason = "a file in it is missing"
    except Damaged as error:
        reason = str(error)
    else:
        return []
    remove_folder(folder)
    return [f"the cache {folder} was damaged ({reason}) and was built anew"]


def _remove_superseded(images: Path, listing: Listing) -> None:
    for partial in superseded(images, listing):
        with locked(partial.with_suffix(".lock"), wait=False) as lock:
            if lock is not None and partial.exists():
                remove_folder(partial)


@contextmanager
def _allowed(partial: Path) -> Iterator[None]:
    """Name the part of the cache folder that this user may not read or write."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        named = Path(os.fsdecode(error.filename)) if error.filename else partial.parent
        raise cache_denied(named, error) from None


@contextmanager
def _enough_disk(partial: Path, listing: Listing) -> Iterator[None]:
    """Refuse before the work, or stop in it, when the disk is too small; nothing half-written stays."""
    needed = HEADER + len(listing) * (listing.row_bytes + BESIDE)
    try:
        free = shutil.disk_usage(partial.parent).free + _allocated(partial)
        if free < needed and not partial.with_suffix("").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        shutil.rmtree(partial, ignore_errors=True)
        what = f"the disk is too small for the image cache: {needed:,} bytes are needed ({error.strerror})"
        fix = "free space there, or set CLRX_CACHE to a folder on a larger disk"
        raise RunError(what, where=str(partial.parent), fix=fix) from None


def _allocated(partial: Path) -> int:
    """Bytes that an unfinished build has on the disk already."""
    try:
        return (partial / "pixels.npy").stat().st_blocks * 512
    except FileNotFoundError:
        return 0
