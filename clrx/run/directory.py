"""A run directory while a process works in it: its lock, its log, and the record of its state in run.json."""

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

import yaml  # type: ignore[import-untyped]

from clrx.core.errors import FULL, RunError, UserError
from clrx.core.files import read_json, remove_parts, write_json, write_text
from clrx.core.signals import Interrupted, signal_behind
from clrx.run.read import FORMAT, RunState, damaged, read_config, read_facts, threads_of
from clrx.run.resume_guard import difference, refuse_changes, refuse_moved

log = logging.getLogger("clrx")
log = logging.getLogger("clrx")


class Diverged(RunError):
    """The loss or a gradient became non-finite; the run ends in the state `diverged`."""


@dataclass(frozen=True)
class Run:
    """A run directory, locked by this process until it is closed."""

    path: Path
    lock: IO[str]

    @property
    def record(self) -> dict[str, Any]:
        """run.json, as it is now."""
        return read_json(self.path / "run.json")

    def note(self, **facts: Any) -> None:
        """Put facts into run.json."""
        write_json(self.path / "run.json", {**self.record, **facts})


@contextmanager
def open_run(path: Path, config: dict[str, Any], facts: dict[str, Any]) -> Iterator[Run]:
    """Create or continue a run directory and hold it locked; how the block ends becomes the run's state.

    config: plain and resolved. facts: for run.json. Raises UserError where another process holds the lock, or the
    directory's run had another configuration, other data or another kind of device.
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
        run.note(state=RunState.COMPLETE, finished=now())


@contextmanager
def held(path: Path) -> Iterator[Run]:
    """An existing run directory, locked, for a change of its record while nothing runs in it."""
    run = Run(path, _locked(path))
    with run.lock:
        yield run


def record_failure(path: Path, error: str, config: dict[str, Any], facts: dict[str, Any]) -> None:
    """Record the failure of a run that could not do so itself: it was killed, or failed before it was opened.

    config, facts: for config.yaml and run.json, as far as these do not say it already.
    """
    if not (path / "config.yaml").exists():
        write_config(path, config)
    ended = {"state": RunState.FAILED, "finished": now(), "error": error}
    write_json(path / "run.json", {"format": FORMAT, **facts, **read_facts(path), **ended})


def _locked(path: Path) -> IO[str]:
    """An exclusive lock that the system releases when the process ends, however it ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = (path / "lock").open("a")  # not "w": the holder's process id is for people to read
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the run directory cannot be written: {error.strerror}"
        raise UserError(what, where=str(path), fix="hydra.run.dir=DIR names another directory") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        what = "another process is running in this run directory"
        fix = "wait for it, or choose another directory with hydra.run.dir=DIR"
        raise UserError(what, where=str(path), fix=fix) from error
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
    begun = {"state": RunState.RUNNING, "finished": None, "error": None}
    write_json(run.path / "run.json", {"format": FORMAT, **before, **facts, "notes": notes, **begun})


def _end_record(run: Run, error: BaseException) -> None:
    state, end = RunState.FAILED, signal_behind(error) or error
    if isinstance(end, Interrupted | KeyboardInterrupt):
        state = RunState.INTERRUPTED
    elif isinstance(end, Diverged):
        state = RunState.DIVERGED
    message = str(end) or type(end).__name__
    try:
        _write_end(run, error, state, message)
    except Interrupted:  # a second signal: the record of the end takes no time and is begun again
        _write_end(run, error, state, message)


def _write_end(run: Run, error: BaseException, state: RunState, message: str) -> None:
    log.error("%s: %s", state, message, exc_info=error)
    try:
        run.note(state=state, finished=now(), error=message)
    except OSError as full:  # the disk that ended the run; its own error is the one to show
        log.error("the state could not be written: %s", full, exc_info=full)


def refuse_other_run(path: Path, config: dict[str, Any]) -> None:
    """UserError where the directory holds a run of another configuration, or of a newer clrx; else nothing."""
    threads = threads_of(path)
    if (path / "config.yaml").exists():
        recorded = read_config(path)
        if not recorded:
            raise damaged(path / "config.yaml")
        refuse_changes(recorded, config, path, threads)


class _Dumper(yaml.SafeDumper):
    """Text that another reader would take for a number (1e5, inf) is quoted; nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        quoted = False
        with suppress(ValueError):
            quoted = float(value) is not None
        return self.represent_scalar("tag:yaml.org,2002:str", value, style="'" if quoted else None)


_Dumper.add_representer(str, _Dumper.text)


def write_config(path: Path, config: dict[str, Any]) -> None:
    """Write config.yaml of a run directory: a plain and resolved configuration, its keys in their order."""
    write_text(path / "config.yaml", yaml.dump(config, Dumper=_Dumper, allow_unicode=True, sort_keys=False))


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
