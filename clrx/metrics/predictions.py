"""predictions.csv: a row an image with its patient, label and scores; every metric can be computed from it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.core.files import LONGEST, read_text, write_text
from clrx.data.source import Task


@dataclass(frozen=True)
class Predictions:
    """Labels and scores of N images."""

    task: Task
    classes: tuple[str, ...]  # binary: (negative, positive)
    images: np.ndarray  # (N,) str
    patients: np.ndarray  # (N,) str
    labels: np.ndarray  # (N,) int64 class index, or (N, K) for multilabel
    scores: np.ndarray  # binary (N,), otherwise (N, K); float64 that hold float32 numbers


def write_predictions(
    path: Path,
    task: Task,
    classes: Sequence[str],
    images: Sequence[str] | np.ndarray,
    patients: Sequence[str] | np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write labels and scores of N images as a table, atomically: a row an image.

    Columns: image, patient, then by task. binary: label (0 | 1), score; multiclass: label and predicted (class
    names), score_NAME for every class; multilabel: label_NAME (0 | 1), then score_NAME. Scores are float32, in
    the fewest digits that give the same float32 again. ValueError where the lengths differ.
    """
    scores = np.asarray(scores, dtype=np.float32)
    table = {"image": np.asarray(images, dtype=object), "patient": np.asarray(patients, dtype=object)}
    if task == "binary":
        table |= {"label": np.asarray(labels), "score": scores}
    elif task == "multiclass":
        names = np.asarray(classes, dtype=object)
        table |= {"label": names[np.asarray(labels)], "predicted": names[scores.argmax(axis=1)]}
    else:
        table |= {f"label_{name}": np.asarray(labels)[:, k] for k, name in enumerate(classes)}
    if task != "binary":
        table |= {f"score_{name}": scores[:, k] for k, name in enumerate(classes)}
    write_text(path, pd.DataFrame(table).to_csv(index=False, lineterminator="\n"))


def read_predictions(path: Path, classes: Sequence[str] = ("negative", "positive")) -> Predictions:
    """Read a predictions file; `classes` names the two classes of a binary task, which the file does not.

    UserError where the columns are not those of a predictions file, or a label is none of the classes.
    """
    texts = ("image", "patient", "label", "predicted")
    table = pd.read_csv(
        StringIO(read_text(path, LONGEST)), dtype=dict.fromkeys(texts, str), keep_default_na=False
    )
    scores = [name for name in table if name.startswith("score")]
    if not {"image", "patient"} <= set(table) or not scores:
        allowed = "image, patient, label, score; or score_NAME for every class"
        raise UserError("this is no predictions file", where=f"{path}: {', '.join(table)}", allowed=allowed)
    names = tuple(name.removeprefix("score_") for name in scores)
    values = table[scores].to_numpy(dtype=np.float32).astype(np.float64)
    images, patients = table["image"].to_numpy(str), table["patient"].to_numpy(str)
    if "score" in table:
        labels = _index(table["label"], ("0", "1"), path)
        return Predictions("binary", tuple(classes), images, patients, labels, values[:, 0])
    if "predicted" in table:
        labels = _index(table["label"], names, path)
        return Predictions("multiclass", names, images, patients, labels, values)
    labels = np.stack([table[f"label_{name}"].to_numpy(np.int64) for name in names], axis=1)
    return Predictions("multilabel", names, images, patients, labels, values)


def _index(labels: pd.Series, names: tuple[str, ...], path: Path) -> np.ndarray:
    unknown = sorted(set(labels) - set(names))
    if unknown:
        raise UserError(
            f"label {unknown[0]} is no class of this file", where=str(path), allowed=", ".join(names)
        )
    return labels.map({name: k for k, name in enumerate(names)}).to_numpy(np.int64)
