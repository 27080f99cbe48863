"""The words that a command line may use: groups, their options, keys, and the values of keys."""

from collections.abc import Iterator, Sequence
from pathlib import Path

CONFIG_DIR = ("--config-dir", "-cd")  # flags of Hydra that name the folder of the user's own options
PATH_KEYS = (  # keys whose value is a path, whatever it looks like
    *("dataset.root", "dataset.table", "dataset.metadata", "model.weights", "picture"),
    *("hydra.run.dir", "hydra.sweep.dir"),
)
NAME_KEYS = {  # dataset -> its keys whose value is the name of a column, a class, a folder or a data set
    "chestxray14": ("dataset.label", "dataset.images"),
    "chestxray14_multilabel": ("dataset.images",),
    "chestxray14_one_class": ("dataset.images",),
    "csv": (
        *("dataset.images", "dataset.path", "dataset.label", "dataset.group"),
        *("dataset.split_column", "dataset.positive"),
    ),
    "image_folder": ("dataset.positive", "dataset.group"),
    "microcalcification": ("dataset.positive",),
    "npz": ("dataset.name",),
    "phantom": ("dataset.label",),
}


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
    for line in file.read_text(encoding="utf-8").splitlines():
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


def values_of(name: str) -> list[str]:
    """The words that a key takes, for completion: `precision` -> fp32, bf16; none for a number or a path."""
    from clrx.config.limits import keys_of as schema_keys
    from clrx.config.schema import TrainConfig  # it brings pydantic

    for key in schema_keys(TrainConfig):
        if key.name == name:
            words = key.allowed.removesuffix(", or null").split(", ")
            return [
                word for word in words if word.replace("_", "").replace(":", "").isalnum() and word != "text"
            ]
    return []


def split_config_dir(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """(the folders that --config-dir names, the other words) of a command line."""
    folders, others, rest = [], [], iter(words)
    for word in rest:
        flag, equals, folder = word.partition("=")
        if flag in CONFIG_DIR:
            folders.append(folder if equals else next(rest, ""))
        else:
            others.append(word)
    return folders, others


def name_keys(words: Sequence[str]) -> list[str]:
    """The NAME_KEYS of the dataset that a command line chooses; of several datasets those that all of them have."""
    chosen = [word.partition("=")[2] for word in words if word.startswith("dataset=")]
    if not chosen and any(word.startswith("experiment=") for word in words):
        return sorted({key for keys in NAME_KEYS.values() for key in keys})
    found = [set(NAME_KEYS.get(name, ())) for name in (chosen or ["phantom"])[-1].split(",")]
    return sorted(set.intersection(*found))
