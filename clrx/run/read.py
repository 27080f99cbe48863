"""Run directories, read back: what is recorded of each, whatever became of it, and which belong together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from clrx.core.errors import ClrxError, UserError
from clrx.core.files import read_json
from clrx.core.lock import is_held
from clrx.plot.curves import read_table
from clrx.run.scores import Scored, read_scored


@dataclass(frozen=True)
class Record:
    """What one run directory says. Everything but the path may be missing: a run can die at any moment."""

    path: Path
    name: str  # the path below the folder that all compared runs share
    state: str  # running | complete | failed | diverged | interrupted | killed | unreadable
    facts: dict[str, Any]  # run.json
    config: dict[str, Any]  # config.yaml
    metrics: dict[str, Any]  # metrics.json

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """epochs.csv; empty where there is none."""
        return read_table(self.path / "epochs.csv")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """steps.csv; empty where there is none."""
        return read_table(self.path / "steps.csv")

    @cached_property
    def scored(self) -> Scored | None:
        """Labels, scores and decisions of the test set; None where they are missing or damaged."""
        try:
            return read_scored(self.path)
        except (ClrxError, ValueError, OSError, KeyError):
            return None

    @property
    def seed(self) -> Any:
        return self.config.get("seed", self.facts.get("seed"))

    @property
    def fold(self) -> Any:
        """The fold of a k-fold split; None without one."""
        return (self.config.get("split") or {}).get("fold")

    def test(self, metric: str) -> float | None:
        """A metric of the test set; None where it has no value."""
        return ((self.metrics.get("test") or {}).get(metric) or {}).get("value")


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
    top = _shared_folder(list(found))
    return [read_run(run, str(run.relative_to(top))) for run in found]


def _runs_below(path: Path) -> Iterator[Path]:
    if (path / "run.json").exists():
        yield path
        return
    for file in path.rglob("run.json"):
        yield file.parent


def _shared_folder(runs: list[Path]) -> Path:
    """The deepest folder above all runs."""
    shared = runs[0].parent
    while not all(run.is_relative_to(shared) and run != shared for run in runs):
        shared = shared.parent
    return shared


def read_run(path: Path, name: str | None = None) -> Record:
    """One run directory. A missing or damaged file leaves its part empty; no run.json: `unreadable`."""
    facts = _json(path / "run.json")
    state = facts.get("state", "unreadable")
    if state == "running" and not is_held(path / "lock"):
        state = "killed"
    return Record(path, name or path.name, state, facts, _config(path), _json(path / "metrics.json"))


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _config(path: Path) -> dict[str, Any]:
    try:
        found = OmegaConf.to_container(OmegaConf.load(path / "config.yaml"))
    except Exception:  # cut off, or no YAML at all: OmegaConf and PyYAML have an exception for each way
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
