import copy

import pytest
import torch

from clrx.model.chopade2021 import Chopade2021
from clrx.model.linear import Linear


@pytest.mark.parametrize("head", [Linear(3, 2), Chopade2021(3, 2)])
def test_maps_are_averaged_and_vectors_pass(head):
    head.eval()
    maps = torch.randn(4, 3, 5, 6)
    with torch.no_grad():
        torch.testing.assert_close(head(maps), head(maps.mean((2, 3))))
    assert head(maps).shape == (4, 2)


def _two_by_two(**factors) -> Chopade2021:
    """One dense layer of two inputs and outputs: kernel [[1, -2], [3, 0.5]], bias [0.5, -1]."""
    none = {"kernel_l1": 0.0, "kernel_l2": 0.0, "bias_l2": 0.0, "activity_l2": 0.0}
    head = Chopade2021(2, 1, widths=(2,), dropout=0.0, **none | factors)
    with torch.no_grad():
        head.dense[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
        head.dense[0].bias.copy_(torch.tensor([0.5, -1.0]))
    return head


# Of (1, 1) and (2, 0) the layer makes (-0.5, 2.5) and (2.5, 5): 0.25 + 6.25 + 6.25 + 25 = 37.75.
@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({"kernel_l1": 0.001}, 0.0065),  # |1| + |-2| + |3| + |0.5| = 6.5
        ({"kernel_l2": 0.01}, 0.1425),  # 1 + 4 + 9 + 0.25 = 14.25, without Keras's missing half
        ({"bias_l2": 0.01}, 0.0125),  # 0.25 + 1
        ({"activity_l2": 0.001}, 0.018875),  # 37.75 / 2 images
        ({"kernel_l1": 0.001, "kernel_l2": 0.01, "bias_l2": 0.01, "activity_l2": 0.001}, 0.180375),
    ],
)
def test_the_penalty_is_kerass_by_hand_arithmetic(factors, expected):
    head = _two_by_two(**factors)
    head(torch.tensor([[1.0, 1.0], [2.0, 0.0]]))
    assert head.penalty.item() == pytest.approx(expected, rel=1e-6)


def test_the_activity_penalty_does_not_grow_with_the_batch():
    head, images = _two_by_two(activity_l2=0.001), torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    head(images.repeat(50, 1))
    assert head.penalty.item() == pytest.approx(0.018875, rel=1e-5)


def test_every_dense_layer_is_penalised_and_the_output_layer_is_not():
    others = {"kernel_l1": 0.0, "bias_l2": 0.0, "activity_l2": 0.0}
    head = Chopade2021(4, 1, dropout=0.0, kernel_l2=0.01, **others)
    head(torch.randn(3, 4))
    head.penalty.backward()
    for dense in head.dense:
        torch.testing.assert_close(dense.weight.grad, 0.02 * dense.weight.detach())
    assert head.output.weight.grad is None


def test_the_paper_s_head():
    """Section A4.1 on MobileNet's 1024 features: 250, 50, 10, 2, each with batch normalisation, and 1."""
    head = Chopade2021(1024, 1)
    dense = 1024 * 250 + 250 + 250 * 50 + 50 + 50 * 10 + 10 + 10 * 2 + 2
    assert sum(p.numel() for p in head.parameters()) == dense + 2 * (250 + 50 + 10 + 2) + 2 + 1
    assert [(norm.eps, round(norm.momentum, 6)) for norm in head.norm] == [(1e-3, 0.01)] * 4
    limit = (6 / (1024 + 250)) ** 0.5
    assert 0.98 * limit < float(head.dense[0].weight.detach().abs().max()) <= limit
    assert head.dropout.p == 0.5


def test_no_penalty_outside_training_and_copies_can_be_made_inside():
    head = Chopade2021(4, 1)
    head(torch.randn(3, 4))
    assert head.penalty.requires_grad
    assert copy.deepcopy(head).penalty is None
    head.eval()(torch.randn(3, 4))
    assert head.penalty is None
