"""The files of an unpacked NIH release: label tables, official lists and images, at any depth."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clrx.core.errors import UserError
from clrx.core.inflate import gunzip
from clrx.data.archive import resolve_root

TABLE_NAME = re.compile(r"Data_Entry_2017.*\.csv(\.gz)?", re.IGNORECASE)
LISTS = {"train_val_list.txt": "train", "test_list.txt": "test"}
IMAGE_TYPES = (".png", ".jpg", ".jpeg")
ARCHIVE_NAME = re.compile(r".*\.(tar(\.\w+)?|tgz|zip)", re.IGNORECASE)


@dataclass
class Found:
    """The files of a folder, by what they are; of several images of one name the first is in `images`."""

    folder: Path
    tables: list[Path] = field(default_factory=list)
    lists: dict[str, Path] = field(default_factory=dict)  # by the part they name: train, test
    images: dict[str, str] = field(default_factory=dict)  # path by file name
    twice: dict[str, list[str]] = field(default_factory=dict)  # all paths of a name that is there again
    archives: list[str] = field(default_factory=list)


def find_files(root: str | os.PathLike[str] | None) -> Found:
    """Sort every file below `root`, a folder or an archive, by what it is, in one walk.

    Raises UserError where `root` is neither.
    """
    found = Found(_folder(root))
    for entry in _files(found.folder, set()):
        name, plain = entry.name, entry.name.removesuffix(".gz")
        if TABLE_NAME.fullmatch(name):
            found.tables.append(Path(entry.path))
        elif plain in LISTS:
            found.lists[LISTS[plain]] = Path(entry.path)
        elif name.lower().endswith(IMAGE_TYPES):
            if (first := found.images.setdefault(name, entry.path)) != entry.path:
                found.twice.setdefault(name, [first]).append(entry.path)
        elif ARCHIVE_NAME.fullmatch(name):
            found.archives.append(name)
    return found


def label_table(found: Found, chosen: str | None = None) -> Path:
    """The one label table of the folder, or the `chosen` one (a path, or a name below the folder)."""
    if chosen is not None:
        named = [path for path in found.tables if path.name == chosen]
        return named[0] if named else Path(chosen).expanduser()
    tables = sorted(found.tables)
    if not tables:
        fix = "put Data_Entry_2017*.csv (or .csv.gz) of the NIH release there"
        raise UserError("there is no label table under dataset.root", where=str(found.folder), fix=fix)
    if len(tables) > 1:
        allowed = ", ".join(str(path) for path in tables)
        fix = f"name one: dataset.table={tables[-1]}"
        raise UserError("there are several label tables", where=str(found.folder), allowed=allowed, fix=fix)
    return tables[0]


def official_parts(found: Found) -> dict[str, str] | None:
    """Part (train or test) by image name from the two official lists; None unless both are there."""
    if set(found.lists) != set(LISTS.values()):
        return None
    return {name: part for part, path in found.lists.items() for name in _lines(path)}


def _lines(path: Path) -> list[str]:
    try:
        return (gunzip(path) if path.suffix == ".gz" else path.read_bytes()).decode().split()
    except (OSError, ValueError) as error:
        raise UserError(f"the official list cannot be read: {error}", where=str(path)) from error


def _folder(root: str | os.PathLike[str] | None) -> Path:
    fix = "dataset.root=DIR, the folder with Data_Entry_2017*.csv and the unpacked images of the NIH release"
    if root is None:
        raise UserError("dataset.root is not set", where="dataset.root", fix=fix)
    path = Path(root).expanduser().absolute()
    if not path.exists():
        raise UserError(f"{path} does not exist", where="dataset.root", fix=fix)
    folder = resolve_root(str(path))
    if not folder.is_dir():
        raise UserError(f"{path} is not a folder or an archive", where="dataset.root", fix=fix)
    return folder


def _files(folder: str | Path, seen: set[tuple[int, int]]) -> Iterator["os.DirEntry[str]"]:
    """Every file below `folder`; linked folders are followed, each folder once."""
    about = os.stat(folder)  # noqa: PTH116 - a DirEntry's path is a str, and there are 112,120 of them
    if (about.st_dev, about.st_ino) in seen:
        return
    seen.add((about.st_dev, about.st_ino))
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _files(entry.path, seen)
            else:
                yield entry
