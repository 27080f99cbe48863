"""The small makers of real data's faults (../shared/cases beside the checkout): each ends right or in a clear line."""

import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import SHARED
from networks import network_of
from nodes import configured

from clrx.core.errors import UserError
from clrx.data.decode.image import decode
from clrx.data.decode.limits import Unreadable
from clrx.data.open import load_source, open_data

pytestmark = pytest.mark.slow
FOLDER, CSV, SKIN, NPZ = "dataset=image_folder", "dataset=csv", "dataset=dermatology", "dataset=npz"
FLUID = ("dataset.path=Path", "dataset.label=Pleural Effusion")
SKIN_AS_CSV = ("dataset.path=image_id", "dataset.label=dx", "dataset.group=lesion_id")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs a maker once, in this process; gives the path that it wrote to."""
    if not (SHARED / "cases").is_dir():
        pytest.skip("the makers (../shared/cases beside the checkout) are not here")
    top = tmp_path_factory.mktemp("cases")

    def make(name: str, target: str, *more: str) -> Path:
        path = top / target
        if not path.exists():
            before, sys.argv = (
                sys.argv,
                [name, str(path), *(str(top / one) if "." in one else one for one in more)],
            )
            try:
                runpy.run_path(str(SHARED / "cases" / f"{name}.py"))
            finally:
                sys.argv = before
        return path

    return make


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


READ = [  # (maker, what it makes, file or folder below that, words, images of each class, groups, begin of a note)
    ("backslash_zip", "b.zip", "", (FOLDER,), {"cat": 20, "dog": 20}, 40, ""),
    (
        *("chexpert", "chexpert", "CheXpert-v1.0-small/train.csv"),
        (CSV, *FLUID, "dataset.uncertain=one"),
        *({"0": 60, "1": 60}, 40, "30 uncertain labels (-1)"),
    ),
    (
        *("chexpert", "chexpert", "CheXpert-v1.0-small/train_filled.csv"),
        (CSV, *FLUID, "dataset.uncertain=drop"),
        *({"0": 60, "1": 30}, 40, "30 uncertain labels (-1)"),
    ),
    (
        *("class_of_unknown_endings", "endings", ""),
        (FOLDER, "dataset.classes=[cat,dog]"),
        *({"cat": 20, "dog": 10}, 30, "files that are not read as images: 20 .heic, 10 .avif"),
    ),
    ("ham10000_kaggle", "ham", "", (SKIN,), {"bkl": 20, "mel": 20, "nv": 20}, 30, "60 images are there more"),
    (
        *("ham10000_kaggle", "ham", "HAM10000_metadata.csv", (CSV, *SKIN_AS_CSV)),
        *({"bkl": 20, "mel": 20, "nv": 20}, 30, "60 images are there more"),
    ),
    (
        *("ids_with_and_without_point_zero", "ids", "table.csv", (CSV, "dataset.group=patient")),
        *({"0": 60, "1": 60}, 30, "groups in several spellings"),
    ),
    ("isic_challenges", "isic", "2019", (SKIN,), {"BCC": 20, "MEL": 20, "NV": 20}, 30, "lesions and further"),
    ("isic_challenges", "isic", "2020", (SKIN,), {"benign": 30, "malignant": 30}, 20, ""),
    ("isic_challenges", "isic", "archive", (SKIN,), {"Benign": 30, "Malignant": 30}, 20, ""),
    (
        *("isic_challenges", "isic", "aptos/train.csv"),
        (CSV, "dataset.path=id_code", "dataset.label=diagnosis"),
        *({str(grade): 12 for grade in range(5)}, 60, ""),
    ),
    ("linked_images", "links", "set", (FOLDER, "dataset.links=follow"), {"cat": 20, "dog": 20}, 40, ""),
    (
        "masks_beside_images",
        "masks",
        "",
        (FOLDER,),
        {"COVID": 20, "Normal": 20},
        40,
        "COVID/masks/ is left out: 20",
    ),
    ("npz_cases", "npz", "onehot.npz", (NPZ,), {"0": 40, "1": 40, "2": 40}, 120, "the labels are one-hot"),
    ("npz_cases", "npz", "from1.npz", (NPZ,), {"1": 40, "2": 40, "3": 40}, 120, "the labels are 1, 2, 3"),
    ("npz_cases", "npz", "same.npz", (NPZ,), {"0": 60, "1": 60}, 120, "30 images of train are identical"),
    (
        "same_bytes_in_train_and_test",
        "same",
        "",
        (FOLDER,),
        {"cat": 40, "dog": 40},
        80,
        "36 images of train and 4",
    ),
    ("split_folder_names", "splits", "", (FOLDER,), {"cats": 42, "dogs": 42}, 84, ""),
    (
        "wrapped_with_readme",
        "wrapped",
        "",
        (FOLDER,),
        {"cat": 20, "dog": 20},
        40,
        "files that are not read as images",
    ),
]


@pytest.mark.parametrize(
    ("maker", "target", "below", "words", "classes", "groups", "note"),
    READ,
    ids=[f"{r[0]} {r[2]}" for r in READ],
)
def test_what_is_read(made, maker, target, below, words, classes, groups, note):
    root = made(maker, target) / below if below else made(maker, target)
    cfg = configured(*words, f"dataset.root={root}", "dataset.size=16", "workers=1")
    data = open_data(cfg, load_source(cfg.dataset))
    source = data.source
    assert Counter(source.classes[k] for k in source.labels.tolist()) == classes
    assert source.table["group"].nunique() == groups
    assert sum(map(len, (data.split.train, data.split.validation, data.split.test))) == len(source)
    assert any(one.startswith(note) for one in (*source.notes, *data.split.notes)) or not note


REFUSED = [
    (
        "chexpert",
        "chexpert",
        "CheXpert-v1.0-small/train.csv",
        (CSV, *FLUID),
        "dataset.uncertain=drop|zero|one|keep",
    ),
    ("chexpert", "chexpert", "CheXpert-v1.0-small/train_filled.csv", (CSV, *FLUID), "is it uncertain?"),
    (
        "class_of_unknown_endings",
        "endings",
        "",
        (FOLDER,),
        "no image is read of horse (20 .heic), rabbit (empty)",
    ),
    ("linked_images", "links", "set", (FOLDER,), "copy the file there, or dataset.links=follow"),
    (
        "nih_unknown_labels",
        "nih",
        "",
        ("dataset=chestxray14", "disease=effusion"),
        "'Pneumoperitoneum', in 10 rows",
    ),
    (
        *("same_file_two_spellings", "two", "table.csv", (CSV, "dataset.split_column=split")),
        "an earlier line names too, in another spelling",
    ),
]


@pytest.mark.parametrize(
    ("maker", "target", "below", "words", "said"), REFUSED, ids=[f"{r[0]} {r[2]}" for r in REFUSED]
)
def test_what_is_refused(made, maker, target, below, words, said):
    root = made(maker, target) / below if below else made(maker, target)
    cfg = configured(*words, f"dataset.root={root}", "dataset.size=16", "workers=1")
    with pytest.raises(UserError) as error:
        open_data(cfg, load_source(cfg.dataset))
    assert said in str(error.value)


def test_a_224_file_is_trained_on_at_224_pixels(made):
    cfg = configured(NPZ, f"dataset.root={made('npz_cases', 'npz') / 'breastmnist_224.npz'}")
    assert open_data(cfg, load_source(cfg.dataset)).cache.array.shape == (120, 1, 224, 224)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the maker leaves its file open
def test_12_bits_in_16_of_colour_are_refused_and_a_little_more_of_grey_is_read(made):
    with pytest.raises(Unreadable, match="values from 0 to 3,855 only"):
        decode(made("png16_colour_of_12_bits", "12.png"), 2, 1)
    assert (
        decode(made("png16_just_above_a_sixteenth", "16.png"), 2, 1).max() == 14
    )  # of 255; pixel_notes says so


@pytest.mark.parametrize("name", ["slope_empty", "intercept_empty", "voilut_empty", "no_preamble"])
def test_dicom(made, name):
    assert decode(made("dicom_cases", "dicom") / f"{name}.dcm", 2, 1).tolist() == [[[0, 62], [125, 255]]]


def test_weights_of_chexnet_and_of_lightning(made):
    chexnet = made("chexnet_checkpoint", "model.pth.tar", "model.ckpt")
    for file in (chexnet, chexnet.with_name("model.ckpt")):
        network = network_of("densenet121", channels=3, outputs=2, seed=0, weights=str(file))
        assert network.notes == (f"body from {file}, the head is new",)
