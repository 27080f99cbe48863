"""The names of folders and files in a set of images: which name a part, a wrapper, a class, a mask beside its image."""

import re
from collections.abc import Iterable

from clrx.data.locate import without_ending

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
PREDICTION = {
    "pred",
    "predict",
    "prediction",
    "predictions",
    "unlabeled",
    "unlabelled",
}  # images without classes
WRAPPERS = {"images", "image", "imgs", "img", "data", "dataset", "set", "sets", "seg", "split", "folder"}
BESIDE = {  # what lies beside images and is none of them
    *("masks", "mask", "segmentation", "segmentations", "annotations", "annotation", "contours", "overlays"),
    *(
        "thumbnails",
        "thumbnail",
        "thumbs",
        "thumb",
        "previews",
        "heatmaps",
        "docs",
        "doc",
        "documentation",
        "figures",
    ),
}
NEVER_A_CLASS = BESIDE - {"mask", "doc", "thumb"}  # those may be what is to be told apart
KINDS = "masks?|seg|segmentation|annotation|labels?|gt|groundtruth|contours?|overlay|thumb|thumbnail|heatmap"
DERIVED = (re.compile(rf"(.+?)[ _.-]+(?:{KINDS})[ _.-]?\d*"), re.compile(rf"(?:{KINDS})[ _.-]+(.+)"))
ORIGINAL = re.compile(r"(.+?)[ _.-]+(?:image|img|orig|original)")


def part_of(folder: str) -> str | None:
    """train, validation or test, where the name of a folder says so: Training, test_set, seg_train, ValData."""
    words = _words(folder)
    roles = {PARTS[word] for word in words if word in PARTS}
    return (
        roles.pop() if len(roles) == 1 and all(word in PARTS or word in WRAPPERS for word in words) else None
    )


def is_prediction(folder: str) -> bool:
    """Whether a folder beside train/ and test/ holds images without classes, to predict them: seg_pred, unlabelled."""
    words = _words(folder)
    return bool(PREDICTION & {*words}) and all(word in PREDICTION | WRAPPERS for word in words)


def is_wrapper(folder: str) -> bool:
    """Whether a folder's name says that it holds images and not of what: images, data, img."""
    words = _words(folder)
    return bool(words) and all(word in WRAPPERS for word in words)


def lies_beside(folder: str) -> bool:
    """Whether a folder's name says that it holds what belongs to images: masks, thumbnails, docs."""
    return folder.casefold() in BESIDE


def derived_files(names: Iterable[str]) -> set[str]:
    """The files of one folder that are made from another one in it: 1_mask.png beside 1.png or 1_image.png."""
    stems = {name: without_ending(name.casefold()) for name in names}
    originals = {
        *stems.values(),
        *(match[1] for stem in stems.values() if (match := ORIGINAL.fullmatch(stem))),
    }
    return {
        name
        for name, stem in stems.items()
        if any((match := pattern.fullmatch(stem)) and match[1] in originals for pattern in DERIVED)
    }


def _words(folder: str) -> list[str]:
    """The words of a name in small letters; `trainset` and `TrainSet` are two."""
    words = re.findall(r"[^\W\d_]+|\d+", folder.casefold())
    return [part for word in words for part in _apart(word)]


def _apart(word: str) -> list[str]:
    for name in PARTS:
        if word.startswith(name) and word[len(name) :] in WRAPPERS:
            return [name, word[len(name) :]]
    return [word]
