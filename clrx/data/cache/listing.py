"""The listing of the images that a cache holds, and the key that names it: files, size, channels and code."""

import hashlib
import os
import re
from dataclasses import dataclass

import numpy as np
import PIL

from clrx.core.errors import UserError
from clrx.data.decode.image import PIXELS_VERSION
from clrx.data.decode.worker import identity
from clrx.data.source import Source

IDENTITY = np.dtype([("bytes", "<i8"), ("mtime_ns", "<i8")])  # (-1, -1): there is no such file


@dataclass(frozen=True)
class Listing:
    """Images in their order, the size and channels they are brought to, and the key of all that."""

    name: str  # of the dataset: for people, not in the key
    root: str  # linked files must stay in it
    size: int
    channels: int
    files: tuple[str, ...] | None
    identities: np.ndarray | None  # (N,) of IDENTITY, a row a file
    array: np.ndarray | None  # instead of files: uint8 (N, H, W) or (N, H, W, 1 or 3)
    code: str  # transform_version() of what makes the rows
    key: str

    def __len__(self) -> int:
        images = self.files if self.array is None else self.array
        return 0 if images is None else len(images)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.size, self.size

    @property
    def row_bytes(self) -> int:
        return self.channels * self.size * self.size


def list_images(source: Source, size: int, channels: int) -> Listing:
    """The listing of a source: path, bytes and time of every file, or every value of its array, in the key."""
    if not len(source):
        raise UserError(f"dataset {source.name} holds no images")
    code = transform_version()
    if source.array is not None:
        array = _checked(source)
        key = _key(code, size, channels, "array", repr(array.shape), np.ascontiguousarray(array))
        return Listing(source.name, source.root or "", size, channels, None, None, array, code, key)
    files = source.files or ()
    root = os.path.abspath(source.root) if source.root else common_folder(files)  # noqa: PTH100
    identities = np.fromiter(map(identity, files), IDENTITY, count=len(files))
    key = _key(code, size, channels, "files", root, "\0".join(files), identities)
    return Listing(source.name, root, size, channels, files, identities, None, code, key)


def common_folder(files: tuple[str, ...]) -> str:
    """The deepest folder that holds all files."""
    start = os.path.commonprefix((min(files), max(files)))  # noqa: RUF071 (cut to whole names below)
    return start.rpartition("/")[0] or "/"


def transform_version() -> str:
    """What the pixels of a row depend on beside the file: the version of the decoding here, and Pillow's."""
    return f"pixels {PIXELS_VERSION}, Pillow {PIL.__version__}"


def folder_name(listing: Listing) -> str:
    return f"{listing.size}px-{listing.channels}ch-{listing.key}"


def is_folder_name(name: str) -> bool:
    return bool(re.fullmatch(r"\d+px-\d+ch-[0-9a-f]{24}(\.partial)?(\.gone)*", name))


def _checked(source: Source) -> np.ndarray:
    array = source.array
    assert array is not None
    if (
        array.dtype != np.uint8
        or array.ndim not in (3, 4)
        or (array.ndim == 4 and array.shape[3] not in (1, 3))
    ):
        what = f"images of dataset {source.name} are {array.dtype} {array.shape}"
        raise UserError(what, allowed="uint8 of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3)")
    return array


def _key(code: str, size: int, channels: int, *parts: str | np.ndarray) -> str:
    digest = hashlib.sha256(f"{code} {size} {channels}".encode())
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part.view(np.uint8).data
        digest.update(b"\0" + str(len(part)).encode() + b"\0")
        digest.update(data)
    return digest.hexdigest()[:24]
