"""What a look at the decoded pixels tells of a dataset: identical images in several parts, hardly any contrast."""

import warnings
from dataclasses import replace

import numpy as np
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.decode.image import DICOM_NAMES, FORMATS, is_deep
from clrx.data.source import Source
from clrx.data.split import PARTS, Split, leave_out

LOOKED_AT = 256  # images whose range of values is looked at, evenly spaced
QUARTER = 64  # of 256 levels


def settle_duplicates(source: Source, split: Split, digests: np.ndarray, duplicates: str) -> Split:
    """The split with a note on images of training (and validation) that are, pixel for pixel, in a later part too.

    `digests` (N, 16) uint8: of the pixels of each row. `duplicates`: `keep` leaves such images where they are; `drop`
    leaves them out of the earlier part; `error` raises UserError.
    """
    content = np.unique(np.ascontiguousarray(digests).view("V16").ravel(), return_inverse=True)[1]
    parts = {name: getattr(split, name) for name in PARTS}
    test = content[split.test]
    later = {"train": np.concatenate([content[split.validation], test]), "validation": test}
    again = {name: parts[name][np.isin(content[parts[name]], found)] for name, found in later.items()}
    rows = np.concatenate([*again.values()])
    if not len(rows):
        return split
    counts = " and ".join(f"{len(found):,} images of {name}" for name, found in again.items() if len(found))
    what = f"{counts} are identical to images of a later part of the split: {_twins(source, split, content, rows)}"
    if duplicates == "error":
        raise UserError(what, where="dataset.duplicates=error", fix="dataset.duplicates=drop, or keep")
    if duplicates == "drop":
        return leave_out(source, split, rows, f"{what}; left out (dataset.duplicates=drop)")
    return replace(split, notes=(*split.notes, f"{what}; dataset.duplicates=drop leaves them out"))


def _twins(source: Source, split: Split, content: np.ndarray, rows: np.ndarray) -> str:
    """One of the rows and its twin in a later part by name, and how many rows have another label than their twin."""
    later = np.concatenate([split.validation, split.test])  # of several twins, that in test
    twin_of = dict(zip(content[later].tolist(), later.tolist(), strict=True))
    twins = np.array([twin_of[kind] for kind in content[rows].tolist()])
    labels = source.labels.reshape(len(source), -1)
    other = int((labels[rows] != labels[twins]).any(axis=1).sum())
    names = source.table["image"].iloc[[rows[0], twins[0]]].tolist()
    return f"{names[0]} is {names[1]}" + (f" ({other:,} have another label there)" if other else "")


def pixel_notes(source: Source, array: np.ndarray) -> tuple[str, ...]:
    """What is to be said of decoded images uint8 (N, C, H, W): another size than in an array, hardly any contrast.

    Contrast: files of more than 8 bits that use less than a quarter of their range, of LOOKED_AT images; less than
    1/16 is refused when a file is decoded.
    """
    if source.array is not None:
        stored, size = source.array.shape[1:3], array.shape[2:]
        note = (
            f"images of {stored[1]} x {stored[0]} pixels are resized to {size[1]} x {size[0]} (dataset.size)"
        )
        return (note,) if stored != size else ()
    rows = np.unique(np.linspace(0, len(array) - 1, min(LOOKED_AT, len(array))).astype(int)).tolist()
    ends = [(row, int(array[row].min()), int(array[row].max())) for row in rows]
    files = source.files or ()
    dim = [one for one in ends if 0 < one[2] - one[1] < QUARTER and _is_deep_file(files[one[0]])]
    if not dim:
        return ()
    row, least, most = dim[0]
    return (
        f"{len(dim)} of {len(rows)} images looked at use less than a quarter of the range of their 16 bits, e.g. "
        f"{source.table['image'].iloc[row]}, {least} to {most} of 255: rescale them, or their contrast is lost",
    )


def _is_deep_file(path: str) -> bool:
    if path.lower().endswith(DICOM_NAMES):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                return is_deep(picture)
    except Exception:  # gone or changed since it was decoded: nothing to say of it
        return False
