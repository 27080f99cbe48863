"""A run directory: the unit of truth. Its state, its lock and its record."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import yaml

from clrx.core.errors import FULL, RunError, UserError
from clrx.core.files import read_json, remove_parts, write_json, write_text
from clrx.core.signals import Interrupted, signal_behind
from clrx.run.resume_guard import difference, refuse_changes, refuse_moved

log = logging.getLogger("clrx")
STATES = ("running", "complete", "failed", "diverged", "interrupted")


class Diverged(RunError):
    """The loss or a gradient became non-finite; the run ends in the state `diverged`."""


@dataclass(frozen=True)
class Run:
    """An opened run directory, locked by this process until it is closed."""

    path: Path
    lock: IO[str]

    @property
    def record(self) -> dict[str, Any]:
        """run.json as it stands."""
        return read_json(self.path / "run.json")

    def note(self, **facts: Any) -> None:
        """Put facts into run.json."""
        write_json(self.path / "run.json", {**self.record, **facts})


def state_of(path: Path) -> str | None:
    """The state recorded in a run directory; None when there is no record."""
    try:
        return read_json(path / "run.json")["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def open_run(path: Path, config: dict[str, Any], facts: dict[str, Any]) -> Iterator[Run]:
    """Create or continue a run directory and hold it locked; its end becomes its state.

    `config` is the resolved configuration, for config.yaml; `facts` go into run.json. Raises UserError where another
    process holds the lock, or the directory's run had another configuration.
    """
    run = Run(path, _locked(path))
    with run.lock, _logging_to(path / "train.log"):
        remove_parts(path)
        _start_record(run, config, facts)
        try:
            yield run
        except BaseException as error:
            _end_record(run, error)
            raise
        run.note(state="complete", finished=now())


@contextmanager
def held(path: Path) -> Iterator[Run]:
    """An existing run directory, locked, for a change of its record while nothing runs in it."""
    run = Run(path, _locked(path))
    with run.lock:
        yield run


def _locked(path: Path) -> IO[str]:
    """An exclusive lock that the system releases when the process ends, however it ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = (path / "lock").open("a")  # not "w": the holder's process id is for people to read
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the run directory cannot be written: {error.strerror}"
        raise UserError(what, where=str(path), fix="hydra.run.dir=DIR names another place") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        fix = "wait for it, or choose another directory with hydra.run.dir=DIR"
        raise UserError(
            "another process is running in this run directory", where=str(path), fix=fix
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _start_record(run: Run, config: dict[str, Any], facts: dict[str, Any]) -> None:
    refuse_other_run(run.path, config)
    before = run.record if (run.path / "run.json").exists() else {"started": now()}
    notes = [*before.get("notes", []), *facts.get("notes", [])]
    if (run.path / "checkpoint").exists():
        refuse_moved(before, facts, run.path)
        notes += filter(None, [difference(before, facts)])
    notes = list(dict.fromkeys(notes))  # a run keeps what it has said, also of a backoff
    if not (run.path / "config.yaml").exists():
        write_config(run.path, config)
    begun = {"state": "running", "finished": None, "error": None}
    write_json(run.path / "run.json", {**before, **facts, "notes": notes, **begun})


def _end_record(run: Run, error: BaseException) -> None:
    state, end = "failed", signal_behind(error) or error
    if isinstance(end, Interrupted | KeyboardInterrupt):
        state = "interrupted"
    elif isinstance(end, Diverged):
        state = "diverged"
    message = str(end) or type(end).__name__
    try:
        _write_end(run, error, state, message)
    except Interrupted:  # a second signal: the record of the end takes no time and is begun again
        _write_end(run, error, state, message)


def _write_end(run: Run, error: BaseException, state: str, message: str) -> None:
    log.error("%s: %s", state, message, exc_info=error)
    try:
        run.note(state=state, finished=now(), error=message)
    except OSError as full:  # the disk that ended the run; its own error is the one to show
        log.error("the state could not be written: %s", full, exc_info=full)


def write_config(path: Path, config: dict[str, Any]) -> None:
    """Write config.yaml of a run directory."""
    write_text(path / "config.yaml", yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def refuse_other_run(path: Path, config: dict[str, Any]) -> None:
    """UserError where the directory holds a run of another configuration; nothing where it holds none."""
    if (path / "config.yaml").exists():
        recorded = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        refuse_changes(recorded, config, path, threads_of(path))


def threads_of(path: Path) -> int | None:
    """The CPU threads that the run in a directory has been trained with; None before it has begun."""
    try:
        return read_json(path / "run.json")["hardware"]["threads"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk ends the run elsewhere
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with suppress(OSError):
            handler.close()


def now() -> str:
    """The present moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
