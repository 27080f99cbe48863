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

from clrx.core.console import Screen
from clrx.core.signals import Stop
from clrx.data.feed import Feed
from clrx.data.open import Data
from clrx.network.network import Network, build_network
from clrx.plot.augmented import plot_augmented
from clrx.run.checkpoint import load_checkpoint, under_prefix
from clrx.run.directory import Run
from clrx.train.ema import start_ema
from clrx.train.loss import Loss
from clrx.train.records import Place, Records, open_records
from clrx.train.selection import column_of
from clrx.train.setup import Mixing, Prepare, lay_out

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
    prepare: Prepare
    prepare_plain: Callable[[Tensor], Tensor]  # the same without augmentation
    mix: Mixing
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

    def close(self) -> None:
        """Close the records: those that are open now, since a backoff opens new ones."""
        self.records.close()


def set_up(cfg: DictConfig, run: Run, data: Data, network: Network, screen: Screen, stop: Stop) -> Bench:
    """Put the bench together, from the last checkpoint where the directory has one."""
    tools = lay_out(cfg, data, network)
    place, restored = _restore(run.path, tools.network)
    ema = start_ema(tools.network) if cfg.ema else None
    if ema is not None and restored:
        ema.load_state_dict(under_prefix("ema", restored))
    return Bench(
        **tools._asdict(),
        cfg=cfg,
        run=run,
        data=data,
        ema=ema,
        place=place,
        records=open_records(run.path, place, block=1 if tools.device.type == "cpu" else 50),
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


def _restore(path: Path, network: Network) -> tuple[Place, dict[str, Tensor]]:
    found = load_checkpoint(path / "checkpoint")
    if found is None:
        return Place(), {}
    tensors, place = found
    network.load_state_dict(under_prefix("network", tensors))
    log.info("continuing after %d steps and %d epochs", place["steps"], place["epochs"])
    return Place(**place), tensors
