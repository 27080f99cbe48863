"""What may change when a run is continued: nothing that changes what it computes. What does is refused, by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clrx.config.target import defaults_of
from clrx.core.errors import UserError

# The keys that cannot change what a run computes, each with the reason. Every other key is refused; among them
# `threads`, `precision`, `channels_last` and `deterministic`, which change the last bits and with them the run.
FREE = {
    "published": "a paper's numbers, printed beside ours",
    "workers": "processes that decode: any number of them decodes the same pixels",
    "logger": "fed from the records when the run has ended",
    "memory_budget": "whether images lie on the device or are sent there: the same images in the same order",
    "checkpoint": "when the state is written; a divergence returns to an epoch's end, never to a checkpoint",
    "device": "a name (auto, cuda:1); the kind of device behind it is compared by `refuse_moved`",
}
# Of run.json: what a continued run must find as it was, and what may differ but is then said in its notes.
DATA = {"data_hash": "images", "labels_hash": "labels", "split_hash": "split"}
MACHINE = ("processor", "threads", "accelerator")


def refuse_changes(recorded: Any, asked: dict[str, Any], path: Path, threads: int | None = None) -> None:
    """UserError naming every key that differs from the record and can change results.

    `threads` is the number that the run has had: to ask for it where the record says null (all cores) is no change.
    """
    old, new = dict(leaves(recorded)), dict(leaves(asked))
    if "disease" not in asked:  # 0.1 recorded one of every run, also where the dataset reads none
        old = {key: value for key, value in old.items() if key.split(".")[0] != "disease"}
    if "auto" in (old.get("precision"), new.get("precision")):  # what was chosen stays chosen
        new["precision"] = old.get("precision")
    if old.get("threads") is None and new.get("threads") == threads:
        new["threads"] = None
    changed = [
        f"{key}: {old.get(key)} -> {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if key.split(".")[0] not in FREE and old.get(key) != new.get(key)
    ]
    if changed:
        what = "the run in this directory had another configuration: " + "; ".join(changed)
        raise UserError(what, where=str(path), fix="ask for the same, or choose another directory")


def refuse_moved(before: dict[str, Any], facts: dict[str, Any], path: Path) -> None:
    """UserError where the data of a run, or the kind of device it is trained on, are not what run.json says."""
    for key, name in DATA.items():
        if before.get(key) not in (None, facts.get(key)):
            what = (
                f"the {name} are not what the run began with: {key} {before[key]} then, {facts.get(key)} now"
            )
            raise UserError(what, where=str(path), fix="bring the data back, or choose another directory")
    then, now = _kind(before), _kind(facts)
    if then and now and then != now:
        what = f"the run was trained on {then} and would go on on {now}: its numbers would not be those of one run"
        raise UserError(
            what, where=str(path), fix=f"go on where there is {then}, or choose another directory"
        )


def difference(before: dict[str, Any], facts: dict[str, Any]) -> str | None:
    """A sentence on what of machine, versions and code has changed since the run was last continued; None: nothing."""
    then, now = _conditions(before), _conditions(facts)
    changed = [f"{key} {then[key]} -> {now[key]}" for key in then if key in now and then[key] != now[key]]
    if not changed:
        return None
    return f"continued under other conditions, the last bits may differ from there on: {', '.join(changed)}"


def _kind(facts: dict[str, Any]) -> str:
    return str(facts.get("hardware", {}).get("device", "")).partition(":")[0]


def _conditions(facts: dict[str, Any]) -> dict[str, Any]:
    hardware = {key: value for key, value in facts.get("hardware", {}).items() if key in MACHINE}
    return {**hardware, **facts.get("versions", {}), "commit": (facts.get("git") or {}).get("commit")}


def leaves(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of all in a plain configuration; an empty mapping and a list without mappings are values.

    A key that a policy has got since the run was recorded has its default.
    """
    if isinstance(config, dict) and config:
        config = {**defaults_of(str(config.get("_target_"))), **config}
        for key, value in config.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(config, list) and any(isinstance(value, dict) for value in config):
        for index, value in enumerate(config):
            yield from leaves(value, f"{prefix}.{index}")
    else:
        yield prefix, config
