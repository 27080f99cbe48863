"""clrx export: a bundle to hand over, and the network's graph in other formats."""

import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from clrx.bundle.card import calibration_error
from clrx.bundle.export import example, nameless
from clrx.bundle.open import open_bundle
from clrx.core.errors import RunError
from clrx.data.decode.image import to_planes
from clrx.predict.graph import Graph, resized
from clrx.predict.parity import compared, refuse_difference


@pytest.fixture(scope="module")
def bundle(used):
    """An exported folder and zip of the run."""
    from clrx.cli.main import run

    assert run(["export", str(used / "run"), f"out={used / 'bundle'}"]) == 0
    assert run(["export", str(used / "run"), f"out={used / 'bundle.zip'}"]) == 0
    return used / "bundle"


def test_a_bundle_has_what_is_needed_and_no_patient(bundle):
    names = {file.name for file in bundle.iterdir()}
    assert names == {
        *("weights.safetensors", "bundle.json", "card.md", "README.md", "metrics.json", "seen.json"),
        *("example.png", "example.csv", "test_scores.csv", "validation_scores.csv"),
    }
    for file in bundle.iterdir():
        assert b"home0" not in file.read_bytes(), file.name


def test_folder_and_zip_predict_what_the_run_does(bundle, used, command):
    folder = used / "away" / "images"
    wanted = command("predict", used / "run", folder, "threads=1")
    assert wanted[0] == 0
    for path in (bundle, used / "bundle.zip"):
        assert command("predict", path, folder, "threads=1") == wanted
    code, out, _ = command("predict", bundle, bundle / "example.png", "threads=1")
    expected = (bundle / "example.csv").read_text()
    assert code == 0
    assert [line.split(",")[1:] for line in out.splitlines()] == [
        line.split(",")[1:] for line in expected.splitlines()
    ]


def test_an_export_is_the_same_each_time(bundle, used, command, tmp_path):
    assert command("export", used / "run", f"out={tmp_path / 'bundle.zip'}")[0] == 0
    assert (tmp_path / "bundle.zip").read_bytes() == (used / "bundle.zip").read_bytes()
    assert (bundle / "weights.safetensors").read_bytes() == (
        used / "run/weights/best.safetensors"
    ).read_bytes()


def test_the_card_has_the_headings_the_metrics_and_marks_for_a_person(bundle, used):
    card = (bundle / "card.md").read_text()
    metrics = json.loads((used / "run" / "metrics.json").read_text())["test"]
    for heading in (
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
    ):
        assert f"\n## {heading}\n" in card
    assert f"| auroc | {metrics['auroc']['value']:.4f} | {metrics['auroc']['low']:.4f} |" in card
    assert card.count("FILL IN") >= 5


def test_calibration_error_of_known_scores():
    truth, scores = np.array([[0], [1], [1], [1]]), np.array([[0.05], [0.95], [0.65], [0.65]])
    assert calibration_error(truth, scores) == pytest.approx((0.05 + 0.05 + 2 * 0.35) / 4)


def test_patients_become_numbers():
    table = b"image,patient,label,score\na.png,Smith,1,0.5\nb.png,Smith,0,0.25\nc.png,Li,0,0.125\n"
    assert nameless(table) == "image,patient,label,score\n0,0,1,0.5\n1,0,0,0.25\n2,1,0,0.125\n"


@pytest.mark.parametrize("shape", [(20, 20), (16, 16), (9, 7), (61, 100), (203, 101), (97, 480)])
def test_the_graph_resizes_as_pillow_does(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    wanted = np.frombuffer(to_planes(Image.fromarray(pixels), 16, 1), np.uint8).reshape(16, 16)
    found = resized(torch.from_numpy(pixels).float()[None, None], 16)[0, 0].numpy()
    assert np.abs(found - wanted).max() <= 1
    assert (found != wanted).mean() < 0.1


@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_gives_the_scores_of_predict(used, command, channels):
    b = open_bundle(used / "run")
    graph, picture = Graph(b.network(), b.description), Image.fromarray(example(16, channels)).convert("RGB")
    flat = np.frombuffer(bytearray(to_planes(picture, 16, 1)), np.uint8).reshape(1, 1, 16, 16)
    from clrx.predict.score import make_scorer

    wanted = make_scorer([b], "cpu").score({(16, 1): flat})
    with torch.no_grad():
        found = graph(torch.from_numpy(np.asarray(picture).transpose(2, 0, 1)[None].copy()))
    assert np.abs(found.numpy() - wanted).max() < 1e-4  # a tie of two grey levels may fall on either side


def test_a_graph_with_other_scores_is_refused_and_removed(used, tmp_path):
    d = open_bundle(used / "run").description
    pictures, expected = [np.zeros((3, 8, 8), np.uint8)] * 2, np.array([0.5, 0.5], np.float32)
    file = tmp_path / "n.onnx"
    file.write_bytes(b"x")
    parity = compared(
        d, lambda images: np.full(len(images), 0.51, np.float32), pictures, expected, "pictures"
    )
    with pytest.raises(RunError, match="does not give the scores"):
        refuse_difference(parity, file)
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "run"], "one run is exported at a time"),
        (["run", "format=pickle"], "format=pickle is not possible"),
        (["run", "format=onnx", "opset=9"], "opset=9 is not possible"),
        (["run", "format=onnx", "out=n.pt2"], "does not end in .onnx"),
        (["run", "out=home"], "something else already"),
        (["bundle"], "only a run is exported"),
    ],
)
def test_mistakes(bundle, command, words, told):
    code, _, err = command("export", *words)
    assert code == 2
    assert told in err


def test_a_damaged_zip_is_no_bundle(used, bundle, command, tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as zipped:
        zipped.write(bundle / "bundle.json", "b/bundle.json")
    code, _, err = command("predict", tmp_path / "b.zip", used / "away")
    assert code == 2
    assert "it has no weights.safetensors" in err


ALONE = """
import sys, numpy as np, onnxruntime
assert not any(name.split(".")[0] in ("clrx", "torch") for name in sys.modules)
session = onnxruntime.InferenceSession(sys.argv[1])
images = np.load(sys.argv[2])
print(*session.run(None, {"images": images})[0])
"""


@pytest.mark.slow
def test_onnx_and_torch_files_give_the_runs_scores_without_clrx(used, command, tmp_path):
    pytest.importorskip("onnxruntime")
    run = shutil.copytree(used / "run", tmp_path / "run")
    for name, file in (("torch", "n.pt2"), ("onnx", "n.onnx")):
        code, out, err = command("export", run, f"format={name}", f"out={tmp_path / file}", "images=6")
        assert (code, err) == (0, "")
        assert "6 test images" in out
        assert "0 decisions differ" in out
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 31, 40), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    words = [sys.executable, "-I", "-c", ALONE, str(tmp_path / "n.onnx"), str(tmp_path / "images.npy")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    b = open_bundle(run)
    with torch.no_grad():
        wanted = Graph(b.network(), b.description)(torch.from_numpy(pixels)).numpy()
    assert np.allclose([float(text) for text in done.stdout.split()], wanted, atol=1e-5)
