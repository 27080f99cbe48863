"""A job as a process: its share of the machine, its start, and the record of an end that it could not write itself."""

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
from clrx.config.words import quoted
from clrx.core.errors import ERROR_FILE
from clrx.core.files import open_own, read_text
from clrx.core.paths import ROOT
from clrx.core.signals import ALWAYS, PARENT, UNLESS_TAKEN, kept_from_children
from clrx.run.directory import now, record_failure
from clrx.run.read import RunState, state_of
from clrx.sweep.job import Job

INTERRUPTED = tuple(128 + number for number in (*ALWAYS, *UNLESS_TAKEN))
PAUSE = 1.0  # seconds


@dataclass(frozen=True)
class Child:
    """A job's running process."""

    job: Job
    process: subprocess.Popen
    record: int | None  # run.json's time of change before the process started, ns; None without a file


def environment_of(slot: int, workers: int) -> dict[str, str]:
    """Variables that give the run in `slot` (0..workers-1) one GPU and a share of the cores; {} for one worker."""
    if workers == 1:
        return {}
    found = {}
    if "OMP_NUM_THREADS" not in os.environ:
        found["OMP_NUM_THREADS"] = str(max(1, len(os.sched_getaffinity(0)) // workers))
    if gpus := visible_gpus():
        found["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return found


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES takes them; torch stays unloaded."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name for name in allowed.split(",") if name]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))]


def start(job: Job, about: Any, environment: dict[str, str], claim: int) -> Child:
    """Run `clrx train` for the job, given the `hydra` node of the sweep; what it prints goes to screen.log.

    `claim`: descriptor of the job's lock, which the process inherits, so that no other sweep starts the job while it
    lives. The process has a session of its own: Ctrl-C reaches it once, from the sweep.
    """
    job.path.mkdir(parents=True, exist_ok=True)
    job.error_file.unlink(missing_ok=True)
    record = _changed(job.path)
    told = {PARENT: str(os.getpid()), ERROR_FILE: str(job.error_file)}
    file = open_own(job.path / "screen.log", os.O_WRONLY | os.O_APPEND)
    with open(file, "ab") as output, kept_from_children():  # noqa: PTH123 - of a descriptor
        process = subprocess.Popen(
            command_of(job, about),
            cwd=about.runtime.cwd,
            env=os.environ | search_path() | environment | told,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(claim,),
            start_new_session=True,
        )
    return Child(job, process, record)


def command_of(job: Job, about: Any) -> list[str]:
    """The command line of a job's process, with the --config-dir of the sweep."""
    found = [source.path for source in about.runtime.config_sources if source.provider == "command-line"]
    own = [word for path in found for word in ("--config-dir", path)]
    words = [*job.overrides, f"hydra.run.dir={quoted(str(job.path))}", *own]
    return [sys.executable, "-P", "-c", "from clrx.cli.main import main; main()", "train", *words]


def search_path() -> dict[str, str]:
    """The variables with which a Python process finds clrx, and nothing in the working directory."""
    given = [
        folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(folder).is_absolute()
    ]
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(dict.fromkeys([*given, str(ROOT)]))}


def _changed(path: Path) -> int | None:
    try:
        return (path / "run.json").stat().st_mtime_ns
    except OSError:
        return None


def record_end(child: Child, compose: Callable[[Job], DictConfig]) -> None:
    """Write state `failed` with the reason for a run whose process ended without a state of its own."""
    code, path, reason = child.process.returncode, child.job.path, _reason(child)
    child.job.error_file.unlink(missing_ok=True)
    if code == 0 or code in INTERRUPTED:
        return
    if code < 0:
        time.sleep(
            PAUSE
        )  # what kills the sweep and all its runs reaches the sweep within it: nothing is recorded
    if _changed(path) != child.record and state_of(path) != RunState.RUNNING:
        return
    config = compose(child.job)
    record_failure(path, reason, recorded(_without_hydra(config)), _begun(config))


def _without_hydra(config: DictConfig) -> DictConfig:
    plain = config.copy()
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain


def _begun(config: DictConfig) -> dict[str, Any]:
    """What run.json says of a run from its beginning, for one that ended before it could."""
    choices = {k: v for k, v in config.hydra.runtime.choices.items() if not k.startswith("hydra")}
    policy, model = choices.get("policy"), choices.get("model")
    return {"started": now(), "choices": choices, "seed": config.seed, "policy": policy, "model": model}


def _reason(child: Child) -> str:
    """Why the process ended: the signal that killed it, the error that it left, or its exit code."""
    code = child.process.returncode
    if code < 0:
        hint = "; the system does this when memory runs out" if code == -signal.SIGKILL else ""
        return f"the process was killed by {signal.Signals(-code).name}{hint}"
    try:
        return read_text(child.job.error_file)
    except OSError:
        return f"the process ended with exit code {code} (screen.log shows what it printed)"
