"""A picture at its full size, as RGB: what a graph with its own preprocessing takes, and what an overlay lies on.

Only for looking and for parity checks: scores are computed from the pixels of `clrx.predict.decode`.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.decode.image import DICOM_NAMES, FORMATS, GAP, TURNS
from clrx.data.decode.limits import Unreadable


def open_picture(path: str | Path, size: int | None = None, grey: bool = False) -> Image.Image:
    """The picture in a file of at most 8 bits a channel, or DICOM, as RGB, turned as its EXIF data say.

    `size`: of the network's input: a JPEG is reduced in its DCT as `clrx.data.decode.image` does; `grey`: as for grey
    input. UserError for a file that cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            head = file.read(132)
            file.seek(0)
            if head[128:] == b"DICM" or path.name.lower().endswith(DICOM_NAMES):
                from clrx.data.decode.dicom import read_dicom

                return read_dicom(file).convert("RGB")
            with Image.open(file, formats=FORMATS) as picture:
                if size is not None and picture.format in ("JPEG", "MPO"):
                    wanted = round(GAP * size)
                    picture.draft("L" if grey else None, (wanted, wanted))
                picture.load()
                turn = TURNS.get(picture.getexif().get(274, 0))
                shown = _eight_bits(picture)
                return shown if turn is None else shown.transpose(turn)
    except (OSError, Unreadable, ValueError) as error:
        what = f"the picture cannot be read: {str(error) or type(error).__name__}"
        raise UserError(what, where=str(path)) from error


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float32) / 257.0
        return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


def planes(picture: Image.Image) -> np.ndarray:
    """An RGB picture as uint8 (3, H, W)."""
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))
