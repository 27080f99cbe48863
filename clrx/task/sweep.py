"""`clrx sweep`: race configurations over seeds, and know what the race proved."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from clrx.config.compose import call_hydra
from clrx.core.console import say
from clrx.core.errors import ClrxError
from clrx.core.signals import signal_behind
from clrx.run.directory import state_of
from clrx.sweep.command_line import RETRY, Race, launcher_of, read_race, reopen, runs_of
from clrx.sweep.job import error_of, job_of, shown_value, value_of
from clrx.task.report import read_arguments

log = logging.getLogger("clrx")


def main(arguments: list[str], conf: Path) -> int:
    """Run what the command line asks for, list it and report on it; 1 where a run did not come to its end."""
    race = read_race(arguments, conf)
    options_of(race)  # a mistake in them is told before the first run, not after the last
    if race.runs and race.retry:
        say(f"{reopen(race.path, RETRY[race.retry])} runs are tried again")
    if race.runs and (launcher := launcher_of(race.words)) != "processes":
        say(f"{launcher} starts the runs; what each says is in its screen.log below {race.path}")
    call_hydra("sweep", [*race.words, *(["--multirun"] if race.runs else [])], conf, job)
    if not race.runs:
        return 0
    whole = list_runs(race.path)
    report(race)
    return 0 if whole else 1


def job(cfg: DictConfig) -> float:
    """One run in a process of its own, for launchers that call it (Ray, submitit, joblib); its metric."""
    from clrx.sweep.pool import run_jobs

    about = HydraConfig.get()
    one = job_of(about, about.overrides.task)
    whole = cfg.copy()
    whole._set_flag("struct", False)
    whole.hydra = about
    run_jobs([one], about, lambda _: whole, workers=1)
    return value_of(one.path)


def list_runs(path: Path) -> bool:
    """Print every run of the sweep with its state; True when all are complete."""
    states = {run: state_of(run) or "unreadable" for run in runs_of(path)}
    say(f"\n{path}: " + ", ".join(f"{n} {state}" for state, n in Counter(states.values()).items()))
    for run, state in states.items():
        what = shown_value(run) if state == "complete" else error_of(run)
        say(f"  {state:<11} {run.name}  {what}".rstrip())
    return all(state == "complete" for state in states.values())


def report(race: Race) -> None:
    """The report of the sweep, one a data set unless forced."""
    with _spared(race):
        from clrx.report.by_dataset import data_sets
        from clrx.report.make import make_report

        options = options_of(race)
        sets = {"": [race.path]} if options.get("force") else data_sets([race.path])
        for name, runs in sets.items():
            with _spared(race):
                say(f"report: {make_report(runs, race.path / 'report' / name, **options)}")


def options_of(race: Race) -> dict[str, Any]:
    """Of the report; UserError for a value that it cannot take."""
    return read_arguments([".", *(f"{key}={value}" for key, value in race.report.items())])[1]


@contextmanager
def _spared(race: Race) -> Iterator[None]:
    """A report that fails is said, and takes nothing from the runs or from other reports."""
    try:
        yield
    except Exception as error:
        if behind := signal_behind(error):
            raise behind from error
        log.debug("the report failed", exc_info=error)
        hint = f"{type(error).__name__}: {error}\n  fix:     clrx report {race.path}"
        say(f"no report: {error if isinstance(error, ClrxError) else hint}")
