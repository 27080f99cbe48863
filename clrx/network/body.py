"""What a model file hands over: a body (images -> features), and what is needed to load and split it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB images in [0, 1]
IMAGENET_STD = (0.229, 0.224, 0.225)

Stages = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Pretrained:
    """Where ImageNet weights come from, and what they expect."""

    file: str  # what is downloaded, for the message when it cannot be
    fetch: Callable[
        [], dict[str, Tensor]
    ]  # the state of the colour network, downloaded or from its library's cache
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    note: str = ""  # a sentence for the log


@dataclass(frozen=True)
class Body:
    """A network without its classifier."""

    module: nn.Module  # images (N, C, H, W) -> feature maps (N, F, h, w) or vectors (N, F)
    stages: Stages  # the parameter names of `module`, stage by stage from the image to the features
    first_convs: tuple[str, ...] = ()  # modules that read the image: they alone depend on its channels
    classifier: tuple[str, ...] = ()  # modules of a published weights file that this body leaves out
    mean: tuple[float, ...] = IMAGENET_MEAN  # per channel, what published weights in a file expect
    std: tuple[float, ...] = IMAGENET_STD
    pretrained: Pretrained | None = None


def stages_by_module(module: nn.Module, *names: str) -> Stages:
    """The parameters of `module` in stages, one for each named submodule, in the order given."""
    return tuple(
        tuple(f"{name}.{parameter}" for parameter, _ in module.get_submodule(name).named_parameters())
        for name in names
    )


def pool(features: Tensor) -> Tensor:
    """Global average pooling: maps (N, F, h, w) -> vectors (N, F); vectors pass as they are."""
    return features.mean((2, 3)) if features.dim() == 4 else features
