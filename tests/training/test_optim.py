import math
import subprocess
import sys

import pytest
import torch
from nodes import head_node, model_node, names, optimizer_node
from safetensors.torch import load, save

from clrx.config.sections import RateScales
from clrx.core.errors import UserError
from clrx.network.network import build_network
from clrx.policy.momentum import InverseMomentum
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at
from clrx.training.optim import (
    build_optimizer,
    load_optimizer_tensors,
    optimizer_tensors,
    set_rate,
    take_step,
)

OPTIMIZERS = names("optimizer")
SCALES = RateScales(early=0.01, middle=0.1, head=1.0)  # Mishra, section 2.4: 1e-4, 1e-3, 1e-2


def momentum_of(optimizer: torch.optim.Optimizer) -> float | None:
    """The momentum in use (Adam's first beta); None for an optimizer without one."""
    group = optimizer.param_groups[0]
    return float(group["betas"][0]) if "betas" in group else group.get("momentum")


def _network(seed=0, layout=torch.contiguous_format):
    node = model_node("mobilenet", width=0.25)
    network = build_network(node, head_node(), channels=1, size=32, outputs=2, seed=seed)
    return network.to(memory_format=layout)


def _batch():
    draw = torch.Generator().manual_seed(0)
    return torch.randn(8, 1, 32, 32, generator=draw), torch.tensor([0, 1] * 4)


def _step(network, optimizer) -> float:
    images, labels = _batch()
    loss = torch.nn.functional.cross_entropy(network(images), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def test_the_paper_and_peer_optimizers_are_here():
    assert {"sgd", "adam", "adamw", "rmsprop", "keras_sgd", "keras_rmsprop", "keras_adam"} <= set(OPTIMIZERS)


@pytest.mark.everyday(6)
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("moves_momentum", [False, True])
def test_every_policy_runs_with_every_optimizer(name, moves_momentum):
    """pytorch#73910: a cyclical rate, and a momentum that cycles against it, under each optimizer."""
    network = _network()
    optimizer = build_optimizer(network, optimizer_node(name, momentum=0.9), SCALES)
    policy = Triangular(base_lr=1e-4, max_lr=1e-3, step_size=1)
    momentum = InverseMomentum(base_momentum=0.85, max_momentum=0.95, shape=Triangular(0.0, 1.0, 1))
    untouched, losses = momentum_of(optimizer), []
    for step in range(12):
        progress = progress_at(step, 3, 12)
        if moves_momentum:
            set_rate(optimizer, policy(progress), momentum(progress))
            assert momentum_of(optimizer) == momentum(progress)
        else:
            set_rate(optimizer, policy(progress))
            assert momentum_of(optimizer) == untouched
        for group in optimizer.param_groups:
            assert group["lr"] == policy(progress) * getattr(SCALES, group["section"])
        losses.append(_step(network, optimizer))
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[0]


def test_momentum_zero_stays_zero_under_a_cyclical_rate():
    """ANCHORS: torch's CyclicLR switches momentum on for optimizers made with momentum 0."""
    optimizer = build_optimizer(_network(), optimizer_node("sgd", momentum=0.0))
    set_rate(optimizer, 0.1)
    assert momentum_of(optimizer) == 0.0


@pytest.mark.everyday(4)
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_state_makes_the_round_trip_exactly(name, layout):
    network = _network(layout=layout)
    optimizer = build_optimizer(network, optimizer_node(name, weight_decay=0.01), SCALES)
    for _ in range(3):
        _step(network, optimizer)
    other = _network(seed=5, layout=layout)
    other.load_state_dict(network.state_dict())
    restored = build_optimizer(other, optimizer_node(name, weight_decay=0.01), SCALES)
    load_optimizer_tensors(restored, load(save(optimizer_tensors(optimizer))))
    for _ in range(3):
        assert _step(network, optimizer) == _step(other, restored)
    for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_state_of_another_network_is_refused():
    network = _network()
    optimizer = build_optimizer(network, optimizer_node("adam"))
    _step(network, optimizer)
    network.set_trainable("head")
    head_only = build_optimizer(network, optimizer_node("adam"))
    with pytest.raises(UserError, match="does not fit"):
        load_optimizer_tensors(head_only, optimizer_tensors(optimizer))


def test_state_that_is_no_tensor_is_refused_by_name():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.LBFGS([weight])
    optimizer.step(lambda: weight.square().sum())
    with pytest.raises(UserError, match="LBFGS keeps"):
        optimizer_tensors(optimizer)


def test_frozen_parameters_have_no_state_and_do_not_move():
    network = _network()
    network.set_trainable("head")
    network.train()
    before = {name: tensor.clone() for name, tensor in network.body.state_dict().items()}
    optimizer = build_optimizer(network, optimizer_node("adam"))
    _step(network, optimizer)
    head = [id(parameter) for parameter in network.head.parameters()]
    assert sorted(id(parameter) for parameter in optimizer.state) == sorted(head)
    assert [group["section"] for group in optimizer.param_groups] == ["head"]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.body.state_dict().items())


def test_spare_norms_takes_the_decay_off_biases_and_norms():
    network = _network()
    optimizer = build_optimizer(network, optimizer_node("sgd", weight_decay=0.5), spare_norms=True)
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert len(decay) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        is_norm_or_bias = name.endswith("bias") or ".bn" in name
        assert decay[id(parameter)] == (0.0 if is_norm_or_bias else 0.5), name


def test_what_the_optimizer_refuses_is_a_users_mistake():
    with pytest.raises(UserError, match=r"cannot be built[\s\S]*[Nn]esterov"):
        build_optimizer(_network(), optimizer_node("sgd", momentum=0.0, nesterov=True))
    network = _network()
    network.requires_grad_(False)
    with pytest.raises(UserError, match="nothing is trainable"):
        build_optimizer(network, optimizer_node("sgd"))


def test_a_momentum_policy_needs_a_momentum():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adagrad([{"params": [weight], "lr_scale": 1.0}])
    with pytest.raises(UserError, match="Adagrad has no momentum"):
        set_rate(optimizer, 0.1, 0.9)


@pytest.mark.everyday(3)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_optimizers_own(name):
    """Bit for bit what `optimizer.step()` gives, over several steps."""
    found = []
    for step in (take_step, lambda optimizer: optimizer.step()):
        network = _network()
        optimizer = build_optimizer(network, optimizer_node(name, weight_decay=0.01), SCALES)
        for _ in range(3):
            images, labels = _batch()
            torch.nn.functional.cross_entropy(network(images), labels).backward()
            step(optimizer)
            optimizer.zero_grad(set_to_none=True)
        found.append([weight.detach().clone() for weight in network.parameters()])
    assert all(torch.equal(mine, torchs) for mine, torchs in zip(*found, strict=True))


def test_training_loads_no_compiler():
    """Its import takes longer than torch's."""
    script = """
import sys, torch
from clrx.config.target import Target
from clrx.training.optim import _built, take_step, optimizer_tensors, load_optimizer_tensors
weight = torch.nn.Parameter(torch.ones(3))
weight.grad = torch.ones(3)
optimizer = _built(Target("torch.optim.SGD", {"lr": 0.1, "momentum": 0.9}), [{"params": [weight]}])
take_step(optimizer)
optimizer.zero_grad(set_to_none=True)
load_optimizer_tensors(optimizer, optimizer_tensors(optimizer))
assert weight.tolist() == [0.8999999761581421] * 3
print([name for name in sys.modules if name == "torch._dynamo"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
