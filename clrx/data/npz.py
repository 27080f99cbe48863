"""Arrays from an npz file, without unpickling anything."""

import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from clrx.core.errors import UserError, first_line
from clrx.core.inflate import check_zip

BROKEN = (
    *(ValueError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError),
    *(MemoryError, OverflowError, SyntaxError, UnicodeError, RuntimeError),  # the last of an encrypted member
)
NUMBERS = "biuf"  # kinds of numpy's types


def read_npz(file: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The named arrays; UserError for another kind of file, a missing array or unequal lengths of the arrays."""
    arrays = read_arrays(file, names)
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array):,}" for name, array in arrays.items())
        raise UserError(f"the arrays have unequal lengths: {lengths}", where=str(file))
    return arrays


def read_arrays(file: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The named arrays, of one dimension or more; UserError for another kind of file or a missing array."""
    if not zipfile.is_zipfile(file):
        raise UserError(
            "this is no npz file", where=str(file), allowed="numpy.savez, arrays " + ", ".join(names)
        )
    check_zip(file)
    try:
        with np.load(file, allow_pickle=False) as arrays:
            lacking = [name for name in names if name not in arrays]
            if lacking:
                has = ", ".join(arrays.files) or "nothing"
                raise UserError(f"the npz lacks {', '.join(lacking)}", where=f"{file} (it has {has})")
            _check_lengths(arrays.zip, names)
            found = {name: arrays[name] for name in names}
    except BROKEN as error:
        what = f"the npz cannot be read: {first_line(error)}"
        raise UserError(what, where=str(file), allowed="an npz without pickled objects") from error
    flat = [name for name, array in found.items() if array.ndim == 0]
    if flat:
        raise UserError(f"{flat[0]} is a single value", where=str(file), allowed="a value an image")
    return found


def _check_lengths(zipped: zipfile.ZipFile, names: Sequence[str]) -> None:
    """ValueError for an array whose header states more values than follow it: memory is taken by the header."""
    sizes = {member.filename.removesuffix(".npy"): member for member in zipped.infolist()}
    for name in names:
        with zipped.open(sizes[name]) as opened:
            version = np.lib.format.read_magic(opened)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, kind = read(opened)
            follow = sizes[name].file_size - opened.tell()
        if kind.itemsize * prod(shape) > follow:
            raise ValueError(f"{name} states {kind} {shape}, of which {follow:,} bytes are there")


def as_numbers(array: np.ndarray, what: str, file: Path) -> np.ndarray:
    """The array as (N, K), where it holds numbers or true and false; else UserError. `what`: its name."""
    if array.dtype.kind not in NUMBERS:
        allowed = "numbers: whole ones, or true and false"
        raise UserError(f"{what} are {array.dtype}", where=str(file), allowed=allowed)
    if not len(array):
        raise UserError(f"{what} are empty", where=str(file), allowed="a value an image")
    return array.reshape(len(array), -1)


def as_images(array: np.ndarray, file: Path) -> np.ndarray:
    """The array, where it is uint8 (N, H, W) or (N, H, W, 1 or 3); else UserError."""
    if array.ndim in (3, 4) and not array.size:
        raise UserError(
            f"images are empty: {array.shape}", where=str(file), allowed="one image or more in each part"
        )
    if (
        array.dtype != np.uint8
        or array.ndim not in (3, 4)
        or (array.ndim == 4 and array.shape[3] not in (1, 3))
    ):
        what = f"images are {array.dtype} {array.shape}"
        raise UserError(what, where=str(file), allowed="uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3)")
    return array
