"""Labels in the columns of a table: a class by its name, one or several columns of 0 and 1, uncertain ones."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError
from clrx.data.image_table import refuse_rows
from clrx.data.spelling import plain

UNCERTAIN = (
    "drop",
    "zero",
    "one",
    "keep",
)  # values of dataset.uncertain, as U-Ignore, U-Zeros, U-Ones, U-MultiClass
BLANK = "dataset.uncertain=drop|zero|one|keep reads a blank as 0 (CheXpert: not mentioned) and settles -1 (uncertain)"
PATIENT = re.compile(r"(?:^|/)(patient[ _-]?\d+)/", re.IGNORECASE)
Notes = tuple[str, ...]


def check_uncertain(uncertain: str | None) -> None:
    """UserError for an unknown value of dataset.uncertain."""
    if uncertain is not None and uncertain not in UNCERTAIN:
        raise UserError(f"dataset.uncertain={uncertain} is unknown", allowed=" | ".join((*UNCERTAIN, "null")))


def settle_uncertain(
    table: pd.DataFrame, columns: Sequence[str], uncertain: str | None, file: Path
) -> tuple[pd.DataFrame, Notes]:
    """The rows of a table with their labels settled where columns hold 0, 1, -1 (uncertain) and blanks (not mentioned).

    Source of the code and of the ways: Irvin et al. 2019 (CheXpert), arXiv:1901.07031, section 3. `uncertain`: `drop`
    leaves the rows out, `zero` and `one` take them for 0 or 1, `keep` makes them a class of their own (of one
    column); a blank is 0 then. None: columns with blanks, or with -1 beside 0, are refused. Other columns stay as they
    are.
    """
    notes: list[str] = []
    for column in columns:
        values = table[column].map(plain)
        found = {*values}
        coded = found <= {"0", "1", "-1", ""} and ("" in found or {"0", "-1"} <= found)
        if not coded and len(columns) == 1:
            refuse_rows(table[column] == "", f"an empty cell under '{column}'", file)
            continue
        refuse_rows(~values.isin(["0", "1", "-1", ""]), f"a '{column}' that is neither 0 nor 1", file)
        if uncertain is None:
            refuse_rows(values == "", f"an empty cell under '{column}'", file, BLANK)
            refuse_rows(values == "-1", f"-1 under '{column}', beside 0 and 1: is it uncertain?", file, BLANK)
        blank, open_ = values == "", values == "-1"
        table = table.assign(**{column: values.mask(blank, "0")})
        if blank.any():
            notes.append(f"{int(blank.sum()):,} blanks under '{column}' are taken as 0, not mentioned")
        if open_.any():
            notes.append(f"{int(open_.sum()):,} uncertain labels (-1) under '{column}': {uncertain}")
        if uncertain in ("zero", "one"):
            table[column] = table[column].mask(open_, "1" if uncertain == "one" else "0")
        elif uncertain == "keep" and len(columns) > 1 and open_.any():
            what = "uncertain labels cannot be a class of their own where an image may have several labels"
            raise UserError(what, where="dataset.uncertain=keep", allowed="drop | zero | one")
    if uncertain == "drop":
        table = table[~(table[[*columns]] == "-1").any(axis=1)].reset_index(drop=True)
    return table, tuple(notes)


def columns_of_labels(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """(N, K) uint8 of columns that hold 0 and 1."""
    return np.column_stack([(table[column].map(plain) == "1").to_numpy(np.uint8) for column in columns])


def is_one_hot(labels: np.ndarray) -> bool:
    """Whether each row of labels (N, K) of 0 and 1 holds exactly one 1, as where the classes exclude each other."""
    return labels.shape[1] > 1 and bool((labels.sum(axis=1) == 1).all())


def patients_in(paths: pd.Series) -> pd.Series | None:
    """The patient that each path names in one of its folders (patient00001/); None unless all do."""
    found = paths.str.replace("\\", "/", regex=False).str.extract(PATIENT, expand=False)
    return None if found.isna().any() else found.str.casefold()
