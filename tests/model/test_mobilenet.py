import pytest
import timm
import torch
from networks import network_of
from safetensors.torch import load_file

from clrx.model.mobilenet import build


@pytest.mark.parametrize(("width", "features", "parameters"), [(1.0, 1024, 3_206_976), (0.25, 256, 213_072)])
def test_width_is_the_papers_multiplier(width, features, parameters):
    """By hand: 27 in the stem, 9 in + in * out in each of the 13 pairs, 2 a channel of normalisation.

    Keras's MobileNet has 4,231,976 and 470,072 trainable ones with a classifier of 1,025,000 and 257,000.
    """
    outs = [int(c * width) for c in (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    ins = [int(32 * width), *outs[:-1]]
    by_hand = (
        27 * ins[0] + 2 * ins[0] + sum(9 * i + 2 * i + i * o + 2 * o for i, o in zip(ins, outs, strict=True))
    )
    assert by_hand == parameters
    network = network_of("mobilenet", width=width, outputs=1)
    assert sum(p.numel() for p in network.body.parameters()) == parameters
    assert network.head.fc.in_features == features


@pytest.mark.parametrize(("name", "width"), [("mobilenetv1_100", 1.0), ("mobilenetv1_125", 1.25)])
@pytest.mark.parametrize("pad_type", ["", "same"])
def test_it_is_timms_network_where_timm_has_the_width(name, width, pad_type):
    """Names, seeded initial weights and features are those of timm.create_model."""
    torch.manual_seed(5)
    theirs = timm.create_model(name, pad_type=pad_type, num_classes=0).eval()
    torch.manual_seed(5)
    ours = build(channels=3, size=48, width=width, pad_type=pad_type).module.eval()
    images = torch.randn(2, 3, 48, 48)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in ours.state_dict().items())


def test_the_real_weights_fit_strictly_and_give_timms_features(shared_weights):
    path = shared_weights / "mobilenetv1_100_imagenet.safetensors"
    network = network_of("mobilenet", size=64)
    network.load(path)
    (note,) = network.notes
    assert "the head is new" in note
    assert network.mean == (0.485, 0.456, 0.406)
    assert network.std == (0.229, 0.224, 0.225)
    theirs = timm.create_model("mobilenetv1_100", pad_type="same").eval()
    theirs.load_state_dict(load_file(path), strict=True)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = theirs.forward_features(images).mean((2, 3))
        torch.testing.assert_close(network.eval().body(images), expected, rtol=1e-5, atol=1e-5)
