"""A job as a process: how it starts, and how its end is recorded when it could not do so itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from clrx.config.load import recorded
from clrx.core.files import read_json, write_json
from clrx.run.directory import now, write_config
from clrx.sweep.job import Job

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)
PAUSE = 1.0  # seconds


@dataclass(frozen=True)
class Child:
    """A job's running process."""

    job: Job
    process: subprocess.Popen
    spoken: int  # bytes of screen.log before it
    record: int | None  # run.json's time of change before it, ns


def start(job: Job, about: Any, environment: dict[str, str], claim: int) -> Child:
    """Run `clrx train` for the job; its screen goes to screen.log.

    `claim`: descriptor of its lock, which the process inherits, so that no one else starts the job while it lives.
    It has a session of its own: Ctrl-C reaches it once, through us.
    """
    job.path.mkdir(parents=True, exist_ok=True)
    screen = job.path / "screen.log"
    spoken, record = screen.stat().st_size if screen.exists() else 0, _changed(job.path)
    with screen.open("ab") as output:
        process = subprocess.Popen(
            command_of(job, about),
            cwd=about.runtime.cwd,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(claim,),
            start_new_session=True,
        )
    return Child(job, process, spoken, record)


def command_of(job: Job, about: Any) -> list[str]:
    """The command line of a job's process."""
    words = [*job.overrides, f"hydra.run.dir={quoted(str(job.path))}", *_search_path(about)]
    return [sys.executable, "-m", "clrx.cli.child", str(os.getpid()), "train", *words]


def quoted(text: str) -> str:
    """A value that Hydra's grammar reads as this very text."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _search_path(about: Any) -> list[str]:
    """--config-dir of the sweep, for its runs too."""
    found = [source.path for source in about.runtime.config_sources if source.provider == "command-line"]
    return [word for path in found for word in ("--config-dir", path)]


def _changed(path: Path) -> int | None:
    try:
        return (path / "run.json").stat().st_mtime_ns
    except OSError:
        return None


def record_end(child: Child, compose: Callable[[Job], DictConfig]) -> None:
    """Write state `failed` with the reason for a run whose process ended without a state of its own."""
    code, path = child.process.returncode, child.job.path
    if code == 0 or code in INTERRUPTED:
        return
    if code < 0:
        time.sleep(PAUSE)  # whoever kills the whole tree reaches us within it: then nothing is recorded
    opened = _changed(path) != child.record
    before = _record(path)
    if opened and before.get("state") != "running":
        return
    config = compose(child.job)
    if not (path / "config.yaml").exists():
        write_config(path, recorded(_without_hydra(config)))
    end = {"state": "failed", "finished": now(), "error": _reason(child)}
    write_json(path / "run.json", {**_begun(config), **before, **end})


def _record(path: Path) -> dict[str, Any]:
    try:
        return read_json(path / "run.json")
    except (OSError, ValueError):
        return {}


def _without_hydra(config: DictConfig) -> DictConfig:
    plain = config.copy()
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain


def _begun(config: DictConfig) -> dict[str, Any]:
    """What run.json says of a run that did not come to say it."""
    choices = {k: v for k, v in config.hydra.runtime.choices.items() if not k.startswith("hydra")}
    policy, model = choices.get("policy"), choices.get("model")
    return {"started": now(), "choices": choices, "seed": config.seed, "policy": policy, "model": model}


def _reason(child: Child) -> str:
    code = child.process.returncode
    if code < 0:
        hint = "; the system does this when memory runs out" if code == -signal.SIGKILL else ""
        return f"the process was killed by {signal.Signals(-code).name}{hint}"
    with (child.job.path / "screen.log").open("rb") as file:
        file.seek(child.spoken)
        text = file.read().decode(errors="replace").strip()
    _, found, message = text.rpartition("error: ")
    return message if found else f"the process ended with exit code {code} (screen.log shows what it said)"
