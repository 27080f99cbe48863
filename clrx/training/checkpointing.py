"""The state of a run to its directory and back: checkpoints, divergence, and the return to a good state after one."""

import logging

import torch

from clrx.config.schema import TrainConfig
from clrx.core.errors import RunError
from clrx.network.weights_file import read_weights
from clrx.run.checkpoint import load_checkpoint, save_checkpoint, with_prefix
from clrx.run.directory import Diverged, Run
from clrx.training.optim import optimizer_tensors
from clrx.training.records import Bad, TrainState
from clrx.training.session import RunFiles, Tensors, restore_weights
from clrx.training.setup import Setup

log = logging.getLogger("clrx")
FIX = "lower the rates (clrx find-lr shows the range), clip with grad_clip=1, or on_divergence=backoff"


def save_state(
    setup: Setup,
    state: TrainState,
    files: RunFiles,
    optimizer: torch.optim.Optimizer,
    folder: str = "checkpoint",
) -> None:
    """Write weights, optimizer and train state to a folder of the run. The records reach the disk first."""
    if not (files.path / "run.json").exists():
        what = "the run directory was moved or removed while the run went on"
        raise RunError(
            what,
            where=str(files.path),
            fix="clrx resume DIR, where it is now, goes on from its last checkpoint",
        )
    files.records.steps.sync()
    files.records.epochs.sync()
    tensors = with_prefix("network", setup.network.state_dict())
    if setup.ema is not None:
        tensors |= with_prefix("ema", setup.ema.state_dict())
    tensors |= with_prefix("optimizer", optimizer_tensors(optimizer))
    save_checkpoint(files.path / folder, tensors, vars(state))


def keep_good(
    cfg: TrainConfig, setup: Setup, state: TrainState, files: RunFiles, optimizer: torch.optim.Optimizer
) -> None:
    """Under on_divergence=backoff, keep the state that a divergence returns to.

    It is that of the last epoch's end, not of the last checkpoint: checkpoints follow the wall clock, and where a run
    returns to must not.
    """
    if cfg.on_divergence == "backoff":
        save_state(setup, state, files, optimizer, "good")


def back_off(cfg: TrainConfig, setup: Setup, state: TrainState, files: RunFiles, error: Diverged) -> Tensors:
    """Return to the last epoch's end with the rates scaled down; the tensors of that state.

    Raises `error` when that has been tried `max_backoffs` times, or is not asked for.
    """
    if cfg.on_divergence != "backoff" or state.backoffs >= cfg.max_backoffs:
        raise error
    found = load_checkpoint(files.path / "good")
    assert found is not None  # kept at the beginning of the run
    tensors, good = found
    factor = state.rate_factor * cfg.backoff_factor
    note = f"{error.what}; back to epoch {good['epochs']}, rates times {factor:g}"
    entry = {"step": state.steps - 1, "epoch": good["epochs"], "factor": factor}
    lowered = {"rate_factor": factor, "backoffs": state.backoffs + 1, "notes": [*state.notes, note]}
    state.restore({**good, **lowered, "returns": [*state.returns, entry]})
    # Before what was good is written over: a run continued from before the divergence would not find it.
    save_checkpoint(files.path / "checkpoint", tensors, vars(state))
    restore_weights(setup, tensors)
    files.records.close()
    files.records.open(state)
    log.warning(note)
    note_backoffs(files.run, state)
    return tensors


def note_backoffs(run: Run, state: TrainState) -> None:
    """Have run.json say what the checkpoint says; its facts are written anew whenever a run is continued."""
    if state.notes:
        others = [note for note in run.record["notes"] if note not in state.notes]
        run.note(notes=[*others, *state.notes], backoffs=state.returns)


def start_from_best(setup: Setup, files: RunFiles) -> None:
    """Have the next phase start from the best weights so far; the moving average starts there too."""
    best = read_weights(files.weights("best"))
    setup.network.load_state_dict(best)
    if setup.ema is not None:
        setup.ema.load_state_dict(best)


def refuse_divergence(files: RunFiles, bad: Bad | None) -> None:
    """Raise Diverged, with the step, its rate and the last good checkpoint, where a step was not finite.

    A checkpoint is written only of steps that were finite. So the latest is good, unless it has the very step in it
    that spoilt the weights of a network found at its validation.
    """
    if bad is None:
        return
    verb = "of a finite loss became" if bad.what == "gradients" else "became"
    what = f"the {bad.what} {verb} non-finite at step {bad.step}, at a rate of {bad.lr:g}"
    found = load_checkpoint(files.path / "checkpoint")
    steps = found[1]["steps"] if found else 0
    good = steps if steps <= bad.step else None
    entry = {"step": bad.step, "lr": bad.lr, "what": bad.what, "last_good_checkpoint": good}
    files.run.note(divergences=[*files.run.record.get("divergences", []), entry])
    what += f"; the last {'good ' if good is not None else ''}checkpoint is of {steps} steps"
    raise Diverged(what, where=str(files.path), fix=FIX)
