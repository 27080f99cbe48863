import copy

import pytest
import torch
from networks import network_of

from clrx.core.errors import UserError


def _network(name="mobilenet", seed=0, head="linear", **keys):
    keys = {"width": 0.25} | keys if name == "mobilenet" else keys
    return network_of(name, head, channels=1, seed=seed, **keys)


def test_initial_weights_depend_on_the_seed_alone():
    before = torch.get_rng_state()
    first = _network(seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    torch.rand(17)
    again, other = _network(seed=3).state_dict(), _network(seed=4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["body.conv_stem.weight"], other["body.conv_stem.weight"])
    assert not torch.equal(first["head.fc.weight"], other["head.fc.weight"])


def test_the_body_does_not_depend_on_the_head():
    linear, chopade = _network(), _network(head="chopade2021")
    for mine, theirs in zip(linear.body.parameters(), chopade.body.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize(
    ("keys", "mean", "std"),
    [({}, (0.5,), (0.5,)), ({"mean": [0.25], "std": [0.2]}, (0.25,), (0.2,))],
)
def test_fresh_networks_say_how_to_normalise(keys, mean, std):
    network = _network(**keys)
    assert (network.mean, network.std) == (mean, std)
    assert copy.deepcopy(network).mean == mean


def test_normalisation_travels_with_the_state():
    source, target = _network(), _network()
    source.set_normalisation((0.4,), (0.1,))
    target.load_state_dict(source.state_dict())
    assert (target.mean, target.std) == ((0.4,), (0.1,))
    with pytest.raises(UserError, match="1 channel"):
        target.set_normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("what", "trained"),
    [("all", {"early", "middle", "head"}), ("head", {"head"}), (("middle", "head"), {"middle", "head"})],
)
def test_set_trainable_freezes_the_rest_and_thaws_again(what, trained):
    network = _network()
    for again in ("head", what):
        network.set_trainable(again)
    for section, parameters in network.sections().items():
        assert {p.requires_grad for p in parameters} == {section in trained}


def test_frozen_parts_keep_weights_and_statistics_and_cost_no_backward_pass():
    network = _network()
    images = torch.randn(8, 1, 32, 32)
    network.set_trainable(["middle", "head"])
    network.train()
    frozen = {name for name, section in network.section_of.items() if section == "early"}
    modules = {name.rpartition(".")[0] for name in frozen}
    before = {k: v.clone() for k, v in network.body.state_dict().items()}
    network(images).square().sum().backward()
    after = network.body.state_dict()
    statistics = [name for name in after if "running" in name]
    for name in statistics:
        same = torch.equal(before[name], after[name])
        assert same == (name.rpartition(".")[0] in modules), name
    assert {name for name, p in network.body.named_parameters() if p.grad is None} == frozen
    stem = network.body.conv_stem(images)
    assert not stem.requires_grad


def test_a_frozen_body_is_a_function_of_the_image_alone():
    network = _network("cnn4")
    images = torch.rand(4, 1, 32, 32)
    network.train()
    assert not torch.equal(network.body(images), network.body(images))  # dropout
    network.set_trainable("head")
    network.train()
    assert torch.equal(network.body(images), network.body(images))
    assert not network.body(images).requires_grad
    assert network.head.training
    network.eval()
    expected = network(images)
    network.train()
    torch.testing.assert_close(network.head(network.body(images)), expected)


def test_an_unknown_section_is_refused():
    with pytest.raises(UserError, match=r"trainable: hed is unknown[\s\S]*did you mean head"):
        _network().set_trainable("hed")
