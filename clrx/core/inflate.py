"""Compressed files, measured before they are unpacked: a few kilobytes can hold more than a disk or a memory does."""

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from clrx.core.errors import UserError, first_line

MOST_TIMES = (
    200  # of its size; images and weights hardly shrink, tables to a tenth, 1,032 is what DEFLATE can do
)
ALWAYS = 256 << 20  # bytes that any file may unpack to
FIX = "unpack it yourself where that is safe"


def limit_of(size: int) -> int:
    """Bytes that a compressed file of `size` bytes may unpack to: MOST_TIMES its size, and ALWAYS in any case."""
    return max(ALWAYS, MOST_TIMES * size)


def check_inflation(unpacked: int, file: Path) -> None:
    """UserError where a file would unpack to more bytes than `limit_of` its size allows."""
    size = file.stat().st_size
    if unpacked > limit_of(size):
        what = f"{file.name} has {size:,} bytes and unpacks to {unpacked:,} or more: neither images nor weights do"
        allowed = f"{MOST_TIMES} times its size, or {ALWAYS >> 20} MiB"
        raise UserError(what, where=str(file), allowed=allowed, fix=FIX)


def check_zip(file: Path) -> None:
    """`check_inflation` of a zip file (npz, .pth) by the sizes that its directory states; other files pass.

    Readers stop at those sizes, so that a directory which lies makes a broken file and not a large one.
    """
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as zipped:
            unpacked = sum(member.file_size for member in zipped.infolist())
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError):
        return  # for its reader to say
    check_inflation(unpacked, file)


def gunzip(file: Path) -> bytes:
    """The content of a gzip file, read up to what it may unpack to; UserError for a broken one, or a larger one."""
    content = file.read_bytes()
    most = limit_of(len(content))
    try:
        with gzip.open(io.BytesIO(content)) as opened:
            unpacked = opened.read(most + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        what = f"{file.name} cannot be read as gzip: {first_line(error)}"
        raise UserError(what, where=str(file), fix="download or copy it again") from error
    check_inflation(len(unpacked), file)
    return unpacked
