"""Patients in the names of files: groups by a pattern, and names that look as if they shared a patient's number."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import pandas as pd

from clrx.core.errors import UserError
from clrx.data.locate import without_ending
from clrx.data.source import LikelyGroups, Source
from clrx.data.spelling import unify
from clrx.data.split import PARTS, Split

Notes = tuple[str, ...]
NONE = "none"  # of dataset.group: each image for itself
PATTERN_MARKS = {*"^$\\[]()+*?|"}
# person12_bacteria_3 (Kermany's X-rays)
WORDS = re.compile(r"(?<![A-Za-z])((?i:patient|person|subject|subj|sub|case|pat)[-_ ]?)\d+")
KNOWN = (  # further ways in which file names hold a patient's number, each with the pattern that takes it
    (re.compile(r"IM-\d+-\d"), r"IM-\d+"),  # IM-0115-0001 (Kermany's X-rays)
    (re.compile(r"^\d{5,}[_-]\d"), r"^\d+"),  # 00000013_003 (NIH)
    (re.compile(r"^(?!IM-)[A-Z]+-\d{3,}-\d"), r"^[A-Z]+-\d+"),  # CNV-1016042-1 (Kermany's OCT)
)
LAST = r"\d+|l|r|left|right|cc|mlo|pa|ap|lateral|frontal"  # what tells one image of a patient from another
LAST_PART = re.compile(rf"(?=[^/]*\d[^/]*[_-])(.+)[_-](?:{LAST})", re.IGNORECASE)
BEFORE_LAST, BEFORE_LAST_IN_PATH = "^(.+)[_-]", "([^/]+)[_-][^/]*$"
MATCHED = 0.95  # share of the names that a pattern must fit
SHARED = 0.8  # groups an image, at most: fewer names share a number than that by chance


def column_or_pattern(group: str | None, columns: Sequence[str]) -> tuple[str | None, str | None]:
    """dataset.group of a table as (column, pattern): a pattern is `none`, or no column and has one of PATTERN_MARKS."""
    if group is None or group in columns or not (group == NONE or PATTERN_MARKS & {*group}):
        return group, None
    return None, group


def groups_by(pattern: str, names: Sequence[str], ids: Sequence[str]) -> tuple[list[str], Notes]:
    """The group of each image: what the pattern finds in its name, its first bracket where it has one; and notes.

    An image in whose name it finds nothing is a group for itself, by its id, which a note counts. Raises UserError for
    a pattern that is none, or that fits no name.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        what = f"dataset.group={pattern} is no pattern: {error}"
        raise UserError(what, where="dataset.group", allowed="a regular expression, e.g. '^[^_]+'") from error
    found = [_match(compiled, name) for name in names]
    without = sum(group is None for group in found)
    if without == len(names):
        what = f"dataset.group={pattern} fits no name, e.g. {names[0]}"
        raise UserError(what, where="dataset.group", allowed=f"a pattern in the names, or {NONE}")
    groups, notes = unify(_filled(found, ids), "groups")
    told = f"{len({*groups}):,} groups by dataset.group={pattern}"
    told += f"; {without:,} names that it does not fit are each for itself" if without else ""
    return groups, (told, *notes)


def likely_groups(names: Sequence[str], ids: Sequence[str], classes: int) -> LikelyGroups | None:
    """The groups that names seem to share, with the pattern that makes them; None where they do not.

    `names`: of the images, below their class folders; `ids`: what each has for itself. Recognised are numbers of
    patients as KNOWN sets write them, and a name with a number that comes before another number, or before a side or a
    view: 10_left.jpeg, v12_0001.png.
    """
    files = [PurePosixPath(name).name for name in names]
    flat = all("/" not in name for name in names)
    known = [form for recogniser, form in KNOWN if any(map(recogniser.search, files))]
    words = sorted({match[1] for name in names if (match := WORDS.search(name))})
    forms = [re.escape(word) + r"\d+" for word in words] + [
        form if flat else _in_path(form) for form in known
    ]
    if forms and (found := _shared("|".join(forms), names, ids, classes)):
        return found
    if not all(LAST_PART.fullmatch(without_ending(file.casefold())) for file in files):
        return None
    return _shared(BEFORE_LAST if flat else BEFORE_LAST_IN_PATH, names, ids, classes)


def _in_path(form: str) -> str:
    """A pattern of file names as one of paths."""
    return rf"(?:^|/)({form[1:]})(?=[^/]*$)" if form.startswith("^") else form


def settle_likely_groups(source: Source, split: Split, by: str) -> Split:
    """The split, with a note on likely groups of the source that lie in several of its parts.

    Raises UserError where the split was drawn by groups, of which each image was taken for one: first the user says
    whether those are patients. Parts that folders or a column name are taken as they are, and so is `by=image`.
    """
    assert source.likely is not None
    parts = pd.DataFrame({"group": source.likely.of_row, "part": -1, "named": ""})
    for p, name in enumerate(PARTS):
        parts.loc[getattr(split, name), "part"] = p
    if by in ("given", "official"):
        parts["named"] = source.table["split"].to_numpy()
    drawn = _across(parts[parts["part"] >= 0], "named")
    every = _across(parts[parts["part"] >= 0])
    names, pattern = sorted(every), source.likely.pattern
    count = len({*source.likely.of_row})
    what = f"{len(names):,} of {count:,} numbers that names share, as of a patient, lie in several parts of the split"
    example = f", e.g. {names[0]}" if names else ""
    if drawn and by != "image":
        fix = f"dataset.group='{pattern}' keeps each whole; dataset.group={NONE}: each image for itself"
        raise UserError(f"{what}{example}", where="dataset.group", fix=fix)
    if not names:
        return split
    return replace(
        split, notes=(*split.notes, f"{what}{example}: are they patients? dataset.group='{pattern}'")
    )


def _across(parts: pd.DataFrame, *within: str) -> set[str]:
    """The groups in more than one part, among rows that are equal in the columns `within`."""
    several = parts.groupby(["group", *within])["part"].nunique() > 1
    return {*several[several].index.get_level_values(0)}


def _shared(pattern: str, names: Sequence[str], ids: Sequence[str], classes: int) -> LikelyGroups | None:
    compiled = re.compile(pattern)
    found = [_match(compiled, name) for name in names]
    counts = Counter(group for group in found if group is not None)
    enough = counts.total() >= MATCHED * len(names) and max(2, classes) < len(counts) <= SHARED * len(names)
    return LikelyGroups(pattern, tuple(_filled(found, ids))) if enough else None


def _filled(groups: Sequence[str | None], ids: Sequence[str]) -> list[str]:
    """The groups, and of images without one their ids."""
    return [one if group is None else group for one, group in zip(ids, groups, strict=True)]


def _match(pattern: re.Pattern[str], name: str) -> str | None:
    match = pattern.search(name)
    return None if match is None else match[1] if pattern.groups and match[1] is not None else match[0]
