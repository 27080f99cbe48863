"""Scores of a network over rows of the data."""

import numpy as np
import pytest
import torch
from torch import nn

from clrx.data.feed import open_feed
from clrx.training.evaluate import evaluate
from clrx.training.loss import Loss


class Edge(nn.Module):
    """The logit of an image is its leftmost column."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0, :, :1].mean(dim=1)


@pytest.mark.parametrize(("flips", "logits"), [(False, [0.0]), (True, [0.0, 3.0])])
def test_flips_average_the_scores_of_an_image_and_its_mirror_image(flips, logits):
    ramp = np.broadcast_to(np.arange(4, dtype=np.uint8), (2, 1, 4, 4)).copy()
    network, feed = Edge().train(), open_feed(ramp, np.zeros(2, np.int64), "cpu")
    scores, loss = evaluate(network, feed, np.arange(2), lambda x: x.float(), Loss("binary"), 1, flips=flips)
    assert scores == pytest.approx([np.mean([1 / (1 + np.exp(-logit)) for logit in logits])] * 2)
    assert loss == pytest.approx(np.log(2))  # of the image as it is
    assert network.training
