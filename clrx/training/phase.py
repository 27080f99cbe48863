"""One phase of a run: train an epoch, evaluate it, record it, keep the best, go on or stop."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.core.console import duration
from clrx.core.signals import Interrupted, Stop
from clrx.metrics.measure import measure
from clrx.network.weights_file import save_weights
from clrx.run.checkpoint import Interval, interval_of, under_prefix
from clrx.run.directory import Diverged
from clrx.training.batches import Clock
from clrx.training.checkpointing import back_off, keep_good, refuse_divergence, save_state, start_from_best
from clrx.training.inputs import Inputs, inputs_of
from clrx.training.loop import Steps, Work, train_steps
from clrx.training.optim import load_optimizer_tensors
from clrx.training.records import EPOCH_COLUMNS, Bad, TrainState, add_step, column, flush_steps
from clrx.training.selection import best_epoch, column_of, oriented, should_stop
from clrx.training.session import Observer, RunFiles, Tensors
from clrx.training.setup import Setup, clock_over, monitored_rows, work_with

log = logging.getLogger("clrx")


@dataclass(frozen=True)
class PhaseRun:
    """A phase that is being trained: what it is, what it works on, and where its records go."""

    cfg: TrainConfig
    phase: Phase
    setup: Setup
    state: TrainState
    files: RunFiles
    observer: Observer
    stop: Stop


def train_phases(
    cfg: TrainConfig,
    phases: Sequence[Phase],
    setup: Setup,
    state: TrainState,
    files: RunFiles,
    tensors: Tensors,
    observer: Observer,
    stop: Stop,
) -> None:
    """Train the phases from where `state` stands to the end of the last; `tensors` are its checkpoint's.

    Raises Diverged at a non-finite loss or gradient, unless `on_divergence=backoff` still has tries, and Interrupted
    after writing a checkpoint (none within a step).
    """
    while state.phase < len(phases):
        phase = phases[state.phase]
        work = _with_backoffs(PhaseRun(cfg, phase, setup, state, files, observer, stop), tensors)
        tensors = {}
        state.end_phase(phase.name)
        if any(following.start == "best" for following in phases[state.phase :][:1]):
            start_from_best(setup, files)
        save_state(
            setup, state, files, work.optimizer
        )  # with which the phase goes on should it be made longer


def _with_backoffs(run: PhaseRun, tensors: Tensors) -> Work:
    while True:
        try:
            return _train_phase(run, tensors)
        except Diverged as error:
            tensors = back_off(run.cfg, run.setup, run.state, run.files, error)


def _train_phase(run: PhaseRun, tensors: Tensors) -> Work:
    cfg, phase, setup, state = run.cfg, run.phase, run.setup, run.state
    setup.network.set_trainable(phase.trainable)
    inputs = inputs_of(cfg, setup, state, phase)
    work = phase_work(cfg, phase, setup, inputs, state, tensors)
    clock = phase_clock(cfg, inputs, phase.epochs, state.first_epoch)
    interval = interval_of(cfg.checkpoint.every, clock.steps_per_epoch)
    steps = train_steps(work, inputs.feed, inputs.train, clock, state.step)
    try:
        if not state.images:  # between two epochs
            _checkpoint(run, work)  # there is always a good state to go back to
            keep_good(cfg, setup, state, run.files, work.optimizer)
        while not is_done(run):
            _train_epoch(run, work, inputs, clock, steps, interval)
            _finish_epoch(run, inputs)
            keep_good(cfg, setup, state, run.files, work.optimizer)
    except Interrupted as error:
        if not error.within:
            with run.stop.shield():
                _checkpoint(run, work)
        raise
    finally:
        steps.close()
    return work


def phase_work(
    cfg: TrainConfig, phase: Phase, setup: Setup, inputs: Inputs, state: TrainState, tensors: Tensors
) -> Work:
    """What the steps of the phase work with; the optimizer is restored when the phase is being continued."""
    work = work_with(cfg, phase, setup)
    saved = under_prefix("optimizer", tensors)
    if saved and state.step:  # at step 0 it is that of the phase before
        load_optimizer_tensors(work.optimizer, saved)
    work = replace(work, network=inputs.network, ema=inputs.ema, prepare=inputs.prepare)
    return replace(work, rate_factor=state.rate_factor)


def phase_clock(cfg: TrainConfig, inputs: Inputs, epochs: int, first_epoch: int) -> Clock:
    """The steps of a phase over the rows it trains on."""
    return clock_over(cfg, inputs.labels[inputs.train], epochs, first_epoch)


def _train_epoch(
    run: PhaseRun, work: Work, inputs: Inputs, clock: Clock, steps: Steps, interval: Interval
) -> None:
    """Take the steps that the epoch still lacks; between them look for divergence, checkpoints and signals."""
    state, per_epoch, feed = run.state, clock.steps_per_epoch, inputs.feed
    last = (state.epochs - state.first_epoch + 1) * per_epoch
    run.observer.start(f"{run.phase.name} {state.epochs + 1}", per_epoch)
    work.network.train()
    began, waited = time.perf_counter(), feed.wait_seconds
    try:
        while state.step < last:
            with run.stop.shield():
                step = next(steps)
                refuse_divergence(run.files, add_step(run.files.records, state, step))
                now = time.perf_counter()
                state.seconds, began = state.seconds + now - began, now
                state.wait, waited = state.wait + feed.wait_seconds - waited, feed.wait_seconds
                run.observer.step(state, step, state.step % per_epoch or per_epoch)
                if interval.due(state.step):
                    _checkpoint(run, work)
                    interval.restart()
                    began = time.perf_counter()
    except Exception:
        with suppress(Exception):  # the steps that were taken before it are recorded too
            flush_steps(run.files.records, state)
        raise
    refuse_divergence(run.files, flush_steps(run.files.records, state))


def _finish_epoch(run: PhaseRun, inputs: Inputs) -> None:
    """Evaluate the epoch that was trained, record it, and keep its weights if they are the best so far."""
    began, state = time.perf_counter(), run.state
    metrics = validate(run, inputs)
    with run.stop.shield():
        seconds = state.seconds + time.perf_counter() - began
        row = _epoch_row(run.phase, state, metrics, seconds)
        run.files.records.epochs.append([row])
        state.epochs += 1
        state.phase_seconds += seconds
        state.end_epoch()
        log.info(_line(run, row))
        _keep_weights(run)


def validate(run: PhaseRun, inputs: Inputs) -> dict[str, float | None]:
    """Metrics at 0.5 on the monitored rows, with the loss; empty where nothing is monitored."""
    if not len(inputs.monitored):
        return {}
    scores, loss = inputs.score(run.cfg, run.setup)
    if not np.isfinite(scores).all():  # the last step went too far: its own loss was taken before it
        refuse_divergence(run.files, Bad(run.state.steps - 1, run.state.lr, "network"))
    return {"loss": loss, **measure(run.setup.data.source.task, inputs.labels[inputs.monitored], scores)}


def _epoch_row(
    phase: Phase, state: TrainState, metrics: dict[str, float | None], seconds: float
) -> dict[str, Any]:
    known = {
        "phase": phase.name,
        "epoch": state.epochs + 1,
        "train_loss": state.loss_sum / state.images,
        "train_accuracy": state.correct / state.images,
        "lr": state.lr,
        "seconds": round(seconds, 3),
        "images_per_second": round(state.images / state.seconds, 1) if state.seconds else None,
        "data_wait": round(state.wait / state.seconds, 4) if state.seconds else None,
    }
    return {name: known.get(name, metrics.get(name.removeprefix("val_"))) for name in EPOCH_COLUMNS}


def _line(run: PhaseRun, row: dict[str, Any]) -> str:
    """What the screen says of an epoch, in less than 80 columns.

    `epoch 3/8  lr 0.0185  loss 0.769 val 0.724  auroc 0.5087  27 s  2:15 left`: of training, of validation, and the
    time that the phase still takes.
    """
    state, phase = run.state, run.phase
    total, done = state.first_epoch + phase.epochs, row["epoch"] - state.first_epoch
    name = "epoch" if phase.name == "main" else phase.name
    parts = [f"{name} {row['epoch']:>{len(str(total))}}/{total}", f"lr {row['lr']:.3g}"]
    losses, metric = f"loss {row['train_loss']:.3f}", _metric(run)
    if row["val_loss"] is not None:
        losses += f" val {row['val_loss']:.3f}"
    parts.append(losses)
    if row["val_loss"] is not None or metric.startswith("train_"):
        value = row.get(metric)
        parts.append(f"{metric.removeprefix('val_')} {'-' if value is None else f'{value:.4f}'}")
    parts.append(f"{row['seconds']:.1f} s" if row["seconds"] < 10 else f"{row['seconds']:.0f} s")
    if left := state.phase_seconds / done * (phase.epochs - done):
        parts.append(f"{duration(left)} left")
    return "  ".join(parts)


def _metric(run: PhaseRun) -> str:
    """The column of epochs.csv that the best weights are chosen by."""
    return column_of(run.cfg.selection_metric, run.setup.data.source.task)


def _keep_weights(run: PhaseRun) -> None:
    """Write the best weights when this epoch has the best value so far, and a cycle's at its end on request."""
    epoch, scorer, files = run.state.epochs, run.setup.scorer, run.files
    values = [] if run.cfg.selection == "last" else _values(run, _metric(run))
    if not values or best_epoch(values) == epoch - 1:
        save_weights(scorer, files.weights("best"))
    if run.cfg.cycle_weights and float(epoch - run.state.first_epoch) in run.phase.cycle_ends:
        save_weights(scorer, files.weights(f"cycle_{epoch:04d}"))


def _values(run: PhaseRun, name: str) -> list[float]:
    """A column of epochs.csv so far, larger better; empty where nothing is monitored that could decide."""
    if name.startswith("val_") and not len(monitored_rows(run.cfg, run.setup.data)):
        return []
    return oriented(name, column(run.files.path / "epochs.csv", name))


def is_done(run: PhaseRun) -> bool:
    """Whether the phase has had its epochs or its patience is spent."""
    state, phase = run.state, run.phase
    done = state.epochs - state.first_epoch
    if done >= phase.epochs:
        return True
    stopping = phase.stopping
    name = (
        _metric(run) if stopping.metric == "auto" else column_of(stopping.metric, run.setup.data.source.task)
    )
    values = _values(run, name)[state.first_epoch :]
    if stop := should_stop(values, stopping.patience, stopping.min_delta, phase.cycle_ends):
        log.info("%s stops early after %d epochs: no better %s", phase.name, done, name)
    return stop


def _checkpoint(run: PhaseRun, work: Work) -> None:
    """Write the state of the run, with every step taken so far on record."""
    refuse_divergence(run.files, flush_steps(run.files.records, run.state))
    save_state(run.setup, run.state, run.files, work.optimizer)
