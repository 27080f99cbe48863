"""Configuration and data are checked before anything costly begins: raise early, with the value and the fix."""

import logging
import math

import torch
from omegaconf import DictConfig

from clrx.bench import choose_device
from clrx.data import Data
from clrx.errors import UserError, did_you_mean
from clrx.interval import parse_interval
from clrx.plan import Phase
from clrx.policy_check import policy_warnings
from clrx.records import EPOCH_COLUMNS
from clrx.selection import column_of

log = logging.getLogger("clrx")

CHOICES = {
    "precision": ("fp32", "bf16"),
    "sampling": ("shuffled", "weighted"),
    "selection": ("validation", "test", "last"),
    "on_divergence": ("stop", "backoff"),
    "logger": ("none", "tensorboard", "mlflow"),
}
AT_LEAST_ONE = ("epochs", "batch_size", "accumulate", "bootstrap.resamples")


def check_config(cfg: DictConfig) -> None:
    """Raise UserError for a value that no run can use; set the CPU threads and determinism of the process."""
    from omegaconf import OmegaConf

    for key, allowed in CHOICES.items():
        if cfg[key] not in allowed:
            fix = did_you_mean(str(cfg[key]), allowed)
            raise UserError(f"{key}={cfg[key]} is unknown", where=key, allowed=", ".join(allowed), fix=fix)
    for key in AT_LEAST_ONE:
        value = OmegaConf.select(cfg, key)
        if not isinstance(value, int) or value < 1:
            raise UserError(f"{key}={value} is not possible", where=key, allowed="1, 2, 3, ...")
    _check_numbers(cfg)
    _check_metric("selection_metric", cfg.selection_metric)
    _check_metric("early_stopping.metric", cfg.early_stopping.metric)
    parse_interval(cfg.checkpoint.every, 1)
    choose_device(cfg.device)
    _set_process(cfg)


def _check_numbers(cfg: DictConfig) -> None:
    rules = [
        ("lr", cfg.lr, "a finite rate above 0", lambda v: 0 < v < math.inf),
        ("momentum", cfg.momentum, "0 <= momentum < 1", lambda v: 0 <= v < 1),
        ("weight_decay", cfg.weight_decay, "0 or more", lambda v: 0 <= v < math.inf),
        ("grad_clip", cfg.grad_clip, "null or above 0", lambda v: v is None or v > 0),
        ("ema", cfg.ema, "null or 0 < ema < 1", lambda v: v is None or 0 < v < 1),
        ("bootstrap.level", cfg.bootstrap.level, "0 < level < 1", lambda v: 0 < v < 1),
        ("seed", cfg.seed, "0, 1, 2, ...", lambda v: isinstance(v, int) and v >= 0),
        ("threads", cfg.threads, "null, 1, 2, ...", lambda v: v is None or (isinstance(v, int) and v > 0)),
        ("workers", cfg.workers, "null, 1, 2, ...", lambda v: v is None or (isinstance(v, int) and v > 0)),
    ]
    for key, value, allowed, holds in rules:
        if isinstance(value, str | bool) or not holds(value):
            raise UserError(f"{key}={value} is not possible", where=key, allowed=allowed)


def _check_metric(key: str, metric: str) -> None:
    column = column_of(metric, "binary")
    known = [name for name in EPOCH_COLUMNS if name.startswith(("val_", "train_"))]
    if column not in known:
        names = ["auto", *(name.removeprefix("val_") for name in known)]
        raise UserError(
            f"{key}={metric} is no recorded metric", allowed=", ".join(names), fix=did_you_mean(metric, names)
        )


def _set_process(cfg: DictConfig) -> None:
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    if cfg.deterministic:
        torch.use_deterministic_algorithms(True)


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
    """Log what a policy does that its user may not have meant: an unfinished cycle, a minimum never reached."""
    for phase in plan:
        for warning in policy_warnings(phase.policy, phase.epochs, steps_per_epoch):
            log.warning("%s: %s", phase.name, warning)
