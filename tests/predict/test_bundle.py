"""What a weights file says of itself, and that a bundle is data: nothing in one can run code."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save

from clrx.bundle.describe import stamp_weights
from clrx.bundle.description import KEY, as_json, from_json, target_in
from clrx.bundle.header import read_metadata, stamp, with_metadata
from clrx.bundle.open import open_bundle
from clrx.bundle.seen import patient_hash, read_seen
from clrx.core.errors import UserError
from clrx.task.python import load_run


def test_each_weights_file_of_a_run_describes_its_network(used):
    files = sorted((used / "run" / "weights").iterdir())
    assert len(files) > 2
    for file in files:
        found = from_json(read_metadata(file)[KEY], str(file))
        assert (found.classes, found.positive, found.size, found.channels) == (
            ("well", "sick"),
            "sick",
            16,
            1,
        )
        assert found.threshold == json.loads((used / "run" / "metrics.json").read_text())["threshold"]
        assert found == from_json(as_json(found), "")


def test_metadata_leaves_tensors_and_is_deterministic(tmp_path):
    tensors = {"b": torch.arange(7.0), "a": torch.ones(3, dtype=torch.int64)}
    content = save(tensors)
    once = with_metadata(content, {"clrx": '{"a": 1}'})
    assert with_metadata(once, {"clrx": '{"a": 1}'}) == once
    assert with_metadata(once, {}) != content[:0]
    (tmp_path / "w.safetensors").write_bytes(once)
    loaded = load_file(tmp_path / "w.safetensors")
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert int.from_bytes(once[:8], "little") % 8 == 0
    stamp(tmp_path / "w.safetensors", {"clrx": "x"})
    assert read_metadata(tmp_path / "w.safetensors") == {"clrx": "x"}


def test_stamping_again_changes_no_byte(used, tmp_path):
    copy = shutil.copytree(used / "run", tmp_path / "run")
    before = {file.name: file.read_bytes() for file in (copy / "weights").iterdir()}
    for file in (copy / "weights").iterdir():
        stamp(file, {})
    stamp_weights(copy)
    assert {file.name: file.read_bytes() for file in (copy / "weights").iterdir()} == before


def test_a_run_from_before_descriptions_opens_too(used, tmp_path):
    copy = shutil.copytree(used / "run", tmp_path / "run")
    stamp(copy / "weights" / "best.safetensors", {})
    assert open_bundle(copy).description == open_bundle(used / "run").description


def test_the_network_is_that_of_the_run(used):
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(
            open_bundle(used / "run").network()(images), load_run(used / "run").network()(images)
        )


def test_colour_weights_folded_for_grey_images_are_read_again(used, tmp_path):
    copy = shutil.copytree(used / "run", tmp_path / "run")
    file = copy / "weights" / "best.safetensors"
    constant = torch.full((32, 1, 3, 3), 0.1)
    metadata = read_metadata(file)
    file.write_bytes(
        with_metadata(save(load_file(file) | {"body.block1.conv1.constant.weight": constant}), metadata)
    )
    images = torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        folded, plain = (load_run(path).network()(images) for path in (copy, used / "run"))
        assert torch.equal(folded, open_bundle(copy).network()(images))
    assert not torch.equal(folded, plain)


def test_seen_holds_hashes_of_training_and_validation_patients(used):
    seen = read_seen((used / "run" / "seen.json").read_bytes(), "")
    tested = {line.split(",")[1] for line in (used / "run" / "predictions.csv").read_text().splitlines()[1:]}
    everyone = {f"home{number:03d}" for number in range(40)}
    assert seen.patients == {patient_hash(name) for name in everyone - tested}
    assert len(seen.images) == 2 * len(everyone - tested)


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "os.system", "command": "true"},
        {"_target_": "clrx.core.files.remove_parts"},
        {"_target_": "clrx.model.timm.partial"},
        {"_target_": "torch.optim.SGD"},
        {"_target_": "clrx.model.cnn4.build", "dropout": {"_target_": "os.getcwd"}},
        {"_target_": "clrx.model.timm.build", "name": "resnet10t", "options": {"checkpoint_path": "x.pth"}},
        {"_target_": "clrx.model.timm.build", "name": "resnet10t", "options": {"pretrained": True}},
        {"_target_": "mine.build"},
    ],
)
def test_a_bundle_names_networks_of_clrx_and_nothing_else(node):
    with pytest.raises(UserError, match=r"refused|not allowed"):
        target_in(node, "architecture")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 99}, "newer clrx"),
        ({"size": "large"}, "size='large'"),
        ({"channels": 3}, "channels=3"),
        ({"task": "regression"}, "task='regression'"),
    ],
)
def test_a_damaged_or_newer_description_is_refused(used, tmp_path, change, told):
    file = shutil.copy(used / "run" / "weights" / "best.safetensors", tmp_path / "best.safetensors")
    found = json.loads(read_metadata(file)[KEY]) | change
    stamp(file, {KEY: json.dumps(found)})
    with pytest.raises(UserError, match=told):
        open_bundle(file)


def test_weights_of_another_network_are_refused(used, tmp_path):
    file = shutil.copy(used / "run" / "weights" / "best.safetensors", tmp_path / "best.safetensors")
    found = json.loads(read_metadata(file)[KEY]) | {
        "head": {"_target_": "clrx.model.linear.Linear"},
        "outputs": 5,
    }
    stamp(file, {KEY: json.dumps(found)})
    with pytest.raises(UserError, match="not those of the network"):
        open_bundle(file).network()


def test_a_weights_file_without_a_description_says_so(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(save({"a": torch.ones(1)}))
    with pytest.raises(UserError, match="does not say what network"):
        open_bundle(tmp_path / "w.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(save({"a": torch.ones(1)})[:20])
    with pytest.raises(UserError, match="not a whole safetensors file"):
        open_bundle(tmp_path / "cut.safetensors")
