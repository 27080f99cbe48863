"""What lies on every bench and never moves: the data on the device, the network there, the loss, the preparations."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from clrx.config.phases import Phase
from clrx.core.errors import UserError
from clrx.data.augment import normalise
from clrx.data.feed import Feed, open_feed
from clrx.data.mix import Mix
from clrx.data.open import Data
from clrx.network.network import Network
from clrx.train.batches import sample_weights
from clrx.train.clock import Clock
from clrx.train.loop import Work
from clrx.train.loss import Loss, build_loss
from clrx.train.optim import build_optimizer

Prepare = Callable[[Tensor, int], Tensor]  # training images (B, C, H, W) uint8, draw -> the network's input
Mixing = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None  # (input, labels, draw) -> mixed


class Tools(NamedTuple):
    """What a run and a range test of one configuration share."""

    device: torch.device
    network: Network
    feed: Feed
    loss: Loss
    prepare: Prepare
    prepare_plain: Callable[[Tensor], Tensor]  # the same without augmentation
    mix: Mixing


def lay_out(cfg: DictConfig, data: Data, network: Network) -> Tools:
    """The tools that `cfg` asks for, with the network moved to the device."""
    device, labels = choose_device(cfg.device), data.source.labels
    layout = torch.channels_last if cfg.channels_last else torch.contiguous_format
    prepare, plain = _preparations(cfg, network)
    return Tools(
        device=device,
        network=network.to(device=device, memory_format=layout),  # type: ignore[call-overload]
        feed=open_feed(data.cache.array, labels, device, cfg.memory_budget),
        loss=build_loss(cfg.loss, data.source.task, labels[data.train], len(data.source.classes)),
        prepare=prepare,
        prepare_plain=plain,
        mix=_mixing(cfg, data),
    )


def work_with(
    cfg: DictConfig, phase: Phase, network: Network, loss: Loss, prepare: Prepare, mix: Mixing
) -> Work:
    """What the steps of a phase work with; the optimizer is fresh."""
    return Work(
        network=network,
        optimizer=build_optimizer(network, cfg.optimizer, phase.rate_scales, cfg.spare_norms),
        loss=loss,
        policy=phase.policy,
        prepare=prepare,
        seed=cfg.seed,
        momentum_policy=phase.momentum_policy,
        mix=mix,
        ema_decay=cfg.ema or 0.0,
        grad_clip=cfg.grad_clip,
        precision=cfg.precision,
    )


def clock_over(cfg: DictConfig, labels: np.ndarray, epochs: int, first_epoch: int = 0) -> Clock:
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


def choose_device(name: str) -> torch.device:
    """The device of `device=auto|cpu|cuda|cuda:N`; UserError where there is no such device."""
    if not isinstance(name, str):
        raise UserError(f"device={name} is unknown", where="device", allowed="auto, cpu, cuda, cuda:N")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device={name} is unknown", allowed="auto, cpu, cuda, cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"device={name} is not supported", allowed="auto, cpu, cuda, cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        what = f"device={name}, but this machine has {torch.cuda.device_count()} CUDA devices"
        raise UserError(what, allowed="auto, cpu", fix="device=auto")
    return device


def _mixing(cfg: DictConfig, data: Data) -> Mixing:
    """The mixing of a batch's images that `mix` asks for, or None."""
    mix = Mix(cfg.mix.mixup, cfg.mix.cutmix)
    if not (mix.mixup or mix.cutmix):
        return None
    if data.source.task != "multiclass":
        what = f"mixup and cutmix are for multi-class tasks; this one is {data.source.task}"
        raise UserError(what, where="mix", fix="mix.mixup=0 mix.cutmix=0")
    return lambda images, labels, draw: mix(images, labels, len(data.source.classes), cfg.seed, draw)


def _preparations(cfg: DictConfig, network: Network):
    """(training, plain) functions from uint8 images to the network's input."""
    augment = instantiate(cfg.augment)
    layout = torch.channels_last if cfg.channels_last else torch.contiguous_format

    def plain(images: Tensor) -> Tensor:
        return normalise(images.float(), network.mean, network.std).contiguous(memory_format=layout)

    def prepare(images: Tensor, draw: int) -> Tensor:
        return plain(augment(images, cfg.seed, draw))

    return prepare, plain
