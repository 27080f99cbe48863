"""A run directory while a process works in it: its lock, its log, and the record of its state in run.json."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from clrx.core.errors import FULL, RunError, UserError
from clrx.core.files import LONGEST, is_part, open_own, read_bytes, remove_parts, write_json, write_text
from clrx.core.lock import acquire, holder, no_locks
from clrx.core.output import visible
from clrx.core.signals import Interrupted, signal_behind
from clrx.run.read import FORMAT, RunState, damaged, read_config, read_facts, sound_facts, threads_of
from clrx.run.resume_guard import difference, refuse_changes, refuse_moved

log = logging.getLogger("clrx")
FOLDERS = (
    "checkpoint",
    "good",
    "weights",
    "figures",
    "find_lr",
    "find_lr/figures",
    "tensorboard",
)  # of clrx in a run directory
APPENDED = ("lock", "train.log", "screen.log")  # files that are written to, not replaced
BEGUN = (".error", "config.yaml", ".DS_Store", "lost+found")
FIX = "hydra.run.dir=DIR names another directory"


class Diverged(RunError):
    """The loss or a gradient became non-finite; the run ends in the state `diverged`."""


@dataclass(frozen=True)
class Run:
    """A run directory, locked by this process until it is closed."""

    path: Path

    @property
    def record(self) -> dict[str, Any]:
        """run.json, as it is now."""
        return sound_facts(self.path)

    def note(self, **facts: Any) -> None:
        """Put facts into run.json."""
        write_json(self.path / "run.json", {**self.record, **facts})


@contextmanager
def open_run(path: Path, config: dict[str, Any], facts: dict[str, Any]) -> Iterator[Run]:
    """Create or continue a run directory and hold it locked; how the block ends becomes the run's state.

    config: plain and resolved. facts: for run.json. Raises UserError where another process holds the lock, where the
    directory holds something else, or its run had another configuration, other data or another kind of device.
    """
    require_own(path)
    with held(path) as run, _logging_to(path / "train.log"):
        for folder in (path, *(path / name for name in FOLDERS)):
            remove_parts(folder)
        _start_record(run, config, facts)
        try:
            yield run
        except BaseException as error:
            _end_record(run, error)
            raise
        run.note(state=RunState.COMPLETE, finished=now())


@contextmanager
def held(path: Path) -> Iterator[Run]:
    """A run directory, made where there is none, and locked; UserError where it cannot be, or is another process's."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = acquire(path / "lock", wait=False)
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the run directory cannot be written: {error.strerror}"
        raise no_locks(error, path, FIX) or UserError(what, where=str(path), fix=FIX) from error
    if lock is None:
        by = holder(path / "lock")
        what = "another process is running in this run directory" + (f": {by}" if by else "")
        raise UserError(
            what, where=str(path), fix="wait for it, or choose another directory with hydra.run.dir=DIR"
        )
    try:
        yield Run(path)
    finally:
        os.close(lock)


def record_failure(path: Path, error: str, config: dict[str, Any], facts: dict[str, Any]) -> None:
    """Record the failure of a run that could not do so itself: it was killed, or failed before it was opened.

    config, facts: for config.yaml and run.json, as far as these do not say it already.
    """
    if (path / "run.json").exists() and not read_facts(path):
        return  # damaged: it stays for people to look at
    if not (path / "config.yaml").exists():
        write_config(path, config)
    ended = {"state": RunState.FAILED, "finished": now(), "error": error}
    write_json(path / "run.json", {"format": FORMAT, **facts, **read_facts(path), **ended})


def require_own(path: Path) -> None:
    """UserError where a directory holds what no run has written, or a link where a run has a folder of its own."""
    for name in (*FOLDERS, *APPENDED):
        own = path / name
        is_one = own.is_dir() if name in FOLDERS else own.is_file()
        if own.is_symlink() or (own.exists() and not is_one):
            kind = "folder" if name in FOLDERS else "file"
            what = f"{name} in this run directory is no {kind} of its own, and a run writes nothing outside"
            raise UserError(what, where=str(own), fix=f"remove it, or {FIX}")
    if (path / "run.json").exists() or not path.is_dir():
        return
    if foreign := [one.name for one in path.iterdir() if not _may_be_there(one)]:
        what = f"this directory holds something else and no run: {', '.join(sorted(foreign)[:3])}"
        raise UserError(what, where=str(path), allowed="a directory that is empty, new, or of a run", fix=FIX)


def _may_be_there(path: Path) -> bool:
    """Whether a run that was killed at its start, a file system or a shell's redirection leaves a file of this name."""
    name = path.name
    if name in (*APPENDED, *BEGUN) or is_part(name):
        return True
    return path.suffix in (".log", ".out", ".err") or name.startswith(".nfs")


def require_checkpoint(path: Path) -> None:
    """UserError where a run that is to be continued has steps on record and no checkpoint: it would begin anew."""
    names = ("latest.ckpt", "previous.ckpt")
    if any((path / "checkpoint" / name).is_file() for name in names) or not (path / "steps.csv").exists():
        return
    if len(read_bytes(path / "steps.csv", LONGEST).splitlines()) > 1:
        what = "this run has steps on record but its checkpoint/ is missing: continued, it would begin anew"
        fix = "bring checkpoint/ back, or start the run again in a new directory (hydra.run.dir=DIR)"
        raise UserError(what, where=str(path / "checkpoint"), fix=fix)


def _start_record(run: Run, config: dict[str, Any], facts: dict[str, Any]) -> None:
    refuse_other_run(run.path, config)
    require_checkpoint(run.path)
    before = run.record if (run.path / "run.json").exists() else {"started": now()}
    notes = [*before.get("notes", []), *facts.get("notes", [])]
    if (run.path / "checkpoint").exists():
        refuse_moved(before, facts, run.path)
        notes += filter(None, [difference(before, facts)])
    notes = list(dict.fromkeys(notes))  # a run keeps what it has said, also of a backoff
    known = read_config(run.path) if (run.path / "config.yaml").exists() else {}
    if not known or known.get("precision") == "auto":  # of a run that ended before anything was chosen
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
    except (
        OSError,
        UserError,
    ) as full:  # the disk that ended the run, or it was moved; the first error is shown
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
    file = open_own(path, os.O_WRONLY | os.O_APPEND)
    handler = logging.StreamHandler(open(file, "a", encoding="utf-8", errors="backslashreplace"))  # noqa: PTH123, SIM115
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk ends the run elsewhere
    formatter = _Formatter("%(asctime)s %(levelname)s %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
        with suppress(OSError):
            handler.stream.close()


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def now() -> str:
    """The present moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
