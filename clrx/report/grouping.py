"""Runs that differ in their seed alone are one group; a group is called by what sets it apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clrx.run.read import Record
from clrx.run.resume_guard import FREE

REPEATS = ("seed", "split.fold")  # keys whose values make repetitions of one configuration
UNCOMPARED = tuple(FREE)  # keys, and all below them, that change no result
ABSENT = "-"
Place = tuple[Any, ...]  # (seed,) or (seed, fold): runs of two groups at one place are a pair


@dataclass(frozen=True)
class Group:
    """The runs of one configuration."""

    label: str
    runs: tuple[Record, ...]  # every run, whatever its state, by seed, then as they were started

    @property
    def complete(self) -> dict[Place, Record]:
        """The complete runs by seed (and fold); of two at one place, the one that was started last."""
        return {place_of(run): run for run in self.runs if run.state == "complete"}


def place_of(run: Record) -> Place:
    return (run.seed,) if run.fold is None else (run.seed, run.fold)


def place_name(place: Place) -> str:
    seed, *fold = place
    return f"seed {seed}" + (f", fold {fold[0]}" if fold else "")


def group_runs(runs: Sequence[Record]) -> list[Group]:
    """The groups, in the order in which their first runs were started; unreadable runs are in none."""
    members: dict[tuple, list[Record]] = {}
    for run in sorted(runs, key=lambda run: (run.facts.get("started") or "", run.name)):
        if run.config:
            members.setdefault(tuple(sorted(_compared(run).items())), []).append(run)
    labels = _labels([dict(key) for key in members], [group[0] for group in members.values()])
    return [
        Group(label, tuple(sorted(group, key=lambda run: _in_order(place_of(run)))))
        for label, group in zip(labels, members.values(), strict=True)
    ]


def _in_order(place: Place) -> tuple:
    """Whole numbers in their order, whatever else after them."""
    return tuple((not isinstance(part, int), part if isinstance(part, int) else str(part)) for part in place)


def _compared(run: Record) -> dict[str, str]:
    return {
        key: value
        for key, value in run.settings.items()
        if key not in REPEATS and key.split(".")[0] not in UNCOMPARED
    }


def differences(groups: Sequence[Group]) -> dict[str, list[str]]:
    """Key -> its value in each group, for what differs between them: choices first, then single keys.

    Of keys that always move together (`epochs` and `plan.phases.0.epochs`) the shortest stands for all.
    """
    choices = _choices([group.runs[0] for group in groups])
    configs = [_compared(group.runs[0]) for group in groups]
    found = dict(choices)
    seen = {tuple(values) for values in choices.values()}
    for key in sorted(_differing(configs), key=_nearness):
        values = [config.get(key, ABSENT) for config in configs]
        chosen = key.endswith("._target_") or key == "experiment"
        if tuple(values) not in seen and not (chosen and choices):
            found[key] = values
            seen.add(tuple(values))
    return found


def _choices(firsts: Sequence[Record]) -> dict[str, list[str]]:
    """Configuration group -> the option each took, where these differ; the policy first."""
    taken = [run.facts.get("choices") or {} for run in firsts]
    names = sorted({name for choices in taken for name in choices}, key=lambda name: (name != "policy", name))
    table = {name: [str(choices.get(name) or ABSENT) for choices in taken] for name in names}
    return {name: values for name, values in table.items() if len(set(values)) > 1}


def _differing(configs: Sequence[dict[str, str]]) -> list[str]:
    keys = {key for config in configs for key in config}
    return [key for key in keys if len({config.get(key, ABSENT) for config in configs}) > 1]


def _nearness(key: str) -> tuple[bool, int, str]:
    """Keys that a user sets come before those that the plan repeats; short before long."""
    return key.startswith("plan."), key.count("."), key


def _labels(configs: list[dict[str, str]], firsts: Sequence[Record]) -> list[str]:
    choices = {name: values for name, values in _choices(firsts).items() if name != "experiment"}
    parts = [[values[i] for values in choices.values() if values[i] != ABSENT] for i in range(len(firsts))]
    while True:
        labels = [", ".join(part) or _own_name(run) for part, run in zip(parts, firsts, strict=True)]
        twin = next((label for label in labels if labels.count(label) > 1), None)
        if twin is None:
            return labels
        same = [i for i, label in enumerate(labels) if label == twin]
        key = _telling([configs[i] for i in same])
        for i in same:
            parts[i].append(f"{key}={configs[i].get(key, ABSENT)}")


def _own_name(run: Record) -> str:
    return str(run.facts.get("policy") or (run.facts.get("choices") or {}).get("policy") or "run")


def _telling(configs: list[dict[str, str]]) -> str:
    """The key that tells most of these configurations apart."""
    keys = sorted(_differing(configs), key=_nearness)
    return max(keys, key=lambda key: len({config.get(key, ABSENT) for config in configs}))
