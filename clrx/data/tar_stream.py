"""The bytes of a tar file, unpacked as they are read: bounded, and looked at to their end."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from clrx.core.inflate import check_inflation

OPEN: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
    b"BZh": bz2.open,  # type: ignore[dict-item]
    b"\xfd7zXZ": lzma.open,  # type: ignore[dict-item]
}
BLOCK = 512  # bytes: a tar consists of such blocks and ends with two of zeros (POSIX.1-2001, pax)
CHUNK = 1 << 20


def unpacked_stream(archive: Path) -> io.BufferedReader:
    """The content of a tar, .tar.gz, .tar.bz2 or .tar.xz file, told apart by its first bytes.

    Reading raises UserError where it comes to more than a file of this size may unpack to.
    """
    with archive.open("rb") as file:
        begin = file.read(8)
    for magic, opener in OPEN.items():
        if begin.startswith(magic):
            return io.BufferedReader(_Bounded(opener(archive), archive), CHUNK)
    return archive.open("rb")


def check_end(stream: IO[bytes], offset: int, archive: Path) -> None:
    """tarfile.ReadError unless the tar ends at `offset` (bytes): two blocks of zeros, and nothing but zeros after.

    Python's reader ends in silence at a damaged header, and at a file cut between two members.
    """
    stream.seek(offset)
    found = 0
    while chunk := stream.read(CHUNK):
        if chunk.strip(b"\0"):
            raise tarfile.ReadError(f"what follows byte {offset:,} is no member of it")
        found += len(chunk)
    if found < 2 * BLOCK:
        raise tarfile.ReadError(f"it is cut at byte {offset + found:,}: its end is missing")


class _Bounded(io.RawIOBase):
    """A decompressor's bytes up to what `check_inflation` allows of the file."""

    def __init__(self, inner: IO[bytes], file: Path) -> None:
        self._inner, self._file = inner, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        content = self._inner.read(len(buffer))
        buffer[: len(content)] = content
        check_inflation(self._inner.tell(), self._file)
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def close(self) -> None:
        self._inner.close()
        super().close()
