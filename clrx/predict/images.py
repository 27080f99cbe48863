"""The images that a command line names, one after the other: files, folders, archives, CSV lists, the standard input.

Nothing is held but the names of one folder at a time.
"""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from clrx.core.errors import UserError
from clrx.core.paths import path_of
from clrx.data.archive import ENDINGS, resolve_root
from clrx.data.decode.image import IMAGE_TYPES
from clrx.data.image_folders import SYSTEM

LISTS = (".csv", ".tsv", ".txt")
COLUMNS = ("path", "image", "file", "filename")  # of a CSV list, in this order


class Image(NamedTuple):
    """An image to be scored."""

    name: str  # as the user named it, or the folder and the path below it
    file: str  # where it lies


def images_of(
    words: Sequence[str], column: str | None = None, stdin: TextIO | None = None
) -> Iterator[Image]:
    """Each image that the words name, in their order; `-` is the standard input, a path a line.

    Folders are walked to the bottom, by name; a file that is no image by its name is still taken where it is named
    itself. UserError for a word that names nothing, before any image is given.
    """
    for word in words:
        if word != "-" and not path_of(word).exists():
            fix = "the options of this command: --help" if "=" in word else ""
            raise UserError(f"there is no such image or folder: {word}", where=word, allowed=WHAT, fix=fix)
    return _images(words, column, stdin or sys.stdin)


WHAT = (
    "image files, folders, archives (.zip, .tar.gz), CSV lists of paths, or - (paths on the standard input)"
)


def _images(words: Sequence[str], column: str | None, stdin: TextIO) -> Iterator[Image]:
    for word in words:
        path = path_of(word)
        if word == "-":
            yield from (Image(line, line) for line in map(str.strip, stdin) if line)
        elif path.is_dir():
            yield from (Image(os.path.join(word, name), file) for name, file in walk(str(path)))  # noqa: PTH118
        elif path.name.lower().endswith(ENDINGS):
            folder = str(resolve_root(str(path)))
            yield from (Image(f"{word}/{name}", file) for name, file in walk(folder))
        elif path.suffix.lower() in LISTS:
            yield from _listed(path, column)
        else:
            yield Image(word, str(path))


def walk(folder: str, below: str = "") -> Iterator[tuple[str, str]]:
    """(path below the folder, absolute path) of each image in a folder and below, sorted by name, lazily.

    Images are files with the ending of one, and DICOM files without any ending.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise UserError(f"a folder cannot be read: {error.strerror}", where=folder) from error
    for name, is_folder in found:
        if name.startswith(".") or name.casefold() in SYSTEM:
            continue
        path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each of 100,000 files costs seconds
        if is_folder:
            yield from walk(path, f"{below}{name}/")
        elif name.lower().endswith(IMAGE_TYPES) or ("." not in name and _is_dicom(path)):
            yield f"{below}{name}", path


def _is_dicom(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _listed(path: Path, column: str | None) -> Iterator[Image]:
    """The images of a CSV list, read line by line; paths are relative to its folder. Without header: first cells."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        separator = max(",;\t|", key=first.count)
        header = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
        rows = csv.reader(file, delimiter=separator)
        position = _position(path, header, column)
        if position is None:
            position, rows = (
                0,
                csv.reader(_with(first, file), delimiter=separator),
            )  # the first line is an image too
        for cells in rows:
            if len(cells) > position and (name := cells[position].strip()):
                yield Image(name, os.path.join(path.parent, path_of(name)))  # noqa: PTH118


def _with(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _position(path: Path, header: list[str], column: str | None) -> int | None:
    """Which column holds the paths; None where the file has no header."""
    lower = [name.lower() for name in header]
    if column is not None:
        if column not in header:
            what = f"{path.name} has no column '{column}'"
            raise UserError(what, where=str(path), allowed=", ".join(header), fix="column=NAME")
        return header.index(column)
    named = [lower.index(name) for name in COLUMNS if name in lower]
    if named:
        return named[0]
    if header and header[0].lower().endswith(IMAGE_TYPES):
        return None
    return 0


def chunks(images: Iterator[Image], count: int) -> Iterator[list[Image]]:
    """Images in lists of `count`, the last shorter."""
    while found := list(islice(images, count)):
        yield found
