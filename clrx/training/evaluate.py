"""Scores of a network over rows of the data, without training it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from clrx.data.feed import Feed
from clrx.training.loop import autocast
from clrx.training.loss import Loss, scores_of


@torch.no_grad()
def evaluate(
    network: nn.Module,
    feed: Feed,
    rows: np.ndarray,
    prepare: Callable[[Tensor], Tensor],
    loss: Loss,
    batch_size: int,
    precision: str = "fp32",
    flips: bool = False,
) -> tuple[np.ndarray, float]:
    """(scores, mean loss) over `rows`: float32 (N,) of the positive class for a binary task, else (N, K).

    The network is evaluated in eval mode and left in the mode it was in. `flips` averages the scores with those of
    the mirrored image.
    """
    was_training = network.training
    network.eval()
    scores, losses = [], []
    for images, labels in feed.stream(rows[i : i + batch_size] for i in range(0, len(rows), batch_size)):
        logits, score = _scored(network, prepare(images), loss, precision, flips)
        losses.append(loss(logits, labels) * len(images))
        scores.append(score)
    network.train(was_training)
    return torch.cat(scores).cpu().numpy(), float(torch.stack(losses).sum() / len(rows))


def _scored(network: nn.Module, inputs: Tensor, loss: Loss, precision: str, flips: bool):
    with autocast(inputs.device, precision):
        logits = network(inputs)
        score = scores_of(loss.task, logits)
        if flips:
            score = (score + scores_of(loss.task, network(inputs.flip(-1)))) / 2
    return logits, score
