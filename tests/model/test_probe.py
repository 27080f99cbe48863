"""What frozen features are worth: a linear probe on real dermatology images, on ImageNet weights and on random ones."""

import csv
import tarfile
from itertools import islice

import numpy as np
import pytest
import torch
from networks import network_of
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

IMAGES = 1200  # the first of the archive


def _lesions(folder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 64, 64), whether each is other than a naevus, and its lesion."""
    with (folder / "HAM10000_metadata.csv").open() as file:
        rows = {row["image_id"]: row for row in csv.DictReader(file)}
    images, found = [], []
    with tarfile.open(folder / "images_200x150.tar.xz") as archive:
        for member in islice((m for m in archive if m.name.endswith(".jpg")), IMAGES):
            with Image.open(archive.extractfile(member)) as image:
                images.append(np.asarray(image.convert("RGB").resize((64, 64))).transpose(2, 0, 1))
            found.append(rows[member.name.rpartition("/")[2].removesuffix(".jpg")])
    labels = np.array([row["dx"] != "nv" for row in found])
    return np.stack(images), labels, np.array([row["lesion_id"] for row in found])


def _probe(weights, images, labels, groups, seed=0) -> float:
    """AUROC of a linear classifier on frozen features: five folds, no lesion on both sides of one."""
    network = network_of("mobilenet", weights=weights, size=64, seed=seed).eval()
    mean, std = (torch.tensor(v).reshape(-1, 1, 1) for v in (network.mean, network.std))
    with torch.no_grad():
        features = [
            network.body((torch.from_numpy(x) / 255 - mean) / std) for x in np.array_split(images, 12)
        ]
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced")
    )
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    scores = cross_val_predict(
        probe, torch.cat(features).numpy(), labels, groups=groups, cv=folds, method="predict_proba"
    )
    return roc_auc_score(labels, scores[:, 1])


@pytest.mark.slow
def test_features_of_the_real_weights_are_worth_more_than_random_ones(shared_data, shared_weights):
    lesions = _lesions(shared_data / "ham10000")
    trained = _probe(str(shared_weights / "mobilenetv1_100_imagenet.safetensors"), *lesions)
    untrained = max(_probe(None, *lesions, seed=seed) for seed in range(3))
    print(
        f"AUROC of a linear probe: {trained:.3f} on ImageNet weights, at best {untrained:.3f} on random ones"
    )
    assert trained > untrained + 0.02
