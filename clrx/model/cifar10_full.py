"""Caffe's `cifar10_full`, on which Smith (2017) compares his policies: the network and its penalised classifier.

Layers, initial weights and the classifier's decay are those of examples/cifar10/cifar10_full_train_test.prototxt of
BVLC/caffe. Left out: Caffe moves the biases of conv1, conv2 and ip1 at twice the rate, and does not decay that of ip1.
"""

from collections import OrderedDict
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from clrx.network.body import Body, stages_by_module


class LocalNorm(nn.Module):
    """x / (1 + alpha * mean of x^2 in a square window)^beta, each channel by itself: Caffe's LRN, WITHIN_CHANNEL.

    Maps (N, F, h, w) -> the same shape. Beyond the border x is 0, and counts.
    """

    def __init__(self, window: int = 3, alpha: float = 5e-5, beta: float = 0.75) -> None:
        super().__init__()
        self.window, self.alpha, self.beta = window, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        power = functional.avg_pool2d(x.square(), self.window, stride=1, padding=self.window // 2)
        return x * (1.0 + self.alpha * power) ** -self.beta


class Classifier(nn.Module):
    """All features, maps (N, F, h, w) or vectors (N, F) -> logits (N, outputs); `penalty` in training mode.

    `penalty` is `weight_l2` / 2 * sum w^2, whose gradient is `weight_l2` * w; biases are free of it.
    """

    def __init__(self, features: int, outputs: int, weight_l2: float = 0.996) -> None:
        super().__init__()
        self.weight_l2, self.penalty = weight_l2, cast(Tensor | None, None)
        self.ip1 = nn.Linear(features, outputs)
        _start(self.ip1, std=0.01)

    def forward(self, features: Tensor) -> Tensor:
        self.penalty = self.weight_l2 / 2 * self.ip1.weight.square().sum() if self.training else None
        return self.ip1(features.flatten(1))

    def __getstate__(self) -> dict:
        """A copy has no penalty until its own forward pass: a tensor of a graph cannot be copied."""
        return {**self.__dict__, "penalty": None}


def build(channels: int, size: int) -> Body:
    """Images (N, channels, size, size), size >= 8 -> vectors (N, 64 * (size / 8)^2); 1024 at Caffe's 32 pixels.

    The images are to be given as Caffe gives them, from 0 to 255 less their mean: conf/model/cifar10_full.yaml.
    """
    module = nn.Sequential(
        OrderedDict(
            conv1=_conv(channels, 32, std=1e-4),
            pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            relu1=nn.ReLU(),
            norm1=LocalNorm(),
            conv2=_conv(32, 32, std=0.01),
            relu2=nn.ReLU(),
            pool2=nn.AvgPool2d(3, stride=2, ceil_mode=True),
            norm2=LocalNorm(),
            conv3=_conv(32, 64, std=0.01),
            relu3=nn.ReLU(),
            pool3=nn.AvgPool2d(3, stride=2, ceil_mode=True),
            flatten=nn.Flatten(),
        )
    )
    return Body(module, stages_by_module(module, "conv1", "conv2", "conv3"), first_convs=("conv1",))


def _conv(inputs: int, outputs: int, std: float) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel_size=5, padding=2)
    _start(conv, std)
    return conv


def _start(layer: nn.Linear | nn.Conv2d, std: float) -> None:
    """Caffe's fillers: weights from a normal distribution, biases 0."""
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
