"""`clrx sweep`: compare configurations over seeds, one run for each, and report on them.

It takes the keys of `clrx train`, any of them with a list: policy=constant,sgdr seed='range(5)'. Without a list it
compares policy=constant,triangular,triangular2,modified_triangular2 over seed=0,1,2; where something else has a list
(plan=..., lr=...) only the seeds are added.

  workers=N                     runs at a time (1)
  retry=failed|diverged|all     start these runs again, from their last checkpoint
  baseline= metric= target=     of the report at the end, as in `clrx report --help`
  hydra.sweep.dir=DIR           the sweep's directory (outputs/sweep/<what is swept>_<hash of the command>)
  hydra/launcher=NAME           processes (default), ray, submitit_slurm, submitit_local, joblib
  search=optuna search.trials=N 'lr=tag(log,interval(1e-4,1e-1))'    a search instead of a grid

The same command given again skips complete runs and continues the others.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from clrx.config.compose import call_hydra
from clrx.core.console import say
from clrx.core.errors import ClrxError, RunError, UserError
from clrx.core.paths import remove_empty
from clrx.core.signals import signal_behind
from clrx.run.read import RunState, state_of
from clrx.sweep.command_line import (
    RETRY,
    Sweep,
    launcher_of,
    of_first_run,
    put_back,
    read_sweep,
    reopen,
    runs_of,
)
from clrx.sweep.job import error_of, job_of, shown_value, value_of
from clrx.task.report import read_arguments

log = logging.getLogger("clrx")


def main(arguments: list[str], conf: Path) -> int:
    """Run what the command line asks for, list it and report on it; 1 where a run did not come to its end."""
    sweep = read_sweep(arguments, conf)
    report_options(sweep)  # a mistake in them is told before the first run, not after the last
    reopened = reopen(sweep.path, RETRY[sweep.retry]) if sweep.runs and sweep.retry else {}
    if sweep.retry:
        say(f"{len(reopened)} runs are tried again")
    if sweep.runs and (launcher := launcher_of(sweep.words)) != "processes":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a sweep leaves unasked
        os.environ.setdefault("PYTHONSAFEPATH", "1")  # its processes import nothing of the working directory
        say(f"{launcher} starts the runs; each prints into its screen.log below {sweep.path}")
    words = [*sweep.words, "--multirun"] if sweep.runs else of_first_run(sweep.words)
    with _nothing_left_of_a_mistake(sweep.path, reopened):
        call_hydra("sweep", words, conf, job)
    if not sweep.runs:
        return 0
    complete = list_runs(sweep.path)
    report(sweep)
    return 0 if complete else 1


@contextmanager
def _nothing_left_of_a_mistake(path: Path, reopened: Mapping[Path, dict[str, Any]]) -> Iterator[None]:
    """Undo what is written into the directory of a sweep before it is checked, where that was refused."""
    try:
        yield
    except UserError:
        put_back(reopened)
        if not runs_of(path):
            (path / "multirun.yaml").unlink(missing_ok=True)
            remove_empty(path, Path.cwd() / "outputs")
        raise


def job(cfg: DictConfig) -> float:
    """One run in a process of its own, for launchers that call it (Ray, submitit, joblib); its validation metric."""
    from clrx.sweep.pool import run_jobs

    about = HydraConfig.get()
    one = job_of(about, about.overrides.task)
    with_hydra = cfg.copy()
    with_hydra._set_flag("struct", False)
    with_hydra.hydra = about
    run_jobs([one], about, lambda _: with_hydra, workers=1)
    return value_of(one.path)


def list_runs(path: Path) -> bool:
    """Print every run of the sweep with its state; True when all are complete. RunError where there is none."""
    if not runs_of(path):
        fix = "look for a list without values, such as seed='range(0)'"
        raise RunError("the sweep has started no run", where=str(path.absolute()), fix=fix)
    states = {run: state_of(run) or "unreadable" for run in runs_of(path)}
    say(f"\n{path}: " + ", ".join(f"{n} {state}" for state, n in Counter(states.values()).items()))
    for run, state in states.items():
        shown = shown_value(run) if state == RunState.COMPLETE else error_of(run)
        say(f"  {state:<11} {run.name}  {shown}".rstrip())
    return all(state == RunState.COMPLETE for state in states.values())


def report(sweep: Sweep) -> None:
    """Write the report of the sweep, one for each data set unless forced."""
    with _failure_told(sweep):
        from clrx.report.by_dataset import data_sets
        from clrx.report.make import make_report

        options = report_options(sweep)
        sets = {"": [sweep.path]} if options.get("force") else data_sets([sweep.path])
        for name, runs in sets.items():
            with _failure_told(sweep):
                say(f"report: {make_report(runs, sweep.path / 'report' / name, **options)}")


def report_options(sweep: Sweep) -> dict[str, Any]:
    """The options of `make_report` that the command line sets; UserError for a value that it cannot take."""
    return read_arguments([".", *(f"{key}={value}" for key, value in sweep.report.items())])[1]


@contextmanager
def _failure_told(sweep: Sweep) -> Iterator[None]:
    """Print the error of a report instead of raising it: it takes nothing from the runs or from other reports."""
    try:
        yield
    except Exception as error:
        if behind := signal_behind(error):
            raise behind from error
        log.debug("the report failed", exc_info=error)
        hint = f"{type(error).__name__}: {error}\n  fix:     clrx report {sweep.path}"
        say(f"no report: {error if isinstance(error, ClrxError) else hint}")
