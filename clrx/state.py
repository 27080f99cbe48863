"""The state of a run to its directory and back: checkpoints, and the return to one after a divergence."""

import logging

import torch

from clrx.bench import Bench
from clrx.checkpoint import load_checkpoint, save_checkpoint, under_prefix, with_prefix
from clrx.optim import optimizer_tensors
from clrx.records import Place, open_records
from clrx.run import Diverged

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
    lowered = {"rate_factor": place.rate_factor * cfg.backoff_factor, "backoffs": place.backoffs + 1}
    bench.place = Place(**{**good, **lowered})
    bench.network.load_state_dict(under_prefix("network", tensors))
    if bench.ema is not None:
        bench.ema.load_state_dict(under_prefix("ema", tensors))
    bench.restored = tensors
    bench.records.close()
    bench.records = open_records(bench.path, bench.place, bench.records.block)
    note = f"{error.what}; back to epoch {bench.place.epochs}, rates times {bench.place.rate_factor:g}"
    log.warning(note)
    bench.run.note(notes=[*bench.run.record["notes"], note])
