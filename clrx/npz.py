"""Arrays from an npz file, without unpickling anything."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clrx.errors import UserError


def read_npz(file: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The named arrays (None: all); UserError for another kind of file, a missing array or unequal lengths."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            lacking = [name for name in names or () if name not in arrays]
            if lacking:
                what = f"the npz lacks {', '.join(lacking)}"
                raise UserError(what, where=str(file), allowed=", ".join(arrays.files))
            found = {name: arrays[name] for name in names or arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        what = f"this is no readable npz of plain arrays: {str(error).splitlines()[0]}"
        raise UserError(what, where=str(file), allowed="an npz without pickled objects") from error
    if names and len({len(array) for array in found.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in found.items())
        raise UserError(f"the arrays have unequal lengths: {lengths}", where=str(file))
    return found
