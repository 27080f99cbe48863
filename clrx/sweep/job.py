"""One run of a sweep: its name, its directory, its error, and the validation metric that a search is told."""

import hashlib
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from clrx.core.errors import FULL, UserError
from clrx.core.files import read_rows
from clrx.core.lock import acquire, no_locks
from clrx.run.read import RunState, read_config, read_facts, state_of
from clrx.schedule.stretch import scaled_mark
from clrx.training.selection import best_epoch, column_of, oriented

FINAL = (RunState.COMPLETE, RunState.FAILED, RunState.DIVERGED)  # only a retry asked for starts these again
LONGEST = 100  # characters of a directory's name
PLAIN = re.compile(r"[+~]*[A-Za-z0-9_.@]+=[A-Za-z0-9_.+-]+")


@dataclass(frozen=True)
class Job:
    """A run that a sweep asks for."""

    name: str
    overrides: tuple[str, ...]  # of `clrx train`
    sweep: Path  # directory of the sweep, absolute

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.sweep / self.name

    @property
    def claim(self) -> Path:
        """The file that a sweep locks from before the job's process starts until its end is recorded."""
        return self.sweep / ".claims" / self.name

    @property
    def error_file(self) -> Path:
        """The file where the job's process leaves the message of the error that ends it."""
        return self.path / ".error"


@contextmanager
def claimed(path: Path) -> Iterator[int | None]:
    """Hold a claim of a sweep while the block runs: its descriptor, or None where another process holds it."""
    fix = "hydra.sweep.dir=DIR names another directory"
    if path.parent.is_symlink():
        what = "the claims of this sweep are a link: a sweep writes nothing outside of its directory"
        raise UserError(what, where=str(path.parent), fix=f"remove it, or {fix}")
    try:
        claim = acquire(path, wait=False)
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the directory of the sweep cannot be written: {error.strerror}"
        raise no_locks(error, path, fix) or UserError(what, where=str(path), fix=fix) from error
    try:
        yield claim
    finally:
        if claim is not None:
            os.close(claim)


def job_of(about: Any, overrides: Iterable[str]) -> Job:
    """The job of one run's overrides, given the `hydra` node of the sweep's configuration."""
    words = tuple(word for word in overrides if not word.startswith(("hydra.", "hydra/")))
    constant = set(about.job.config.override_dirname.exclude_keys)
    return Job(run_name(words, constant), words, (Path(about.runtime.cwd) / about.sweep.dir).absolute())


def run_name(overrides: Iterable[str], constant: Collection[str]) -> str:
    """The name of a run's directory: its overrides whose keys are not `constant`, sorted, e.g. `policy=sgdr_seed=0`.

    Two sets of values never have one name: where they make no plain or short name, eight digits of their SHA-256
    end it.
    """
    words = sorted(word for word in overrides if word.partition("=")[0].lstrip("+~") not in constant)
    name = "_".join(words) or "run"
    if len(name) <= LONGEST and all(PLAIN.fullmatch(word) for word in words):
        return name
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9_.=+-]+", "-", name)[: LONGEST - 9].strip("-.") + f"-{digest}"


def error_of(path: Path) -> str:
    """The first line of the error that a run recorded; empty without one."""
    return str(read_facts(path).get("error") or "").partition("\n")[0]


def config_of(path: Path) -> dict[str, Any]:
    """config.yaml of a run; empty before it is written."""
    file = path / "config.yaml"
    return _read_config(path, file.stat().st_mtime_ns) if file.exists() else {}


@lru_cache(maxsize=256)  # a sweep's progress asks every second
def _read_config(path: Path, changed: int) -> dict[str, Any]:
    return read_config(path)


def value_of(path: Path) -> float:
    """The validation metric that a run was selected by, at its best epoch; at its last under `selection: last`.

    NaN for a run that is not complete, and where it has no value.
    """
    if state_of(path) != RunState.COMPLETE:
        return math.nan
    column = metric_of(path)
    values = [float(row[column]) if row[column] else None for row in read_rows(path / "epochs.csv")]
    if not values:
        return math.nan
    is_last = config_of(path).get("selection") == "last"
    value = values[-1 if is_last else best_epoch(oriented(column, values))]
    return math.nan if value is None else value


def shown_value(path: Path) -> str:
    """The validation metric of a complete run as a sweep shows it, e.g. `val_auroc 0.9123`; "" where it has no value.

    A scaled-down run is marked.
    """
    value, mark = value_of(path), scaled_mark(config_of(path).get("scale"))
    found = "" if math.isnan(value) else f"{metric_of(path)} {value:.4f}"
    return f"{found}  {mark}".strip()


def metric_of(path: Path) -> str:
    """The column of epochs.csv that a run is selected by."""
    task = str(read_facts(path).get("task", "binary"))
    return column_of(str(config_of(path).get("selection_metric", "auto")), task)
