"""The contract of every conf/model/*.yaml, whoever adds one."""

import pytest
import torch
from networks import network_of
from nodes import names

from clrx.network.sections import SECTIONS

SLOW = {"alexnet", "densenet121", "densenet161", "resnet34", "resnet50", "resnet101", "resnet152"}
SIZES = {"alexnet": (64, 96), "resnet9": (16, 32)}  # alexnet's ImageNet stem takes no 32 pixels
MODELS = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in names("model")]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_become_logits_and_one_step_lowers_the_loss(name, channels):
    for size in SIZES.get(name, (32, 64)):
        network = network_of(name, channels=channels, size=size, outputs=4, seed=1)
        assert len(network.mean) == len(network.std) == channels
        _every_parameter_once(network)
        images = torch.randn(6, channels, size, size, generator=torch.Generator().manual_seed(0))
        labels = torch.tensor([0, 1, 2, 3, 0, 1])
        before = _loss(network, images, labels)
        assert network(images).shape == (6, 4)
        torch.autograd.backward(before)
        _descend(network, by=0.005)
        assert _loss(network, images, labels) < before


def _loss(network, images, labels):
    """The loss in training mode, dropping the same units each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return torch.nn.functional.cross_entropy(network(images), labels)


def _descend(network, by):
    """One gradient step of the length that lowers the loss by `by` to first order.

    A fixed rate would not do for all: batch normalisation of 1 x 1 maps of six images has gradients of norm 500.
    """
    gradients = [parameter.grad for parameter in network.parameters()]  # none may be missing
    rate = by / sum(float(gradient.square().sum()) for gradient in gradients)
    with torch.no_grad():
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter -= rate * gradient


def _every_parameter_once(network):
    sections = network.sections()
    assert tuple(sections) == SECTIONS
    assert all(sections.values())
    listed = [id(parameter) for parameters in sections.values() for parameter in parameters]
    assert sorted(listed) == sorted(id(parameter) for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "first_of_middle"),
    [
        ("resnet18", "layer3.0.conv1.weight"),  # fast.ai's cut of a ResNet, which Mishra's scheme follows
        ("densenet121", "features.denseblock3.denselayer1.norm1.weight"),
        ("mobilenet", "blocks.2.0.conv_dw.weight"),
        ("resnet9", "layer2.0.0.weight"),
        ("cnn4", "fc1.weight"),
    ],
)
def test_sections_follow_the_stages_of_the_network(name, first_of_middle):
    network = network_of(name, channels=1)
    of_body = [network.section_of[parameter] for parameter, _ in network.body.named_parameters()]
    assert of_body == sorted(of_body)  # all of early comes before all of middle
    middle = network.sections()["middle"]
    assert middle[0] is dict(network.body.named_parameters())[first_of_middle]


@pytest.mark.parametrize(
    "name", ["mobilenet", "resnet18", "densenet121", pytest.param("alexnet", marks=pytest.mark.slow)]
)
def test_the_small_stem_keeps_the_resolution_and_the_shapes_of_the_weights(name):
    imagenet, small = (network_of(name, stem=stem, channels=1, size=64) for stem in ("imagenet", "small"))
    weights = imagenet.state_dict()
    assert {k: v.shape for k, v in small.state_dict().items()} == {k: v.shape for k, v in weights.items()}
    sizes = {}
    for stem, network in (("imagenet", imagenet), ("small", small)):
        conv = network.body.get_submodule(network.design.first_convs[0])
        sizes[stem] = conv(torch.zeros(1, 1, 64, 64)).shape[-1]
    expected = {"alexnet": (15, 58)}.get(name, (32, 64))  # alexnet: (64 + 4 - 11) / stride + 1
    assert (sizes["imagenet"], sizes["small"]) == expected
    pools = {"resnet18": "maxpool", "densenet121": "features.pool0"}
    if name in pools:
        assert isinstance(small.body.get_submodule(pools[name]), torch.nn.Identity)
