"""More epochs for a run, under stated semantics: what `clrx resume RUN epochs=+N` makes of its plan.

A longer run is always the run of a longer plan, from its first step: byte for byte what `clrx train` makes of that
plan. So where the rates so far are those of a longer last phase (policies on the step or epoch clock), that phase is
made longer. Where they are not (cosine, one_cycle: their shape fills the phase), the phase stays as it was planned
and another one follows, with the same policy over its own epochs, from the last weights with a fresh optimizer.
"""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from clrx.config.phases import Phase
from clrx.core.errors import UserError
from clrx.core.files import read_json, write_text
from clrx.range_test.bounds import plan_before
from clrx.run.directory import Run, held, now, plain_config, state_of
from clrx.schedule.warnings import trace
from clrx.train.clock import steps_per_epoch
from clrx.train.records import Place


class Extension(NamedTuple):
    """The configuration of the longer run, and what run.json says of how it came about."""

    cfg: DictConfig
    entry: dict[str, Any]
    note: str


def extend_run(path: Path, cfg: DictConfig, asked: str) -> DictConfig:
    """Write the longer plan into a run directory; the configuration that the run goes on with.

    `asked`: `+N` epochs more, or the N epochs that the only phase is to have. Raises UserError where that cannot be.
    """
    more = epochs_more(cfg, asked)
    if not more:
        return cfg
    with held(path) as run:
        extension = extended(cfg, more, steps_per_epoch_of(cfg, run.record))
        _refuse_stopped(run, extension)
        extension.entry["at"] = now()
        if state_of(path) == "complete":
            run.note(
                state="interrupted"
            )  # killed before the next line, it is as complete as before when resumed
        write_text(path / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(plain_config(extension.cfg))))
        before = run.record
        run.note(
            extensions=[*before.get("extensions", []), extension.entry],
            notes=[*before.get("notes", []), extension.note],
        )
    return extension.cfg


def epochs_more(cfg: DictConfig, asked: str) -> int:
    """How many epochs `+N` or `N` adds; 0 where the run has them already."""
    match, phases = re.fullmatch(r"(\+?)([0-9]{1,6})", asked), cfg.plan.phases
    if not match or not int(match[2]):
        allowed = "epochs=+N, or epochs=N, with N > 0"
        raise UserError(f"epochs={asked} is no number of epochs", where="epochs", allowed=allowed)
    if match[1]:
        return int(match[2])
    last = phases[-1]
    if len(phases) > 1:
        names = ", ".join(phase.name for phase in phases)
        what = f"the plan has {len(phases)} phases ({names}): epochs={asked} does not say which is meant"
        raise UserError(what, where="epochs", fix=f"epochs=+N, for N epochs more of the last, {last.name}")
    if int(match[2]) < last.epochs:
        what = f"the run has {last.epochs} epochs and cannot have fewer"
        raise UserError(what, where="epochs", allowed=f"{last.epochs + 1} or more, or +N")
    return int(match[2]) - last.epochs


def extended(cfg: DictConfig, more: int, per_epoch: int) -> Extension:
    """The configuration with `more` epochs at its end: a longer last phase, or one more phase where that differs."""
    last = plan_before(cfg)[-1]
    longer, phases = deepcopy(cfg), cfg.plan.phases
    if fits(last, last.epochs + more, per_epoch):
        longer.plan.phases[-1].epochs = last.epochs + more
        if len(phases) == 1:
            longer.epochs = last.epochs + more
        note = f"{last.name} was made longer: {last.epochs + more} epochs instead of {last.epochs}"
        entry = {"way": "longer", "phase": last.name, "from": last.epochs, "to": last.epochs + more}
    else:
        name = _next_name([phase.name for phase in phases])
        longer.plan.phases.append({**phases[-1], "name": name, "epochs": more, "start": "previous"})
        note = f"{name} was added: {more} epochs under the policy of {last.name}, whose shape fills its phase"
        entry = {"way": "added", "phase": name, "from": 0, "to": more}
    plan_before(longer)
    return Extension(longer, entry, note)


def fits(phase: Phase, epochs: int, per_epoch: int) -> bool:
    """Whether the phase's rates and momenta are those that a phase of so many `epochs` begins with."""
    steps = phase.epochs * per_epoch
    policies = [policy for policy in (phase.policy, phase.momentum_policy) if policy is not None]
    return all(
        (trace(policy, phase.epochs, per_epoch).lr == trace(policy, epochs, per_epoch).lr[:steps]).all()
        for policy in policies
    )


def stand_again(place: Place, plan: tuple[Phase, ...]) -> None:
    """Put a run that is through its plan back into the last phase where that has more epochs than were trained."""
    if place.phase == len(plan) and place.phases[-1]["epochs"] < plan[-1].epochs:
        place.reopen_phase()


def steps_per_epoch_of(cfg: DictConfig, record: dict[str, Any]) -> int:
    """Optimizer steps of an epoch of the last phase, from the images that run.json counts."""
    images = record.get("images", {}).get("train", cfg.batch_size)
    copies = plan_before(cfg)[-1].feature_copies
    return steps_per_epoch(images * copies, cfg.batch_size, cfg.accumulate)


def _refuse_stopped(run: Run, extension: Extension) -> None:
    """A phase that its early stopping has ended would be ended by it again."""
    entry = extension.entry
    if entry["way"] != "longer" or state_of(run.path) != "complete":
        return
    took = read_json(run.path / "metrics.json")["phases"][-1]["epochs"]
    if took < entry["from"]:
        what = f"{entry['phase']} stopped early, after {took} of its {entry['from']} epochs: more are not trained"
        raise UserError(what, where=str(run.path), fix="a new run with early_stopping.patience=null")


def _next_name(names: list[str]) -> str:
    root = re.sub(r"_[0-9]+$", "", names[-1])
    return next(name for number in range(2, len(names) + 3) if (name := f"{root}_{number}") not in names)
