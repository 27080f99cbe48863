"""One phase of a run: train an epoch, judge it, record it, keep the best, go on or stop."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clrx.config.phases import Phase
from clrx.core.signals import Interrupted
from clrx.data.feed import Feed
from clrx.metrics.measure import measure
from clrx.network.load_weights import save_weights
from clrx.network.sections import set_trainable
from clrx.run.checkpoint import under_prefix
from clrx.run.directory import Diverged
from clrx.run.interval import Interval, parse_interval
from clrx.train.checkpointing import back_off, keep_good, save_state, start_from_best
from clrx.train.clock import Clock
from clrx.train.divergence import refuse_divergence
from clrx.train.inputs import Material, material_of
from clrx.train.loop import Step, Steps, Work, train_steps
from clrx.train.optim import load_optimizer_tensors
from clrx.train.records import EPOCH_COLUMNS, Bad, add_step, column, flush_steps
from clrx.train.selection import best_epoch, column_of, oriented, should_stop
from clrx.train.session import Bench
from clrx.train.setup import clock_over, work_with

log = logging.getLogger("clrx")


def train_phase(bench: Bench, plan: Sequence[Phase]) -> None:
    """Train the phase of the plan that `bench.place` stands in, from there to its end or its early stop.

    Raises Diverged at a non-finite loss or gradient, unless `on_divergence=backoff` still has tries, and Interrupted
    after writing a checkpoint (none within a step).
    """
    phase = plan[bench.place.phase]
    while True:
        try:
            work = _train_phase(bench, phase)
            break
        except Diverged as error:
            back_off(bench, error)
    bench.place.end_phase(phase.name)
    if any(following.start == "best" for following in plan[bench.place.phase :][:1]):
        start_from_best(bench)
    save_state(bench, work.optimizer)  # with which the phase goes on should it be made longer


def _train_phase(bench: Bench, phase: Phase) -> Work:
    set_trainable(bench.network, phase.trainable)
    material = material_of(bench, phase)
    work, clock = phase_work(bench, phase, material), phase_clock(bench, material, phase.epochs)
    interval = parse_interval(bench.cfg.checkpoint.every, clock.steps_per_epoch)
    steps = train_steps(work, material.feed, material.train, clock, bench.place.step)
    try:
        if not bench.place.images:  # between two epochs
            _checkpoint(bench, work)  # there is always a good state to go back to
            keep_good(bench, work.optimizer)
        while not _phase_done(bench, phase):
            _train_epoch(bench, phase, work, material.feed, clock, steps, interval)
            _finish_epoch(bench, phase, material)
            keep_good(bench, work.optimizer)
    except Interrupted as error:
        if not error.within:
            with bench.stop.shield():
                _checkpoint(bench, work)
        raise
    finally:
        steps.close()
    return work


def phase_work(bench: Bench, phase: Phase, material: Material) -> Work:
    """What the steps of the phase work with; the optimizer is restored when the phase is being continued."""
    mix = None if phase.features else bench.mix
    work = work_with(bench.cfg, phase, bench.network, bench.loss, material.prepare, mix)
    saved = under_prefix("optimizer", bench.restored)
    if saved and bench.place.step:  # at step 0 it is that of the phase before
        load_optimizer_tensors(work.optimizer, saved)
    bench.restored = {}
    return replace(work, network=material.network, ema=material.ema, rate_factor=bench.place.rate_factor)


def phase_clock(bench: Bench, material: Material, epochs: int) -> Clock:
    """The steps of a phase over the rows it trains on."""
    return clock_over(bench.cfg, material.labels[material.train], epochs, bench.place.first_epoch)


def _train_epoch(
    bench: Bench, phase: Phase, work: Work, feed: Feed, clock: Clock, steps: Steps, interval: Interval
) -> None:
    """Take the steps that the epoch still lacks; between them look for divergence, checkpoints and signals."""
    place, last = bench.place, (bench.place.epochs - bench.place.first_epoch + 1) * clock.steps_per_epoch
    bench.screen.start(f"{phase.name} {place.epochs + 1}", clock.steps_per_epoch)
    work.network.train()
    began, waited = time.perf_counter(), feed.wait_seconds
    while place.step < last:
        with bench.stop.shield():
            step = next(steps)
            refuse_divergence(bench, add_step(bench.records, place, step))
            now = time.perf_counter()
            place.seconds, began = place.seconds + now - began, now
            place.wait, waited = place.wait + feed.wait_seconds - waited, feed.wait_seconds
            _show(bench, clock, step)
            if interval.due(place.step):
                _checkpoint(bench, work)
                interval.restart()
                began = time.perf_counter()
    refuse_divergence(bench, flush_steps(bench.records, place))


def _show(bench: Bench, clock: Clock, step: Step) -> None:
    place = bench.place
    done = place.step % clock.steps_per_epoch or clock.steps_per_epoch
    mean = place.loss_sum / place.images if place.images else float("nan")
    rate = place.images / place.seconds if place.seconds else 0.0
    bench.screen.advance(done, f"lr {step.lr:.3g}  loss {mean:.4f}  {rate:.0f} images/s")


def _finish_epoch(bench: Bench, phase: Phase, material: Material) -> None:
    """Judge the epoch that was trained, record it, and keep its weights if they are the best so far."""
    began = time.perf_counter()
    metrics = _validate(bench, material)
    with bench.stop.shield():
        place = bench.place
        seconds = place.seconds + time.perf_counter() - began
        row = _epoch_row(bench, phase, metrics, seconds)
        bench.records.epochs.append([row])
        place.epochs += 1
        place.phase_seconds += seconds
        place.end_epoch()
        log.info(_line(bench, phase, row))
        _keep_weights(bench, phase)


def _validate(bench: Bench, material: Material) -> dict[str, float | None]:
    """Metrics at 0.5 on the monitored rows, with the loss; empty where nothing is monitored."""
    if not len(material.monitored):
        return {}
    scores, loss = material.score(bench)
    if not np.isfinite(scores).all():  # the last step went too far: its own loss was taken before it
        refuse_divergence(bench, Bad(bench.place.steps - 1, bench.place.lr, "network"))
    return {"loss": loss, **measure(bench.data.source.task, material.labels[material.monitored], scores)}


def _epoch_row(
    bench: Bench, phase: Phase, metrics: dict[str, float | None], seconds: float
) -> dict[str, Any]:
    place = bench.place
    known = {
        "phase": phase.name,
        "epoch": place.epochs + 1,
        "train_loss": place.loss_sum / place.images,
        "train_accuracy": place.correct / place.images,
        "lr": place.lr,
        "seconds": round(seconds, 3),
        "images_per_second": round(place.images / place.seconds, 1) if place.seconds else None,
        "data_wait": round(place.wait / place.seconds, 4) if place.seconds else None,
    }
    return {name: known.get(name, metrics.get(name.removeprefix("val_"))) for name in EPOCH_COLUMNS}


def _line(bench: Bench, phase: Phase, row: dict[str, Any]) -> str:
    total = bench.place.first_epoch + phase.epochs
    parts = [f"{phase.name} {row['epoch']:>{len(str(total))}}/{total}", f"lr {row['lr']:.2e}"]
    parts += [f"train loss {row['train_loss']:.4f} accuracy {row['train_accuracy']:.4f}"]
    if row["val_loss"] is not None:
        name = bench.metric.removeprefix("val_")
        value = row.get(bench.metric)
        parts.append(
            f"validation loss {row['val_loss']:.4f} {name} {'-' if value is None else f'{value:.4f}'}"
        )
    return "  ".join([*parts, f"{row['seconds']:.1f} s"])


def _keep_weights(bench: Bench, phase: Phase) -> None:
    """Write the best weights when this epoch has the best value so far, and a cycle's at its end on request."""
    epoch = bench.place.epochs
    values = [] if bench.cfg.selection == "last" else _values(bench, bench.metric)
    if not values or best_epoch(values) == epoch - 1:
        save_weights(bench.scorer, bench.path / "weights" / "best.safetensors")
    if bench.cfg.cycle_weights and float(epoch - bench.place.first_epoch) in phase.cycle_ends:
        save_weights(bench.scorer, bench.path / "weights" / f"cycle_{epoch:04d}.safetensors")


def _values(bench: Bench, name: str) -> list[float]:
    """A column of epochs.csv so far, larger better; empty where nothing is monitored that could decide."""
    if name.startswith("val_") and not len(bench.monitored):
        return []
    return oriented(name, column(bench.path / "epochs.csv", name))


def _phase_done(bench: Bench, phase: Phase) -> bool:
    """Whether the phase has had its epochs or its patience is spent."""
    place, stopping = bench.place, phase.stopping
    done = place.epochs - place.first_epoch
    if done >= phase.epochs:
        return True
    name = bench.metric if stopping.metric == "auto" else column_of(stopping.metric, bench.data.source.task)
    values = _values(bench, name)[place.first_epoch :]
    if stop := should_stop(values, stopping.patience, stopping.min_delta, phase.cycle_ends):
        log.info("%s stops early after %d epochs: no better %s", phase.name, done, name)
    return stop


def _checkpoint(bench: Bench, work: Work) -> None:
    """Write the state of the run, with every step taken so far on record."""
    refuse_divergence(bench, flush_steps(bench.records, bench.place))
    save_state(bench, work.optimizer)
