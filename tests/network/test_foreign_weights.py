"""Weights of other programs, and tensors that are none: read under the right names, or refused by name."""

import re

import pytest
import torch
from networks import network_of
from safetensors.torch import save_file

from clrx.core.errors import UserError
from clrx.network.foreign_weights import match_names
from clrx.network.weights_file import downloaded, save_weights

NAMES = ("features.conv0.weight", "features.denseblock1.denselayer1.norm1.weight", "features.norm5.bias")


def state_of(*names):
    return {name: torch.full((2,), float(k)) for k, name in enumerate(names)}


@pytest.mark.parametrize(
    "given",
    [
        NAMES,
        [f"module.{name}" for name in NAMES],
        [f"model.backbone.{name}" for name in NAMES],
        [
            f"module.densenet121.{name.replace('norm1', 'norm.1')}" for name in NAMES
        ],  # CheXNet's model.pth.tar
    ],
)
def test_prefixes_and_old_names_are_taken_away(tmp_path, given):
    found, note = match_names(state_of(*given), NAMES, tmp_path / "x.pth")
    assert (tuple(found), note) == (NAMES, "")
    assert [tensor[0] for tensor in found.values()] == [0, 1, 2]


def test_what_lies_beside_the_network_is_said(tmp_path):
    names = [*(f"model.{name}" for name in NAMES), "criterion.weight"]
    found, note = match_names(state_of(*names), NAMES, tmp_path / "x.ckpt")
    assert tuple(found) == NAMES
    assert "1 tensors of" in note
    assert "criterion.weight" in note


def test_two_copies_of_the_network_are_refused(tmp_path):
    names = [f"{prefix}.{name}" for prefix in ("model", "ema_model.module") for name in NAMES]
    with pytest.raises(UserError, match=r"2 times: as ema_model\.module\.\*, model\.\*"):
        match_names(state_of(*names), NAMES, tmp_path / "x.ckpt")


def cnn4(**keys):
    return network_of("cnn4", channels=1, outputs=2, seed=keys.pop("seed", 0), **keys)


@pytest.mark.parametrize("form", ["chexnet.pth.tar", "lightning.ckpt"])
def test_published_forms_of_checkpoints(tmp_path, form):
    """As CheXNet's and Lightning's are laid out, with a network that is small."""
    source = cnn4(seed=1).body.state_dict()
    prefix = "module.net." if form.startswith("chexnet") else "model."
    content = {"epoch": 6, "state_dict": {prefix + name: tensor for name, tensor in source.items()}}
    content |= {"optimizer": {}, "hyper_parameters": {"lr": 0.1}, "pytorch-lightning_version": "2.6.6"}
    torch.save(content, tmp_path / form)
    network = cnn4(seed=2, weights=str(tmp_path / form))
    for name, tensor in network.body.state_dict().items():
        assert torch.equal(tensor, source[name])


def spoilt(tensor, how):
    if how in ("int8", "bool", "complex64", "float8_e4m3fn"):
        return tensor.to(getattr(torch, how))
    if how in ("nan", "inf"):
        return tensor.clone().index_fill_(0, torch.tensor([0]), float(how))
    return tensor.to_sparse() if how == "sparse" else torch.empty_like(tensor, device="meta")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("int8", "is int8"),
        ("bool", "is bool"),
        ("complex64", "is complex64"),
        ("float8_e4m3fn", "is float8"),
        ("nan", "not finite"),
        ("inf", "not finite"),
        ("sparse", "is a sparse tensor"),
        ("meta", "is a meta tensor"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])  # colour weights are folded for grey images
def test_tensors_that_are_no_weights_are_refused(tmp_path, how, said, channels):
    network = network_of("cnn4", channels=3, outputs=2, seed=0)
    state = network.body.state_dict()
    first = next(iter(state))
    torch.save(state | {first: spoilt(state[first], how)}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=f"{re.escape(first)} .*{said}"):
        network_of("cnn4", channels=channels, outputs=2, seed=0, weights=str(tmp_path / "x.pth"))


def test_half_precision_and_whole_numbers_of_counters_are_read(tmp_path):
    source = network_of("resnet9", channels=1, outputs=2, seed=1).body.state_dict()
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in source.items()}
    torch.save(half, tmp_path / "x.pth")
    found = network_of(
        "resnet9", channels=1, outputs=2, seed=2, weights=str(tmp_path / "x.pth")
    ).body.state_dict()
    assert all(torch.equal(found[name], half[name].to(found[name].dtype)) for name in source)


def test_a_negative_variance_is_refused(tmp_path):
    source = network_of("resnet9", channels=1, outputs=2, seed=1).body.state_dict()
    name = next(name for name in source if name.endswith("running_var"))
    torch.save(source | {name: -source[name]}, tmp_path / "x.pth")
    with pytest.raises(UserError, match="negative variance"):
        network_of("resnet9", channels=1, outputs=2, seed=2, weights=str(tmp_path / "x.pth"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_std": torch.zeros(1)}, "normalises its input by"),
        ({"input_std": torch.tensor([float("nan")])}, "normalises its input by"),
        ({"input_mean": torch.tensor([float("inf")])}, "normalises its input by"),
        ({"input_std": torch.tensor([-1.0])}, "normalises its input by"),
        ({"input_mean": None}, "no input_mean and input_std"),
        ({"head.fc.weight": "nan"}, "not finite"),
    ],
)
def test_the_weights_of_a_run_normalise_and_are_finite(tmp_path, changes, said):
    file = tmp_path / "run.safetensors"
    network = cnn4(seed=1)
    save_weights(network, file)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    for name, value in changes.items():
        if value is None:
            del state[name]
        else:
            state[name] = spoilt(state[name], "nan") if isinstance(value, str) else value
    save_file(state, file)
    with pytest.raises(UserError, match=said):
        cnn4(weights=str(file))


def test_a_file_in_the_hubs_cache_is_held_to_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    (folder / "net-2cf24dba.pth").write_bytes(b"hello")  # SHA-256 2cf24dba5fb0a30e...
    (folder / "net-7be5be79.pth").write_bytes(b"hello")
    assert downloaded("https://example.org/net-2cf24dba.pth") == folder / "net-2cf24dba.pth"
    with pytest.raises(UserError, match=r"net-7be5be79\.pth is not the file that was published"):
        downloaded("https://example.org/net-7be5be79.pth")


def test_alexnets_cached_weights_run_no_code(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub/checkpoints/alexnet-owt-7be5be79.pth"
    file.parent.mkdir(parents=True)
    torch.save({"x": Hostile(tmp_path / "ran")}, file)
    with pytest.raises(UserError, match="is not the file that was published"):
        network_of("alexnet", weights="imagenet", size=64)
    monkeypatch.setattr("clrx.network.weights_file.hashlib.file_digest", lambda *_: Digest())
    with pytest.raises(UserError, match="is refused: loading it would run or build"):
        network_of("alexnet", weights="imagenet", size=64)
    assert not (tmp_path / "ran").exists()


class Digest:
    def hexdigest(self) -> str:
        return "7be5be79" + "0" * 56


class Hostile:
    def __init__(self, marker) -> None:
        self.marker = marker

    def __reduce__(self):
        return type(self.marker).touch, (self.marker,)


def test_weights_that_inflate_a_thousandfold_are_refused(tmp_path, monkeypatch):
    import zipfile

    monkeypatch.setattr("clrx.core.inflate.ALWAYS", 1 << 16)
    torch.save({"conv.weight": torch.zeros(1 << 20)}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "x.pth", "w") as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name), zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="unpacks to 4,"):
        cnn4(weights=str(tmp_path / "x.pth"))
