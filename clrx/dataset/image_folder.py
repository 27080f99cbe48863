"""A user's own images: one folder a class, below train/, val/ and test/ folders or in one tree."""

from collections.abc import Sequence

from clrx.data.class_folders import class_images, folder_source
from clrx.data.image_folders import given_folder
from clrx.data.source import Source


def load(
    root: str | None = None,
    classes: Sequence[str] | None = None,
    positive: str | None = None,
    color: bool = True,
) -> Source:
    """Every image below `root`, a folder or an archive, by the name of its class folder.

    With train/, val/ and test/ folders the split is theirs; a tree without them is split by seed, each image for
    itself. `classes`: the folders that are classes (None: all). `positive`: of two classes the one that is 1 (None:
    the one that sorts last). `color`: whether images are read with three channels. Raises UserError.
    """
    folder = given_folder(root, "a folder or archive with one folder a class")
    found, notes = class_images(folder, classes)
    channels = 3 if color else 1
    return folder_source("image_folder", folder, found, channels=channels, positive=positive, notes=notes)
