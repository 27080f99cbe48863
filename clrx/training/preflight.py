"""What is checked before anything costly begins, beyond the limits of single keys: parts that are built, data."""

import logging
import os
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.config.target import build
from clrx.core.errors import UserError, first_line
from clrx.core.machine import choose_device
from clrx.data.classes import is_negative
from clrx.data.open import Data, load_source, open_data, size_of
from clrx.data.source import Source
from clrx.network.network import Network
from clrx.run.trackers import require_logger
from clrx.schedule.warnings import policy_warnings
from clrx.training.optim import check_optimizer
from clrx.training.setup import network_for

log = logging.getLogger("clrx")
CHOOSING = ("image_folder", "csv")  # datasets with a key `positive`


def check_config(cfg: TrainConfig, threads: int | None = None) -> None:
    """Raise UserError for a value that no run can use; set the CPU threads and determinism of the process.

    `threads` are those that a continued run has been trained with: another number gives other last bits. What needs
    no data and no network is built once, so that a value it refuses is refused before either.
    """
    require_logger(cfg.logger)
    choose_device(cfg.device)
    build(cfg.augment)
    check_optimizer(cfg.optimizer)
    if (cfg.model.mean is None) != (cfg.model.std is None):
        raise UserError("model.mean and model.std go together", where="model", fix="set both, or neither")
    if cfg.threads or threads:
        torch.set_num_threads(cfg.threads or threads or 1)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it determinism is refused on a GPU
    if cfg.deterministic != torch.are_deterministic_algorithms_enabled():  # the call imports torch's compiler
        torch.use_deterministic_algorithms(cfg.deterministic)


def open_inputs(cfg: TrainConfig, decoding: Callable[[int, int], None]) -> tuple[Network, Data]:
    """The network as it starts and the data with their images decoded, each checked before the next begins.

    `decoding` is told of images done, and all. Raises UserError.
    """
    source = load_source(cfg.dataset)
    network = network_for(cfg, source)
    check_batch(cfg, network, size_of(cfg.dataset, source))
    data = open_data(cfg, source, decoding)
    check_data(cfg, data)
    return network, data


def check_batch(cfg: TrainConfig, network: Network, size: int) -> None:
    """Raise UserError where batches of one image are asked for and the network cannot be trained on them.

    Batch normalisation over a single value has no variance; a copy of the network tries it. `size`: pixels of a side
    of the images.
    """
    if cfg.batch_size > 1:
        return
    tried = deepcopy(network).train()
    try:
        with torch.random.fork_rng([]), torch.no_grad():
            tried(torch.zeros(1, network.channels, size, size))
    except ValueError as error:
        what = f"batch_size=1 is too small for this network's batch normalisation: {first_line(error)}"
        fix = "batch_size=2 or more; accumulate=N keeps an optimizer step as large as you like"
        raise UserError(what, where="batch_size", allowed="2 or more", fix=fix) from error


def check_data(cfg: TrainConfig, data: Data) -> None:
    """Raise UserError where the training set cannot make the batches asked for."""
    if cfg.batch_size > len(data.train):
        what = f"batch_size={cfg.batch_size} is larger than the training set of {len(data.train)} images"
        raise UserError(what, where="batch_size", allowed=f"1 to {len(data.train)}")


def describe_data(data: Data) -> None:
    """Log what the data have to say, what they are and how they are divided: on the screen and in train.log."""
    for note in (*data.source.notes, *data.split.notes):
        log.info(note)
    split = data.split
    log.info(description(data))
    log.info(
        "%s: %d images for training, %d for validation, %d for test (split %s)",
        *(data.source.name, len(data.train), len(split.validation), len(split.test), split.hash[:12]),
    )


def description(data: Data) -> str:
    """Task, images per class, the positive class, pixels and groups: `binary: cat 40, dog 40; positive: dog; ...`.

    One line in which a folder taken for a class, a class turned round or lost patients can be seen.
    """
    source, (channels, height, width) = data.source, data.cache.array.shape[1:]
    if source.labels.ndim == 1:
        counts = np.bincount(source.labels, minlength=len(source.classes))
    else:
        counts = source.labels.sum(axis=0)
    told = [
        f"{source.task}: " + ", ".join(f"{name} {n}" for name, n in zip(source.classes, counts, strict=True))
    ]
    if source.task == "binary":
        told.append(f"positive: {source.classes[1]}{_how_to_choose(data.source)}")
    told.append(f"{width} x {height} {'grey' if channels == 1 else 'colour'}")
    groups = source.table["group"].nunique()
    told.append(
        f"{groups} groups" if groups < len(source) else "groups: none known, each image counts for itself"
    )
    return "; ".join(told)


def _how_to_choose(source: Source) -> str:
    """Where neither name says that nothing was found, and the dataset has the key: how to have the other class as 1."""
    if source.name not in CHOOSING or is_negative(source.classes[0]):
        return ""
    return f" (dataset.positive={source.classes[0]}: the other)"


def warn_about_policies(phases: tuple[Phase, ...], steps_per_epoch: int) -> None:
    """Log what a policy does that its user may not have meant: an unfinished cycle, an unreached minimum."""
    for phase in phases:
        for warning in policy_warnings(phase.policy, phase.epochs, steps_per_epoch):
            log.warning("%s: %s", phase.name, warning)
