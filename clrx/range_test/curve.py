"""From the repeats of a range test to curves against the rate: their mean, smoothed, and resamples of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp

import numpy as np

from clrx.core.randomness import random_generator

MOST = 200  # points of a curve; longer tests are averaged over neighbouring steps
LEAST = 8  # points without which nothing can be said
MEASURED = ("val_loss", "val_accuracy", "val_auroc")  # of the fixed subset of validation images
GAINS = ("accuracy", "val_accuracy", "val_auroc")  # the higher the better: curves hold one minus them
NAMES = {
    **{"loss": "training loss", "accuracy": "training accuracy", "val_loss": "validation loss"},
    **{"val_accuracy": "validation accuracy", "val_auroc": "validation AUROC"},
}


@dataclass(frozen=True)
class Repeat:
    """One pass of the ramp, up to the last step before a loss that was not finite."""

    lr: np.ndarray  # (n,)
    epoch: np.ndarray  # (n,)
    values: dict[str, np.ndarray]  # loss, smoothed, accuracy and MEASURED, each (n,); NaN where not measured
    stopped: str  # end | the loss passed its limit | the loss was not finite


@dataclass(frozen=True)
class Curve:
    """One smoothed quantity against the rate, lower the better, and its slope."""

    lr: np.ndarray  # (n,), rising
    value: np.ndarray  # (n,)
    slope: np.ndarray  # (n,) per decade of the rate
    edge: int  # points at either end that have too few neighbours to be judged by
    diverged: bool  # the rates end where the loss did, not where they were told to
    name: str = "loss"  # what it is of, a key of NAMES


@dataclass(frozen=True)
class Points:
    """The measurements of all repeats at the rates that every one of them reached."""

    lr: np.ndarray  # (n,)
    values: np.ndarray  # (repeats, n), lower the better
    length: float  # points over which to smooth
    diverged: bool
    name: str  # a key of NAMES

    @property
    def smoothed(self) -> np.ndarray:
        """(repeats, n): each repeat smoothed by itself."""
        return self.values @ fit_weights(len(self.lr), self.length)[0].T

    @property
    def spacing(self) -> float:
        """Decades between neighbouring points: under a linear ramp, in the middle of the range."""
        return float(np.median(np.diff(np.log10(self.lr))))

    def single(self) -> list[Curve]:
        """Each repeat as a curve of its own."""
        return [self._curve(values) for values in self.values]

    def curve(self) -> Curve:
        """The mean of the repeats, smoothed."""
        return self._curve(self.values.mean(axis=0))

    def resampled(self, seed: int, count: int) -> list[Curve]:
        """`count` curves as other batch orders might have given: repeats sampled with replacement, and in each the
        residuals turned about by random signs, a block of neighbours together (wild block bootstrap)."""
        rng = random_generator(seed, "range_test", "resamples")
        smoothed, (repeats, n) = self.smoothed, self.values.shape
        block = max(1, round(self.length))
        chosen = rng.integers(repeats, size=(count, repeats))
        signs = rng.choice((-1.0, 1.0), size=(count, repeats, -(-n // block))).repeat(block, axis=2)[:, :, :n]
        residuals = (self.values - smoothed) * _lost(fit_weights(n, self.length)[0])
        means = [
            (smoothed[rows] + residuals[rows] * sign).mean(axis=0)
            for rows, sign in zip(chosen, signs, strict=True)
        ]
        return [self._curve(mean) for mean in means]

    def _curve(self, values: np.ndarray) -> Curve:
        level, slope = fit_weights(len(values), self.length)
        per_decade = slope @ values / np.gradient(np.log10(self.lr))
        edge = max(1, round(self.length))
        return Curve(self.lr, level @ values, per_decade, edge, self.diverged, self.name)


def _lost(level: np.ndarray) -> np.ndarray:
    """(n,) factors that give residuals the spread which smoothing took from them, were the noise independent."""
    return 1.0 / np.sqrt(1.0 - 2.0 * np.diag(level) + (level**2).sum(axis=1))


def points_of(repeats: Sequence[Repeat], name: str, steps: int, smoothing: float) -> Points | None:
    """What `name` was against the rate (`loss`, `accuracy`, `val_...`), over the steps that all repeats took.

    `smoothing` is a share of the `steps` of the ramp. Losses are capped (`_capped`); an accuracy or AUROC is
    turned into one minus it. None where there are fewer than LEAST points.
    """
    shortest = min(len(repeat.lr) for repeat in repeats)
    values = np.stack([repeat.values[name][:shortest] for repeat in repeats])
    measured = np.flatnonzero(np.isfinite(values).all(axis=0))
    if len(measured) < LEAST:
        return None
    spacing = float(np.median(np.diff(measured)))
    group = -(-int(steps / spacing) // MOST)
    length = max(1.0, smoothing * steps / spacing / group)
    values, lr = _grouped(values[:, measured], group), _grouped(np.log10(repeats[0].lr[measured]), group)
    values = 1.0 - values if name in GAINS else _capped(values, length)
    return Points(10.0**lr, values, length, any(repeat.stopped != "end" for repeat in repeats), name)


def _grouped(values: np.ndarray, group: int) -> np.ndarray:
    """Means (..., n // group) over groups of neighbours; what is left at the end joins no group."""
    whole = values.shape[-1] // group * group
    return values[..., :whole].reshape(*values.shape[:-1], -1, group).mean(axis=-1)


def _capped(losses: np.ndarray, length: float) -> np.ndarray:
    """Losses held to as far above their starting level as the best lies below it, or to three deviations.

    A diverging loss has no size: uncapped, its first huge values would move the whole smoothed curve.
    """
    first = losses[:, : max(3, round(2 * length))]
    start = float(np.median(first))
    best = float(np.min(np.minimum(losses, start).mean(axis=0) @ fit_weights(losses.shape[1], length)[0].T))
    return np.minimum(losses, start + max(start - best, 3.0 * float(first.std())))


@dataclass
class RunningMean:
    """Exponential moving average, bias-corrected as in Adam (arXiv:1412.6980, section 3).

    A value weighs exp(-1 / length) of the one after it. It knows the past alone, so it lags by about `length`.
    """

    length: float
    count: int = 0
    total: float = 0.0

    def add(self, value: float) -> float:
        """The average with `value` as the latest."""
        beta = exp(-1.0 / self.length)
        self.count, self.total = self.count + 1, beta * self.total + (1.0 - beta) * value
        return self.total / (1.0 - beta**self.count)


@lru_cache(maxsize=16)
def fit_weights(points: int, length: float) -> tuple[np.ndarray, np.ndarray]:
    """(level, slope), each (points, points): `level @ values` is smoothed, `slope @ values` its change a point.

    The level is that of a parabola fitted about each point under Gaussian weights, `length` points their standard
    deviation, so that it neither lags nor fills up a minimum. The slope is that of a line fitted so: away from
    the ends it is the parabola's, and near them steadier. Cleveland 1979, doi:10.1080/01621459.1979.10481038.
    """
    level, slope = (_fitted(points, length, degree) for degree in (2, 1))
    return level[0], slope[1] / length


def _fitted(points: int, length: float, degree: int) -> np.ndarray:
    """(degree + 1, points, points): the coefficients of a polynomial fitted about each point, from the values."""
    position = np.arange(points, dtype=float)
    away = (position - position[:, None]) / length
    powers = np.stack([away**d for d in range(degree + 1)], axis=1)  # (points, degree + 1, points)
    weighted = powers * np.exp(-0.5 * away**2)[:, None]
    return np.linalg.solve(weighted @ powers.transpose(0, 2, 1), weighted).transpose(1, 0, 2)
