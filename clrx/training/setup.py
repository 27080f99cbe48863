"""What a run and a range test of one configuration work with, and never changes: device, network, images, loss."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.config.target import build
from clrx.core.errors import UserError
from clrx.core.machine import choose_device
from clrx.data.augment import normalise
from clrx.data.feed import Feed, open_feed
from clrx.data.mix import Mix
from clrx.data.open import Data, size_of
from clrx.data.source import Source
from clrx.network.network import Network, build_network
from clrx.training.batches import Clock, sample_weights
from clrx.training.loop import Work, start_ema
from clrx.training.loss import Loss, build_loss
from clrx.training.optim import build_optimizer

log = logging.getLogger("clrx")
Prepare = Callable[[Tensor, int], Tensor]  # training images (B, C, H, W) uint8, key -> the network's input
Mixing = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None  # (input, labels, key) -> mixed


@dataclass(frozen=True)
class Setup:
    """The data on the device, the network there, its moving average, the loss, and what images go through."""

    data: Data
    device: torch.device
    network: Network
    ema: torch.nn.Module | None
    feed: Feed
    loss: Loss
    prepare: Prepare
    prepare_plain: Callable[[Tensor], Tensor]  # the same without augmentation
    mix: Mixing

    @property
    def scorer(self) -> torch.nn.Module:
        """The weights that are evaluated: the moving average where there is one."""
        return self.network if self.ema is None else self.ema


def make_setup(cfg: TrainConfig, data: Data, network: Network) -> Setup:
    """The setup that `cfg` asks for, with the network moved to the device."""
    device, labels = choose_device(cfg.device), data.source.labels
    layout = torch.channels_last if cfg.channels_last else torch.contiguous_format
    network = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    prepare, plain = _preparations(cfg, network)
    return Setup(
        data=data,
        device=device,
        network=network,
        ema=start_ema(network) if cfg.ema else None,
        feed=open_feed(data.cache.array, labels, device, cfg.memory_budget),
        loss=build_loss(cfg.loss, data.source.task, labels[data.train], len(data.source.classes)),
        prepare=prepare,
        prepare_plain=plain,
        mix=_mixing(cfg, data),
    )


def network_for(cfg: TrainConfig, source: Source) -> Network:
    """The network that `cfg` asks for, for these images, normalised as the data or its weights ask."""
    network = build_network(
        cfg.model,
        cfg.head,
        channels=cfg.dataset.channels or source.channels,
        size=size_of(cfg.dataset, source),
        outputs=cfg.model.binary_outputs if source.task == "binary" else len(source.classes),
        seed=cfg.seed,
    )
    if source.mean and source.std and not (cfg.model.weights or cfg.model.mean):
        network.set_normalisation(source.mean, source.std)
    for note in network.notes:
        log.info(note)
    return network


def monitored_rows(cfg: TrainConfig, data: Data) -> np.ndarray:
    """Rows whose metrics are recorded each epoch: validation, or test where a paper selected on it."""
    return data.split.test if cfg.selection == "test" else data.split.validation


def work_with(cfg: TrainConfig, phase: Phase, setup: Setup) -> Work:
    """What the steps of a phase work with; the optimizer is fresh."""
    return Work(
        network=setup.network,
        optimizer=build_optimizer(
            *(setup.network, cfg.optimizer, phase.rate_scales, cfg.spare_norms),
            fused=cfg.precision == "bf16",  # at fp32 the bytes of a run stay what they have been
        ),
        loss=setup.loss,
        policy=phase.policy,
        prepare=setup.prepare,
        seed=cfg.seed,
        momentum_policy=phase.momentum_policy,
        mix=None if phase.features else setup.mix,
        ema=setup.ema,
        ema_decay=cfg.ema or 0.0,
        grad_clip=cfg.grad_clip,
        precision=cfg.precision,
    )


def clock_over(cfg: TrainConfig, labels: np.ndarray, epochs: int, first_epoch: int = 0) -> Clock:
    """The steps of `epochs` over the training images whose labels (N,) or (N, K) are given."""
    return Clock(
        images=len(labels),
        batch_size=cfg.batch_size,
        epochs=epochs,
        seed=cfg.seed,
        accumulate=cfg.accumulate,
        first_epoch=first_epoch,
        weights=sample_weights(labels) if cfg.sampling == "weighted" else None,
    )


def _mixing(cfg: TrainConfig, data: Data) -> Mixing:
    """The mixing of a batch's images that `mix` asks for, or None."""
    mix = Mix(cfg.mix.mixup, cfg.mix.cutmix)
    if not (mix.mixup or mix.cutmix):
        return None
    if data.source.task != "multiclass":
        what = f"mixup and cutmix are for multi-class tasks; this one is {data.source.task}"
        raise UserError(what, where="mix", fix="mix.mixup=0 mix.cutmix=0")
    return lambda images, labels, key: mix(images, labels, len(data.source.classes), cfg.seed, key)


def _preparations(cfg: TrainConfig, network: Network) -> tuple[Prepare, Callable[[Tensor], Tensor]]:
    """(training, plain) functions from uint8 images to the network's input."""
    augment = build(cfg.augment)
    layout = torch.channels_last if cfg.channels_last else torch.contiguous_format

    def plain(images: Tensor) -> Tensor:
        return normalise(images.float(), network.mean, network.std).contiguous(memory_format=layout)

    def prepare(images: Tensor, key: int) -> Tensor:
        return plain(augment(images, cfg.seed, key))

    return prepare, plain
