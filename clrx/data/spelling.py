"""Names of one thing in several spellings: "7" and "7.0", Normal and normal, two Unicode forms of an umlaut."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

SHOWN = 3  # spellings in a note


def plain(name: str) -> str:
    """What two spellings of one name have in common: Unicode form, letter case, blanks, and a number's `.0`.

    A single letter keeps its case: sets of handwritten letters tell a from A by it.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    name = re.sub(r"^([+-]?\d+)[.,]0*$", r"\1", name)
    return name.casefold() if len(name) > 1 else name


def unify(names: Iterable[str], what: str) -> tuple[list[str], tuple[str, ...]]:
    """The names, each in one spelling, and a note where there were several; as they are where there were none.

    Of several, numbers are taken as whole numbers, other names as they are spelt most often. `what`: the plural, for
    the note.
    """
    names = list(names)
    counts, spellings = Counter(names), dict[str, list[str]]()
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        spellings.setdefault(plain(name), []).append(name)
    several = {key: found for key, found in spellings.items() if len(found) > 1}
    if not several:
        return names, ()
    best = {name: _best(key, found) for key, found in several.items() for name in found}
    examples = [
        f"{' and '.join(map(repr, sorted(found)))} as {best[found[0]]!r}" for found in several.values()
    ]
    more = f", and {len(examples) - SHOWN:,} more" if len(examples) > SHOWN else ""
    note = f"{what} in several spellings are taken as one: {', '.join(examples[:SHOWN])}{more}"
    return [best.get(name, name) for name in names], (note,)


def _best(key: str, spellings: Sequence[str]) -> str:
    return key if re.fullmatch(r"[+-]?\d+", key) else unicodedata.normalize("NFC", spellings[0])
