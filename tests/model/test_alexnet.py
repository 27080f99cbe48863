import pytest
import torch
from nodes import head_node, model_node
from torchvision.models import alexnet

from clrx.core.errors import UserError
from clrx.network.network import build_network, check_network


@pytest.mark.slow
def test_it_is_torchvisions_without_the_last_layer(tmp_path):
    theirs = alexnet(weights=None).eval()
    torch.save(theirs.state_dict(), tmp_path / "alexnet.pth")
    network = build_network(
        model_node("alexnet"), head_node(), channels=3, size=224, outputs=2, seed=0
    ).eval()
    network.load(tmp_path / "alexnet.pth")
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(theirs.classifier[6](network.body(images)), theirs(images))


def test_images_too_small_for_its_stem_are_refused():
    with pytest.raises(UserError, match="cannot take images of 32 x 32 pixels"):
        check_network(model_node("alexnet"), head_node(), size=32)
