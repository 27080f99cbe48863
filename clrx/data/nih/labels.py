"""The label table of the NIH ChestX-ray14 release, in any of its versions."""

import gzip
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError, did_you_mean

NO_FINDING = "No Finding"
DISEASES = (  # as the table spells them, in the order of CheXNet's table 2 (Rajpurkar et al. 2017)
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
REQUIRED = {"Image Index": "image", "Finding Labels": "labels", "Patient ID": "group"}
OPTIONAL = {
    "Patient Age": "age",
    "Patient Gender": "gender",
    "View Position": "view",
    "Follow-up #": "follow_up",
}
YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def read_table(path: Path) -> tuple[pd.DataFrame, str]:
    """The table (.csv or .csv.gz) under our column names, and the sha256 of its unpacked bytes.

    Columns: image, labels, group (patient), and where present age (years, NaN where unreadable), gender,
    view, follow_up. The header's `OriginalImage[Width,Height]` splits at its comma, so columns are found by
    name only. Raises UserError for a file that is no such table.
    """
    content = _content(path)
    try:
        header = list(pd.read_csv(BytesIO(content), nrows=0).columns)
        names = {text: (REQUIRED | OPTIONAL).get(text.strip()) for text in header}
        frame = pd.read_csv(
            BytesIO(content), dtype=str, index_col=False, keep_default_na=False, usecols=names.get
        )
    except ValueError as error:  # pandas' parser errors and a wrong encoding are ValueErrors
        raise UserError(f"the label table cannot be read: {error}", where=str(path)) from error
    _check_columns(header, path)
    table = frame.rename(columns=names)
    _check_rows(table, path)
    for column, read in (("age", _years), ("follow_up", _number)):
        if column in table:
            table[column] = read(table[column])
    return table, sha256(content).hexdigest()


def one_hot(labels: pd.Series) -> np.ndarray:
    """(N, 14) uint8 in the order of DISEASES, from label strings such as "Edema|Effusion"."""
    codes, strings = pd.factorize(labels)
    rows = [[name in text.split("|") for name in DISEASES] for text in strings]
    return np.array(rows, dtype=np.uint8).reshape(-1, len(DISEASES))[codes]


def check_disease(label: str) -> None:
    """UserError, with the nearest names, for a label that is not one of the 14."""
    if label not in DISEASES:
        fix = did_you_mean(label, DISEASES)
        raise UserError(f"unknown disease: {label}", where="disease", allowed=", ".join(DISEASES), fix=fix)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix.lower() == ".gz" else content
    except (OSError, EOFError) as error:  # a file that is not there, or not gzip, or cut short
        raise UserError(f"the label table cannot be read: {error}", where=str(path)) from error


def _check_columns(header: list[str], path: Path) -> None:
    lacking = [name for name in REQUIRED if name not in map(str.strip, header)]
    if lacking:
        what = f"the label table lacks {', '.join(repr(name) for name in lacking)}"
        fix = "bring Data_Entry_2017*.csv as NIH publishes it"
        raise UserError(what, where=f"{path} (columns: {', '.join(header)})", fix=fix)


def _check_rows(table: pd.DataFrame, path: Path) -> None:
    if table.empty:
        raise UserError("the label table has no rows", where=str(path))
    if table["image"].duplicated().any():
        twice = table["image"][table["image"].duplicated()]
        raise UserError(
            f"the label table names {len(twice)} images twice, e.g. {twice.iloc[0]}", where=str(path)
        )
    empty = (table[list(REQUIRED.values())] == "").any(axis=1)
    if empty.any():
        line = int(empty.to_numpy().argmax()) + 2
        raise UserError(
            f"the label table has {int(empty.sum())} incomplete rows", where=f"{path}, line {line}"
        )


def _years(text: pd.Series) -> pd.Series:
    """Years from "58" (v2020) or "058Y", "011M", "003D" (first version)."""
    codes, kinds = pd.factorize(text.str.strip())  # a hundred or so in as many thousands of rows
    parts = pd.Series(kinds).str.extract(r"^(\d+)([YMWD]?)$")
    years = _number(parts[0]) * parts[1].replace("", "Y").map(YEARS)
    return pd.Series(years.to_numpy()[codes], index=text.index)


def _number(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text, errors="coerce").astype(float)
