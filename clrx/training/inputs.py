"""What a phase trains on: the images, or the features that a frozen body makes of them, computed once."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.data.feed import Feed, open_feed
from clrx.network.body import pool
from clrx.training.evaluate import evaluate
from clrx.training.loop import autocast
from clrx.training.records import TrainState
from clrx.training.setup import Setup, monitored_rows

log = logging.getLogger("clrx")


@dataclass(frozen=True)
class Inputs:
    """A feed with the network that takes its batches, and the rows to train on and to evaluate."""

    feed: Feed
    network: nn.Module
    ema: nn.Module | None
    train: np.ndarray
    monitored: np.ndarray
    labels: np.ndarray  # of every row of the feed
    prepare: Callable[[Tensor, int], Tensor]
    prepare_plain: Callable[[Tensor], Tensor]
    flips: bool

    def score(self, cfg: TrainConfig, setup: Setup) -> tuple[np.ndarray, float]:
        """(scores, loss) on the monitored rows."""
        scorer = self.network if self.ema is None else self.ema
        settings = (2 * cfg.batch_size, cfg.precision, self.flips)
        return evaluate(scorer, self.feed, self.monitored, self.prepare_plain, setup.loss, *settings)


class HeadAlone(nn.Module):
    """The head of a network as a network of its own, on pooled features (B, F)."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, F) -> logits (B, outputs)."""
        return self.head(features)


def inputs_of(cfg: TrainConfig, setup: Setup, state: TrainState, phase: Phase) -> Inputs:
    """The images themselves, or the computed features where the phase asks for them."""
    if phase.features:
        return _features(cfg, setup, state, phase)
    return Inputs(
        feed=setup.feed,
        network=setup.network,
        ema=setup.ema,
        train=setup.data.train,
        monitored=monitored_rows(cfg, setup.data),
        labels=setup.data.source.labels,
        prepare=setup.prepare,
        prepare_plain=setup.prepare_plain,
        flips=cfg.test_flips,
    )


def _features(cfg: TrainConfig, setup: Setup, state: TrainState, phase: Phase) -> Inputs:
    """Pooled features of the training images, once plain and `feature_copies - 1` times augmented, and of the others.

    The body stays in eval mode, as it does in a phase that trains the head through it.
    """
    began = time.perf_counter()
    train, monitored = setup.data.train, monitored_rows(cfg, setup.data)
    parts = [_computed(cfg, setup, train, copy) for copy in range(phase.feature_copies)]
    features = np.concatenate([*parts, _computed(cfg, setup, monitored, 0)])
    labels = setup.data.source.labels[np.concatenate([*[train] * phase.feature_copies, monitored])]
    log.info("%s: features of %d images in %.1f s", phase.name, len(features), time.perf_counter() - began)
    trained = len(train) * phase.feature_copies
    state.phase_seconds += time.perf_counter() - began
    return Inputs(
        feed=open_feed(features, labels, setup.device, cfg.memory_budget),
        network=HeadAlone(setup.network.head),
        ema=None if setup.ema is None else HeadAlone(setup.ema.get_submodule("head")),
        train=np.arange(trained),
        monitored=np.arange(trained, len(features)),
        labels=labels,
        prepare=lambda features, key: features,
        prepare_plain=lambda features: features,
        flips=False,
    )


@torch.no_grad()
def _computed(cfg: TrainConfig, setup: Setup, rows: np.ndarray, copy: int) -> np.ndarray:
    """Features (N, F) of rows; copy 0 is plain, each further one augmented with keys of its own."""
    body, size = setup.network.body.eval(), 2 * cfg.batch_size
    batches = (rows[i : i + size] for i in range(0, len(rows), size))
    computed = [np.empty((0, 0), np.float32)] if not len(rows) else []
    for number, (images, _) in enumerate(setup.feed.stream(batches)):
        key = -(copy * len(rows) + number) - 1  # never the key of a training step
        inputs = setup.prepare(images, key) if copy else setup.prepare_plain(images)
        with autocast(setup.device, cfg.precision):
            computed.append(pool(body(inputs)).float().cpu().numpy())
    return np.concatenate(computed)
