"""Stems: `imagenet` as published, for images of about 224 pixels; `small` for those of 32 to 64."""

from torch import nn

from clrx.core.errors import UserError

POOLS = ("maxpool", "features.pool0")  # the pooling in the stem of ResNet-like and DenseNet-like networks


def set_stem(module: nn.Module, stem: str, first_conv: str, name: str) -> None:
    """Apply `model.stem` in place: `small` sets the first convolution's stride to 1 and drops the pooling.

    Kernels keep their shapes, so weights fit either stem. Raises UserError for an unknown stem, and where the
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
    for path in POOLS:
        _drop(module, path)


def _drop(module: nn.Module, path: str) -> None:
    parent, _, child = path.rpartition(".")
    owner = getattr(module, parent, None) if parent else module
    if isinstance(owner, nn.Module) and isinstance(getattr(owner, child, None), nn.Module):
        setattr(owner, child, nn.Identity())
