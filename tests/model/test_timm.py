import pytest
import torch
from networks import network_of

from clrx.core.errors import UserError


@pytest.mark.parametrize(
    ("keys", "size", "message"),
    [
        ({"name": "resnet5O"}, 32, r"no network 'resnet5O'[\s\S]*did you mean resnet50"),
        ({"name": "resnet18.mine_in1k"}, 32, r"no weights 'resnet18.mine_in1k'[\s\S]*resnet18\.tv_in1k"),
        ({"stem": "tiny"}, 32, r"model\.stem=tiny is unknown[\s\S]*imagenet, small"),
        ({"name": "convnext_atto", "stem": "small"}, 32, r"no strided first convolution"),
        ({"options": {"no_such_thing": 1}}, 32, r"timm cannot build resnet10t"),
        ({"weights": "nowhere.pth"}, 32, r"nowhere\.pth does not exist"),
        ({"name": "vit_tiny_patch16_224", "options": {"img_size": 48}}, 32, r"cannot take images of 32 x 32"),
    ],
)
def test_what_cannot_be_built_is_refused(keys, size, message):
    with pytest.raises(UserError, match=message):
        network_of("timm", size=size, **keys)


@pytest.mark.parametrize(
    "name", ["test_vit", "test_convnext", "test_efficientnet", "test_byobnet", "test_mambaout"]
)
def test_any_network_of_timm_works(name):
    network = network_of("timm", name=name, channels=1, size=64, outputs=3)
    assert network(torch.randn(2, 1, 64, 64)).shape == (2, 3)
    counts = [len(parameters) for parameters in network.sections().values()]
    assert sum(counts) == len(list(network.parameters()))
