"""The network of Alyafi, Tushar and Toshpulatov (2019), figures 4 and 5."""

from collections import OrderedDict

from torch import nn

from clrx.core.errors import require_number
from clrx.network.body import Body, stages_by_module, start_as_keras


def build(channels: int, size: int, dropout: float = 0.5) -> Body:
    """Images (N, channels, size, size) -> vectors (N, 256), with Keras's initial weights.

    With the head `linear` for two outputs it has the 225,698 parameters of figure 5 at 16 x 16 grey. The
    paper does not give the share that its two dropout layers drop; 0.5 is the value of the original dropout
    paper.
    """
    require_number(dropout, "model.dropout", least=0, most=1)
    flat = 32 * (size // 4) ** 2
    module = nn.Sequential(
        OrderedDict(
            block1=_block(channels),
            block2=_block(32),
            flatten=nn.Flatten(),
            fc1=nn.Linear(flat, 256),
            relu1=nn.ReLU(),
            dropout1=nn.Dropout(dropout),
            fc2=nn.Linear(256, 256),
            relu2=nn.ReLU(),
            dropout2=nn.Dropout(dropout),
        )
    )
    start_as_keras(module)
    stages = stages_by_module(module, "block1", "block2", "fc1", "fc2")
    return Body(module, stages, first_convs=("block1.conv1",))


def _block(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 32, kernel_size=3, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 32, kernel_size=3, padding=1),
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),
        )
    )
