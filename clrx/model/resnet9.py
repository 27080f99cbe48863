"""A small, fast residual network for 32-pixel images, after David Page's for CIFAR-10 (DAWNBench 2018)."""

from collections import OrderedDict

from torch import Tensor, nn

from clrx.core.errors import require_number
from clrx.network.body import Body, stages_by_module


class Residual(nn.Module):
    """x + two convolutions of x: maps (N, F, h, w) -> the same shape."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(features, features), _conv(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


class Peak(nn.Module):
    """Global max pooling, scaled by 0.125 as Page scales the logits: maps (N, F, h, w) -> vectors (N, F)."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.125 * x.amax((2, 3))


def build(channels: int, size: int, width: int = 64) -> Body:
    """Images (N, channels, size, size), size >= 8 -> vectors (N, 8 * width); Page's network: width 64."""
    require_number(width, "model.width", least=1, whole=True)
    module = nn.Sequential(
        OrderedDict(
            prep=_conv(channels, width),
            layer1=nn.Sequential(_conv(width, 2 * width), nn.MaxPool2d(2), Residual(2 * width)),
            layer2=nn.Sequential(_conv(2 * width, 4 * width), nn.MaxPool2d(2)),
            layer3=nn.Sequential(_conv(4 * width, 8 * width), nn.MaxPool2d(2), Residual(8 * width)),
            pool=Peak(),
        )
    )
    stages = stages_by_module(module, "prep", "layer1", "layer2", "layer3")
    return Body(module, stages, first_convs=("prep.0",))


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())
