"""Images that a table names and that are not there: refused, left out, or kept for `clrx data` to list."""

import pandas as pd

from clrx.core.errors import UserError

WAYS = ("error", "drop", "keep")


def check_missing(missing: str) -> None:
    """UserError for a value of dataset.missing that is none."""
    if missing not in WAYS:
        raise UserError(f"dataset.missing={missing} is unknown", allowed=" | ".join(WAYS))


def settle_missing(
    table: pd.DataFrame, missing: str, *, names: str, place: str, where: str, fix: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows to use, and the note on those left out.

    `table` has a column `file`: the absolute path, "" where there is no such file. `error` raises UserError
    with the count of the missing; `drop` leaves them out, but not all; `keep` keeps their rows, which
    nothing can be trained on. `names` ("the label table"), `place` ("in the folder"), `where` and `fix` word it.
    """
    absent = table["file"] == ""
    lacking = int(absent.sum())
    if not lacking:
        return table, ()
    what = f"{lacking:,} of the {len(table):,} images that {names} names are not {place}"
    if missing == "keep":
        return table, ()
    if missing == "error" or lacking == len(table):
        drop = "" if lacking == len(table) else ", or leave them out: dataset.missing=drop"
        raise UserError(f"{what}, e.g. {table['image'][absent].iloc[0]}", where=where, fix=fix + drop)
    return table[~absent].reset_index(drop=True), (f"{what}; they are left out",)
