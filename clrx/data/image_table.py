"""Tables that name images: a user's CSV file as text, and what becomes of images that are named but not there."""

import codecs
import csv
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from clrx.core.errors import UserError, did_you_mean, first_line

MISSING = ("error", "drop", "keep")  # values of dataset.missing
SEPARATORS = (",", ";", "\t", "|")
Notes = tuple[str, ...]


def read_csv(
    file: Path, columns: Mapping[str, str], unique: Sequence[str] = (), blank: Sequence[str] = ()
) -> tuple[pd.DataFrame, Notes]:
    """A CSV file as a table of stripped text, and a note where it is in an encoding other than UTF-8.

    `columns`: the columns that must be there and have no empty cell, each with the key that names it (for the
    message); those of them in `unique` may hold no value twice, those in `blank` may have empty cells. Cells are
    parted by commas, semicolons, tabs or bars. Raises UserError.
    """
    text, notes = decoded(_content(file), file)
    table = parse_csv(text, columns, file)
    for column, key in columns.items():
        if column not in table.columns:
            what = f"{file.name} has no column '{column}' ({key})"
            fix = did_you_mean(column, table.columns)
            raise UserError(what, where=str(file), allowed=", ".join(table.columns), fix=fix)
    if table.empty:
        raise UserError(f"{file.name} has no rows", where=str(file))
    for column in columns:
        if column not in blank:
            refuse_rows(table[column] == "", f"an empty cell under '{column}'", file)
        if column in unique:
            refuse_rows(table[column].duplicated(), f"a '{column}' that an earlier line has too", file)
    return table, notes


def header_of(file: Path) -> list[str]:
    """The names of the columns of a CSV file; nothing where it is none. Only its first line is read."""
    try:
        with file.open("rb") as opened:
            text, _ = decoded(opened.readline(1 << 16), file)
        return columns_of(text)
    except (UserError, OSError, csv.Error):
        return []


def decoded(content: bytes, file: Path) -> tuple[str, Notes]:
    """The text of a file in UTF-8, in UTF-16 with its mark, or else in Windows-1252, which the note says."""
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16"), ()
        if b"\0" in content:
            raise UserError(f"{file.name} cannot be read as CSV: it is no text", where=str(file))
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), (f"{file.name} is not in UTF-8: it is read as Windows-1252",)
    except UnicodeDecodeError as error:
        what = f"{file.name} cannot be read as CSV: {first_line(error)}"
        raise UserError(what, where=str(file), allowed="UTF-8, UTF-16 or Windows-1252") from None


def columns_of(text: str, wanted: Iterable[str] = ()) -> list[str]:
    """The names of the columns in the header of a CSV text, read as `parse_csv` does."""
    header = text.partition("\n")[0]
    return _cells(header, _separator(header, wanted))


def parse_csv(
    text: str, wanted: Iterable[str], file: Path, only: Callable[[str], bool] | None = None
) -> pd.DataFrame:
    """The cells of a CSV text, stripped; the separator is the one with which the header has the `wanted` columns.

    `only`: which columns are read, by their names (None: all, and a line longer than the header is refused).
    """
    separator = _separator(text.partition("\n")[0], wanted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # lines longer than the header
            options = {"dtype": str, "keep_default_na": False, "index_col": False, "sep": separator}
            raw = pd.read_csv(StringIO(text), usecols=only, **options)
    except (ValueError, pd.errors.ParserWarning) as error:
        what = f"{file.name} cannot be read as CSV: {first_line(error)}"
        raise UserError(what, where=str(file), allowed="cells parted by commas, a header") from error
    raw.columns = raw.columns.str.strip()
    return raw.fillna("").apply(lambda cells: cells.str.strip())


def refuse_rows(wrong: pd.Series, what: str, file: Path, fix: str = "") -> None:
    """UserError with the first line for which `wrong` (N,) bool holds, and how many more there are."""
    if wrong.any():
        line = int(wrong.to_numpy().argmax()) + 2
        more = f" (and {int(wrong.sum()) - 1:,} more)" if wrong.sum() > 1 else ""
        raise UserError(f"line {line} has {what}{more}", where=str(file), fix=fix)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file.name} cannot be read: {first_line(error)}", where=str(file)) from error


def _separator(header: str, wanted: Iterable[str]) -> str:
    """The separator that finds the most of the wanted columns, then the most columns; commas where all are alike."""
    names = {*wanted}
    cells = {separator: _cells(header, separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda one: (len(names & {*cells[one]}), len(cells[one])))


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])]


def check_missing(missing: str) -> None:
    """UserError for an unknown value of dataset.missing."""
    if missing not in MISSING:
        raise UserError(f"dataset.missing={missing} is unknown", allowed=" | ".join(MISSING))


def settle_missing(
    table: pd.DataFrame, missing: str, *, names: str, place: str, where: str, fix: str
) -> tuple[pd.DataFrame, Notes]:
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
