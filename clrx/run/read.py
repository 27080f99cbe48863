"""What a run directory holds, read back: of one run or of many, whatever became of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from clrx.core.errors import ClrxError, UserError, first_line
from clrx.core.files import read_json, read_table, read_text
from clrx.core.lock import is_held
from clrx.run.form import FORMS, misfit
from clrx.run.resume_guard import leaves

if TYPE_CHECKING:  # a sweep asks for states alone, and does without pandas
    import pandas as pd

    from clrx.run.scores import Scores

FORMAT = (
    1  # of the files of a run directory, in run.json; 0.1 wrote none. Raised when old readers would misread
)
LARGEST_CONFIG = 4 << 20  # bytes of config.yaml
MOST_NODES = 200_000  # values in it


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
        return _sound(self.path / "metrics.json")

    @cached_property
    def suggestions(self) -> dict[str, Any]:
        """suggestions.json of a range test: its bounds, its verdict and what every rule says."""
        return _sound(self.path / "suggestions.json")

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """epochs.csv: a row an epoch; empty where it is missing or damaged."""
        return _numbers(self.path / "epochs.csv", besides=("phase",))[0]

    @cached_property
    def steps(self) -> "pd.DataFrame":
        """steps.csv: a row an optimizer step; empty where it is missing or damaged."""
        return _numbers(self.path / "steps.csv")[0]

    @cached_property
    def damage(self) -> str:
        """Which file cannot be read, and why; empty where all that are there can. steps.csv is not looked into."""
        found = (_damage(self.path / name) for name in FORMS)
        return next(filter(None, (*found, _numbers(self.path / "epochs.csv", besides=("phase",))[1])), "")

    @cached_property
    def scores(self) -> "Scores | None":
        """Labels, scores and decisions of the test set; None where they are missing or damaged."""
        from clrx.run.scores import read_scores

        try:
            return read_scores(self.path, self.facts, self.metrics)
        except (ClrxError, ArithmeticError, LookupError, OSError, TypeError, ValueError):
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
    return [_read_or_named(run, str(run.relative_to(shared))) for run in found]


def _read_or_named(path: Path, name: str) -> Record:
    """`read_run`; one of a newer clrx as an unreadable one, since it takes nothing from the others."""
    try:
        return read_run(path, name)
    except ClrxError as error:
        return Record(path, name, "unreadable", {"error": error.what})


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
    why = _damage(file).removeprefix(f"{file.name}: ")
    what = f"{file.name} of this run cannot be read: it is damaged{f' ({why})' if why else ''}"
    return UserError(what, where=str(file), fix=fix)


def sound_facts(path: Path) -> dict[str, Any]:
    """`read_facts`; UserError where run.json is damaged, or another program's."""
    facts = read_facts(path)
    if not isinstance(facts.get("state"), str):
        raise damaged(path / "run.json")
    return facts


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
    facts = _sound(path / "run.json")
    version = facts.get("format", FORMAT)
    if not isinstance(version, int) or version > FORMAT:
        what = (
            f"a newer clrx has written this run: its format is {version}, the newest known here is {FORMAT}"
        )
        raise UserError(what, where=str(path / "run.json"), fix="pip install --upgrade clrx")
    return facts


def _sound(file: Path) -> dict[str, Any]:
    """The mapping in a JSON or YAML file; empty where it is missing, or damaged in any part."""
    try:
        found = _parsed(file)
    except (OSError, ValueError):
        return {}
    return {} if misfit(found, FORMS[file.name]) else found


def _damage(file: Path) -> str:
    """Why a file of a run cannot be read; empty where it can, or is not there."""
    try:
        wrong = misfit(_parsed(file), FORMS[file.name])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        wrong = getattr(error, "strerror", None) or first_line(error)
    return f"{file.name}: {wrong}" if wrong else ""


def _parsed(file: Path) -> Any:
    return read_json(file) if file.suffix == ".json" else _read_yaml(file)


def _numbers(file: Path, besides: Sequence[str] = ()) -> tuple["pd.DataFrame", str]:
    """A table of numbers (and text in some columns), and why it cannot be read; empty where it is not there."""
    import pandas as pd  # half a second, which most commands do without

    try:
        table = read_table(file)
    except (OSError, ValueError, MemoryError) as error:
        return pd.DataFrame(), f"{file.name}: {getattr(error, 'strerror', None) or first_line(error)}"
    looked_at = [name for name in table if name not in besides and len(table)]
    wrong = [name for name in looked_at if table[name].dtype.kind not in "iuf"]
    return (pd.DataFrame(), f"{file.name}: {wrong[0]} is no number") if wrong else (table, "")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as configurations are written by hand: 1e-3 is a number, 2020-01-01 is text."""


class _PlainLoader(yaml.SafeLoader):
    """The same; slower, but it takes the escapes of bytes that are no UTF-8, which the other refuses."""


for _loader in (_Loader, _PlainLoader):
    _loader.yaml_implicit_resolvers = {
        letter: [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in _loader.yaml_implicit_resolvers.items()
    }
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
    )


def read_config(path: Path) -> dict[str, Any]:
    """config.yaml of a run directory; empty where it is missing or damaged."""
    return {str(key): value for key, value in _sound(path / "config.yaml").items()}


def _read_yaml(file: Path) -> Any:
    """The value in a YAML file. ValueError where it is none, or grows by its aliases beyond what a run writes."""
    text = read_text(file, LARGEST_CONFIG)
    try:
        found = yaml.load(text, _PlainLoader if re.search(r"\\u[dD]", text) else _Loader)
        if _size(found, {}) > MOST_NODES:
            raise ValueError("its aliases make it too large")
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("nested too deep, or within itself") from None
    return found


def _size(node: Any, known: dict[int, int]) -> int:
    """How many values a node holds, those behind aliases each time they are named. RecursionError for a ring."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        inside = node.values() if isinstance(node, dict) else node
        known[id(node)] = 1 + sum(_size(one, known) for one in inside)
    return known[id(node)]


def as_text(node: Any) -> Iterator[tuple[str, str]]:
    """(dotted key, value as a command line has it) of everything in a configuration: null, true, 0.1."""
    for key, value in leaves(node):
        if value is None or isinstance(value, bool):
            yield key, "null" if value is None else str(value).lower()
        else:
            yield key, f"{value:g}" if isinstance(value, float) else str(value)
