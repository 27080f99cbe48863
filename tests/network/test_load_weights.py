import os
import pickle
import zipfile

import pytest
import torch
from networks import network_of

from clrx.core.errors import UserError
from clrx.network.weights_file import save_weights


def _network(channels=3, outputs=2, seed=0, name="mobilenet", **keys):
    keys = {"width": 0.25} | keys if name == "mobilenet" else keys
    return network_of(name, channels=channels, outputs=outputs, seed=seed, **keys)


@pytest.fixture
def run(tmp_path):
    """A former run's directory, with what is read of it."""
    network = _network(seed=7)
    network.set_normalisation((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    save_weights(network, tmp_path / "run" / "weights" / "best.safetensors")
    record = "model: {_target_: clrx.model.mobilenet.build, width: 0.25, pad_type: same, stem: imagenet}"
    (tmp_path / "run" / "config.yaml").write_text(record)
    return tmp_path / "run", network


@pytest.mark.parametrize(("nest", "prefix"), [(None, ""), ("state_dict", "module."), ("model", "")])
def test_a_published_file_fills_the_body_and_its_classifier_is_left_out(tmp_path, nest, prefix):
    source = _network(seed=1)
    state = {
        prefix + name: tensor for name, tensor in source.body.state_dict().items() if "batches" not in name
    }
    state |= {
        f"{prefix}classifier.weight": torch.zeros(1000, 256),
        f"{prefix}classifier.bias": torch.zeros(1000),
    }
    torch.save({nest: state, "epoch": 3} if nest else state, tmp_path / "published.pth")
    network = _network(seed=2, weights=str(tmp_path / "published.pth"))
    fresh = _network(seed=2)
    for name, tensor in network.body.state_dict().items():
        assert torch.equal(tensor, source.body.state_dict()[name])
    assert torch.equal(network.head.fc.weight, fresh.head.fc.weight)
    assert network.mean == (0.485, 0.456, 0.406)
    assert "the head is new" in network.notes[0]


def test_a_former_run_brings_head_and_normalisation(run):
    path, source = run
    network = _network(seed=2, weights=str(path))
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(network.eval()(images), source.eval()(images))
    assert (network.mean, network.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert network.notes[1].startswith("head from")


def test_a_head_that_does_not_fit_is_new_and_said_to_be(run):
    path, source = run
    network = _network(outputs=5, weights=str(path))
    assert torch.equal(network.body.conv_stem.weight, source.body.conv_stem.weight)
    assert "fc.weight is 2x256 in the file and 5x256 in the network" in network.notes[1]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"width": 0.5}, r"trained with model\.width=0\.25, this network has 0\.5"),
        ({"stem": "small"}, r"trained with model\.stem=imagenet, this network has small"),
        ({"pad_type": ""}, r"trained with model\.pad_type=same"),
    ],
)
def test_a_former_run_of_another_network_is_refused_though_shapes_may_fit(run, keys, message):
    with pytest.raises(UserError, match=message):
        _network(weights=str(run[0]), **keys)


def test_the_first_difference_is_named_with_both_shapes(tmp_path):
    torch.save(_network(width=0.5).body.state_dict(), tmp_path / "wide.pth")
    wide = r"conv_stem\.weight is 16x3x3x3 in the file and 8x3x3x3 in the network"
    torch.save({}, tmp_path / "empty.pth")
    other = _network(name="resnet18").body.state_dict()
    torch.save(other, tmp_path / "other.pth")
    surplus = _network().body.state_dict() | {"more.weight": torch.zeros(2, 3)}
    torch.save(surplus, tmp_path / "surplus.pth")
    grey = _network(channels=1).body.state_dict()
    torch.save(grey, tmp_path / "grey.pth")
    table = {
        "wide": wide,
        "other": r"conv_stem\.weight is absent in the file and 8x3x3x3 in the network",
        "surplus": r"more\.weight is 2x3 in the file and absent in the network",
        "grey": r"conv_stem\.weight is 8x1x3x3 in the file and 8x3x3x3 in the network",
        "empty": "holds no weights",
    }
    for name, message in table.items():
        with pytest.raises(UserError, match=message):
            _network().load(tmp_path / f"{name}.pth")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "not a whole safetensors file"),
        ("cut.pth", b"PK\x03\x04 and then nothing", "cut.pth is"),
        ("text.pth", b"hello", "text.pth is"),
        ("weights.h5", b"\x89HDF", r"no weights file[\s\S]*\.safetensors"),
    ],
)
def test_a_file_that_is_no_weights_file_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        _network().load(tmp_path / name)


def test_missing_files_are_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"gone\.pth does not exist[\s\S]*imagenet"):
        _network().load(tmp_path / "gone.pth")
    with pytest.raises(UserError, match=r"directory without weights/best\.safetensors"):
        _network().load(tmp_path)


class _Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("legacy", [True, False])
def test_a_malicious_pickle_is_refused_by_name_and_runs_nothing(tmp_path, legacy):
    path, marker = tmp_path / "evil.pth", tmp_path / "was_here"
    content = {"conv_stem.weight": torch.zeros(2), "x": _Malicious(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UserError, match=r"evil\.pth is refused[\s\S]*posix\.system, which is code"):
        _network().load(path)
    path.write_bytes(pickle.dumps(_Malicious(marker)))
    with pytest.raises(UserError, match=r"evil\.pth is"):
        _network().load(path)
    assert not marker.exists()


def test_weights_are_saved_as_tensors_alone(tmp_path):
    save_weights(_network(), tmp_path / "w.safetensors")
    assert not zipfile.is_zipfile(tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == [tmp_path / "w.safetensors"]


def test_saved_weights_are_the_same_in_any_memory_layout(tmp_path):
    for name, layout in (("a", torch.contiguous_format), ("b", torch.channels_last)):
        save_weights(_network().to(memory_format=layout), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failed_timm_download_names_the_file_and_the_way_out(tmp_path, monkeypatch):
    """timm's and the hub's own code, told that there is no network and given an empty cache."""
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    message = r"could not download timm/resnet18\.tv_in1k \(model\.safetensors\)[\s\S]*model\.weights=PATH"
    with pytest.raises(UserError, match=message):
        network_of("resnet18", weights="imagenet")


def test_a_failed_torchvision_download_names_the_file_and_the_way_out(tmp_path, monkeypatch):
    from urllib.error import URLError

    def unreachable(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    message = r"could not download alexnet-owt-7be5be79\.pth[\s\S]*model\.weights=PATH"
    with pytest.raises(UserError, match=message):
        network_of("alexnet", weights="imagenet", size=64)


def test_a_model_without_published_weights_says_so():
    with pytest.raises(UserError, match="no ImageNet weights"):
        _network(name="cnn4", weights="imagenet")


def test_imagenet_weights_come_from_the_library(monkeypatch):
    """What timm hands over for resnet18.tv_in1k is loaded, its classifier left out."""
    import timm

    create, published = timm.create_model, timm.create_model("resnet18")

    def downloaded(name, pretrained=False, **keys):
        return published if pretrained else create(name, **keys)

    monkeypatch.setattr("timm.create_model", downloaded)
    network = _network(name="resnet18", weights="imagenet")
    assert torch.equal(network.body.conv1.weight, published.conv1.weight)
    assert network.mean == (0.485, 0.456, 0.406)
    assert "resnet18.tv_in1k" in network.notes[0]


def test_mobilenets_own_download_brings_its_statistics_and_a_word_on_padding(monkeypatch):
    import timm

    create, published = timm.create_model, timm.create_model("mobilenetv1_100")
    monkeypatch.setattr(
        "timm.create_model", lambda *a, pretrained=False, **k: published if pretrained else create(*a, **k)
    )
    network = _network(width=1.0, weights="imagenet")
    assert network.mean == network.std == (0.5, 0.5, 0.5)
    assert "model.pad_type=''" in network.notes[1]
