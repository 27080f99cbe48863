"""Tables that name images: a user's CSV file as text, and what becomes of images that are named but not there."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError, did_you_mean, first_line

MISSING = ("error", "drop", "keep")  # values of dataset.missing


def read_csv(file: Path, columns: Mapping[str, str], unique: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file as a table of stripped text.

    `columns`: the columns that must be there and have no empty cell, by the key that names each (for the
    message); those of them in `unique` may hold no value twice. Raises UserError.
    """
    table = _read(file)
    for key, column in columns.items():
        if column not in table.columns:
            what = f"{file.name} has no column '{column}' ({key})"
            fix = did_you_mean(column, table.columns)
            raise UserError(what, where=str(file), allowed=", ".join(table.columns), fix=fix)
    if table.empty:
        raise UserError(f"{file.name} has no rows", where=str(file))
    for column in columns.values():
        _refuse(table[column] == "", f"an empty cell under '{column}'", file)
        if column in unique:
            _refuse(table[column].duplicated(), f"a '{column}' that an earlier line has too", file)
    return table


def _read(file: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # lines longer than the header
            raw = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        what = f"{file.name} cannot be read as CSV: {first_line(error)}"
        raise UserError(what, where=str(file), allowed="UTF-8, cells parted by commas, a header") from error
    raw.columns = raw.columns.str.strip()
    return raw.fillna("").apply(lambda cells: cells.str.strip())


def _refuse(wrong: pd.Series, what: str, file: Path) -> None:
    if wrong.any():
        line = int(wrong.to_numpy().argmax()) + 2
        more = f" (and {int(wrong.sum()) - 1:,} more)" if wrong.sum() > 1 else ""
        raise UserError(f"line {line} has {what}{more}", where=str(file))


def check_missing(missing: str) -> None:
    """UserError for an unknown value of dataset.missing."""
    if missing not in MISSING:
        raise UserError(f"dataset.missing={missing} is unknown", allowed=" | ".join(MISSING))


def settle_missing(
    table: pd.DataFrame, missing: str, *, names: str, place: str, where: str, fix: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of a table whose images are used, and the note on those left out.

    `table` has a column `file`: the absolute path, "" where there is no such file. `missing`: `error` raises
    UserError with the count of the missing; `drop` leaves them out, but not all; `keep` keeps their rows, which
    `clrx data` lists and nothing can be trained on. `names` ("the label table"), `place` ("in the folder"), `where`
    and `fix` are words of the message.
    """
    absent = table["file"] == ""
    lacking = int(absent.sum())
    if not lacking or missing == "keep":
        return table, ()
    what = f"{lacking:,} of the {len(table):,} images that {names} names are not {place}"
    if missing == "error" or lacking == len(table):
        drop = "" if lacking == len(table) else ", or leave them out: dataset.missing=drop"
        raise UserError(f"{what}, e.g. {table['image'][absent].iloc[0]}", where=where, fix=fix + drop)
    return table[~absent].reset_index(drop=True), (f"{what}; they are left out",)
