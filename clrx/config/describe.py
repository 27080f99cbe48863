"""The configuration described for people: for `--help` and docs/configuration.md, from the schema and conf/*.yaml."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import yaml
from omegaconf import DictConfig, OmegaConf

from clrx.config.limits import Key, keys_of
from clrx.config.schema import DataConfig, FindLrConfig, PolicyConfig, TrainConfig
from clrx.core.paths import conf_dir

WIDTH = 100
PLUGINS = ("dataset.source", "model.architecture")  # not a key: what is below is the option's own
KINDS: dict[str, type] = {
    "train": TrainConfig,
    "find-lr": FindLrConfig,
    "policy": PolicyConfig,
    "data": DataConfig,
}
GROUPS = {  # of conf/, in the order in which they are explained
    "dataset": "where images, labels and groups come from",
    "disease": "what Chopade et al. 2021 give for a disease; read by dataset=phantom and chestxray14",
    "model": "the network without its head",
    "head": "what stands on the network's features",
    "optimizer": "the optimizer",
    "policy": "the learning rate over a run",
    "bounds": "the rates that cyclical policies move between",
    "momentum_policy": "momentum over a run",
    "augment": "augmentation of training images",
    "plan": "the phases of a run",
}


class Shown(NamedTuple):
    """A key with its default as text."""

    key: Key
    default: str


def described(kind: type, raw: DictConfig) -> dict[str, list[Shown]]:
    """Section -> its keys with the defaults of a composed configuration; "" holds the keys of no section."""
    found: dict[str, list[Shown]] = {}
    groups = [name for name in raw if name in GROUPS]
    for key in keys_of(kind):
        if key.name not in (*PLUGINS, "phases") and key.name not in groups:
            section = key.name.rpartition(".")[0]
            found.setdefault(section, []).append(Shown(key, _default(raw, key.name)))
    return found


def help_lines(command: str, raw: DictConfig) -> Iterator[str]:
    """Every key of a command by section, its own first, at most 100 columns wide; `raw` gives the defaults."""
    kind = KINDS.get(command, TrainConfig)
    own = {key.name for key in keys_of(kind)} - {key.name for key in keys_of(TrainConfig)}
    sections = described(kind, raw)
    if own:
        yield from _told(f"Keys of {command} alone", [one for one in sections[""] if one.key.name in own])
    for section, keys in sections.items():
        yield from _told(section or "Keys", [one for one in keys if one.key.name not in own])


def _told(title: str, keys: Iterable[Shown]) -> Iterator[str]:
    yield from ("", f"{title}:")
    for key, default in keys:
        told = f"default {default}" + (f" {key.unit}" if key.unit else "")
        text = f"{key.name}  [{told}]  {key.allowed}"
        yield from wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 6)
        yield from wrap(key.meaning, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def markdown(kinds: Mapping[str, tuple[type, DictConfig]], conf: Path) -> str:
    """docs/configuration.md: the keys of every command, then every option of every group."""
    lines = [
        "# Configuration",
        "",
        "Every key can be set on the command line as `key=value`. This page is made from the fields of",
        "`clrx/config/schema.py` and from `conf/`: `python -m clrx.config.describe > docs/configuration.md`.",
        "A default that begins with `${` is taken from the key that it names.",
    ]
    for command, (kind, raw) in kinds.items():
        lines += ["", f"## clrx {command}"]
        if kind is not TrainConfig:
            lines += ["", "It takes the keys of `clrx train`, and these."]
        own = {key.name for key in keys_of(kind)} - {key.name for key in keys_of(TrainConfig)}
        for section, keys in described(kind, raw).items():
            chosen = [one for one in keys if kind is TrainConfig or one.key.name in own]
            if chosen:
                lines += [*(["", f"### {section}"] if section else []), "", *_table(chosen)]
    for group, what in GROUPS.items():
        lines += ["", f"## {group}", "", f"{group}=NAME: {what}."]
        for file in sorted((conf / group).glob("[!_]*.yaml")):
            lines += ["", f"### {group}={file.stem}", "", *_option(file)]
    return "\n".join(lines) + "\n"


def _table(keys: Iterable[Shown]) -> list[str]:
    head = ["| key | default | unit | allowed | meaning |", "|---|---|---|---|---|"]
    return head + [
        f"| `{key.name}` | `{default}` | {key.unit} | {_cell(key.allowed)} | {_cell(key.meaning)} |"
        for key, default in keys
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _option(file: Path) -> list[str]:
    """What one YAML of a group says: its head, and its keys with default and comment."""
    text = file.read_text(encoding="utf-8").splitlines()
    head = [line.lstrip("# ").rstrip() for line in text[: _comments(text)] if not line.startswith("# @")]
    rows = [row for row in _rows(text) if row[0] not in ("defaults", "_target_")]
    table = ["", "| key | default | meaning |", "|---|---|---|"] if rows else []
    return [
        " ".join(head),
        *table,
        *(f"| `{file.parent.name}.{key}` | `{_cell(value)}` | {_cell(note)} |" for key, value, note in rows),
    ]


def _comments(lines: list[str]) -> int:
    """How many lines at the head of a file are comments."""
    return next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _rows(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """(key, default, comment) of each key of a YAML down to the second level."""
    parent, last = "", None
    for line in lines:
        body, _, note = line.partition(" #")
        name, colon, value = body.strip().partition(":")
        if not body.strip() and note and last is not None:
            last = (*last[:2], f"{last[2]} {note.strip()}")
        elif colon and not line.startswith(("#", "-", "   ")) and not body.strip().startswith("-"):
            if last is not None:
                yield last
            parent = "" if not line.startswith(" ") else parent
            last = (f"{parent}{name}", value.strip() or "...", note.strip())
            parent = f"{name}." if not line.startswith(" ") else parent
    if last is not None:
        yield last


def _default(raw: DictConfig, name: str) -> str:
    parent, _, last = name.rpartition(".")
    node = OmegaConf.select(raw, parent) if parent else raw
    if not isinstance(node, DictConfig) or last not in node:
        return "..."
    written = node._get_node(last)
    value: Any = written._value() if OmegaConf.is_interpolation(node, last) else node[last]  # type: ignore[union-attr]
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=False)
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()


def main() -> None:
    """Print docs/configuration.md."""
    from hydra import compose, initialize_config_dir

    from clrx.config import schema
    from clrx.config.compose import register_resolvers

    register_resolvers()
    kinds = {
        "train": TrainConfig,
        "find-lr": schema.FindLrConfig,
        "policy": schema.PolicyConfig,
        "data": schema.DataConfig,
    }
    with initialize_config_dir(str(conf_dir().absolute()), version_base="1.3"):
        composed = {name: (kind, compose(name.replace("-", "_"))) for name, kind in kinds.items()}
    print(markdown(composed, conf_dir()), end="")


if __name__ == "__main__":
    main()
