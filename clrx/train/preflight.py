"""Configuration and data are checked before anything costly begins, with the value and the fix."""

import logging
import os
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from clrx.config.flatten import check_nodes
from clrx.config.phases import Phase
from clrx.core.errors import UserError, did_you_mean, require_number
from clrx.data.mix import Mix
from clrx.data.open import Data, check_image
from clrx.run.interval import parse_interval
from clrx.run.trackers import require_logger
from clrx.schedule.warnings import policy_warnings
from clrx.train.loss import check_loss
from clrx.train.optim import check_optimizer
from clrx.train.records import EPOCH_COLUMNS
from clrx.train.selection import column_of
from clrx.train.setup import choose_device

log = logging.getLogger("clrx")

CHOICES = {
    "precision": ("fp32", "bf16"),
    "sampling": ("shuffled", "weighted"),
    "selection": ("validation", "test", "last"),
    "on_divergence": ("stop", "backoff"),
    "logger": ("none", "tensorboard", "mlflow"),
}
FLAGS = ("spare_norms", "test_flips", "cycle_weights", "channels_last", "deterministic")
NUMBERS: dict[str, dict[str, Any]] = {
    "seed": {"least": 0, "whole": True},
    "scale": {"above": 0, "most": 1},
    "epochs": {"least": 1, "whole": True},
    "batch_size": {"least": 1, "whole": True},
    "accumulate": {"least": 1, "whole": True},
    "lr": {"above": 0},
    "momentum": {"least": 0, "below": 1},
    "weight_decay": {"least": 0},
    "bootstrap.resamples": {"least": 1, "whole": True},
    "bootstrap.level": {"above": 0, "below": 1},
    "backoff_factor": {"above": 0, "below": 1},
    "max_backoffs": {"least": 0, "whole": True},
    "split.validation": {"least": 0, "below": 1},
    "split.test": {"above": 0, "below": 1},
    "split.seed": {"least": 0, "whole": True},
}
NUMBERS_OR_NULL: dict[str, dict[str, Any]] = {
    "grad_clip": {"above": 0},
    "ema": {"above": 0, "below": 1},
    "threads": {"least": 1, "whole": True},
    "workers": {"least": 1, "whole": True},
    "memory_budget": {"least": 0, "whole": True},
    "split.folds": {"least": 2, "whole": True},
    "split.fold": {"least": 0, "whole": True},
    "dataset.balanced": {"least": 1, "whole": True},
}


def check_config(cfg: DictConfig) -> None:
    """Raise UserError for a value that no run can use; set the CPU threads and determinism of the process."""
    check_nodes(cfg)
    for key, allowed in CHOICES.items():
        if cfg[key] not in allowed:
            fix = did_you_mean(str(cfg[key]), allowed)
            raise UserError(f"{key}={cfg[key]} is unknown", where=key, allowed=", ".join(allowed), fix=fix)
    require_logger(cfg.logger)
    for key in FLAGS:
        if not isinstance(cfg[key], bool):
            raise UserError(f"{key}={cfg[key]} is neither", where=key, allowed="true, false")
    for key, limits in (NUMBERS | NUMBERS_OR_NULL).items():
        value = OmegaConf.select(cfg, key)
        if value is not None or key in NUMBERS:
            require_number(value, key, **limits)
    check_loss(cfg.loss)
    check_image(cfg.dataset.size, 3 if cfg.dataset.channels is None else cfg.dataset.channels)
    _check_metrics(cfg)
    parse_interval(cfg.checkpoint.every, 1)
    choose_device(cfg.device)
    _check_parts(cfg)
    _set_process(cfg)


def _check_parts(cfg: DictConfig) -> None:
    """What needs no data and no network is built once, so that a value it refuses is refused before either."""
    Mix(cfg.mix.mixup, cfg.mix.cutmix)
    instantiate(cfg.augment)
    check_optimizer(cfg.optimizer)
    if not isinstance(cfg.model.get("weights"), str | None):
        allowed = "null, imagenet, or a path"
        raise UserError(
            f"model.weights={cfg.model.weights} is no name", where="model.weights", allowed=allowed
        )


def _check_metrics(cfg: DictConfig) -> None:
    """The metrics that the best weights and early stopping go by, those of the plan's phases included."""
    _check_metric("selection_metric", cfg.selection_metric)
    _check_metric("early_stopping.metric", cfg.early_stopping.metric)
    phases = OmegaConf.select(cfg, "plan.phases")
    for index in range(len(phases) if isinstance(phases, ListConfig) else 0):
        key = f"plan.phases.{index}.early_stopping.metric"
        _check_metric(key, OmegaConf.select(cfg, key, default="auto"))


def _check_metric(key: str, metric: str) -> None:
    column = column_of(str(metric), "binary")
    known = [name for name in EPOCH_COLUMNS if name.startswith(("val_", "train_"))]
    if column not in known:
        names = ["auto", *(name.removeprefix("val_") for name in known)]
        raise UserError(
            f"{key}={metric} is no recorded metric",
            where=key,
            allowed=", ".join(names),
            fix=did_you_mean(str(metric), names),
        )


def _set_process(cfg: DictConfig) -> None:
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it determinism is refused on a GPU
    if cfg.deterministic != torch.are_deterministic_algorithms_enabled():  # the call imports torch's compiler
        torch.use_deterministic_algorithms(cfg.deterministic)


def keep_threads(cfg: DictConfig, before: int | None) -> None:
    """Have a continued run compute with as many threads as `before`: another number gives other last bits."""
    if cfg.threads is None and before is not None:
        torch.set_num_threads(before)


def check_data(cfg: DictConfig, data: Data) -> None:
    """Raise UserError where the training set cannot make the batches asked for."""
    if cfg.batch_size > len(data.train):
        what = f"batch_size={cfg.batch_size} is larger than the training set of {len(data.train)} images"
        raise UserError(what, where="batch_size", allowed=f"1 to {len(data.train)}")
    for note in (*data.source.notes, *data.split.notes):
        log.info(note)
    split = data.split
    log.info(
        "%s: %d images for training, %d for validation, %d for test (split %s)",
        *(data.source.name, len(data.train), len(split.validation), len(split.test), split.hash[:12]),
    )


def warn_about_policies(plan: tuple[Phase, ...], steps_per_epoch: int) -> None:
    """Log what a policy does that its user may not have meant: an unfinished cycle, an unreached minimum."""
    for phase in plan:
        for warning in policy_warnings(phase.policy, phase.epochs, steps_per_epoch):
            log.warning("%s: %s", phase.name, warning)
