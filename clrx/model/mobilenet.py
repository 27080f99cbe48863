"""MobileNet V1 (arXiv:1704.04861) as timm has it, with the paper's width multiplier."""

from dataclasses import replace
from functools import partial
from typing import Any

from timm.models.efficientnet import _gen_mobilenet_v1
from torch import nn

from clrx.core.errors import require_number
from clrx.network.body import IMAGENET_MEAN, IMAGENET_STD, Body
from clrx.network.timm_body import create_timm, timm_body

NAME = "mobilenetv1_100"
NOTE = (
    "these weights were trained with symmetric padding: model.pad_type='' pads as they expect, "
    "model.pad_type=same as Keras does"
)


def build(
    channels: int, size: int, width: float = 1.0, pad_type: str = "same", stem: str = "imagenet"
) -> Body:
    """MobileNet V1 without its classifier: images (N, channels, size, size) -> vectors (N, 1024 * width).

    A weights file is expected to have been trained on images normalised by ImageNet's statistics; timm's own
    download brings its own.
    """
    require_number(width, "model.width", above=0.0)
    module = _create(width, pad_type, in_chans=channels)
    note = NOTE if pad_type == "same" else ""
    body = timm_body(module, NAME, stem, partial(create_timm, NAME, {"pad_type": pad_type}), note)
    return replace(body, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def _create(width: float, pad_type: str, **more: Any) -> nn.Module:
    """timm registers the widths 1 and 1.25 alone; its generator takes any."""
    return _gen_mobilenet_v1(NAME, width, pad_type=pad_type, num_classes=0, **more)
