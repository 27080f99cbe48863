"""The files of one cache folder, written and read back.

    listing.json    what it is made of: dataset, root, size, channels, code version, number of images
    listing.csv     path, bytes, mtime_ns of every image (no lines for an array)
    pixels.npy      uint8 (K, channels, size, size): the readable images in the order of the listing
    digests.npy     uint8 (K, 16): BLAKE2b of each row
    unreadable.csv  row of the listing, path, reason
    complete.json   hash of the content, bytes and checksums of the files above; written last
    seal.json       size, times and inode of pixels.npy and digests.npy when all rows were last compared
    journal.txt     while building only: a line a finished row

While it is built the folder is called NAME.partial and pixels.npy has a row for every image listed.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from clrx.core.errors import RunError
from clrx.data.cache.listing import Listing
from clrx.data.decode.worker import DONE, row_digest

FORMAT = 1
HEADER = 128  # bytes before row 0 in pixels.npy
DIGEST = 16  # bytes
CHECKED = ("listing.json", "listing.csv", "unreadable.csv")
SIZED = ("pixels.npy", "digests.npy")
SAMPLE = 8  # rows whose pixels are compared with their digests at every opening, all where a file has changed


class Damaged(Exception):
    """The files of a finished cache have changed since it was finished."""


def header(rows: int, shape: tuple[int, ...]) -> bytes:
    """The NPY header (format 1.0) of uint8 (rows, *shape), padded to HEADER bytes."""
    text = repr({"descr": "|u1", "fortran_order": False, "shape": (rows, *shape)})
    return (
        b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.ljust(HEADER - 11).encode() + b"\n"
    )


def describe(listing: Listing) -> dict:
    """The content of listing.json: what the cache is made of and how."""
    return {
        "format": FORMAT,
        "dataset": listing.name,
        "root": listing.root,
        "size": listing.size,
        "channels": listing.channels,
        "code": listing.code,
        "images": len(listing),
        "kind": "files" if listing.array is None else "array",
    }


def write_listing(folder: Path, listing: Listing) -> None:
    lines: Iterable = ()
    if listing.files is not None and listing.identities is not None:
        lines = ((path, *one) for path, one in zip(listing.files, listing.identities.tolist(), strict=True))
    write_csv(folder / "listing.csv", lines)
    write_json(folder / "listing.json", describe(listing))


def read_listing(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Path, bytes and mtime_ns of each row."""
    for path, size, mtime in read_csv(folder / "listing.csv"):
        yield path, int(size), int(mtime)


def read_journal(folder: Path, rows: int) -> tuple[np.ndarray, dict[int, str]]:
    """Digests (rows, 16), zero where a row is not done, and the reason of each unreadable row.

    A line that a kill has cut short is not counted; a row is trusted only if its pixels have its digest.
    """
    digests, unreadable = np.zeros((rows, DIGEST), np.uint8), {}
    journal = folder / "journal.txt"
    if journal.exists():
        for line in journal.read_bytes().split(b"\n")[:-1]:
            row, kind, text = json.loads(line)
            if kind == DONE:
                digests[row] = np.frombuffer(bytes.fromhex(text), np.uint8)
            else:
                unreadable[row] = text
    return digests, unreadable


def mend_journal(folder: Path) -> None:
    """Cut a last line that a kill has left unfinished."""
    journal = folder / "journal.txt"
    if journal.exists():
        whole = journal.read_bytes().rfind(b"\n") + 1
        os.truncate(journal, whole)


def complete(folder: Path, shape: tuple[int, ...], digests: np.ndarray, unreadable: Sequence[tuple]) -> None:
    """Write everything beside the pixels; complete.json last, at once."""
    write_csv(folder / "unreadable.csv", unreadable)
    (folder / "digests.npy").unlink(missing_ok=True)
    with (folder / "digests.npy").open("wb") as file:
        file.write(header(len(digests), (DIGEST,)) + digests.tobytes())
    facts = {
        "hash": content_hash(shape, digests),
        "rows": len(digests),
        "unreadable": len(unreadable),
        "bytes": {name: (folder / name).stat().st_size for name in SIZED},
        "sha256": {name: _sha256(folder / name) for name in CHECKED},
    }
    write_json(folder / "complete.json", facts | {"check": _check(facts)})


def content_hash(shape: tuple[int, ...], digests: np.ndarray) -> str:
    """SHA-256 over the shape and the digests of the rows in their order: equal for equal pixels."""
    return hashlib.sha256(repr((len(digests), *shape)).encode() + digests.tobytes()).hexdigest()


def open_complete(folder: Path, listing: Listing) -> tuple[np.memmap, np.memmap, str]:
    """Pixels, digests and hash of a finished cache. Raises FileNotFoundError, or Damaged with the reason.

    Where the files are no longer those whose rows were all compared with their digests, they all are once more.
    """
    facts = _read_complete(folder)
    if any((folder / name).stat().st_size != size for name, size in facts["bytes"].items()):
        raise Damaged("a file has another size than it was written with")
    if any(_sha256(folder / name) != facts["sha256"][name] for name in ("listing.json", "unreadable.csv")):
        raise Damaged("a list in it is not as it was written")
    digests, array = _mapped(folder / "digests.npy"), _mapped(folder / "pixels.npy")
    if content_hash(listing.shape, digests) != facts["hash"]:
        raise Damaged("its checksums are not as they were written")
    _check_shape(array, (facts["rows"], *listing.shape))
    if is_sealed(folder):
        check_rows(array, digests, np.linspace(0, len(array) - 1, min(SAMPLE, len(array))).astype(int))
    else:
        check_rows(array, digests, range(len(array)))
        with suppress(OSError):  # another user's: it is looked through each time
            seal(folder)
    return array, digests, facts["hash"]


class Pixels(np.memmap):
    """An array in a file, read-only. RunError where the file was cut under it: to read on would kill the process."""

    def __getitem__(self, index: Any) -> Any:
        self.require_whole()
        return super().__getitem__(index)

    def require_whole(self) -> None:
        """RunError where the file is shorter than it was when it was opened."""
        mapped = getattr(self, "_mmap", None)  # of the file; None where it is in memory
        if mapped is not None and mapped.size() < len(mapped):
            what = f"the image cache was cut to {mapped.size():,} of its {len(mapped):,} bytes while it was in use"
            fix = "clrx data cache=clear, then the same command again: the run continues"
            raise RunError(what, where=str(self.filename), fix=fix)


def _mapped(path: Path) -> Pixels:
    try:
        return np.load(path, mmap_mode="r").view(Pixels)
    except ValueError:
        raise Damaged(f"the header of {path.name} is not as it was written") from None


def seal(folder: Path) -> None:
    """Note that the rows of a cache have their digests, as its files are now."""
    write_json(folder / "seal.json", _state(folder))


def is_sealed(folder: Path) -> bool:
    """Whether the files of a cache are those that were sealed: written to, copied or touched they are others."""
    try:
        return json.loads((folder / "seal.json").read_bytes()) == _state(folder)
    except (OSError, ValueError):
        return False


def _state(folder: Path) -> dict[str, list[int]]:
    found = {name: (folder / name).stat() for name in SIZED}
    return {name: [one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino] for name, one in found.items()}


def _read_complete(folder: Path) -> dict:
    try:
        facts = json.loads((folder / "complete.json").read_bytes())
        check = facts.pop("check")
    except (ValueError, KeyError, AttributeError):
        check, facts = None, {}
    if check != _check(facts):
        raise Damaged("complete.json is not as it was written")
    return facts


def _check_shape(array: np.memmap, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.uint8:
        raise Damaged("pixels.npy has another shape than it was written with")


def check_rows(array: np.memmap, digests: np.ndarray, rows: Iterable[int]) -> None:
    """Damaged, with the first row whose pixels have not their digest."""
    for row in rows:
        if bytes.fromhex(row_digest(array[row].tobytes())) != digests[row].tobytes():
            raise Damaged(f"the pixels of row {row} are not as they were written")


def write_csv(path: Path, lines: Iterable) -> None:
    draft = path.with_suffix(
        ".draft"
    )  # also where another of the group has begun: its folder is shared, not its files
    draft.unlink(missing_ok=True)
    with draft.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    draft.rename(path)


def read_csv(path: Path) -> Iterator[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        yield from csv.reader(file)


def write_json(path: Path, value: dict) -> None:
    """The whole file or none of it."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    draft.rename(path)


def _check(facts: dict) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
