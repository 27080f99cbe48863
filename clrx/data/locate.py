"""The file of each image that a table names: by its path, else by its name with or without an ending.

Tables and folders are often made on different systems: they may differ in the letter case, the Unicode form and the
ending of a name, in the way a path is written, and releases hold some files twice.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from clrx.core.errors import UserError
from clrx.data.decode.image import IMAGE_TYPES

Notes = tuple[str, ...]
BLOCK = 4096  # bytes
FIX = "leave one of each there, or name the folder with the images"


def locate(names: Sequence[str], files: Iterable[str], folder: str | Path) -> tuple[list[str], Notes]:
    """The path of each named image among the absolute paths `files` below `folder`, "" where there is none; notes.

    A name is a path below `folder`, or the name of a file at any depth; it may lack its ending. Of an image that is
    there more than once with equal bytes the first is taken, with a note; raises UserError where the bytes differ.
    """
    prefix = len(str(folder).rstrip("/")) + 1
    keys = [_key(name) for name in names]
    found = _by_key({*keys}, files, prefix)
    twice = {key: paths for key, paths in found.items() if len(paths) > 1}
    check_equal(twice)
    return [found.get(key, [""])[0] for key in keys], doubled_note(len(twice))


def doubled_note(count: int) -> Notes:
    """The note on so many images of which one file of several was taken; none for 0."""
    return (
        (f"{count:,} images are there more than once with equal bytes; one of each is taken",)
        if count
        else ()
    )


def _by_key(wanted: set[str], files: Iterable[str], prefix: int) -> dict[str, list[str]]:
    """The files of each wanted key, which is their path, else their path without ending, their name, or its stem."""
    levels: tuple[dict[str, list[str]], ...] = tuple(defaultdict(list) for _ in range(4))
    for path in sorted(files):
        whole = _key(path[prefix:])
        name = whole.rpartition("/")[2]
        for level, key in zip(
            levels, (whole, without_ending(whole), name, without_ending(name)), strict=True
        ):
            if key in wanted:
                level[key].append(path)
    return {
        key: next(level[key] for level in levels if key in level) for key in wanted & set().union(*levels)
    }


def _key(path: str) -> str:
    """What two spellings of a path have in common: `./im\\0.PNG` is im/0.png."""
    slashed = unicodedata.normalize("NFC", path).replace("\\", "/")
    return os.path.normpath(slashed).casefold()


def without_ending(name: str) -> str:
    """A path without the ending of an image; other points belong to the name."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - a Path for each of 100,000 files costs seconds
    return stem if ending in IMAGE_TYPES else name


def check_equal(twice: Mapping[str, Sequence[str]], fix: str = FIX) -> None:
    """UserError where files of one image differ: in size, or in the bytes at their begin, middle and end."""
    differing = [key for key, paths in twice.items() if len({_sample(path) for path in paths}) > 1]
    if differing:
        paths = twice[differing[0]]
        name = Path(paths[0]).name
        raise UserError(
            f"{len(differing):,} images are there more than once with different bytes, e.g. {name}",
            where=", ".join(paths),
            fix=fix,
        )


def _sample(path: str) -> tuple[int, bytes]:
    with open(path, "rb") as file:  # noqa: PTH123
        about = os.fstat(file.fileno())
        starts = sorted({0, about.st_size // 2, max(0, about.st_size - BLOCK)})
        return about.st_size, b"".join(os.pread(file.fileno(), BLOCK, start) for start in starts)
