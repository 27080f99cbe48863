"""The order in which a run sees its images: a function of (seed, epoch), so a run can start at any step."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator
from clrx.schedule.progress import Progress, progress_at


def epoch_order(seed: int, epoch: int, n: int, weights: np.ndarray | None = None) -> np.ndarray:
    """(n,) int64 positions in 0..n-1, in the order of one epoch.

    Without weights every position comes once. With weights (n,), not negative, n positions are sampled with
    replacement, each with a probability in proportion to its weight.
    """
    uniform = random_generator(seed, "order", epoch).random(n)
    if weights is None:
        return np.argsort(uniform, kind="stable").astype(np.int64)
    cumulative = np.cumsum(_checked(weights, n))
    # the last bound is exactly 1 and no sample reaches it; an image of weight 0 has no room between its bounds
    return np.searchsorted(cumulative / cumulative[-1], uniform, side="right").astype(np.int64)


def _checked(weights: np.ndarray, n: int) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"{n} images, but sampling weights of shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise UserError(
            "sampling weights are negative, not finite or all zero", allowed="finite numbers >= 0"
        )
    return weights


def sample_weights(labels: np.ndarray) -> np.ndarray:
    """(N,) float64 weights under which each class is sampled equally often: 1 / images of the class.

    `labels` is (N,) class indices, or (N, K) 0/1 of a multi-label task; there an image has the weight of the
    rarest of its findings, and images without any finding count as one more class.
    """
    if labels.ndim == 1:
        _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return 1.0 / counts[which]
    present = np.concatenate([labels > 0, ~(labels > 0).any(axis=1, keepdims=True)], axis=1)
    counts = np.maximum(present.sum(axis=0), 1)
    return (present / counts).max(axis=1)


def cut(order: np.ndarray, batch_size: int, drop_single: bool = True) -> list[np.ndarray]:
    """The order in batches. The last may be smaller, but a last one of a single image is left out when others
    come before it: batch normalisation cannot train on it. For evaluation set `drop_single=False`."""
    count = batches_per_epoch(len(order), batch_size, drop_single)
    return [order[i * batch_size : (i + 1) * batch_size] for i in range(count)]


def batches_per_epoch(n: int, batch_size: int, drop_single: bool = True) -> int:
    """How many batches `cut` makes of n images."""
    if batch_size < 1:
        raise UserError(f"batch_size={batch_size} holds no image", allowed="1 or more")
    single = drop_single and n > batch_size and n % batch_size == 1
    return -(-n // batch_size) - single


@dataclass(frozen=True)
class Clock:
    """The steps of one phase. Steps and epochs count from 0 within the phase; orders use the run's epoch."""

    images: int  # training images
    batch_size: int
    epochs: int
    seed: int
    accumulate: int = 1  # batches an optimizer step
    first_epoch: int = 0  # epochs of the run before this phase
    weights: np.ndarray | None = None  # (images,) sampling weights; None: every image once an epoch

    @cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps an epoch; the last one may have fewer batches."""
        return steps_per_epoch(self.images, self.batch_size, self.accumulate)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    def at(self, step: int) -> Progress:
        """The Progress just before a step."""
        return progress_at(step, self.steps_per_epoch, self.total_steps)

    def groups(self, epoch: int) -> list[list[np.ndarray]]:
        """For each step of an epoch its batches: positions (0..images-1) as int64 arrays."""
        order = epoch_order(self.seed, self.first_epoch + epoch, self.images, self.weights)
        batches = cut(order, self.batch_size)
        return [batches[i : i + self.accumulate] for i in range(0, len(batches), self.accumulate)]

    def groups_from(self, step: int) -> Iterator[list[np.ndarray]]:
        """The batches of every step from `step` to the end of the phase."""
        epoch, skip = divmod(step, self.steps_per_epoch)
        while epoch < self.epochs:
            yield from self.groups(epoch)[skip:]
            epoch, skip = epoch + 1, 0


def steps_per_epoch(images: int, batch_size: int, accumulate: int = 1) -> int:
    """Optimizer steps that `images` training images make; the last one may have fewer batches."""
    return -(-batches_per_epoch(images, batch_size) // accumulate)
