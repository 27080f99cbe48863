"""What a model file is made with: a body (images -> features), how it is loaded and split, stems, Keras's start."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from clrx.core.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB images in [0, 1]
IMAGENET_STD = (0.229, 0.224, 0.225)
POOLS = ("maxpool", "features.pool0")  # the pooling in the stem of ResNet-like and DenseNet-like networks

Stages = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Pretrained:
    """Where ImageNet weights come from, and the input that they expect."""

    file: str  # name of the download, for the message when it fails
    fetch: Callable[[], dict[str, Tensor]]  # gives the colour network's state, downloaded or from a cache
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    note: str = ""  # a sentence for the log


@dataclass(frozen=True)
class Body:
    """A network without its classifier: its module, its stages, and the published weights that fit it."""

    module: nn.Module  # images (N, C, H, W) -> feature maps (N, F, h, w) or vectors (N, F)
    stages: Stages  # the parameter names of `module`, stage by stage from the image to the features
    first_convs: tuple[str, ...] = ()  # modules that read the image: they alone depend on its channels
    classifier: tuple[str, ...] = ()  # modules of a published weights file that this body leaves out
    mean: tuple[float, ...] = (
        IMAGENET_MEAN  # per channel, of the images that published weight files were trained on
    )
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


def set_stem(module: nn.Module, stem: str, first_conv: str, name: str) -> None:
    """Change the stem of a network in place: `small` gives the first convolution stride 1 and drops the pooling.

    `small` is for images of 32 to 64 pixels; `imagenet` leaves the stem as published, for about 224. Kernels
    keep their shapes, so weights fit either stem. Raises UserError for an unknown stem, and where the
    first convolution is not a strided one (VGG) or cuts the image into patches (ViT, ConvNeXt).
    """
    if stem not in ("imagenet", "small"):
        raise UserError(f"model.stem={stem} is unknown", allowed="imagenet, small")
    if stem == "imagenet":
        return
    conv = module.get_submodule(first_conv)
    if not isinstance(conv, nn.Conv2d) or not 1 < conv.stride[0] < conv.kernel_size[0]:
        what = f"{name} has no strided first convolution that could be made small"
        raise UserError(what, where="model.stem=small", fix="model.stem=imagenet")
    conv.stride = (1, 1)
    inside = dict(module.named_modules())
    for path in POOLS:
        if path in inside:
            parent, _, child = path.rpartition(".")
            setattr(inside[parent], child, nn.Identity())


def start_as_keras(module: nn.Module) -> nn.Module:
    """Give every dense and convolutional layer Keras's initial weights: Glorot uniform kernels, zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module
