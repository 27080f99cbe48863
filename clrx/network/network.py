"""A network = a body (images -> features) + a head (features -> logits), from two configuration nodes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from clrx.core.errors import UserError
from clrx.network.body import Body
from clrx.network.initial import seeded
from clrx.network.load_weights import channels_of, load_imagenet, load_weights
from clrx.network.sections import SECTIONS, assign_sections, rest_frozen

# Keys of conf/model/*.yaml that the model file never sees.
CORE_KEYS = ("weights", "mean", "std", "binary_outputs")


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
        """Training mode, except for what is frozen (`clrx.network.sections.set_trainable`)."""
        super().train(mode)
        if mode:
            rest_frozen(self)
        return self

    def set_normalisation(self, mean: Iterable[float], std: Iterable[float]) -> None:
        """Have the input normalised as (image in [0, 1] - mean) / std, one value a channel."""
        mean, std = tuple(mean), tuple(std)
        if not len(mean) == len(std) == self.channels or min(std) <= 0:
            what = (
                f"mean {list(mean)} and std {list(std)} do not normalise images of {self.channels} channel(s)"
            )
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
    model_cfg: Mapping[str, Any],
    head_cfg: Mapping[str, Any],
    *,
    channels: int,
    size: int,
    outputs: int,
    seed: int,
) -> Network:
    """The network of a `model` and a `head` node for images (N, channels, size, size), weights included.

    Fresh weights depend on `seed` alone, the body's and the head's each for itself. `model.weights` then
    replaces the body's, and the head's where a former run's head fits. Raises UserError for what cannot be
    built or loaded.
    """
    network = _fresh(model_cfg, head_cfg, channels, size, outputs, seed)
    weights = model_cfg.get("weights")
    if weights:
        network.notes = _load(network, weights)
    elif model_cfg.get("mean"):
        network.set_normalisation(model_cfg["mean"], model_cfg["std"])
    return network


def check_network(
    model_cfg: Mapping[str, Any], head_cfg: Mapping[str, Any], *, size: int, channels: int | None = None
) -> None:
    """Raise UserError for whatever `build_network` would refuse, before any data is read.

    Where the data decide the channels (None), those of the weights are assumed. Downloads weights that are
    missing.
    """
    network = _fresh(model_cfg, head_cfg, channels or 3, size, 2, 0)
    if weights := model_cfg.get("weights"):
        if channels is None and channels_of(network, weights) == 1:
            network = _fresh(model_cfg, head_cfg, 1, size, 2, 0)
        _load(network, weights)


def _fresh(model_cfg, head_cfg, channels: int, size: int, outputs: int, seed: int) -> Network:
    model, head = _plain(model_cfg), _plain(head_cfg)
    architecture = {key: value for key, value in model.items() if key not in CORE_KEYS}
    with seeded(seed, "init", "body"):
        body = _called(architecture, channels=channels, size=size)
    if (model.get("mean") is None) != (model.get("std") is None):
        raise UserError("model.mean and model.std go together", where="model", fix="set both, or neither")
    if model.get("mean"):
        body = replace(body, mean=tuple(model["mean"]), std=tuple(model["std"]))
    features = _count_features(body.module, channels, size)
    with seeded(seed, "init", "head"):
        classifier = _called(head, features=features, outputs=outputs)
    return Network(body, classifier, channels=channels, architecture=architecture)


def _load(network: Network, weights: str) -> tuple[str, ...]:
    return load_imagenet(network) if weights == "imagenet" else load_weights(network, weights)


def _plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    return dict(OmegaConf.to_container(cfg, resolve=True)) if OmegaConf.is_config(cfg) else dict(cfg)  # type: ignore


def _called(node: dict[str, Any], **arguments: Any) -> Any:
    """What the node's `_target_` makes of its keys and the arguments; its own exceptions pass as they are."""
    return instantiate(node, _partial_=True, _convert_="all")(**arguments)


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
