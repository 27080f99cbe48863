import pytest
from networks import network_of

from clrx.core.errors import UserError


def test_it_has_the_parameters_of_pages_network():
    """Convolutions 6,563,520, normalisation 4,480, linear layer 5,120 + its 10 biases."""
    network = network_of("resnet9", outputs=10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 6_563_520 + 4_480 + 5_120 + 10


def test_width_scales_it():
    network = network_of("resnet9", width=16, outputs=10)
    convolutions = 9 * (3 * 16 + 16 * 32 + 2 * 32 * 32 + 32 * 64 + 64 * 128 + 2 * 128 * 128)
    norms = 2 * (16 + 3 * 32 + 64 + 3 * 128)
    assert (
        sum(parameter.numel() for parameter in network.parameters()) == convolutions + norms + 128 * 10 + 10
    )


@pytest.mark.parametrize("width", [0, 1.5, "wide"])
def test_a_width_that_is_no_width_is_refused(width):
    with pytest.raises(UserError, match=r"model\.width"):
        network_of("resnet9", width=width)
