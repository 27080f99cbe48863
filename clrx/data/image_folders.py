"""Images as they lie in folders: a folder a class, below train/val/test folders or not, and what lies beside them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clrx.core.errors import UserError
from clrx.data.archive import resolve_root
from clrx.data.decode.image import IMAGE_TYPES

TEXT = (  # endings of files that are no picture of any kind
    *(
        ".txt",
        ".md",
        ".rst",
        ".csv",
        ".tsv",
        ".json",
        ".xml",
        ".yaml",
        ".yml",
        ".html",
        ".pdf",
        ".py",
        ".ipynb",
    ),
    *(
        ".xls",
        ".xlsx",
        ".doc",
        ".docx",
        ".log",
        ".ini",
        ".db",
        ".npz",
        ".npy",
        ".mat",
        ".pkl",
        ".zip",
        ".gz",
        ".sh",
    ),
)
SYSTEM = ("__macosx", "thumbs.db", "desktop.ini")  # files and folders of operating systems
PLAIN_TEXT = (
    "readme",
    "license",
    "licence",
    "copying",
    "changelog",
    "authors",
    "makefile",
)  # without an ending


@dataclass
class Folder:
    """A folder: its images, the files beside them that are none, and the folders in it."""

    path: str  # absolute
    images: list[str] = field(default_factory=list)  # names, sorted
    others: Counter[str] = field(default_factory=Counter)  # files that are not read, by ending
    folders: dict[str, "Folder"] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)  # noqa: PTH119

    def below(self) -> Iterator["Folder"]:
        """This folder and all below it."""
        yield self
        for one in self.folders.values():
            yield from one.below()

    def has_images(self) -> bool:
        return any(one.images for one in self.below())

    def others_below(self) -> Counter[str]:
        """The files here and below that are not read, by ending."""
        return sum((one.others for one in self.below()), Counter[str]())

    def meant(self) -> dict[str, "Folder"]:
        """The folders in it that could be classes: with images, with pictures that are not read, or empty."""
        return {
            name: one
            for name, one in self.folders.items()
            if one.has_images() or not (files := one.others_below()) or not files.keys() <= {*TEXT}
        }

    def path_of(self, name: str) -> str:
        """The absolute path of an image in this folder itself."""
        return os.path.join(self.path, name)  # noqa: PTH118 - a Path for each of 100,000 files costs seconds

    def paths(self) -> Iterator[str]:
        """Absolute paths of the images here and below."""
        for one in self.below():
            yield from map(one.path_of, one.images)


def given_root(root: str | None, what: str) -> Path:
    """The folder or file of `dataset.root`, unpacked where it is an archive; UserError where there is none."""
    if root is None:
        raise UserError(
            "dataset.root is not set", where="dataset.root", allowed=what, fix="dataset.root=PATH"
        )
    return resolve_root(str(root))


def given_folder(root: str | None, what: str) -> Path:
    """`given_root`, and UserError for a file that is no archive."""
    path = given_root(root, what)
    if not path.is_dir():
        fix = f"dataset={'npz' if path.suffix == '.npz' else 'csv'} reads a file"
        raise UserError(f"{path} is a file", where="dataset.root", allowed=what, fix=fix)
    return path


def given_file(root: str | None, what: str) -> Path:
    """`given_root`, and UserError for a folder."""
    path = given_root(root, what)
    if not path.is_file():
        fix = "name a file in it; dataset=image_folder reads a folder with one folder per class"
        raise UserError(f"{path} is a folder", where="dataset.root", allowed=what, fix=fix)
    return path


def image_files(folder: Path) -> list[str]:
    """Absolute paths of all image files below a folder, sorted."""
    return sorted(read_folder(folder).paths())


def read_folder(folder: str | Path) -> Folder:
    """A folder with all that lies below it, in one walk.

    Linked folders are followed, each folder once; hidden files and folders are passed over. Raises UserError
    for a folder that cannot be read.
    """
    return _read(str(folder), set())


def _read(path: str, seen: set[tuple[int, int]]) -> Folder:
    found, inner = Folder(path), []
    about = os.stat(path)  # noqa: PTH116 - a Path for each of 100,000 files costs seconds
    seen.add((about.st_dev, about.st_ino))
    try:
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name.casefold() in SYSTEM:
                    continue
                if entry.is_dir():
                    _require_text(entry)
                    inner.append(entry)
                elif entry.name.lower().endswith(IMAGE_TYPES):
                    _require_text(entry)
                    found.images.append(entry.name)
                else:
                    found.others[_ending(entry.name)] += 1
    except OSError as error:
        raise UserError(f"a folder cannot be read: {error.strerror}", where=str(error.filename)) from error
    for entry in inner:
        about = entry.stat()
        if (about.st_dev, about.st_ino) not in seen:
            found.folders[entry.name] = _read(entry.path, seen)
    return found


def _require_text(entry: "os.DirEntry[str]") -> None:
    """UserError for a name that is no UTF-8: no table, record or message could write it."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        what = f"a name is not UTF-8: {escaped(entry.name)}"
        fix = "rename it, as convmv -r -f latin1 -t utf8 --notest FOLDER does for all below a folder"
        raise UserError(what, where=escaped(os.path.dirname(entry.path)), fix=fix) from None  # noqa: PTH120


def escaped(name: str) -> str:
    """A name for a message, with what is no UTF-8 in it as in caf\\xe9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _ending(name: str) -> str:
    stem, ending = os.path.splitext(name.lower())  # noqa: PTH122
    return ".txt" if not ending and stem in PLAIN_TEXT else escaped(ending)


def counted(endings: Counter[str]) -> str:
    """For a message: 20 .heic, 3 without an ending."""
    return ", ".join(f"{count:,} {ending or 'without an ending'}" for ending, count in endings.most_common())


def quoted(names: Iterable[str], shown: int = 4) -> str:
    """For a message: the first few names."""
    listed: Sequence[str] = sorted(names)
    return ", ".join(listed[:shown]) + (f" and {len(listed) - shown:,} more" if len(listed) > shown else "")
