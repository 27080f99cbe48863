"""Runs that differ in their seed alone are a group, which is named by what distinguishes it from the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clrx.report.formatting import NOTHING
from clrx.run.read import Record, RunState
from clrx.run.resume_guard import FREE

REPEATS = ("seed", "split.fold")  # keys whose values make repetitions of one configuration
ABSENT = NOTHING  # in place of the value of a key that a configuration does not have
Repetition = tuple[Any, ...]  # (seed,) or (seed, fold): runs of two groups with the same one are a pair


@dataclass(frozen=True)
class Group:
    """The runs of one configuration."""

    label: str
    runs: tuple[Record, ...]  # every run, whatever its state, by seed, then as they were started

    @property
    def complete(self) -> dict[Repetition, Record]:
        """The complete runs by seed (and fold); of two with the same ones, the one that was started last."""
        return {repetition_of(run): run for run in self.runs if run.state == RunState.COMPLETE}


def repetition_of(run: Record) -> Repetition:
    return (run.seed,) if run.fold is None else (run.seed, run.fold)


def repetition_name(repetition: Repetition) -> str:
    """A repetition in words: `seed 1`, `seed 1, fold 0`."""
    seed, *fold = repetition
    return f"seed {seed}" + (f", fold {fold[0]}" if fold else "")


def group_runs(runs: Sequence[Record]) -> list[Group]:
    """The groups, in the order in which their first runs were started; unreadable runs are in none."""
    members: dict[tuple, list[Record]] = {}
    for run in sorted(runs, key=lambda run: (run.facts.get("started") or "", run.name)):
        if run.config:
            members.setdefault(tuple(sorted(_compared(run).items())), []).append(run)
    labels = _labels([dict(key) for key in members], [group[0] for group in members.values()])
    return [
        Group(label, tuple(sorted(group, key=_in_order)))
        for label, group in zip(labels, members.values(), strict=True)
    ]


def _in_order(run: Record) -> tuple:
    """A key that sorts runs by seed and fold: whole numbers first, then everything else as text."""
    parts = repetition_of(run)
    return tuple((not isinstance(part, int), part if isinstance(part, int) else str(part)) for part in parts)


def _compared(run: Record) -> dict[str, str]:
    """The settings that make a configuration another one: all but the seed and those that change no result."""
    return {
        key: value
        for key, value in run.settings.items()
        if key not in REPEATS and key.split(".")[0] not in FREE
    }


def differences(groups: Sequence[Group]) -> dict[str, list[str]]:
    """Key -> its value in each group, for what differs between them: choices first, then single keys.

    Of keys that always change together (`epochs` and `plan.phases.0.epochs`) only the shortest is given.
    """
    choices = _choices([group.runs[0] for group in groups])
    configs = [_compared(group.runs[0]) for group in groups]
    found = dict(choices)
    seen = {tuple(values) for values in choices.values()}
    for key in sorted(_differing(configs), key=_prominence):
        values = [config.get(key, ABSENT) for config in configs]
        is_chosen = key.endswith("._target_") or key == "experiment"
        if tuple(values) not in seen and not (is_chosen and choices):
            found[key] = values
            seen.add(tuple(values))
    return found


def _choices(firsts: Sequence[Record]) -> dict[str, list[str]]:
    """Configuration group -> the option that each run chose, where these differ; the policy first."""
    chosen = [run.choices for run in firsts]
    names = sorted(
        {name for choices in chosen for name in choices}, key=lambda name: (name != "policy", name)
    )
    table = {name: [str(choices.get(name) or ABSENT) for choices in chosen] for name in names}
    return {name: values for name, values in table.items() if len(set(values)) > 1}


def _differing(configs: Sequence[dict[str, str]]) -> list[str]:
    keys = {key for config in configs for key in config}
    return [key for key in keys if len({config.get(key, ABSENT) for config in configs}) > 1]


def _prominence(key: str) -> tuple[bool, int, str]:
    """A key that sorts keys that a user sets before those that the plan repeats, short before long."""
    return key.startswith("plan."), key.count("."), key


def _labels(configs: list[dict[str, str]], firsts: Sequence[Record]) -> list[str]:
    """A different label for each group: the choices that differ, and as many single keys as it takes."""
    choices = {name: values for name, values in _choices(firsts).items() if name != "experiment"}
    parts = [[values[i] for values in choices.values() if values[i] != ABSENT] for i in range(len(firsts))]
    policies = [str(run.facts.get("policy") or run.choices.get("policy") or "run") for run in firsts]
    while True:
        labels = [", ".join(part) or policy for part, policy in zip(parts, policies, strict=True)]
        shared = next((label for label in labels if labels.count(label) > 1), None)
        if shared is None:
            return labels
        same = [i for i, label in enumerate(labels) if label == shared]
        key = _most_telling([configs[i] for i in same])
        for i in same:
            parts[i].append(f"{key}={configs[i].get(key, ABSENT)}")


def _most_telling(configs: list[dict[str, str]]) -> str:
    """The key that distinguishes most of these configurations."""
    keys = sorted(_differing(configs), key=_prominence)
    return max(keys, key=lambda key: len({config.get(key, ABSENT) for config in configs}))
