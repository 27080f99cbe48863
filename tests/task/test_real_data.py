"""`clrx train` on the real data of every dataset: it ends well, on the images and classes that are there.

Smallest settings: one epoch of a small network. Nothing is claimed of the scores but that they are scores.
"""

import csv
import json

import pytest

from clrx.cli.main import run

MOBILENET = ("model=mobilenet", "model.width=0.25", "batch_size=64")
NIH = ("dataset.root=nih", "dataset.missing=drop")
SMALL = (*NIH, "dataset.images=images_64.tar.xz", *MOBILENET)
MIAS = (
    "dataset=microcalcification",
    "dataset.root=microcalc/mias_patches_16.npz",
    "model=cnn4",
    "batch_size=512",
)
RUNS = {  # name: (overrides, images in all, classes)
    "nih_binary": (("dataset=chestxray14", "disease=effusion", *SMALL), 499 + 170, 2),
    "nih_one_class": (
        ("dataset=chestxray14_one_class", "dataset.no_finding=100", "dataset.per_disease=8", *SMALL),
        100 + 14 * 8,
        2,
    ),
    "nih_multilabel": (("dataset=chestxray14_multilabel", "dataset.split=official", *SMALL), 1000, 14),
    "nih_1024": (
        (
            *("dataset=chestxray14_one_class", *NIH, "dataset.size=1024", "dataset.no_finding=5"),
            *("dataset.per_disease=8", "model=mobilenet", "model.width=0.25", "batch_size=2"),
            *("split.test=0.3", "split.validation=0.3"),
        ),
        13,
        2,
    ),
    "cifar10": (
        ("dataset=cifar10", "dataset.root=cifar10/cifar10_jpeg.tar.xz", "dataset.balanced=100", *MOBILENET),
        60_000,
        10,
    ),
    "ham10000": (("dataset=dermatology", "dataset.root=ham10000", "dataset.size=32", *MOBILENET), 10_015, 7),
    "mias_17": ((*MIAS, "dataset.skew=1/17"), 4500 * 18, 2),
    "mias_36": ((*MIAS, "dataset.skew=1/36"), 4500 * 37, 2),
    "npz": (("dataset=npz", "dataset.root=medmnist/pneumoniamnist.npz", *MOBILENET), 5030, 2),
}  # fmt: skip
LEAST = (
    *("epochs=1", "policy=constant", "bootstrap.resamples=20", "device=cpu", "threads=1"),
    *("early_stopping.patience=null", "seed=0"),
)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", RUNS)
def test_training_ends_well(blank_pictures, threads, shared_data, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    overrides, images, classes = RUNS[name]
    overrides = [
        f"dataset.root={shared_data / word.removeprefix('dataset.root=')}"
        if word.startswith("dataset.root=")
        else word
        for word in overrides
    ]
    assert run(["train", *overrides, *LEAST, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert (record["state"], len(record["classes"]), record["synthetic"]) == ("complete", classes, False)
    counts = record["images"]
    if name == "cifar10":
        assert (counts["train"], counts["test"]) == (1000, 10_000)
    else:
        assert sum(counts.values()) == images
    with (tmp_path / "run/predictions.csv").open() as file:
        assert len(list(csv.DictReader(file))) == counts["test"]
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())["test"]
    values = [
        entry["value"]
        for entry in metrics.values()
        if isinstance(entry, dict) and entry.get("value") is not None
    ]
    assert values
    print(name, counts, {key: metrics[key]["value"] for key in ("accuracy", "auroc") if key in metrics})
