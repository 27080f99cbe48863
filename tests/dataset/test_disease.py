"""conf/disease against the tables of Chopade et al. 2021, typed from the paper."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from clrx.data.nih.labels import DISEASES

CONF = Path(__file__).resolve().parents[2] / "conf"
# Table 2 and 3: images with the disease, No Finding, total (that of Atelectasis and Hernia corrected), batch size,
# training batches. Table 4: rate, decay. Table 5: epochs.
PAPER = {
    "atelectasis": (11559, 12000, 23559, 16, 1178, 0.01, 0.001, 10),
    "cardiomegaly": (2776, 2800, 5576, 32, 140, 0.1, 0.0005, 12),
    "consolidation": (4667, 4700, 9367, 32, 235, 0.05, 0.0005, 10),
    "edema": (2303, 2300, 4603, 32, 116, 0.01, 0.0005, 12),
    "emphysema": (2516, 2600, 5116, 32, 128, 0.01, 0.0005, 10),
    "effusion": (13317, 13500, 26817, 32, 671, 0.01, 0.001, 10),
    "fibrosis": (1686, 1700, 3386, 32, 85, 0.001, 0.00005, 10),
    "infiltration": (19894, 20000, 39894, 16, 1995, 0.01, 0.001, 10),
    "mass": (5782, 6000, 11782, 32, 295, 0.01, 0.001, 10),
    "nodule": (6331, 6500, 12831, 32, 321, 0.01, 0.001, 10),
    "pneumothorax": (5302, 5500, 10802, 32, 271, 0.01, 0.0005, 10),
    "pneumonia": (1431, 1500, 2931, 16, 147, 0.01, 0.0001, 30),
    "pleural_thickening": (3385, 3500, 6885, 32, 173, 0.05, 0.0005, 10),
    "hernia": (227, 250, 477, 4, 96, 0.01, 0.0001, 30),
}
# Table 8: policy, step size, epochs, maximum rate, base rate.
TABLE_8 = {
    "atelectasis": ("triangular", 2, 32, 0.1, 0.025),
    "infiltration": ("modified_triangular2", 2, 10, 0.02, 0.005),
    "fibrosis": ("modified_triangular2", 2, 32, 0.002, 0.0005),
    "pneumothorax": ("triangular", 2, 36, 0.03, 0.0075),
    "pneumonia": ("triangular", 2, 30, 0.01, 0.0001),
}


def test_there_is_one_file_for_each_of_the_14_diseases():
    assert {path.stem for path in (CONF / "disease").glob("*.yaml")} == set(PAPER)
    assert {OmegaConf.load(CONF / f"disease/{name}.yaml").label for name in PAPER} == set(DISEASES)


@pytest.mark.parametrize("name", PAPER)
def test_a_disease_has_the_papers_numbers(name):
    d = OmegaConf.load(CONF / f"disease/{name}.yaml")
    positive, no_finding, total, batch, batches, lr, decay, epochs = PAPER[name]
    assert d.label.lower() == name
    assert (d.no_finding, d.batch_size, d.lr, d.decay, d.epochs) == (no_finding, batch, lr, decay, epochs)
    assert (d.momentum, d.optimizer) == (0.9, "adam" if name == "hernia" else "sgd")
    assert positive + d.no_finding == total
    assert abs(total * 0.8 / d.batch_size - batches) <= 1  # 1:4 split, the last batch partial
    if name in TABLE_8:
        clr = d.clr
        assert (clr.policy, clr.step_size, clr.epochs, clr.max_lr, clr.base_lr) == TABLE_8[name]
    else:
        assert (d.clr.max_lr, d.clr.base_lr, d.clr.step_size) == (lr, lr / 4, 2)  # section A6
        assert d.clr.epochs % (2 * d.clr.step_size) == 0


def test_the_dataset_reads_label_counts_and_recipe_from_the_disease():
    cfg = OmegaConf.create(
        {
            "dataset": OmegaConf.load(CONF / "dataset/chestxray14.yaml"),
            "disease": OmegaConf.load(CONF / "disease/cardiomegaly.yaml"),
        }
    )
    assert (cfg.dataset.label, cfg.dataset.no_finding) == ("Cardiomegaly", 2800)
    recipe = OmegaConf.to_container(cfg.dataset.recipe, resolve=True)
    assert recipe == {
        "batch_size": 32,
        "epochs": 12,
        "lr": 0.1,
        "decay": 0.0005,
        "momentum": 0.9,
        "base_lr": 0.025,
        "max_lr": 0.1,
        "step_size": 2,
    }
