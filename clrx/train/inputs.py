"""What a phase trains on: the images, or the features that a frozen body makes of them, computed once."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from clrx.config.phases import Phase
from clrx.data.feed import Feed, open_feed
from clrx.network.body import pool
from clrx.train.evaluate import evaluate
from clrx.train.loop import autocast
from clrx.train.session import Bench

log = logging.getLogger("clrx")


@dataclass(frozen=True)
class Material:
    """A feed with the network that takes its batches, and the rows to train on and to judge by."""

    feed: Feed
    network: nn.Module
    ema: nn.Module | None
    train: np.ndarray
    monitored: np.ndarray
    labels: np.ndarray  # of every row of the feed
    prepare: Callable[[Tensor, int], Tensor]
    prepare_plain: Callable[[Tensor], Tensor]
    flips: bool

    def score(self, bench: Bench) -> tuple[np.ndarray, float]:
        """(scores, loss) on the monitored rows."""
        scorer = self.network if self.ema is None else self.ema
        settings = (2 * bench.cfg.batch_size, bench.cfg.precision, self.flips)
        return evaluate(scorer, self.feed, self.monitored, self.prepare_plain, bench.loss, *settings)


class HeadAlone(nn.Module):
    """The head of a network as a network of its own, on pooled features (B, F)."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        return self.head(features)


def material_of(bench: Bench, phase: Phase) -> Material:
    """The images themselves, or the computed features where the phase asks for them."""
    if phase.features:
        return _features(bench, phase)
    return Material(
        feed=bench.feed,
        network=bench.network,
        ema=bench.ema,
        train=bench.data.train,
        monitored=bench.monitored,
        labels=bench.data.source.labels,
        prepare=bench.prepare,
        prepare_plain=bench.prepare_plain,
        flips=bench.cfg.test_flips,
    )


def _features(bench: Bench, phase: Phase) -> Material:
    """Pooled features of the training images, once plain and `feature_copies - 1` times augmented, and of the others.

    The body rests in eval mode, as it does in a phase that trains the head through it.
    """
    began = time.perf_counter()
    train, monitored = bench.data.train, bench.monitored
    parts = [_computed(bench, train, copy) for copy in range(phase.feature_copies)]
    features = np.concatenate([*parts, _computed(bench, monitored, 0)])
    labels = bench.data.source.labels[np.concatenate([*[train] * phase.feature_copies, monitored])]
    log.info("%s: features of %d images in %.1f s", phase.name, len(features), time.perf_counter() - began)
    trained = len(train) * phase.feature_copies
    bench.place.phase_seconds += time.perf_counter() - began
    return Material(
        feed=open_feed(features, labels, bench.device, bench.cfg.memory_budget),
        network=HeadAlone(bench.network.head),
        ema=None if bench.ema is None else HeadAlone(bench.ema.get_submodule("head")),
        train=np.arange(trained),
        monitored=np.arange(trained, len(features)),
        labels=labels,
        prepare=lambda features, draw: features,
        prepare_plain=lambda features: features,
        flips=False,
    )


@torch.no_grad()
def _computed(bench: Bench, rows: np.ndarray, copy: int) -> np.ndarray:
    """Features (N, F) of rows; copy 0 is plain, each further one augmented by draws of its own."""
    body, size = bench.network.body.eval(), 2 * bench.cfg.batch_size
    batches = (rows[i : i + size] for i in range(0, len(rows), size))
    computed = [np.empty((0, 0), np.float32)] if not len(rows) else []
    for number, (images, _) in enumerate(bench.feed.stream(batches)):
        draw = -(copy * len(rows) + number) - 1  # never the draw of a training step
        inputs = bench.prepare(images, draw) if copy else bench.prepare_plain(images)
        with autocast(bench.device, bench.cfg.precision):
            computed.append(pool(body(inputs)).float().cpu().numpy())
    return np.concatenate(computed)
