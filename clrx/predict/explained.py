"""Decoded images with the maps of their scores: the class each map is of, the map, and a title for the picture."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from clrx.bundle.description import Description
from clrx.core.errors import UserError, did_you_mean
from clrx.network.network import Network
from clrx.predict.cam import last_map, maps
from clrx.predict.decode import Shape
from clrx.predict.score import Member, Scorer, decide, shape_of


def classes_of(d: Description, scores: np.ndarray, threshold: float, asked: str | None = None) -> np.ndarray:
    """The index (N,) of the class that each image's map is of: the one asked for, else the predicted one.

    Of a multi-label task the one with the largest score. UserError for a class that the network does not have.
    """
    if asked is not None:
        if asked not in d.classes:
            fix = did_you_mean(asked, d.classes)
            raise UserError(
                f"there is no class '{asked}'", where="target", allowed=", ".join(d.classes), fix=fix
            )
        return np.full(len(scores), d.classes.index(asked))
    if d.task == "multilabel":
        return scores.argmax(axis=1)
    return np.array([d.classes.index(name) for name in decide(d, scores, threshold)], dtype=np.int64)


def heat_of(
    scorer: Scorer,
    member: Member,
    pixels: Mapping[Shape, np.ndarray],
    classes: np.ndarray,
    layer: str | None = None,
    method: str = "gradcam",
) -> np.ndarray:
    """The maps float32 (N, H, W) in [0, 1] of decoded images under one network, a batch at a time."""
    network, d = cast(Network, member.network), member.description
    images, parts = pixels[shape_of(d)], []
    for start in range(0, len(images), scorer.batch_size):
        rows = slice(start, start + scorer.batch_size)
        inputs = member.prepare(torch.from_numpy(images[rows]).to(scorer.device))
        if start == 0:
            layer = last_map(network, inputs[:1], layer)
        assert layer is not None
        parts.append(maps(network, inputs, d, classes[rows], layer, method))
    return np.concatenate(parts) if parts else np.empty((0, d.size, d.size), np.float32)


def titles_of(d: Description, scores: np.ndarray, classes: np.ndarray, threshold: float) -> list[str]:
    """For each image the class of its map with its score, and what the image is called."""
    called = decide(d, scores, threshold)
    return [
        f"{d.classes[k]}: {_share(d, score, int(k)):.3f}, called {name or 'nothing'}"
        for k, score, name in zip(classes, scores, called, strict=True)
    ]


def _share(d: Description, score: np.ndarray, index: int) -> float:
    if d.task == "binary":
        return float(score) if index == 1 else 1 - float(score)
    return float(score[index])
