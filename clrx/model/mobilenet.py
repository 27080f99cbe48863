"""MobileNet V1 (arXiv:1704.04861) of timm's blocks, at any width multiplier of the paper's section 3.3."""

from dataclasses import replace
from functools import partial

from timm.layers import make_divisible
from timm.models import EfficientNet, get_pretrained_cfg
from torch import nn

from clrx.core.errors import require_number
from clrx.network.body import IMAGENET_MEAN, IMAGENET_STD, Body
from clrx.network.timm_body import create_timm, timm_body

NAME = "mobilenetv1_100"
STAGES = (
    (64, 1, 1),
    (128, 2, 2),
    (256, 2, 2),
    (512, 2, 6),
    (1024, 2, 2),
)  # channels, first stride, blocks: Table 1
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
    module = _create(channels, width, pad_type)
    note = NOTE if pad_type == "same" else ""
    body = timm_body(module, NAME, stem, partial(create_timm, NAME, {"pad_type": pad_type}), note)
    return replace(body, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def _create(channels: int, width: float, pad_type: str) -> nn.Module:
    """timm.create_model makes the widths 1 and 1.25 alone; of the same class, this is any. Channels: multiples of 8."""
    depthwise = {"block_type": "dsa", "dw_kernel_size": 3, "pw_act": True, "noskip": True, "act_layer": None}
    module = EfficientNet(
        block_args=[
            [depthwise | {"out_chs": outputs, "stride": 1 if block else stride} for block in range(blocks)]
            for outputs, stride, blocks in STAGES
        ],
        num_classes=0,
        num_features=0,
        in_chans=channels,
        pad_type=pad_type,
        act_layer=nn.ReLU6,
        norm_layer=nn.BatchNorm2d,
        round_chs_fn=lambda outputs: make_divisible(outputs * width, 8),
    )
    published = get_pretrained_cfg(NAME)
    assert published is not None
    module.pretrained_cfg = published.to_dict()
    return module
