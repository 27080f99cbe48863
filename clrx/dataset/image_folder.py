"""A user's own images: one folder a class, below train/, val/ and test/ folders or in one tree."""

from clrx.data.classes import in_order
from clrx.data.image_folders import class_images, folder_source, given_folder
from clrx.data.source import Source


def load(root: str | None = None, positive: str | None = None, color: bool = True) -> Source:
    """Every image below `root`, a folder or an archive, by the name of its class folder.

    With train/, val/ and test/ folders the split is theirs; a tree without them is split by seed, each image for
    itself. `positive`: of two classes the one that is 1 (null: the one that sorts last). `color`: whether images
    are read with three channels.
    """
    folder = given_folder(root, "a folder or archive with one folder a class")
    found = class_images(folder)
    classes = in_order((image.label for image in found), positive)
    return folder_source("image_folder", folder, found, channels=3 if color else 1, classes=classes)
