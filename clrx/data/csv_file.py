"""A user's CSV file as a table of text."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError, did_you_mean, first_line


def read_csv(file: Path, columns: Mapping[str, str], unique: Sequence[str] = ()) -> pd.DataFrame:
    """Every cell as stripped text.

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
