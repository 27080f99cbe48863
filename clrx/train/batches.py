"""The order in which a run sees its images: a function of (seed, epoch), so a run can start at any step."""

import numpy as np

from clrx.core.errors import UserError
from clrx.core.randomness import random_generator


def epoch_order(seed: int, epoch: int, n: int, weights: np.ndarray | None = None) -> np.ndarray:
    """(n,) int64 positions in 0..n-1, in the order of one epoch.

    Without weights every position comes once. With weights (n,), not negative, n positions are drawn with
    replacement, each with a probability in proportion to its weight.
    """
    uniform = random_generator(seed, "order", epoch).random(n)
    if weights is None:
        return np.argsort(uniform, kind="stable").astype(np.int64)
    cumulative = np.cumsum(_checked(weights, n))
    # the last bound is exactly 1 and no draw reaches it; an image of weight 0 has no room between its bounds
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
    """(N,) float64 weights under which each class is drawn equally often: 1 / images of the class.

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
