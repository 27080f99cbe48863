"""What the use of a trained network needs beside its weights, as values and as JSON that no code runs from.

The same JSON is the metadata of each weights file of a run, under the key `clrx`, and `bundle.json` of an export.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from clrx.config.target import Target, locate, read_target
from clrx.core.errors import UserError
from clrx.data.source import Task

FORMAT = 1  # of the description; raised when old readers would misread it
KEY = "clrx"  # of the metadata of a weights file
RESIZE = (
    "the whole picture squashed to a square: antialiased triangle filter (Pillow BILINEAR, reducing_gap 3)"
)
LOADERS = (
    "pretrained",
    "checkpoint_path",
    "cache_dir",
    "features_only",
)  # arguments of timm that load or change


@dataclass(frozen=True)
class Description:
    """How images become the network's input, what the network is, and how its scores are to be read."""

    format: int
    clrx: str  # version that trained it
    run: str  # SHA-256 of what the run was: data, labels, split, and each step's rate and loss
    dataset: str
    synthetic: bool  # trained on images that show no person
    task: Task
    classes: tuple[str, ...]  # binary: (negative, positive)
    positive: str | None  # of a binary task: the class whose score is given
    architecture: dict[str, Any]  # `_target_` and its arguments
    head: dict[str, Any]
    outputs: int
    size: int  # side of the square input, pixels
    channels: int  # 1 grey, 3 colour
    resize: str
    pixels: int  # version of the decoding
    mean: tuple[float, ...]  # a channel, of images in [0, 1]
    std: tuple[float, ...]
    threshold: float  # binary and multi-label: an image is called positive when its score >= threshold
    threshold_rule: str
    flips: bool  # scores are averaged over the image and its mirror image
    precision: str
    channels_last: bool
    batch_size: int  # images that the run scored at once

    @property
    def columns(self) -> tuple[str, ...]:
        """The classes that have a score, in the order of the scores."""
        return self.classes[1:] if self.task == "binary" else self.classes


def as_json(description: Description) -> str:
    """A description as one line of JSON, its keys in a fixed order."""
    return json.dumps(asdict(description), allow_nan=False, sort_keys=True)


def from_json(text: str | bytes, where: str) -> Description:
    """The description in a JSON text; UserError where it is none, damaged, or of a newer clrx."""
    try:
        found = json.loads(text)
        version = found["format"]
    except (ValueError, KeyError, TypeError):
        raise UserError("the description of this bundle cannot be read", where=where) from None
    if not isinstance(version, int) or version > FORMAT:
        what = f"a newer clrx has written this bundle: its format is {version}, the newest known here is {FORMAT}"
        raise UserError(what, where=where, fix="pip install --upgrade clrx")
    known = {field.name for field in fields(Description)}
    if missing := sorted(known - found.keys()):
        raise UserError(f"the description of this bundle lacks {missing[0]}", where=where)
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
    }
    description = Description(**{name: values[name] for name in known})
    _check(description, where)
    return description


def _check(description: Description, where: str) -> None:
    """UserError for values that a description cannot have."""
    d = description
    holds = {
        "task": d.task in ("binary", "multiclass", "multilabel"),
        "classes": len(d.classes) >= 1 and all(isinstance(name, str) for name in d.classes),
        "size": isinstance(d.size, int) and 8 <= d.size <= 4096,
        "channels": d.channels in (1, 3) and len(d.mean) == len(d.std) == d.channels,
        "outputs": isinstance(d.outputs, int) and 1 <= d.outputs <= 100_000,
        "threshold": isinstance(d.threshold, int | float),
        "batch_size": isinstance(d.batch_size, int) and d.batch_size >= 1,
        "precision": d.precision in ("fp32", "bf16"),
    }
    for name, good in holds.items():
        if not good:
            what = f"the description of this bundle has {name}={getattr(d, name)!r}, which cannot be"
            raise UserError(what, where=where)


def target_in(node: Mapping[str, Any], where: str, own: bool = False) -> Target:
    """A network's or a head's `_target_` and arguments, checked: only what a module of clrx.model defines may be named.

    `own`: modules of the user's own folder (--config-dir) too. UserError for everything else: a bundle is data, and
    loading one must not run code that it names.
    """
    _refuse_foreign(node, where, own)
    target = read_target(dict(node), where)
    if target is None:
        raise UserError(f"{where} names nothing", where=where, allowed="a _target_ of clrx.model")
    return target


def _refuse_foreign(node: Any, where: str, own: bool) -> None:
    if isinstance(node, Mapping):
        if odd := [key for key in node if str(key).startswith(LOADERS)]:
            raise UserError(f"{where}.{odd[0]} is refused: a bundle brings its own weights", where=where)
        if (path := node.get("_target_")) is not None:
            module = str(path).rpartition(".")[0]
            if str(path).startswith("clrx.") or not own:
                good = module.startswith("clrx.model.")
                if not good or locate(Target(str(path), {}, where)).__module__ != module:
                    fix = (
                        ""
                        if str(path).startswith("clrx.")
                        else "--config-dir DIR names the folder with its module"
                    )
                    raise UserError(
                        f"{path} is refused", where=where, allowed="networks of clrx.model", fix=fix
                    )
        for key, value in node.items():
            _refuse_foreign(value, f"{where}.{key}", own)
    elif isinstance(node, list | tuple):
        for value in node:
            _refuse_foreign(value, where, own)
