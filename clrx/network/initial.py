"""Initial weights are a function of the seed alone; torch's own random state is neither read nor advanced."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from clrx.core.randomness import random_key


@contextmanager
def seeded(seed: int, *place: int | str) -> Iterator[None]:
    """Draws of torch on the CPU inside the block depend on (seed, place) and on nothing else."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(random_key(seed, *place))
        yield


def start_as_keras(module: nn.Module) -> nn.Module:
    """Keras's defaults for every dense and convolutional layer: Glorot uniform kernels, zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module
