"""More epochs for a run, under stated semantics: what `clrx resume RUN epochs=+N` makes of its plan.

A longer run is always the run of a longer plan, from its first step: byte for byte what `clrx train` makes of that
plan. So where the rates so far are those of a longer last phase (policies on the step or epoch clock), that phase is
made longer. Where they are not (cosine, one_cycle: their shape fills the phase), the phase stays as it was planned
and another one follows, with the same policy over its own epochs, from the last weights with a fresh optimizer.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from clrx.config.phases import Phase, build_phases
from clrx.config.schema import TrainConfig
from clrx.core.errors import UserError
from clrx.run.directory import Run, held, now, write_config
from clrx.run.read import RunState, read_run, state_of
from clrx.schedule.warnings import trace
from clrx.training.batches import steps_per_epoch
from clrx.training.records import TrainState

Config = dict[str, Any]  # a recorded configuration, plain
Load = Callable[[Config], TrainConfig]


class Extension(NamedTuple):
    """The configuration of the longer run, and what run.json says of how it came about."""

    config: Config
    entry: dict[str, Any]
    note: str


def extend_run(path: Path, config: Config, asked: str, load: Load) -> None:
    """Write the longer plan into a run directory that was recorded with `config`.

    `asked`: `+N` epochs more, or the N epochs that the only phase is to have. Raises UserError where that cannot be.
    """
    more = epochs_more(config, asked)
    if not more:
        return
    with held(path) as run:
        extension = extended(config, more, run.record, load)
        _refuse_stopped(run, extension)
        extension.entry["at"] = now()
        if state_of(path) == RunState.COMPLETE:
            # killed before the next line, it is as complete as before when resumed
            run.note(state=RunState.INTERRUPTED)
        write_config(path, extension.config)
        before = run.record
        run.note(
            extensions=[*before.get("extensions", []), extension.entry],
            notes=[*before.get("notes", []), extension.note],
        )


def epochs_more(config: Config, asked: str) -> int:
    """How many epochs `+N` or `N` adds; 0 where the run has them already."""
    match, phases = re.fullmatch(r"(\+?)([0-9]{1,6})", asked), config["plan"]["phases"]
    if not match or not int(match[2]):
        allowed = "epochs=+N, or epochs=N, with N > 0"
        raise UserError(f"epochs={asked} is no number of epochs", where="epochs", allowed=allowed)
    if match[1]:
        return int(match[2])
    last = phases[-1]
    if len(phases) > 1:
        names = ", ".join(phase["name"] for phase in phases)
        what = f"the plan has {len(phases)} phases ({names}): epochs={asked} does not say which is meant"
        raise UserError(what, where="epochs", fix=f"epochs=+N, for N epochs more of the last, {last['name']}")
    if int(match[2]) < last["epochs"]:
        what = f"the run has {last['epochs']} epochs and cannot have fewer"
        raise UserError(what, where="epochs", allowed=f"{last['epochs'] + 1} or more, or +N")
    return int(match[2]) - last["epochs"]


def extended(config: Config, more: int, record: dict[str, Any], load: Load) -> Extension:
    """The configuration with `more` epochs at its end: a longer last phase, or one more phase where that differs.

    `record` is run.json: its number of training images says how many steps an epoch has.
    """
    cfg = load(config)
    last, longer = build_phases(cfg)[-1], deepcopy(config)
    phases = longer["plan"]["phases"]
    images = record.get("images", {}).get("train", cfg.batch_size) * last.feature_copies
    if fits(last, last.epochs + more, steps_per_epoch(images, cfg.batch_size, cfg.accumulate)):
        phases[-1]["epochs"] = last.epochs + more
        if len(phases) == 1:
            longer["epochs"] = last.epochs + more
        note = f"{last.name} was made longer: {last.epochs + more} epochs instead of {last.epochs}"
        entry = {"way": "longer", "phase": last.name, "from": last.epochs, "to": last.epochs + more}
    else:
        name = _next_name([phase["name"] for phase in phases])
        phases.append({**phases[-1], "name": name, "epochs": more, "start": "previous"})
        note = f"{name} was added: {more} epochs under the policy of {last.name}, whose shape fills its phase"
        entry = {"way": "added", "phase": name, "from": 0, "to": more}
    build_phases(load(longer))
    return Extension(longer, entry, note)


def fits(phase: Phase, epochs: int, per_epoch: int) -> bool:
    """Whether the phase's rates and momenta are those that a phase of so many `epochs` begins with."""
    steps = phase.epochs * per_epoch
    policies = [policy for policy in (phase.policy, phase.momentum_policy) if policy is not None]
    return all(
        (trace(policy, phase.epochs, per_epoch).lr == trace(policy, epochs, per_epoch).lr[:steps]).all()
        for policy in policies
    )


def reopen_last_phase(state: TrainState, phases: tuple[Phase, ...]) -> None:
    """Put a run that is through its phases back into the last one where that has more epochs than were trained."""
    if state.phase == len(phases) and state.phases[-1]["epochs"] < phases[-1].epochs:
        state.reopen_phase()


def _refuse_stopped(run: Run, extension: Extension) -> None:
    """A phase that its early stopping has ended would be ended by it again."""
    entry = extension.entry
    if entry["way"] != "longer" or state_of(run.path) != RunState.COMPLETE:
        return
    took = read_run(run.path).metrics["phases"][-1]["epochs"]
    if took < entry["from"]:
        what = f"{entry['phase']} stopped early, after {took} of its {entry['from']} epochs: more are not trained"
        raise UserError(what, where=str(run.path), fix="a new run with early_stopping.patience=null")


def _next_name(names: list[str]) -> str:
    root = re.sub(r"_[0-9]+$", "", names[-1])
    return next(name for number in range(2, len(names) + 3) if (name := f"{root}_{number}") not in names)
