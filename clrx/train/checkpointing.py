"""The state of a run to its directory and back: checkpoints, and the return to one after a divergence."""

import logging

import torch

from clrx.network.weights_file import read_weights
from clrx.run.checkpoint import load_checkpoint, save_checkpoint, under_prefix, with_prefix
from clrx.run.directory import Diverged, Run
from clrx.train.optim import optimizer_tensors
from clrx.train.records import Place, open_records
from clrx.train.session import Bench

log = logging.getLogger("clrx")


def save_state(bench: Bench, optimizer: torch.optim.Optimizer | None, folder: str = "checkpoint") -> None:
    """Write weights, optimizer and place; between phases there is no optimizer. The records reach the disk first."""
    bench.records.steps.sync()
    bench.records.epochs.sync()
    tensors = with_prefix("network", bench.network.state_dict())
    if bench.ema is not None:
        tensors |= with_prefix("ema", bench.ema.state_dict())
    if optimizer is not None:
        tensors |= with_prefix("optimizer", optimizer_tensors(optimizer))
    save_checkpoint(bench.path / folder, tensors, vars(bench.place))


def keep_good(bench: Bench, optimizer: torch.optim.Optimizer) -> None:
    """Under on_divergence=backoff, keep the state that a divergence returns to.

    It is that of the last epoch's end, not of the last checkpoint: checkpoints follow the wall clock, and where a run
    returns to must not.
    """
    if bench.cfg.on_divergence == "backoff":
        save_state(bench, optimizer, "good")


def back_off(bench: Bench, error: Diverged) -> None:
    """Return to the last epoch's end with the rates scaled down; raise `error` when that has been tried enough."""
    cfg, place = bench.cfg, bench.place
    if cfg.on_divergence != "backoff" or place.backoffs >= cfg.max_backoffs:
        raise error
    found = load_checkpoint(bench.path / "good")
    assert found is not None  # kept at the beginning of the run
    tensors, good = found
    factor = place.rate_factor * cfg.backoff_factor
    note = f"{error.what}; back to epoch {good['epochs']}, rates times {factor:g}"
    lowered = {"rate_factor": factor, "backoffs": place.backoffs + 1, "notes": [*place.notes, note]}
    bench.place = Place(**{**good, **lowered})
    # Before what was good is written over: a run continued from before the divergence would not find it.
    save_checkpoint(bench.path / "checkpoint", tensors, vars(bench.place))
    bench.network.load_state_dict(under_prefix("network", tensors))
    if bench.ema is not None:
        bench.ema.load_state_dict(under_prefix("ema", tensors))
    bench.restored = tensors
    bench.records.close()
    bench.records = open_records(bench.path, bench.place, bench.records.block)
    log.warning(note)
    note_backoffs(bench.run, bench.place)


def note_backoffs(run: Run, place: Place) -> None:
    """Have run.json say what the checkpoint says; its facts are written anew whenever a run is continued."""
    if place.notes:
        others = [note for note in run.record["notes"] if note not in place.notes]
        run.note(notes=[*others, *place.notes])


def start_from_best(bench: Bench) -> None:
    """Have the next phase start from the best weights so far; the moving average starts there too."""
    best = read_weights(bench.path / "weights" / "best.safetensors")
    bench.network.load_state_dict(best)
    if bench.ema is not None:
        bench.ema.load_state_dict(best)
