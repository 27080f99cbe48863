"""The rising rate of a range test, and the check of the `range_test` node."""

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from clrx.core.errors import UserError, did_you_mean, require_number
from clrx.range_test.rules import RULES
from clrx.schedule.progress import Progress
from clrx.schedule.stretch import scale_of
from clrx.train.clock import steps_per_epoch

SHAPES = ("exponential", "linear")
CURVES = ("loss", "val_loss", "val_accuracy", "val_auroc")
NUMBERS: dict[str, dict[str, Any]] = {
    "start": {"above": 0},
    "end": {"above": 0},
    "steps": {"least": 20, "whole": True},
    "repeats": {"least": 1, "whole": True},
    "smoothing": {"above": 0, "most": 0.2},
    "stop_at": {"above": 1},
    "images": {"least": 1, "whole": True},
    "every": {"least": 1, "whole": True},
}


@dataclass(frozen=True)
class Ramp:
    """A rate that rises from `start` at the first step to `end` at the last, and never beyond it.

    exponential: start * (end / start) ** share (Chopade et al. 2021, A6); linear: start + (end - start) * share
    (Alyafi et al. 2019, III-C), with share = step / (steps - 1).
    """

    shape: str
    start: float
    end: float
    steps: int

    def __call__(self, progress: Progress) -> float:
        share = min(1.0, progress.step / (self.steps - 1))
        if self.shape == "linear":
            return (1.0 - share) * self.start + share * self.end
        return self.start ** (1.0 - share) * self.end**share


def ramp_of(cfg: DictConfig, images: int) -> Ramp:
    """The ramp of the `range_test` node over so many training images."""
    node = cfg.range_test
    per_epoch = steps_per_epoch(images, cfg.batch_size, cfg.accumulate)
    steps = node.steps if node.epochs is None else max(20, round(scale_of(cfg) * node.epochs * per_epoch))
    return Ramp(node.shape, float(node.start), float(node.end), steps)


def check_range_test(cfg: DictConfig) -> None:
    """Raise UserError for a range test that cannot be run or read."""
    node = cfg.range_test
    for key, limits in NUMBERS.items():
        require_number(node[key], f"range_test.{key}", **limits)
    if node.epochs is not None:
        require_number(node.epochs, "range_test.epochs", above=0)
    for key, allowed in {"shape": SHAPES, "curve": CURVES, "rule": tuple(RULES)}.items():
        if node[key] not in allowed:
            fix, what = did_you_mean(str(node[key]), allowed), f"range_test.{key}={node[key]} is unknown"
            raise UserError(what, where=f"range_test.{key}", allowed=", ".join(allowed), fix=fix)
    if node.end <= node.start:
        what = f"the ramp ends at {node.end:g}, not above its start at {node.start:g}"
        raise UserError(what, where="range_test.end", allowed=f"above {node.start:g}")
    if node.curve.startswith("val_") and cfg.selection != "test" and not cfg.split.validation:
        what = f"range_test.curve={node.curve} needs validation images"
        raise UserError(what, where="split.validation", fix="split.validation=0.1, or range_test.curve=loss")
