"""A network = a body (images -> features) + a head (features -> logits), from a model section and a head."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clrx.config.sections import Model
from clrx.config.target import Target, build
from clrx.core.errors import UserError
from clrx.core.randomness import random_key
from clrx.network.body import Body
from clrx.network.load_weights import load_imagenet, load_weights
from clrx.network.sections import SECTIONS, assign_sections, freeze_others, keep_frozen_in_eval


class Network(nn.Module):
    """`body` gives features, `head` logits; `mean` and `std` are what input images are to be normalised by.

    `head.penalty` is None or, after a forward pass in training mode, a tensor to be added to the loss. The
    normalisation is part of the state, so that a weights file says which input it expects.
    """

    input_mean: Tensor
    input_std: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __init__(
        self, body: Body, head: nn.Module, *, channels: int, architecture: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.body, self.head = body.module, head
        self.design, self.channels, self.architecture = body, channels, dict(architecture)
        self.notes: tuple[str, ...] = ()  # sentences for the log: what was loaded, and what was not
        self.section_of = assign_sections(body.stages)
        self.register_buffer("input_mean", torch.full((channels,), 0.5))
        self.register_buffer("input_std", torch.full((channels,), 0.5))
        self.register_load_state_dict_post_hook(_read_normalisation)
        _read_normalisation(self)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, C, H, W) -> logits (N, outputs)."""
        return self.head(self.body(images))

    def sections(self) -> dict[str, list[nn.Parameter]]:
        """The parameters of each section; every parameter of the network is in exactly one."""
        found: dict[str, list[nn.Parameter]] = {name: [] for name in SECTIONS}
        for name, parameter in self.body.named_parameters():
            found[self.section_of[name]].append(parameter)
        found["head"].extend(self.head.parameters())
        return found

    def train(self, mode: bool = True) -> "Network":
        """Training mode, in which the frozen parts stay in eval mode (`set_trainable`); or eval mode."""
        super().train(mode)
        if mode:
            keep_frozen_in_eval((self.body, self.head))
        return self

    def set_trainable(self, sections: str | Iterable[str]) -> None:
        """Train `all`, the `head`, or the listed sections; freeze the rest, batch-norm statistics included.

        Raises UserError for an unknown section.
        """
        freeze_others(self.sections(), sections)
        self.train(self.training)

    def load(self, weights: str | Path) -> None:
        """Load `imagenet`, a weights file or the best weights of a former run in place; `notes` says what was done.

        The input normalisation becomes that of the weights. Raises UserError for what does not fit.
        """
        if weights == "imagenet":
            loaded = load_imagenet(self.design, self.channels)
        else:
            loaded = load_weights(weights, self.design, self.head, self.channels, self.architecture)
        self.set_normalisation(loaded.mean, loaded.std)
        self.notes = loaded.notes

    def set_normalisation(self, mean: Iterable[float], std: Iterable[float]) -> None:
        """Have the input normalised as (image in [0, 1] - mean) / std, one value a channel."""
        mean, std = tuple(mean), tuple(std)
        if not len(mean) == len(std) == self.channels or min(std) <= 0:
            images = f"images of {self.channels} channel(s)"
            what = f"mean {list(mean)} and std {list(std)} do not normalise {images}"
            raise UserError(what, allowed="one mean and one positive std a channel, for images in [0, 1]")
        with torch.no_grad():
            self.input_mean.copy_(torch.tensor(mean))
            self.input_std.copy_(torch.tensor(std))
        _read_normalisation(self)


def _read_normalisation(network: Network, *_: Any) -> None:
    """Keep the normalisation as plain numbers too (float32 has 7 digits): reading a device waits for it."""
    network.mean = tuple(float(f"{value:.7g}") for value in network.input_mean.tolist())
    network.std = tuple(float(f"{value:.7g}") for value in network.input_std.tolist())


def build_network(
    model: Model, head: Target, *, channels: int, size: int, outputs: int, seed: int
) -> Network:
    """The network of a `model` section and a head for images (N, channels, size, size), weights included.

    Fresh weights depend on `seed` alone, the body's and the head's each for itself. `model.weights` then
    replaces the body's, and the head's where a former run's head fits. Raises UserError for what cannot be
    built or loaded.
    """
    network = _fresh(model, head, channels, size, outputs, seed)
    if model.weights:
        network.load(model.weights)
    elif model.mean and model.std:
        network.set_normalisation(model.mean, model.std)
    return network


@contextmanager
def seeded(seed: int, *key: int | str) -> Iterator[None]:
    """Make torch's random numbers on the CPU a function of (seed, key) inside the block; its own state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(random_key(seed, *key))
        yield


def _fresh(model: Model, head: Target, channels: int, size: int, outputs: int, seed: int) -> Network:
    with seeded(seed, "init", "body"):
        body = build(model.architecture, channels=channels, size=size)
    if model.mean and model.std:
        body = replace(body, mean=model.mean, std=model.std)
    features = _count_features(body.module, channels, size)
    with seeded(seed, "init", "head"):
        classifier = build(head, features=features, outputs=outputs)
    architecture = {"_target_": model.architecture.path, **model.architecture.arguments}
    return Network(body, classifier, channels=channels, architecture=architecture)


@torch.no_grad()
def _count_features(module: nn.Module, channels: int, size: int) -> int:
    """F of the features that a body makes of an image; UserError for an image too small for it."""
    module.eval()
    try:
        features = module(torch.zeros(1, channels, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        what = f"the model cannot take images of {size} x {size} pixels: {str(error).splitlines()[0]}"
        raise UserError(what, where="dataset.size", fix="larger images, or model.stem=small") from error
    module.train()
    return int(features.shape[1])
