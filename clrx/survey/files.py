"""The files of a source: the sizes that their headers give, those that are missing or unreadable."""

import warnings
from collections import Counter

import numpy as np
from PIL import Image

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.data.decode.image import DICOM_NAMES, FORMATS
from clrx.data.source import Source
from clrx.survey.numbers import Numbers

Size = tuple[int, int, str]  # width and height in pixels as stored, kind of pixel
NO_HEADER = "no image header"


def image_sizes(source: Source, sample: int) -> Numbers | None:
    """How many images have which width, height and kind, most first; None where there are no files.

    Of more than `sample` files, so many are looked at, drawn by seed; the note says so.
    """
    if source.array is not None:
        counts, note = Counter([_of_array(source.array)] * len(source)), ""
    else:
        files = [path for path in source.files or () if path]
        if not files:
            return None
        counts, note = _of_files(files, sample)
    rows = tuple(
        (f"{width} x {height}" if width else NO_HEADER, kind, count)
        for (width, height, kind), count in counts.most_common()
    )
    return Numbers(
        "sizes", "Image sizes, in pixels", ("width x height", "kind", "images"), rows, note, shown=12
    )


def _of_files(files: list[str], sample: int) -> tuple[Counter[Size], str]:
    note = ""
    if len(files) > sample:
        note = f"From the headers of {sample:,} of the {len(files):,} files, drawn at random."
        files = random_generator(0, "survey", "sizes").choice(files, sample, replace=False).tolist()
    counts = Counter(_of_file(path) for path in files)
    spans = [
        f"{what} {min(sides):,} to {max(sides):,}"
        for side, what in enumerate(("widths", "heights"))
        if len(sides := {size[side] for size in counts if size[side]}) > 1
    ]
    return counts, " ".join([note, f"Present: {', '.join(spans)}." if spans else ""]).strip()


def _of_array(array: np.ndarray) -> Size:
    return array.shape[2], array.shape[1], "colour" if array.ndim == 4 and array.shape[3] == 3 else "grey"


def _of_file(path: str) -> Size:
    """From the header alone; (0, 0, reason) where there is none that can be read."""
    try:
        return _of_dicom(path) if path.lower().endswith(DICOM_NAMES) else _of_picture(path)
    except UserError:
        raise
    except Exception:  # whatever a hostile header makes a reader raise: decoding will name the reason
        return 0, 0, ""


def _of_picture(path: str) -> Size:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as picture:
            return picture.width, picture.height, f"{picture.format} {picture.mode}"


def _of_dicom(path: str) -> Size:
    try:
        from pydicom import dcmread
    except ImportError:
        raise UserError("DICOM files need the package pydicom", fix="pip install 'clrx[dicom]'") from None
    about = dcmread(path, stop_before_pixels=True)
    return int(about.Columns), int(about.Rows), f"DICOM {about.BitsStored} bits"


def missing_images(source: Source) -> Numbers | None:
    """The images that the dataset names and that are not there."""
    if source.files is None or all(source.files):
        return None
    names = source.table["image"].to_numpy(dtype=str)[[not path for path in source.files]]
    title = f"Missing: {len(names):,} of {len(source):,} images"
    return Numbers("missing", title, ("image",), tuple((name,) for name in names.tolist()), shown=5)


def unreadable_images(found: list[tuple[str, str]], total: int) -> Numbers | None:
    """The images that cannot be decoded, with the reason of each."""
    title = f"Unreadable: {len(found):,} of {total:,} images"
    return Numbers("unreadable", title, ("image", "reason"), tuple(found), shown=20) if found else None
