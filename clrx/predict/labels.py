"""Labels of another dataset in the classes of a trained network, and the images that it must not be tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clrx.bundle.description import Description
from clrx.bundle.seen import Seen, image_hashes, patient_hash
from clrx.core.errors import UserError, did_you_mean
from clrx.data.source import Source
from clrx.data.spelling import plain


def labels_for(
    description: Description, source: Source, mapping: Mapping[str, str] | None = None
) -> np.ndarray:
    """The labels of a source as the network's: (N,) class index, or (N, K) 0/1 where it is multi-label.

    `mapping`: names of the source's classes -> the network's; others are matched by their spelling. Several classes may
    become one. A binary network takes the column of its positive class from a multi-label source. UserError where a
    class of the source is none of the network's, or one of these is not there.
    """
    wanted = description.classes
    _check_mapping(mapping or {}, source.classes, wanted)
    targets = [_target(name, mapping or {}, wanted) for name in source.classes]
    if source.task == "multilabel":
        return _columns(description, source, targets)
    if description.task == "multilabel":
        what = f"the network scores each of {', '.join(wanted)}; this dataset has one class an image"
        raise UserError(what, where="dataset", allowed="a dataset with a column a label")
    missing = [name for name, target in zip(source.classes, targets, strict=True) if target is None]
    if missing:
        what = f"class '{missing[0]}' of the dataset is no class of the network"
        fix = f"'classes={{{missing[0]}: {wanted[-1]}}}' maps it"
        raise UserError(what, where=", ".join(source.classes), allowed=", ".join(wanted), fix=fix)
    return np.array([wanted.index(target) for target in targets if target], dtype=np.int64)[source.labels]


def _check_mapping(mapping: Mapping[str, str], known: Sequence[str], wanted: Sequence[str]) -> None:
    for name, target in mapping.items():
        if plain(name) not in {plain(one) for one in known}:
            fix = did_you_mean(name, known)
            raise UserError(
                f"the dataset has no class '{name}'", where="classes", allowed=", ".join(known), fix=fix
            )
        if plain(target) not in {plain(one) for one in wanted}:
            fix = did_you_mean(target, wanted)
            what = f"the network has no class '{target}'"
            raise UserError(what, where="classes", allowed=", ".join(wanted), fix=fix)


def _target(name: str, mapping: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    """The network's class for a class of the source; None where there is none."""
    asked = {plain(key): value for key, value in mapping.items()}.get(plain(name), name)
    return next((one for one in wanted if plain(one) == plain(asked)), None)


def _columns(description: Description, source: Source, targets: Sequence[str | None]) -> np.ndarray:
    wanted = description.columns
    if absent := [name for name in wanted if name not in targets]:
        what = f"the dataset has no labels for {', '.join(absent)}"
        fix = f"'classes={{NAME: {absent[0]}}}' maps a column"
        raise UserError(what, where=", ".join(source.classes), allowed=", ".join(wanted), fix=fix)
    if description.task == "multiclass":
        raise UserError(
            "the network takes one class an image; this dataset has several labels", where="dataset"
        )
    columns = np.stack(
        [source.labels[:, [target == name for target in targets]].max(axis=1) for name in wanted], axis=1
    )
    return columns[:, 0].astype(np.int64) if description.task == "binary" else columns


@dataclass(frozen=True)
class Known:
    """Rows of a source that the network has seen in training."""

    rows: np.ndarray  # (n,) bool
    patients: int  # of them
    note: str


def seen_rows(seen: Seen | None, source: Source, digests: np.ndarray) -> Known:
    """Which rows are of patients that training has seen: by their name in the same dataset, by an image in any.

    A name that another dataset uses too is another patient's, and is only counted in the note.
    """
    groups = source.table["group"].astype(str).to_numpy()
    if seen is None:
        return Known(np.zeros(len(groups), bool), 0, "the network does not say whom it was trained on")
    names, member = np.unique(groups, return_inverse=True)
    by_name = np.array([patient_hash(name) in seen.patients for name in names], dtype=bool)
    by_image = np.zeros(len(names), bool)
    np.logical_or.at(by_image, member, [one in seen.images for one in image_hashes(digests)])
    same = source.name == seen.dataset
    found = by_image | by_name if same else by_image
    count = int(found.sum())
    note = f"{count} of {len(names)} patients were seen in training"
    if not same and by_name.any():
        note += (
            f"; {int((by_name & ~by_image).sum())} names occur there too, in another dataset, and are kept"
        )
    return Known(found[member], count, note)
