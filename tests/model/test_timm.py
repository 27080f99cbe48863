import pytest
import torch
from nodes import head_node, model_node

from clrx.core.errors import UserError
from clrx.network.network import build_network, check_network


@pytest.mark.parametrize(
    ("keys", "size", "message"),
    [
        ({"name": "resnet5O"}, 32, r"no network 'resnet5O'[\s\S]*did you mean resnet50"),
        ({"name": "resnet18.mine_in1k"}, 32, r"no weights 'resnet18.mine_in1k'[\s\S]*resnet18\.tv_in1k"),
        ({"stem": "tiny"}, 32, r"model\.stem=tiny is unknown[\s\S]*imagenet, small"),
        ({"name": "convnext_atto", "stem": "small"}, 32, r"no strided first convolution"),
        ({"options": {"no_such_thing": 1}}, 32, r"timm cannot build resnet10t"),
        ({"mean": [0.5, 0.5, 0.5]}, 32, r"model\.mean and model\.std go together"),
        ({"weights": "nowhere.pth"}, 32, r"nowhere\.pth does not exist"),
        ({"name": "vit_tiny_patch16_224", "options": {"img_size": 48}}, 32, r"cannot take images of 32 x 32"),
    ],
)
def test_what_cannot_be_built_is_refused_before_any_data(keys, size, message):
    node = model_node("timm", **keys)
    with pytest.raises(UserError, match=message):
        check_network(node, head_node(), size=size)


@pytest.mark.parametrize(
    "name", ["test_vit", "test_convnext", "test_efficientnet", "test_byobnet", "test_mambaout"]
)
def test_any_network_of_timm_works(name):
    network = build_network(
        model_node("timm", name=name), head_node(), channels=1, size=64, outputs=3, seed=0
    )
    assert network(torch.randn(2, 1, 64, 64)).shape == (2, 3)
    counts = [len(parameters) for parameters in network.sections().values()]
    assert sum(counts) == len(list(network.parameters()))
