import copy

import pytest
import torch
from networks import network_of

from clrx.model.cifar10_full import Classifier, LocalNorm


def network():
    return network_of("cifar10_full", "cifar10_full", outputs=10)


def test_it_has_the_parameters_of_caffes_prototxt():
    """5 x 5 convolutions 3 -> 32 -> 32 -> 64 with biases, and 64 maps of 4 x 4 to ten classes."""
    counts = [parameter.numel() for parameter in network().parameters()]
    layers = [weight + bias for weight, bias in zip(counts[::2], counts[1::2], strict=True)]
    assert layers == [2_432, 25_632, 51_264, 10_250]


def test_it_starts_with_caffes_gaussians():
    body, ip1 = network().body, network().head.ip1
    layers = {body.conv1: 1e-4, body.conv2: 0.01, body.conv3: 0.01, ip1: 0.01}
    for layer, std in layers.items():
        assert float(layer.weight.detach().std()) == pytest.approx(std, rel=0.05)
        assert not layer.bias.detach().any()


def test_windows_that_reach_past_the_border_are_pooled_as_caffe_pools_them():
    """Caffe rounds the number of windows up, 32 -> 16 -> 8 -> 4, and averages over the pixels that are there."""
    body = network().body
    row = torch.arange(16.0).expand(1, 1, 16, 16)
    assert body.pool2(row)[0, 0, 0].tolist() == [1, 3, 5, 7, 9, 11, 13, 14.5]
    assert body.pool1(torch.zeros(1, 32, 32, 32)).shape == (1, 32, 16, 16)


def test_the_local_normalisation_by_hand():
    """alpha is shared out over the window of nine, beyond the border too: 1 + 9 / 9 * (1 + 4 + 9 + 16) = 31 in the
    middle of 3 x 3 ones and the like."""
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, :2, :2] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = LocalNorm(window=3, alpha=9.0, beta=0.5)(x)
    assert y[0, 0, :2, :2].flatten().tolist() == pytest.approx([v / 31**0.5 for v in (1, 2, 3, 4)])
    other = torch.cat([x, 100 * torch.ones_like(x)], dim=1)
    torch.testing.assert_close(
        LocalNorm(alpha=9.0, beta=0.5)(other)[:, :1], y
    )  # no other channel plays a part


def test_the_classifiers_decay_is_caffes_with_the_optimizers():
    head = Classifier(4, 3, weight_l2=0.996)
    head(torch.randn(5, 4))
    head.penalty.backward()
    weight = head.ip1.weight
    torch.testing.assert_close(weight.grad + 0.004 * weight.detach(), 250 * 0.004 * weight.detach())
    assert head.ip1.bias.grad is None
    assert copy.deepcopy(head).penalty is None
    head.eval()(torch.randn(5, 4))
    assert head.penalty is None
