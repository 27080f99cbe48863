"""AlexNet as torchvision has it (arXiv:1404.5997), up to its second dense layer of 4096."""

from torch import Tensor, nn
from torchvision.models import AlexNet_Weights, alexnet

from clrx.core.errors import require_number
from clrx.network.body import Body, Pretrained, set_stem, stages_by_module
from clrx.network.weights_file import downloaded, read_weights

LAYERS = (
    "features.0",
    "features.3",
    "features.6",
    "features.8",
    "features.10",
    "classifier.1",
    "classifier.4",
)


def build(channels: int, size: int, dropout: float = 0.5, stem: str = "imagenet") -> Body:
    """AlexNet without its last layer: images (N, channels, size, size) -> vectors (N, 4096).

    The stem `imagenet` takes images from 63 pixels, `small` (first convolution with stride 1) from 16; the
    adaptive pooling before the dense layers gives 6 x 6 maps at any size.
    """
    require_number(dropout, "model.dropout", least=0, most=1)
    module = alexnet(weights=None, dropout=dropout)
    first, last = module.features[0], module.classifier
    module.features[0] = nn.Conv2d(channels, first.out_channels, kernel_size=11, stride=4, padding=2)
    last[6] = nn.Identity()
    set_stem(module, stem, "features.0", "alexnet")
    stages = stages_by_module(module, *LAYERS)
    weights = AlexNet_Weights.IMAGENET1K_V1
    pretrained = Pretrained(weights.url.rpartition("/")[2], _fetch)
    return Body(module, stages, ("features.0",), ("classifier.6",), pretrained=pretrained)


def _fetch() -> dict[str, Tensor]:
    return read_weights(downloaded(AlexNet_Weights.IMAGENET1K_V1.url))
