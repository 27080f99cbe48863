"""A user's own images: one folder a class, below train/, val/ and test/ folders or in one tree."""

from collections.abc import Sequence

from clrx.data.class_folders import below_class, class_images, folder_source
from clrx.data.image_folders import given_folder
from clrx.data.patients import NONE, groups_by, likely_groups
from clrx.data.source import Source


def load(
    root: str | None = None,
    classes: Sequence[str] | None = None,
    positive: str | None = None,
    color: bool = True,
    group: str | None = None,
) -> Source:
    """Every image below `root`, a folder or an archive, by the name of its class folder.

    With train/, val/ and test/ folders the split is theirs; a tree without them is split by seed. `classes`: the
    folders that are classes (None: all). `positive`: of two classes the one that is 1 (None: the one that sorts last,
    or that is no `normal`, `healthy` and the like). `color`: whether images are read with three channels. `group`: a
    pattern (regular expression) that finds the patient in the path of an image below its class folder; `none`: each
    image for itself; None: the same, unless the names seem to share patients' numbers. Raises UserError.
    """
    folder = given_folder(root, "a folder or archive with one folder a class")
    found, notes = class_images(folder, classes)
    names, ids = [below_class(image) for image in found], [image.name for image in found]
    groups, grouped = (None, ()) if group in (None, NONE) else groups_by(str(group), names, ids)
    return folder_source(
        "image_folder",
        folder,
        found,
        channels=3 if color else 1,
        positive=positive,
        group=groups,
        notes=(*notes, *grouped),
        likely=likely_groups(names, ids, len({image.label for image in found})) if group is None else None,
    )
