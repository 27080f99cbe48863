"""The names that a command line may use, read from the configuration's own files: groups, their options, their keys."""

from collections.abc import Iterator
from pathlib import Path


def groups_of(conf: Path) -> list[str]:
    """The configuration groups, e.g. `policy`: the folders of `conf`, without Hydra's own; sorted."""
    return sorted(folder.name for folder in conf.iterdir() if folder.is_dir() and folder.name != "hydra")


def options_of(folder: Path) -> list[str]:
    """The options of the group in `folder`, those of a folder in it as `folder/name`; sorted, [] without a folder."""
    files = sorted(folder.rglob("*.yaml"))
    return [str(file.relative_to(folder).with_suffix("")) for file in files if not file.name.startswith("_")]


def keys_of(file: Path) -> list[str]:
    """The keys of a YAML file and, as `key.name`, those one level below, by its indentation; not Hydra's."""
    keys, parent = [], ""
    for line in file.read_text().splitlines():
        name, colon, _ = line.strip().partition(":")
        if not colon or line.lstrip().startswith(("#", "-")):
            continue
        if not line.startswith(" "):
            parent = name
            keys.append(name)
        elif line.startswith("  ") and not line.startswith("   "):
            keys.append(f"{parent}.{name}")
    return [key for key in keys if not key.startswith(("hydra", "defaults"))]


def keys_of_group(folder: Path) -> Iterator[str]:
    """`group.key` for every key that an option in the group's folder has; none where there is no such folder."""
    own = {key for file in folder.glob("*.yaml") for key in keys_of(file)}
    yield from (f"{folder.name}.{key}" for key in own if "." not in key and not key.startswith("_"))


def lines_of(file: Path) -> list[str]:
    """The lines of a YAML file that set keys, with their comments, as written; not its defaults list, not Hydra's."""
    kept, skipping = [], False
    for line in file.read_text().splitlines():
        if line and not line[0].isspace() and not line.startswith(("-", "#")):
            skipping = line.startswith(("defaults:", "hydra:"))
        if not skipping and not line.startswith("#"):
            kept.append(f"  {line}".rstrip())
    return "\n".join(kept).strip("\n").splitlines()
