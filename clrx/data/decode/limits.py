"""What no decoder lets through: files that are none of the dataset's, pictures too large, grey without contrast."""

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # numpy is imported where it is needed: without it a worker starts four times sooner
    import numpy as np

MAX_PIXELS = 89_478_485  # Pillow's own bound, about 9,459 x 9,459
TOO_LARGE = f"more than the {MAX_PIXELS:,} pixels that are read"
NARROWEST = 16  # values must span at least 1/16 of a range that is scaled as a whole


class Unreadable(Exception):
    """This file is no image that can be used; the message says why. So it stays unless the file changes."""


def check_file(path: Path, root: str | None) -> None:
    """Unreadable for anything but a regular file with content that lies in `root` (None: anywhere).

    A linked file must lie in the root or beside its link; linked folders are the user's own layout.
    """
    try:
        if root and path.is_symlink():
            end = path.resolve()
            if not any(end.is_relative_to(Path(folder).resolve()) for folder in (root, path.parent)):
                raise Unreadable(
                    f"a symbolic link out of {root}, to {end}: copy the file there, or dataset.links=follow"
                )
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Unreadable("there is no such file") from None
    except (
        RuntimeError,
        OSError,
    ) as error:  # Path.resolve raises RuntimeError for a circle before Python 3.13
        if isinstance(error, OSError) and error.errno != errno.ELOOP:
            raise
        raise Unreadable("a symbolic link that leads to itself") from None
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable("not a regular file")
    if facts.st_size == 0:
        raise Unreadable("empty (0 bytes)")


def check_span(least: float, most: float, low: float, high: float, what: str) -> None:
    """Unreadable, beginning with `what`, where values from `least` to `most` span too little of [low, high]."""
    if 0 < (most - least) * NARROWEST < high - low:
        raise Unreadable(
            f"{what} with values from {least:,.0f} to {most:,.0f} only, out of {low:,.0f} to {high:,.0f}: "
            "it would come out black or flat; rescale the file to its full range"
        )


def full_range(values: "np.ndarray", low: float, high: float, what: str) -> Image.Image:
    """Grey values in the known range [low, high] as an L picture, scaled linearly by the whole of it.

    Unreadable, beginning with `what`, where the values span less than 1/NARROWEST of the range.
    """
    import numpy as np

    check_span(float(values.min()), float(values.max()), low, high, what)
    scaled = (values.astype(np.float32) - low) * (255.0 / (high - low))
    return Image.fromarray(np.rint(scaled).clip(0, 255).astype(np.uint8))
