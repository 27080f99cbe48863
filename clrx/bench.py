"""The bench of one run: everything its phases work with, put together once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from clrx.augment import normalise
from clrx.checkpoint import load_checkpoint, under_prefix
from clrx.data import Data
from clrx.ema import start_ema
from clrx.errors import UserError
from clrx.feed import Feed, open_feed
from clrx.loss import Loss, build_loss
from clrx.mix import Mix
from clrx.network import Network, build_network
from clrx.plot.augmented import plot_augmented
from clrx.records import Place, Records, open_records
from clrx.run import Run
from clrx.screen import Screen
from clrx.selection import column_of
from clrx.signals import Stop

log = logging.getLogger("clrx")


@dataclass
class Bench:
    """What the phases of a run share. `place`, the weights and the records move; the rest stays."""

    cfg: DictConfig
    run: Run
    data: Data
    network: Network
    ema: torch.nn.Module | None
    feed: Feed
    loss: Loss
    prepare: Callable[[Tensor, int], Tensor]  # training images (B, C, H, W) uint8, draw -> input
    prepare_plain: Callable[[Tensor], Tensor]  # the same without augmentation
    mix: (
        Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None
    )  # of prepared images and labels, by draw
    device: torch.device
    place: Place
    records: Records
    restored: dict[str, Tensor]  # tensors of the checkpoint that the run continues from; empty for a new run
    screen: Screen
    stop: Stop

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def monitored(self) -> np.ndarray:
        """Rows whose metrics are recorded each epoch: validation, or test where a paper selected on it."""
        return self.data.split.test if self.cfg.selection == "test" else self.data.split.validation

    @property
    def metric(self) -> str:
        """The column of epochs.csv that the best weights are chosen by."""
        return column_of(self.cfg.selection_metric, self.data.source.task)

    @property
    def scorer(self) -> torch.nn.Module:
        """The weights that are evaluated: the moving average where there is one."""
        return self.network if self.ema is None else self.ema


def set_up(cfg: DictConfig, run: Run, data: Data, network: Network, screen: Screen, stop: Stop) -> Bench:
    """Put the bench together, from the last checkpoint where the directory has one."""
    device = choose_device(cfg.device)
    network = _placed(network, device, cfg.channels_last)
    labels = data.source.labels
    place, restored = _restore(run.path, network)
    ema = start_ema(network) if cfg.ema else None
    if ema is not None and restored:
        ema.load_state_dict(under_prefix("ema", restored))
    prepare, plain = _preparations(cfg, network)
    return Bench(
        cfg=cfg,
        run=run,
        data=data,
        network=network,
        ema=ema,
        feed=open_feed(data.cache.array, labels, device, cfg.memory_budget),
        loss=build_loss(cfg.loss, data.source.task, labels[data.train], len(data.source.classes)),
        prepare=prepare,
        prepare_plain=plain,
        mix=_mixing(cfg, data),
        device=device,
        place=place,
        records=open_records(run.path, place, block=1 if device.type == "cpu" else 50),
        restored=restored,
        screen=screen,
        stop=stop,
    )


def network_for(cfg: DictConfig, data: Data) -> Network:
    """The network that `cfg` asks for, for these data, normalised as the data or its weights ask."""
    source = data.source
    outputs = cfg.model.binary_outputs if source.task == "binary" else len(source.classes)
    shape = {"channels": data.channels, "size": cfg.dataset.size, "outputs": outputs}
    network = build_network(cfg.model, cfg.head, **shape, seed=cfg.seed)
    if source.mean and source.std and not (cfg.model.weights or cfg.model.mean):
        network.set_normalisation(source.mean, source.std)
    for note in network.notes:
        log.info(note)
    return network


def draw_augmented(bench: Bench) -> None:
    """figures/augmented.png: training images beside four draws of their augmentation."""
    path = bench.path / "figures" / "augmented.png"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    rows = bench.data.train[:: max(1, len(bench.data.train) // 8)][:8]
    images = bench.feed.images[rows]
    plain = torch.from_numpy(np.array(images))
    augment = instantiate(bench.cfg.augment)
    drawn = [augment(plain, bench.cfg.seed, draw).clamp(0, 255).to(torch.uint8) for draw in range(4)]
    plot_augmented(path, [plain, *drawn], ["image", *["augmented"] * 4])


def choose_device(name: str) -> torch.device:
    """The device of `device=auto|cpu|cuda|cuda:N`; UserError where there is no such device."""
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


def _placed(network: Network, device: torch.device, channels_last: bool) -> Network:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return network.to(device=device, memory_format=layout)  # type: ignore[call-overload]


def _restore(path: Path, network: Network) -> tuple[Place, dict[str, Tensor]]:
    found = load_checkpoint(path / "checkpoint")
    if found is None:
        return Place(), {}
    tensors, place = found
    network.load_state_dict(under_prefix("network", tensors))
    log.info("continuing after %d steps and %d epochs", place["steps"], place["epochs"])
    return Place(**place), tensors


def _mixing(cfg: DictConfig, data: Data):
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
