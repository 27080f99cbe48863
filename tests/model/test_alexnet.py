import pytest
import torch
from networks import network_of
from torchvision.models import alexnet

from clrx.core.errors import UserError


@pytest.mark.slow
def test_it_is_torchvisions_without_the_last_layer(tmp_path):
    theirs = alexnet(weights=None).eval()
    torch.save(theirs.state_dict(), tmp_path / "alexnet.pth")
    network = network_of("alexnet", size=224).eval()
    network.load(tmp_path / "alexnet.pth")
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(theirs.classifier[6](network.body(images)), theirs(images))


def test_images_too_small_for_its_stem_are_refused():
    with pytest.raises(UserError, match="cannot take images of 32 x 32 pixels"):
        network_of("alexnet", size=32)
