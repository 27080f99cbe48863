"""`clrx list`: list what can be chosen, with a line for each: policies, models, datasets and the other groups.

usage: clrx list [policies|models|datasets|...] [--config-dir DIR]

Without a name all groups are listed. What the folder of --config-dir adds is marked as yours.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap

from clrx.config.options import groups_of, options_of, split_config_dir
from clrx.core.errors import UserError, did_you_mean
from clrx.core.paths import path_of

PLURALS = {"policies": "policy", "momentum_policies": "momentum_policy", "augmentations": "augment"}
NARROWEST = 80  # columns


def main(arguments: Sequence[str], conf: Path) -> int:
    """Print the options of the groups that are named, or of all; the exit code 0."""
    folders, names = split_config_dir(arguments)
    groups = [group_named(name, conf) for name in names] or groups_of(conf)
    own = [path_of(folder) for folder in folders]
    width = max(NARROWEST, get_terminal_size().columns)
    print("\n".join(line for group in groups for line in listed(group, conf, own, width)))
    return 0


def group_named(name: str, conf: Path) -> str:
    """The group that a name means, in the singular or the plural: policies -> policy. Raises UserError."""
    known = groups_of(conf)
    for group in (name, PLURALS.get(name, ""), name.removesuffix("s")):
        if group in known:
            return group
    fix = did_you_mean(name, [*known, *PLURALS]) or "clrx list"
    raise UserError(f"there is no group '{name}'", where="clrx list", allowed=", ".join(known), fix=fix)


def listed(group: str, conf: Path, own: Sequence[Path] = (), columns: int = NARROWEST) -> Iterator[str]:
    """The lines of a group: its name, then its options with what they are, those of the folders `own` among them."""
    files = {name: conf / group / f"{name}.yaml" for name in options_of(conf / group)}
    mine = {name: folder / group / f"{name}.yaml" for folder in own for name in options_of(folder / group)}
    files |= mine
    width = max((len(name) for name in files), default=0)
    yield f"{group}=NAME"
    for name, file in sorted(files.items()):
        mark = "(yours) " if name in mine else ""
        line = f"  {name:<{width}}  {mark}{meaning_of(file)}".rstrip()
        yield from wrap(line, columns, subsequent_indent=" " * (width + 4))
    yield ""


def meaning_of(file: Path) -> str:
    """The first sentence or line of the comment at the head of a YAML file; "" where there is none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    head = next((line for line in lines if not line.startswith("# @")), "")
    return head.removeprefix("#").strip() if head.startswith("#") else ""
