"""Arrays from an npz file, without unpickling anything."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clrx.core.errors import UserError, first_line

BROKEN = (ValueError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError)


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
    try:
        with np.load(file, allow_pickle=False) as arrays:
            lacking = [name for name in names if name not in arrays]
            if lacking:
                has = ", ".join(arrays.files) or "nothing"
                raise UserError(f"the npz lacks {', '.join(lacking)}", where=f"{file} (it has {has})")
            found = {name: arrays[name] for name in names}
    except BROKEN as error:
        what = f"the npz cannot be read: {first_line(error)}"
        raise UserError(what, where=str(file), allowed="an npz without pickled objects") from error
    flat = [name for name, array in found.items() if array.ndim == 0]
    if flat:
        raise UserError(f"{flat[0]} is a single value", where=str(file), allowed="a value an image")
    return found


def as_images(array: np.ndarray, file: Path) -> np.ndarray:
    """The array, where it is uint8 (N, H, W) or (N, H, W, 1 or 3); else UserError."""
    if (
        array.dtype != np.uint8
        or array.ndim not in (3, 4)
        or (array.ndim == 4 and array.shape[3] not in (1, 3))
    ):
        what = f"images are {array.dtype} {array.shape}"
        raise UserError(what, where=str(file), allowed="uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3)")
    return array
