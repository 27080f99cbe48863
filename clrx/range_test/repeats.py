"""The range test (Smith, arXiv:1506.01186, section 3.3): a few training steps under a rate that only rises."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import ceil, inf, isfinite
from typing import NamedTuple

import numpy as np
import torch

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.core.console import Screen
from clrx.core.randomness import random_generator, random_key
from clrx.data.subsample import balanced_rows
from clrx.metrics.measure import measure
from clrx.range_test.curve import MEASURED, Repeat, RunningMean
from clrx.range_test.ramp import Ramp
from clrx.run.checkpoint import clone_state
from clrx.training.evaluate import evaluate
from clrx.training.loop import Step, Steps, train_steps
from clrx.training.setup import Setup, clock_over, monitored_rows, work_with

BLOCK = 10  # steps between two reads of an accelerator


@dataclass(frozen=True)
class RangeTest:
    """What is tested: the images, network and settings that `phase` trains, under `ramp` instead of its policy."""

    cfg: TrainConfig
    setup: Setup
    phase: Phase
    ramp: Ramp

    @property
    def subset(self) -> np.ndarray | None:
        """The rows that `range_test.curve=val_...` is measured on in every repeat; None for a training curve.

        Where training is balanced (Alyafi III-C) so are they: as many of each class as the rarest allows.
        """
        cfg, data, most = self.cfg, self.setup.data, self.cfg.range_test.images
        if not cfg.range_test.curve.startswith("val_"):
            return None
        rows, labels = monitored_rows(cfg, data), data.source.labels
        if cfg.dataset.balanced is not None:
            counts = np.unique(labels[rows], return_counts=True)[1]
            return balanced_rows(labels, rows, min(counts.min(), max(1, most // len(counts))), cfg.seed)
        shuffled = random_generator(cfg.seed, "range_test", "images").permutation(rows)
        return np.sort(shuffled[:most])


class Taken(NamedTuple):
    """The numbers of a step."""

    lr: float
    epoch: float
    loss: float
    accuracy: float


@dataclass
class Watch:
    """Looks at each loss in turn and says when to stop: at one that is not finite, or far above the best."""

    mean: RunningMean
    stop_at: float
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)
    best: float = inf
    stopped: str = "end"

    def add(self, loss: float) -> None:
        """Take one loss, unless it came after the end. It may lie above the best while it is below the first."""
        if self.stopped != "end":
            return
        if not isfinite(loss):
            self.stopped = "the loss was not finite"
            return
        self.losses.append(loss)
        self.smoothed.append(self.mean.add(loss))
        self.best = min(self.best, self.smoothed[-1])
        if self.smoothed[-1] > max(self.stop_at * self.best, self.smoothed[0]):
            self.stopped = "the loss passed its limit"


def run_repeats(test: RangeTest, screen: Screen) -> Iterator[Repeat]:
    """`range_test.repeats` passes from the same weights, each in another batch order.

    Once drained or closed, it has left the network and torch's random state as they were.
    """
    network, count = test.setup.network, test.cfg.range_test.repeats
    state, was_training = clone_state(network), network.training
    asked = [parameter.requires_grad for parameter in network.parameters()]
    try:
        for number in range(count):
            screen.start(f"range test {number + 1}/{count}", test.ramp.steps)
            network.load_state_dict(state)
            network.set_trainable(test.phase.trainable)
            yield _run_once(test, number, screen)
    finally:
        network.load_state_dict(state)
        for parameter, needed in zip(network.parameters(), asked, strict=True):
            parameter.requires_grad_(needed).grad = None
        network.train(was_training)


def _run_once(test: RangeTest, number: int, screen: Screen) -> Repeat:
    """One pass; the number of the repeat decides its batch order and dropout."""
    cfg, data, setup = test.cfg, test.setup.data, test.setup
    seed = random_key(cfg.seed, "range_test", number)
    clock = clock_over(cfg, data.source.labels[data.train], 1)
    clock = replace(clock, seed=seed, epochs=ceil(test.ramp.steps / clock.steps_per_epoch))
    work = work_with(cfg, test.phase, setup)
    work = replace(work, policy=test.ramp, momentum_policy=None, seed=seed, ema=None, mix=setup.mix)
    setup.network.train()
    devices = [setup.device] if setup.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        steps = train_steps(work, setup.feed, data.train, clock)
        try:
            return _collect(test, steps, screen)
        finally:
            steps.close()


def _collect(test: RangeTest, steps: Steps, screen: Screen) -> Repeat:
    """Take steps until the ramp or the loss ends; losses are read from the device a block at a time."""
    asked, total, subset = test.cfg.range_test, test.ramp.steps, test.subset
    block = 1 if test.setup.device.type == "cpu" else BLOCK
    watch = Watch(RunningMean(max(1.0, asked.smoothing * total)), asked.stop_at)
    taken: list[Taken] = []
    measured: dict[int, dict[str, float]] = {}
    while len(taken) < total and watch.stopped == "end":
        waiting = [next(steps) for _ in range(min(block, total - len(taken)))]
        read = _read(waiting)
        for one in read:
            watch.add(one.loss)
        if subset is not None and len(taken) % asked.every < len(waiting):
            measured[len(taken) + len(waiting) - 1] = _measure(test, subset)
        taken += read
        screen.advance(
            len(taken), f"lr {taken[-1].lr:.3g}  loss {watch.smoothed[-1]:.4f}" if watch.smoothed else ""
        )
    return _repeat(taken[: len(watch.losses)], watch, measured)


def _read(steps: list[Step]) -> list[Taken]:
    """One read of the device for all."""
    numbers = torch.stack([torch.stack((step.loss.double(), step.correct.double())) for step in steps])
    return [
        Taken(step.lr, step.progress.epoch, loss, correct / step.images)
        for step, (loss, correct) in zip(steps, numbers.tolist(), strict=True)
    ]


def _repeat(taken: list[Taken], watch: Watch, measured: dict[int, dict[str, float]]) -> Repeat:
    values = {"loss": np.array(watch.losses), "smoothed": np.array(watch.smoothed)}
    values["accuracy"] = np.array([one.accuracy for one in taken])
    for name in MEASURED:
        values[name] = np.array([measured.get(i, {}).get(name, np.nan) for i in range(len(taken))])
    lr, epoch = np.array([one.lr for one in taken]), np.array([one.epoch for one in taken])
    return Repeat(lr, epoch, values, watch.stopped)


def _measure(test: RangeTest, rows: np.ndarray) -> dict[str, float]:
    """Loss, accuracy and AUROC on the fixed subset, those of them that have a finite value."""
    setup, settings = test.setup, (2 * test.cfg.batch_size, test.cfg.precision)
    scores, loss = evaluate(setup.network, setup.feed, rows, setup.prepare_plain, setup.loss, *settings)
    if not (isfinite(loss) and np.isfinite(scores).all()):
        return {}
    found = measure(setup.loss.task, setup.data.source.labels[rows], scores)
    values = {"val_loss": loss, "val_accuracy": found["accuracy"], "val_auroc": found["auroc"]}
    return {name: value for name, value in values.items() if value is not None}
