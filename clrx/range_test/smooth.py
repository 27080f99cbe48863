"""Noisy values in a row, smoothed: as they come, with a lag, and afterwards, without one."""

from dataclasses import dataclass
from functools import lru_cache
from math import exp

import numpy as np


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
    place = np.arange(points, dtype=float)
    away = (place - place[:, None]) / length
    powers = np.stack([away**d for d in range(degree + 1)], axis=1)  # (points, degree + 1, points)
    weighted = powers * np.exp(-0.5 * away**2)[:, None]
    return np.linalg.solve(weighted @ powers.transpose(0, 2, 1), weighted).transpose(1, 0, 2)
