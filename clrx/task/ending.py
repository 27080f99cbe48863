"""The end of a training run on the screen: its result, the chosen epoch, where to look, and what to do next."""

import logging
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clrx.config.schema import TrainConfig
from clrx.core.console import say, show
from clrx.core.errors import ClrxError
from clrx.core.files import read_rows
from clrx.core.signals import signal_behind
from clrx.data.open import Data
from clrx.schedule.stretch import scaled_mark
from clrx.training.finish import metrics_table
from clrx.training.selection import best_epoch, column_of, oriented

CHANCE = 0.5  # AUROC of scores that know nothing
FEW = 10  # images of a class in validation below which the best epoch is mostly luck
LITTLE = 0.98  # share of the first epoch's loss above which none of the later ones has fallen
log = logging.getLogger("clrx")


def show_result(cfg: TrainConfig, data: Data, metrics: dict[str, Any], path: Path) -> None:
    """The table of the test set, the epoch whose weights it is of, and the run directory."""
    images, groups = data.split.test, data.source.table["group"].to_numpy()[data.split.test]
    level, whole = round(100 * cfg.bootstrap.level), len(set(groups))
    over = f"{whole} whole groups" if whole < len(images) else "images"
    title = f"test: {len(images)} images, {level}% intervals over {over}"
    if data.source.synthetic:
        title = f"SYNTHETIC DATA  {title}"
    say(f"{scaled_mark(cfg.scale)}  {title}".strip())
    show(metrics_table(metrics["test"]))
    say(f"weights: {chosen(cfg, data.source.task, path)}")
    for hint in hints(cfg, data, metrics, path):
        say(f"hint: {hint}")
    say(f"run directory: {path}")


def chosen(cfg: TrainConfig, task: str, path: Path) -> str:
    """Which epoch's weights were evaluated, and why: `epoch 5 of 8, the best val_auroc (0.8140)`."""
    rows = read_rows(path / "epochs.csv")
    if cfg.selection == "last":
        return f"epoch {len(rows)} of {len(rows)}, the last (selection=last)"
    column = column_of(cfg.selection_metric, task)
    values = [float(row[column]) if row[column] else None for row in rows]
    best = best_epoch(oriented(column, values))
    if (value := values[best]) is None:
        return f"epoch {best + 1} of {len(rows)}: nothing was there to choose by"
    on = " of the test set (selection=test)" if cfg.selection == "test" else ""
    return f"epoch {best + 1} of {len(rows)}, the best {column}{on} ({value:.4f})"


def hints(cfg: TrainConfig, data: Data, metrics: dict[str, Any], path: Path) -> list[str]:
    """Sentences on a result that may mislead: chance within the interval, few images to choose by, no descent."""
    found, auroc = [], metrics["test"].get("auroc", {})
    if auroc.get("low") is not None and auroc["low"] <= CHANCE <= auroc["high"]:
        found.append("the interval of auroc holds 0.5: chance alone may have made this")
    if auroc.get("reason") and auroc.get("low") is not None:
        found.append(f"auroc: {auroc['reason']}")
    labels = data.source.labels[data.split.validation]
    if cfg.selection == "validation" and len(labels):
        counts = (
            labels.sum(axis=0) if labels.ndim > 1 else np.bincount(labels, minlength=len(data.source.classes))
        )
        least = int(counts.argmin())
        if counts[least] < FEW:
            name = data.source.classes[least]
            found.append(
                f"validation has {counts[least]} images of {name}, few to choose an epoch by: split.validation"
            )
    losses = [float(row["train_loss"]) for row in read_rows(path / "epochs.csv")]
    if len(losses) > 1 and min(losses[1:]) > LITTLE * losses[0]:
        found.append(
            "the training loss hardly fell: the rate may be far off; clrx find-lr takes the same words"
        )
    return found


def show_report(path: Path, overrides: Sequence[str] | None = None) -> None:
    """Write the run's report and say where it is, and the command that compares policies on the data of `overrides`.

    A report that fails is a message: the run is complete.
    """
    from clrx.report.make import make_report  # matplotlib and the page load when training has ended

    try:
        say(f"report: {make_report([path])}")
    except Exception as error:
        if behind := signal_behind(error):
            raise behind from error
        log.debug("the report failed", exc_info=error)
        say(
            f"no report: {error if isinstance(error, ClrxError) else type(error).__name__}; clrx report {path}"
        )
    if overrides is None:
        return
    kept = [word for word in overrides if word.partition("=")[0] not in ("policy", "seed", "experiment")]
    words = ["clrx", "sweep", "policy=constant,triangular", "seed=0,1,2", *kept]
    say(f"next: {shlex.join(words)}")
