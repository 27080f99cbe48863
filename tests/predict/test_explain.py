"""clrx explain: maps of what a score goes along with, the check against random weights, the pointing game."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from clrx.bundle.open import open_bundle
from clrx.core.errors import UserError
from clrx.predict.cam import as_map, has_places, last_map, maps, randomised, similarity
from clrx.predict.pointing import pointing_game, read_boxes


@pytest.fixture(scope="module")
def network(used):
    """The network of the run with its description."""
    bundle = open_bundle(used / "run")
    return bundle.network(), bundle.description


@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "scorecam"])
def test_maps_lie_between_0_and_1_at_the_size_of_the_input(network, method):
    net, d = network
    inputs = torch.rand(3, 1, 16, 16)
    layer = last_map(net, inputs)
    found = maps(net, inputs, d, np.array([0, 1, 1]), layer, method)
    assert found.shape == (3, 16, 16)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-6


def test_gradcam_of_a_network_that_can_be_computed_by_hand(network):
    """One channel that copies the image, a head that adds it up: the map is the image, over its largest value."""
    from clrx.network.body import Body
    from clrx.network.network import Network

    class Sum(nn.Module):
        def forward(self, features):
            total = features.sum((1, 2, 3))
            return torch.stack([-total, total], 1)

    body = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.ones_(body[0].weight)
    net = Network(Body(body, (("0.weight",),)), Sum(), channels=1, architecture={}).eval()
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 2, 5] = 3.0
    image[0, 0, 6, 6] = 1.5
    found = maps(net, image, network[1], np.array([1]), "0")
    assert found[0, 2, 5] == pytest.approx(1)
    assert found[0, 6, 6] == pytest.approx(0.5)
    assert maps(net, image, network[1], np.array([0]), "0").max() == 0  # nothing speaks for the other class


def test_tokens_of_a_transformer_are_a_grid():
    tokens = torch.arange(2 * 10 * 3, dtype=torch.float32).reshape(2, 10, 3)
    assert has_places(tokens)
    assert as_map(tokens).shape == (2, 3, 3, 3)
    assert torch.equal(as_map(tokens)[0, :, 0, 0], tokens[0, 1])


def test_similarity_and_random_weights(network):
    net, _ = network
    before = {name: value.clone() for name, value in net.state_dict().items()}
    other = randomised(net)
    assert all(torch.equal(net.state_dict()[name], value) for name, value in before.items())
    assert not torch.equal(other.state_dict()["body.fc1.weight"], before["body.fc1.weight"])
    a = np.random.default_rng(0).random((4, 9, 9))
    assert similarity(a, a) == pytest.approx(1)
    assert similarity(a, 1 - a) == pytest.approx(-1)
    assert similarity(a, np.zeros_like(a)) == 0


def test_the_pointing_game_counts_maxima_in_boxes(tmp_path):
    table = tmp_path / "boxes.csv"
    table.write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Infiltrate,0,0,512,512,,,\nb.png,Mass,512,512,512,512,,,\n"
    )
    heat = np.zeros((3, 4, 4))
    heat[:, 0, 0] = 1
    names, findings = ["in/a.png", "b.png", "c.png"], ["Infiltration", "Mass", "Mass"]
    found = pointing_game(read_boxes(table), names, findings, heat)
    assert (found.images, found.hits, found.area) == (2, 1, 0.25)
    assert "1 of 2 images (50%); a random point would in 25%" in str(found)
    table.write_text("Image Index,Finding Label\na.png,Mass,1,2\n")
    with pytest.raises(UserError, match="line 2 is no box"):
        read_boxes(table)


def test_the_sheet_and_the_overlays(used, command, tmp_path):
    code, out, err = command("explain", used / "run", f"out={tmp_path}", "count=2", "threads=1", "workers=1")
    assert (code, err) == (0, "")
    assert "random weights" in out
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.width > 400
    folder = used / "away" / "images"
    images = [folder / f"away_00{number}_0.png" for number in range(2)]
    assert (
        command("explain", used / "run", *images, f"out={tmp_path / 'cam'}", "check=false", "threads=1")[0]
        == 0
    )
    assert len(list((tmp_path / "cam").glob("*.png"))) == 2


def test_predict_gives_the_paths_of_overlays(used, command, tmp_path):
    image = used / "away" / "images" / "away_000_0.png"
    code, out, err = command(
        "predict", used / "run", image, f"cam={tmp_path / 'cam'}", "threads=1", "workers=1"
    )
    assert (code, err) == (0, "")
    path = out.splitlines()[1].split(",")[-1]
    assert path == str(tmp_path / "cam" / "000000_away_000_0.png")
    with Image.open(path) as picture:
        assert picture.width > picture.height


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "target=flu"], "there is no class 'flu'"),
        (["run", "layer=block9"], "no layer 'block9'"),
        (["run", "method=lime"], "method=lime is not possible"),
        (["run", "boxes=absent.csv"], "no such list of boxes"),
        (["run", "run"], "one run is explained at a time"),
    ],
)
def test_mistakes(command, words, told):
    code, _, err = command(
        "explain", *words, "threads=1", "workers=1", "count=1", "check=false", "out=mistake"
    )
    assert code == 2
    assert told in err
