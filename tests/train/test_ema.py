"""The moving average follows the weights by hand-made numbers."""

import pytest
import torch
from torch import nn

from clrx.train.ema import start_ema, update_ema


def network(weight: float, mean: float, batches: int) -> nn.Module:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1, affine=False))
    net[0].weight.data.fill_(weight)
    net[1].running_mean.fill_(mean)
    net[1].num_batches_tracked.fill_(batches)
    return net


@pytest.mark.parametrize("decay", [0.75, 0.25])  # lerp has a form for each half
def test_two_steps_by_hand(decay):
    net = network(weight=8.0, mean=0.0, batches=0)
    ema = start_ema(net)
    expected, mean = 8.0, 0.0
    for weight, seen, batches in [(4.0, 1.0, 1), (0.0, 5.0, 2)]:
        net.load_state_dict(network(weight, seen, batches).state_dict())
        update_ema(ema, net, decay)
        expected, mean = decay * expected + (1 - decay) * weight, decay * mean + (1 - decay) * seen
        assert float(ema[0].weight) == pytest.approx(expected)
        assert float(ema[1].running_mean) == pytest.approx(mean)
        assert int(ema[1].num_batches_tracked) == batches  # counted, not averaged
        assert net[0].weight.item() == weight
    if decay == 0.75:
        assert (expected, mean) == (5.25, 1.4375)  # 0.75 * 7 + 0; 0.75 * 0.25 + 0.25 * 5


def test_it_starts_as_a_copy_that_nothing_trains():
    net = network(2.0, 0.0, 0)
    ema = start_ema(net)
    assert not any(parameter.requires_grad for parameter in ema.parameters())
    assert all(parameter.requires_grad for parameter in net.parameters())
    net[0].weight.data.fill_(9.0)
    assert float(ema[0].weight) == 2.0
    update_ema(ema, net, 1.0)
    assert float(ema[0].weight) == 2.0
    update_ema(ema, net, 0.0)
    assert float(ema[0].weight) == 9.0


def test_no_graph_is_built():
    net = network(2.0, 0.0, 0)
    ema = start_ema(net)
    net(torch.ones(4, 1)).sum().backward()
    update_ema(ema, net, 0.5)
    assert ema[0].weight.grad_fn is None
    assert ema[0].weight.grad is None
