"""The rising rate of a range test."""

from dataclasses import dataclass

from clrx.config.schema import TrainConfig
from clrx.core.errors import UserError
from clrx.schedule.progress import Progress
from clrx.training.batches import steps_per_epoch


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


def ramp_of(cfg: TrainConfig, images: int) -> Ramp:
    """The ramp of the `range_test` section over so many training images."""
    asked = cfg.range_test
    per_epoch = steps_per_epoch(images, cfg.batch_size, cfg.accumulate)
    steps = asked.steps if asked.epochs is None else max(20, round(cfg.scale * asked.epochs * per_epoch))
    return Ramp(asked.shape, asked.start, asked.end, steps)


def check_range_test(cfg: TrainConfig) -> None:
    """Raise UserError for a range test that cannot be run or read."""
    asked = cfg.range_test
    if asked.end <= asked.start:
        what = f"the ramp ends at {asked.end:g}, not above its start at {asked.start:g}"
        raise UserError(what, where="range_test.end", allowed=f"above {asked.start:g}")
    if asked.curve.startswith("val_") and cfg.selection != "test" and not cfg.split.validation:
        what = f"range_test.curve={asked.curve} needs validation images"
        raise UserError(what, where="split.validation", fix="split.validation=0.1, or range_test.curve=loss")
