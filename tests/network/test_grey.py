"""A grey network made of colour weights is the colour network on the tripled image, borders included."""

import pytest
import torch
from networks import network_of

from clrx.network.weights_file import save_weights


def _pair(tmp_path, model, size, **keys):
    """A colour network with random weights, and the grey one made of its published-style file."""
    colour = network_of(model, size=size, seed=5, **keys)
    torch.save(colour.body.state_dict(), tmp_path / "colour.pth")
    colour.load(tmp_path / "colour.pth")
    grey = network_of(model, channels=1, size=size, weights=str(tmp_path / "colour.pth"), **keys)
    return colour.eval(), grey.eval()


def _normalised(network, images):
    mean, std = (torch.tensor(v).reshape(1, -1, 1, 1) for v in (network.mean, network.std))
    return (images.expand(-1, network.channels, -1, -1) - mean) / std


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("mobilenet", 32, {"width": 0.5}),  # TensorFlow's asymmetric padding
        ("mobilenet", 33, {"width": 0.5, "pad_type": ""}),
        ("resnet18", 48, {"stem": "small"}),
        (
            "timm",
            64,
            {"name": "test_vit"},
        ),  # patches, with a bias; statistics 0.5, 0.5: no constant is needed
        ("timm", 64, {"name": "test_convnext"}),
    ],
)
def test_features_equal_those_of_the_colour_network(tmp_path, name, size, keys):
    colour, grey = _pair(tmp_path, name, size, **keys)
    images = torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = (network.body(_normalised(network, images)) for network in (grey, colour))
    scale = float(theirs.abs().max())
    torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=1e-5)


def test_sums_of_weights_without_the_constant_would_not_do(tmp_path):
    colour, grey = _pair(tmp_path, "resnet18", 32)
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    grey.body.conv1.constant.weight.zero_()
    with torch.no_grad():
        ours, theirs = (network.body(_normalised(network, images)) for network in (grey, colour))
    assert float((ours - theirs).abs().max()) > 1e-3 * float(theirs.abs().max())


def test_the_kernel_by_hand(tmp_path):
    """m = 1.347 / 3 = 0.449, s = 0.678 / 3 = 0.226: sum_c s / s_c W_c and sum_c (m - m_c) / s_c W_c."""
    colour, grey = _pair(tmp_path, "resnet18", 32)
    red, green, blue = colour.body.conv1.weight[7, :, 2, 3].tolist()
    assert (grey.mean, grey.std) == ((0.449,), (0.226,))
    kernel = 0.226 * (red / 0.229 + green / 0.224 + blue / 0.225)
    constant = -0.036 / 0.229 * red - 0.007 / 0.224 * green + 0.043 / 0.225 * blue
    assert grey.body.conv1.weight[7, 0, 2, 3].item() == pytest.approx(kernel, rel=1e-5)
    assert grey.body.conv1.constant.weight[7, 0, 2, 3].item() == pytest.approx(constant, rel=1e-4)
    assert grey.body.conv1.weight.shape == (64, 1, 7, 7)
    assert all("constant" not in name for name, _ in grey.named_parameters())


def test_a_former_grey_run_brings_its_constant_along(tmp_path):
    _, grey = _pair(tmp_path, "resnet18", 32)
    save_weights(grey, tmp_path / "weights" / "best.safetensors")
    fresh = network_of("resnet18", channels=1, seed=9).eval()
    fresh.load(tmp_path)
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(fresh(images), grey(images))
    assert (fresh.mean, fresh.std) == (grey.mean, grey.std)
