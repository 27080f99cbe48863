"""Continuous search of settings with Optuna, by its ask-and-tell interface; the study is a file of the sweep."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from clrx.core.console import say
from clrx.core.errors import UserError, require_number
from clrx.core.files import write_json
from clrx.sweep.job import claimed
from clrx.training.selection import LOWER_IS_BETTER

Runner = Callable[
    [list[list[str]], int], list[float]
]  # (overrides of each run, number of the first) -> values


class Setting(NamedTuple):
    """How to search."""

    config: DictConfig  # of the sweep, with its `hydra` node
    trials: int
    at_a_time: int
    seed: int


class Space(NamedTuple):
    """What a command line leaves open."""

    fixed: list[str]  # overrides of every run
    open: dict[str, Any]  # key -> Optuna's distribution
    seeds: list[str]  # overrides that repeat a trial


def search(setting: Setting, words: Sequence[str], run: Runner) -> None:
    """Try settings until `setting.trials` have been; started again in its directory it goes on.

    Raises UserError where nothing is open, or another process searches in this directory.
    """
    for key in ("trials", "at_a_time"):
        require_number(getattr(setting, key), f"search.{key}", least=1, whole=True)
    path, space = Path(setting.config.hydra.sweep.dir), space_of(words)
    with claimed(path / ".claims" / "search") as claim:
        if claim is None:
            raise UserError("another process searches here", where=str(path), fix="wait for it")
        study = _study(path, setting)
        while batch := _next(study, space, setting):
            _try(study, batch, space, run)
            _write(study, path)
        _tell_best(study)


def space_of(words: Sequence[str]) -> Space:
    """The space of Hydra's sweep words: choices, ranges, and intervals, `tag(log, ...)` on a logarithmic scale."""
    last = {one.key_or_group: one for one in OverridesParser.create().parse_overrides(list(words))}
    repeats = [one for one in last.values() if one.key_or_group == "seed"]
    swept = [one for one in last.values() if one.is_sweep_override() and one not in repeats]
    fixed = [str(one.input_line) for one in last.values() if one not in repeats and one not in swept]
    if not swept:
        fix = "lr=interval(0.001,0.1), batch_size=16,32,64 or the like"
        raise UserError("there is nothing to search", where="clrx sweep", fix=fix)
    seeds = [word for one in repeats for word in _values(one)]
    return Space(fixed, {one.get_key_element(): _distribution(one) for one in swept}, seeds or ["seed=0"])


def _values(one: Override) -> list[str]:
    if not one.is_sweep_override():
        return [str(one.input_line)]
    if not one.is_discrete_sweep():
        raise UserError(f"{one.input_line}: seeds repeat a trial", where="seed", fix="seed=0,1,2")
    return [f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()]


def _distribution(one: Override) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.is_discrete_sweep():
        return CategoricalDistribution([str(value) for value in one.sweep_string_iterator()])
    interval: Any = one.value()
    ends, log = (interval.start, interval.end), "log" in interval.tags
    try:
        if all(isinstance(end, int) for end in ends):
            return IntDistribution(*ends, log=log)
        return FloatDistribution(*ends, log=log)
    except ValueError as error:
        raise UserError(f"{one.input_line}: {error}", where=one.key_or_group) from error


def _study(path: Path, setting: Setting) -> Any:
    try:
        import optuna
    except ImportError as error:
        fix = "pip install 'clrx[optuna]'"
        raise UserError("search=optuna needs Optuna", where="search", fix=fix) from error
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lower = setting.config.selection_metric in LOWER_IS_BETTER
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path / "study.journal"))),
        study_name="clrx",
        direction="minimize" if lower else "maximize",
        load_if_exists=True,
    )
    # another seed after a restart, or it would draw what it has drawn
    study.sampler = optuna.samplers.TPESampler(seed=setting.seed + len(study.trials))
    return study


def _next(study: Any, space: Space, setting: Setting) -> list[Any]:
    """The trials that a killed search left unfinished; then new ones, up to the number asked for."""
    whole = [trial for trial in study.trials if set(trial.params) == set(space.open)]
    if unfinished := [trial for trial in whole if not trial.state.is_finished()]:
        return unfinished
    count = min(setting.at_a_time, setting.trials - len(whole))
    return [study.ask(space.open) for _ in range(count)]


def _try(study: Any, trials: Sequence[Any], space: Space, run: Runner) -> None:
    """Run each trial with every seed and tell the study the mean; a trial with a failed run has none."""
    from optuna.trial import TrialState

    batch = [
        [*space.fixed, *(f"{key}={value}" for key, value in trial.params.items()), seed]
        for trial, seed in product(trials, space.seeds)
    ]
    values = run(batch, trials[0].number * len(space.seeds))
    for index, trial in enumerate(trials):
        of_seeds = values[index * len(space.seeds) :][: len(space.seeds)]
        mean = fmean(of_seeds)
        if math.isfinite(mean):
            study.tell(trial.number, mean)
        else:
            study.tell(trial.number, state=TrialState.FAIL)


def _write(study: Any, path: Path) -> None:
    """search.json: every trial, and the number of the best."""
    rows = [
        {"number": t.number, "state": t.state.name.lower(), "value": t.value, "settings": t.params}
        for t in study.trials
    ]
    best = study.best_trial.number if any(row["state"] == "complete" for row in rows) else None
    write_json(
        path / "search.json", {"direction": study.direction.name.lower(), "best": best, "trials": rows}
    )


def _tell_best(study: Any) -> None:
    if done := [trial for trial in study.trials if trial.value is not None]:
        best = study.best_trial
        settings = " ".join(f"{key}={value}" for key, value in best.params.items())
        say(f"best of {len(done)}: {settings}: {best.value:.4f} on validation, mean over the seeds")
