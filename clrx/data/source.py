"""What a dataset is before anything is decoded: a table of images, their labels and their groups."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

Task = Literal["binary", "multiclass", "multilabel"]
UNLIKE = (
    "not as published"  # the fact that says why results on these images do not compare with published ones
)


@dataclass(frozen=True)
class LikelyGroups:
    """Groups that the names of images suggest, where nobody has said whether they are patients."""

    pattern: str  # a regular expression that finds the group in a name
    of_row: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Images, labels and groups of one dataset, in a fixed order; row i is the same image everywhere."""

    name: str
    task: Task
    classes: tuple[str, ...]  # binary: (negative, positive); multilabel: one name a label column
    table: pd.DataFrame  # a row an image: `image` (unique id, str), `group` (patient, lesion, film: str),
    #                      optional `split` (train | validation | test) and any further columns worth showing
    labels: np.ndarray  # (N,) int64 class index, or (N, K) uint8 for multilabel
    files: tuple[str, ...] | None = (
        None  # absolute path a row; "" (kept for `clrx data`): there is no such file
    )
    array: np.ndarray | None = None  # instead of files: uint8 (N, H, W) or (N, H, W, C)
    channels: int = 1  # 1 grey, 3 colour
    mean: tuple[float, ...] | None = None  # per channel, of images in [0, 1]; None: the model's own
    std: tuple[float, ...] | None = None
    synthetic: bool = False
    notes: tuple[str, ...] = ()  # sentences for the log and the record (dropped images, leaks, ...)
    facts: tuple[tuple[str, str], ...] = ()  # e.g. ("label table sha256", "...")
    likely: LikelyGroups | None = None  # where every image is its own group, and its name says otherwise
    root: str | None = None  # folder that linked files must stay in; None: the common folder of `files`

    def __len__(self) -> int:
        return len(self.table)

    def take(self, rows: np.ndarray) -> "Source":
        """The same source with the given rows only, in the given order."""
        return replace(
            self,
            table=self.table.iloc[rows].reset_index(drop=True),
            labels=self.labels[rows],
            files=None if self.files is None else tuple(self.files[i] for i in rows),
            array=None if self.array is None else self.array[rows],
            likely=self.likely and replace(self.likely, of_row=tuple(self.likely.of_row[i] for i in rows)),
        )
