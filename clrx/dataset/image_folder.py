"""A user's own images: one folder a class, below train/, val/ and test/ folders or in one tree."""

from clrx.source import Source
from clrx.tree import given_root, leaves, tree_source


def load(root: str | None = None, color: bool = True) -> Source:
    """Every image below `root`, a folder or an archive, by the name of its folder.

    With train/, val/ and test/ folders the split is theirs; a tree without them is split by seed, each image for
    itself. `color`: whether images are read with three channels.
    """
    folder = given_root(root, "a folder or archive with one folder a class")
    return tree_source("image_folder", folder, leaves(folder), channels=3 if color else 1)
