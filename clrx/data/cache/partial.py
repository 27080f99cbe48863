"""An unfinished cache: which of its rows are done, how that is recorded, how unreadable rows are cut out at the end.

At any moment the process may be killed: pixels are written before the journal names them, and a row that the
journal names counts only if its pixels have its digest.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clrx.core.paths import share
from clrx.data.cache.files import HEADER, header, mend_journal, read_journal, write_listing
from clrx.data.cache.listing import Listing
from clrx.data.decode.pool import Answer, Batches
from clrx.data.decode.worker import DISK, DONE, FAILED, row_digest, write_at

MOVED = 1 << 23  # bytes moved at a time

Report = Callable[[int, int], None]  # (images done, images in all)


@dataclass
class Build:
    """The open files of an unfinished cache and what is known of each row."""

    listing: Listing
    pixels: int  # file descriptor
    journal: int  # file descriptor
    digests: np.ndarray  # (N, 16) uint8, zero: not done
    unreadable: dict[int, str]
    report: Report
    failed: dict[int, str] = field(default_factory=dict)  # the system could not read them this time

    def missing(self) -> np.ndarray:
        """Rows still to be made, in order."""
        todo = self.digests.max(axis=1) == 0
        todo[list(self.unreadable)] = False
        return np.flatnonzero(todo)


@contextmanager
def begin(partial: Path, listing: Listing, report: Report) -> Iterator[Build]:
    """Open or re-open the unfinished folder `partial`, with its whole size reserved on the disk."""
    if (partial / "complete.json").exists():  # not whole, though it says so: a power cut
        shutil.rmtree(partial)
    if not partial.exists():
        partial.mkdir()
        share(partial)
    write_listing(partial, listing)
    mend_journal(partial)
    digests, unreadable = read_journal(partial, len(listing))
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    pixels = os.open(partial / "pixels.npy", flags, 0o666)
    journal = os.open(partial / "journal.txt", flags | os.O_APPEND, 0o666)
    try:
        for name in ("pixels.npy", "journal.txt"):
            share(partial / name)
        reserve(pixels, HEADER + len(listing) * listing.row_bytes)
        write_at(pixels, header(len(listing), listing.shape), 0)
        _forget_unwritten(pixels, listing.row_bytes, digests)
        yield Build(listing, pixels, journal, digests, unreadable, report)
    finally:
        os.close(pixels)
        os.close(journal)


def record_all(build: Build, batches: Batches) -> None:
    """Record what happened to rows, batch by batch, and report how far the build is."""
    done = len(build.listing) - len(build.missing())
    build.report(done, len(build.listing))
    with closing(batches):
        for answers in batches:
            _record(build, answers)
            done += len(answers)
            build.report(done, len(build.listing))


def close_up(build: Build) -> None:
    """Leave unreadable rows out of the pixels: move the others up over them and cut the file."""
    length, total = build.listing.row_bytes, len(build.listing)
    kept = np.setdiff1d(np.arange(total), list(build.unreadable))
    each = max(1, MOVED // length)
    for start in range(0, len(kept), each):
        rows = kept[start : start + each].tolist()
        if rows[-1] >= start + len(rows):  # else they already lie where they belong
            data = b"".join(os.pread(build.pixels, length, HEADER + row * length) for row in rows)
            write_at(build.pixels, data, HEADER + start * length)
    os.ftruncate(build.pixels, HEADER + len(kept) * length)
    write_at(build.pixels, header(len(kept), build.listing.shape), 0)
    os.fsync(build.pixels)


def reserve(file: int, size: int) -> None:
    """Claim the whole file now, so that a full disk shows before the work and not in the middle of it."""
    try:
        os.posix_fallocate(file, 0, size)
    except (AttributeError, OSError) as error:  # neither macOS nor some file systems can
        if getattr(error, "errno", None) not in (None, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    os.ftruncate(file, size)


def _forget_unwritten(pixels: int, length: int, digests: np.ndarray) -> None:
    for row in np.flatnonzero(digests.any(axis=1)).tolist():
        data = os.pread(pixels, length, HEADER + row * length)
        if row_digest(data) != digests[row].tobytes().hex():
            digests[row] = 0


def _record(build: Build, answers: list[Answer]) -> None:
    for row, kind, text in answers:
        if kind == DISK:
            raise OSError(int(text), os.strerror(int(text)))
        if kind == DONE:
            build.digests[row] = np.frombuffer(bytes.fromhex(text), np.uint8)
        else:
            (build.failed if kind == FAILED else build.unreadable)[row] = text
    view = memoryview("".join(json.dumps(one) + "\n" for one in answers if one.kind != FAILED).encode())
    while view:
        view = view[os.write(build.journal, view) :]
