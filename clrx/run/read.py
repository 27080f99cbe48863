"""What a run directory holds, read back: of one run or of many, whatever became of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from clrx.core.errors import ClrxError, UserError
from clrx.core.files import read_json, read_table
from clrx.core.lock import is_held
from clrx.run.resume_guard import leaves

if TYPE_CHECKING:  # a sweep asks for states alone, and does without pandas
    import pandas as pd

    from clrx.run.scores import Scores

FORMAT = (
    1  # of the files of a run directory, in run.json; 0.1 wrote none. Raised when old readers would misread
)


class RunState(StrEnum):
    """The states that run.json records."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Record:
    """One run directory. A run can be killed at any moment: every part but the path may be missing, and is then empty.

    The parts are read when they are first asked for, and then kept.
    """

    path: Path
    name: str  # the path below the folder that all runs read with it share
    state: str  # a RunState, or `killed` (recorded as running, but nothing holds its lock), or `unreadable`
    facts: dict[str, Any]  # run.json

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.yaml."""
        return read_config(self.path)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json."""
        return _mapping(self.path / "metrics.json")

    @cached_property
    def suggestions(self) -> dict[str, Any]:
        """suggestions.json of a range test: its bounds, its verdict and what every rule says."""
        return _mapping(self.path / "suggestions.json")

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """epochs.csv: a row an epoch."""
        return read_table(self.path / "epochs.csv")

    @cached_property
    def steps(self) -> "pd.DataFrame":
        """steps.csv: a row an optimizer step."""
        return read_table(self.path / "steps.csv")

    @cached_property
    def scores(self) -> "Scores | None":
        """Labels, scores and decisions of the test set; None where they are missing or damaged."""
        from clrx.run.scores import read_scores

        try:
            return read_scores(self.path, self.facts, self.metrics)
        except (ClrxError, ValueError, OSError, KeyError):
            return None

    @cached_property
    def settings(self) -> dict[str, str]:
        """config.yaml: dotted key -> value as text, without a disease that the dataset does not read."""
        texts = as_text(self.config)
        return {key: text for key, text in texts if self.disease or key.split(".")[0] != "disease"}

    @property
    def choices(self) -> dict[str, Any]:
        """Configuration group -> the option chosen, without a disease that the dataset does not read."""
        chosen = self.facts.get("choices") or {}
        return {name: option for name, option in chosen.items() if self.disease or name != "disease"}

    @property
    def disease(self) -> str | None:
        """The disease that the dataset's images are chosen by; None for a dataset that reads none."""
        asked, read = self.config.get("disease") or {}, (self.config.get("dataset") or {}).get("label")
        is_read = read is not None and read == asked.get("label")
        return (self.facts.get("choices") or {}).get("disease") if is_read else None

    @property
    def seed(self) -> Any:
        return self.config.get("seed", self.facts.get("seed"))

    @property
    def fold(self) -> Any:
        """The fold of a k-fold split; None without one."""
        return (self.config.get("split") or {}).get("fold")

    def test_entry(self, metric: str) -> dict[str, Any]:
        """A metric of the test set: `value`, and `low` and `high` where it has an interval; empty without it."""
        return (self.metrics.get("test") or {}).get(metric) or {}

    def test(self, metric: str) -> float | None:
        """The value of a metric of the test set; None where it has none."""
        return self.test_entry(metric).get("value")


def collect(paths: Sequence[Path]) -> list[Record]:
    """Every run at or below `paths`, once, by path. UserError where a path does not exist or holds no run."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UserError("there is no such directory", where=str(path), fix="clrx report DIR...")
        runs = sorted(_runs_below(path))
        if not runs:
            fix = "give the directory of a run, of a sweep, or one that holds some"
            raise UserError("no run is here: no directory has a run.json", where=str(path), fix=fix)
        found |= dict.fromkeys(run.resolve() for run in runs)
    shared = next(iter(found)).parent
    while not all(run.is_relative_to(shared) and run != shared for run in found):
        shared = shared.parent
    return [read_run(run, str(run.relative_to(shared))) for run in found]


def _runs_below(path: Path) -> Iterator[Path]:
    if (path / "run.json").exists():
        yield path
        return
    for file in path.rglob("run.json"):
        yield file.parent


def read_run(path: Path, name: str | None = None) -> Record:
    """The record of one run directory. UserError where a newer clrx wrote it."""
    facts = read_facts(path)
    state = facts.get("state", "unreadable")
    if state == RunState.RUNNING and not is_held(path / "lock"):
        state = "killed"
    return Record(path, name or path.name, state, facts)


def require_run(path: Path) -> Record:
    """The record of the run that a command names. UserError where it is none, or cannot be read."""
    files = ("config.yaml", "run.json")
    if not all((path / name).is_file() for name in files):
        what = f"{path} is not the directory of a run"
        raise UserError(what, allowed="a directory with config.yaml and run.json")
    run = read_run(path)
    for name, is_whole in zip(files, (run.config, isinstance(run.facts.get("choices"), dict)), strict=True):
        if not is_whole:
            raise damaged(path / name)
    return run


def damaged(file: Path) -> UserError:
    """The error for a file that a run cannot be continued without."""
    fix = "start the run again in a new directory"
    return UserError(f"{file.name} of this run cannot be read: it is damaged", where=str(file), fix=fix)


def state_of(path: Path) -> RunState | None:
    """The state recorded in a run directory; None where there is no record."""
    try:
        return RunState(read_facts(path)["state"])
    except (KeyError, ValueError):
        return None


def threads_of(path: Path) -> int | None:
    """The CPU threads that the run in a directory has been trained with; None before it has begun."""
    return (read_facts(path).get("hardware") or {}).get("threads")


def read_facts(path: Path) -> dict[str, Any]:
    """run.json of a run directory; empty where it is missing or damaged. UserError where a newer clrx wrote it."""
    facts = _mapping(path / "run.json")
    version = facts.get("format", FORMAT)
    if not isinstance(version, int) or version > FORMAT:
        what = (
            f"a newer clrx has written this run: its format is {version}, the newest known here is {FORMAT}"
        )
        raise UserError(what, where=str(path / "run.json"), fix="pip install --upgrade clrx")
    return facts


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as configurations are written by hand: 1e-3 is a number, 2020-01-01 is text."""


_Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_config(path: Path) -> dict[str, Any]:
    """config.yaml of a run directory; empty where it is missing or damaged."""
    try:
        found = yaml.load((path / "config.yaml").read_text(encoding="utf-8"), _Loader)
    except Exception:  # cut off, or no YAML at all: PyYAML has an exception for each way
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def as_text(node: Any) -> Iterator[tuple[str, str]]:
    """(dotted key, value as a command line has it) of everything in a configuration: null, true, 0.1."""
    for key, value in leaves(node):
        if value is None or isinstance(value, bool):
            yield key, "null" if value is None else str(value).lower()
        else:
            yield key, f"{value:g}" if isinstance(value, float) else str(value)
