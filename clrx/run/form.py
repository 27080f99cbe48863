"""The types of what the files of a run directory hold, so that a file from elsewhere is known before it is used.

A form is a type (or several), a list of one form for all items, a mapping of keys that may be there, or `Each` of a
form for all values of a mapping whose keys are anybody's.
"""

import math
from dataclasses import dataclass
from types import NoneType
from typing import Any


@dataclass(frozen=True)
class Each:
    """The form of a mapping from any text to values of one form; `or_none`: or nothing in its place."""

    value: Any
    or_none: bool = False


class Number:
    """Stands for a finite int or float."""


TEXT, NUMBER = (str, NoneType), (Number, NoneType)
ENTRY = {"value": NUMBER, "low": NUMBER, "high": NUMBER, "reason": TEXT}
BOUNDS = Each(NUMBER, or_none=True)

FACTS = {  # run.json
    "format": (int, str),
    **dict.fromkeys(("state", "command", "dataset", "selection", "kind"), str),
    **dict.fromkeys(("started", "finished", "error", "config_dir", "policy", "model"), TEXT),
    **dict.fromkeys(("data_hash", "labels_hash", "split_hash", "task"), TEXT),
    "choices": Each((str, int, float, NoneType, list)),
    **dict.fromkeys(("seed", "image_size"), (int, NoneType)),
    "classes": [str],
    "synthetic": bool,
    "scale": Number,
    "images": Each(int),
    "notes": [str],
    "facts": Each(object),
    "versions": Each(str),
    "hardware": {"threads": (int, NoneType), "memory": Number, "cores": int, "device": str, "processor": str},
    "precision": {"asked": str, "chosen": str, "because": str, "seconds": Each(Number)},
    "git": Each((str, bool, NoneType), or_none=True),
    "range_test": {
        "bounds": BOUNDS,
        "rule": TEXT,
        "steps": Number,
        "seconds": Number,
        "directory": str,
        "verdict": object,
        "interval": object,
    },
    "divergences": [{"step": int, "lr": NUMBER, "what": str, "last_good_checkpoint": (int, NoneType)}],
    "backoffs": [{"step": int, "epoch": int, "factor": Number}],
    "extensions": [Each(object)],
}
METRICS = {  # metrics.json
    "test": Each(ENTRY),
    "validation": Each(ENTRY),
    "threshold": (Number, list, NoneType),
    "threshold_rule": str,
    "level": Number,
    "weights": str,
    "scale": Number,
    "phases": [{"name": str, "epochs": int, "steps": int, "seconds": Number}],
    "confusion": Each(object),
    "snapshots": Each(Each(ENTRY)),
}
CONFIG = {  # config.yaml, as far as others than `load` read it
    "seed": (int, str, NoneType),
    "scale": Number,
    "selection": str,
    "selection_metric": str,
    "split": {"fold": (int, NoneType)},
    "dataset": Each(object),
    "disease": Each(object, or_none=True),
    "bootstrap": {"level": Number},
    "plan": {"phases": [{"name": str, "epochs": (int, str), "policy": object}]},
}
SUGGESTIONS = {  # suggestions.json
    "bounds": BOUNDS,
    "verdict": {"usable": bool, "word": str, "why": str, "fix": TEXT},
    "rule": TEXT,
    "ramp": {"steps": int, "start": Number, "end": Number, "shape": str},
    "suggestions": Each(Each(object)),
    "repeats": [object],
}
FORMS = {"run.json": FACTS, "metrics.json": METRICS, "config.yaml": CONFIG, "suggestions.json": SUGGESTIONS}


def misfit(value: Any, form: Any, where: str = "") -> str:
    """The dotted key of the first part of a value that has not its form, with what it is; empty where all have."""
    if isinstance(form, dict | Each):
        return _of_mapping(value, form, where)
    if isinstance(form, list):
        if not isinstance(value, list):
            return _named(where, value)
        return next(filter(None, (misfit(one, form[0], f"{where}.{i}") for i, one in enumerate(value))), "")
    kinds = form if isinstance(form, tuple) else (form,)
    return "" if any(_is(value, kind) for kind in kinds) else _named(where, value)


def _of_mapping(value: Any, form: dict[str, Any] | Each, where: str) -> str:
    if isinstance(form, Each) and form.or_none and value is None:
        return ""
    if not isinstance(value, dict):
        return _named(where, value)
    for key, one in value.items():
        inner = form.value if isinstance(form, Each) else form.get(key, object)
        if found := misfit(one, inner, f"{where}.{key}".lstrip(".")):
            return found
    return ""


def _is(value: Any, kind: type) -> bool:
    if kind is Number:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return isinstance(value, kind)


def _named(where: str, value: Any) -> str:
    text = repr(value)
    return f"{where or 'it'} is {text[:40]}{'...' if len(text) > 40 else ''}"
