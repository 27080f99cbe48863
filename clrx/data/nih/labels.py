"""The label table of the NIH ChestX-ray14 release, in any of its versions."""

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError, did_you_mean
from clrx.core.inflate import gunzip
from clrx.data.image_table import columns_of, decoded, parse_csv
from clrx.data.spelling import unify

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
SPELLINGS = {  # of the table's labels, in small letters without what parts words
    **{re.sub(r"[^a-z]", "", name.lower()): name for name in (NO_FINDING, *DISEASES)},
    "infiltrate": "Infiltration",  # NIH's BBox_List_2017.csv
    "infiltrates": "Infiltration",
    "nofindings": NO_FINDING,
    "pleuralthickness": "Pleural_Thickening",
}
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

    Columns: image, labels (as DISEASES and NO_FINDING are spelt, parted by bars), group (patient), and where present
    age (years, NaN where unreadable), gender, view, follow_up. The header's `OriginalImage[Width,Height]` splits at its
    comma, so columns are found by name only. Raises UserError for a file that is no such table, and for a label that is
    none of the 14.
    """
    content = _content(path)
    text, _ = decoded(content, path)
    if text.strip():
        _check_columns(columns_of(text, REQUIRED), path)
    names = REQUIRED | OPTIONAL
    table = parse_csv(text, REQUIRED, path, only=lambda name: name.strip() in names).rename(columns=names)
    _check_rows(table, path)
    table["labels"] = _spelt(table["labels"], path)
    table["group"], _ = unify(table["group"], "patients")
    for column, read in (("age", _years), ("follow_up", _number)):
        if column in table:
            table[column] = read(table[column])
    return table, sha256(content).hexdigest()


def one_hot(labels: pd.Series) -> np.ndarray:
    """(N, 14) uint8 in the order of DISEASES, from label strings such as "Edema|Effusion"."""
    codes, strings = pd.factorize(labels)
    rows = [[name in text.split("|") for name in DISEASES] for text in strings]
    return np.array(rows, dtype=np.uint8).reshape(-1, len(DISEASES))[codes]


def _spelt(labels: pd.Series, path: Path) -> pd.Series:
    """Label strings in the spelling of DISEASES; UserError for a label that is none, or beside No Finding."""
    codes, strings = pd.factorize(labels)
    found = [[part.strip() for part in text.split("|")] for text in strings]
    read = [[SPELLINGS.get(re.sub(r"[^a-z]", "", part.lower()), "") for part in parts] for parts in found]
    for code, (text, names) in enumerate(zip(strings, read, strict=True)):
        if "" in names:
            odd, count = found[code][names.index("")], int((codes == code).sum())
            what = f"the label table has a label that is none of the 14: {odd!r}, in {count:,} rows with {text!r}"
            allowed = ", ".join((NO_FINDING, *DISEASES))
            raise UserError(
                what, where=str(path), allowed=allowed, fix=did_you_mean(odd, (NO_FINDING, *DISEASES))
            )
        if NO_FINDING in names and len(names) > 1:
            raise UserError(f"the label table says {text!r}: no finding, and one", where=str(path))
    return pd.Series(np.array(["|".join(names) for names in read], dtype=object)[codes], index=labels.index)


def check_disease(label: str) -> None:
    """UserError, with the nearest names, for a label that is not one of the 14."""
    if label not in DISEASES:
        fix = did_you_mean(label, DISEASES)
        raise UserError(f"unknown disease: {label}", where="disease", allowed=", ".join(DISEASES), fix=fix)


def _content(path: Path) -> bytes:
    try:
        return gunzip(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    except OSError as error:
        raise UserError(f"the label table cannot be read: {error}", where=str(path)) from error


def _check_columns(header: list[str], path: Path) -> None:
    lacking = [name for name in REQUIRED if name not in header]
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
