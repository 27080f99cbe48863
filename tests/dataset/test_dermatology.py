"""HAM10000's layout, real and made, and folders by class."""

import shutil

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.data.split import make_split
from clrx.dataset import dermatology

TABLE = """lesion_id,image_id,dx,dx_type,age,sex,localization
HAM_1,ISIC_1,nv,histo,80.0,male,scalp
HAM_1,ISIC_2,nv,histo,80.0,male,scalp
HAM_2,ISIC_3,mel,histo,,female,back
"""
# the project's data notes
HAM10000 = {"nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115}


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path):
    """HAM10000 as it unpacks: two folders of images and the table."""
    for number in (1, 2, 3):
        folder = tmp_path / f"ham/HAM10000_images_part_{number % 2 + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"ISIC_{number}.jpg").touch()
    (tmp_path / "ham/HAM10000_metadata.csv").write_text(TABLE)
    return tmp_path / "ham"


def refusal(*args, **keys) -> str:
    with pytest.raises(UserError) as error:
        dermatology.load(*args, **keys)
    return str(error.value)


def check(source):
    assert (source.classes, source.task, source.channels) == (("mel", "nv"), "binary", 3)
    assert source.table["group"].tolist() == ["HAM_1", "HAM_1", "HAM_2"]
    assert source.labels.tolist() == [1, 1, 0]
    assert [path.rpartition("/")[2] for path in source.files] == ["ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg"]


def test_a_table_and_images_at_any_depth(root):
    check(dermatology.load(str(root)))


def test_a_table_elsewhere(root, tmp_path):
    (root / "HAM10000_metadata.csv").rename(tmp_path / "labels.csv")
    said = refusal(str(root))  # its two folders are no classes
    assert "no metadata table, and HAM10000_images_part_1 is no name of a class" in said
    check(dermatology.load(str(root), metadata=str(tmp_path / "labels.csv")))


@pytest.mark.parametrize("kind", ["zip", "xztar"])
def test_an_archive_with_the_table_in_it_or_beside_it_or_with_both_in_a_folder(root, tmp_path, kind):
    check(dermatology.load(shutil.make_archive(str(tmp_path / "whole"), kind, root)))
    table = (root / "HAM10000_metadata.csv").rename(tmp_path / "HAM10000_metadata.csv")
    archive = shutil.make_archive(str(tmp_path / "images"), kind, root)
    check(dermatology.load(archive))
    folder = tmp_path / "both"
    folder.mkdir()
    shutil.move(archive, folder)
    shutil.move(table, folder)
    check(dermatology.load(str(folder)))


def test_missing_images(root):
    (root / "HAM10000_images_part_2/ISIC_1.jpg").unlink()
    said = refusal(str(root))
    assert "1 of the 3 images that HAM10000_metadata.csv names are not in the folder, e.g. ISIC_1" in said
    assert "dataset.missing=drop" in said
    source = dermatology.load(str(root), missing="drop")
    assert source.table["image"].tolist() == ["ISIC_2", "ISIC_3"]
    assert source.notes[0].endswith("they are left out")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE.replace("lesion_id", "patient"), "no column 'lesion_id'"),
        (TABLE.replace("HAM_2", ""), "line 4 has an empty cell under 'lesion_id'"),
        (TABLE.replace("ISIC_3", "ISIC_2"), "line 4 has a 'image_id' that an earlier line has too"),
        (TABLE.replace("mel", "nv"), "there is only one class"),
        ("", "cannot be read as CSV"),
    ],
)
def test_tables_that_are_none(root, text, said):
    (root / "HAM10000_metadata.csv").write_text(text)
    assert said in refusal(str(root))


def test_ambiguous_folders(root):
    (root / "masks").mkdir()
    (root / "masks/ISIC_3.png").write_bytes(b"another")
    assert "1 images are there more than once with different bytes, e.g. ISIC_3" in refusal(str(root))
    (root / "old_metadata.csv").write_text(TABLE)
    assert "there are several metadata tables" in refusal(str(root))
    assert "there is no metadata table" in refusal(str(root), metadata=str(root / "absent.csv"))
    assert "error | drop" in refusal(str(root), missing="no")


IDS = [f"ISIC_{k:07d}" for k in range(6)]
CLASSES_2019 = "MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"


def lines(header: str, row) -> str:
    """A table with `row(k)` after each id."""
    return f"{header}\n" + "".join(f"{name},{row(k)}\n" for k, name in enumerate(IDS))


def hot(index: int, count: int) -> str:
    return ",".join("1.0" if k == index else "0.0" for k in range(count))


def challenge(folder, images: str, tables: dict[str, str]):
    """A folder of images named IDS, and its tables."""
    (folder / images).mkdir(parents=True)
    for name in IDS:
        (folder / images / f"{name}.jpg").write_bytes(name.encode())
    for name, text in tables.items():
        (folder / name).write_text(text)
    return folder


TABLES = [  # (what, folder of images, tables, classes, labels, groups)
    (
        "ISIC 2019",
        "ISIC_2019_Training_Input",
        {
            "ISIC_2019_Training_GroundTruth.csv": lines(f"image,{CLASSES_2019}", lambda k: hot(k % 3, 9)),
            "ISIC_2019_Training_Metadata.csv": lines(
                "image,age_approx,anatom_site_general,lesion_id,sex",
                lambda k: f"55.0,torso,{f'BCN_{k // 2}' if k < 4 else ''},female",
            ),
        },
        ("BCC", "MEL", "NV"),
        [1, 2, 0, 1, 2, 0],
        ["BCN_0", "BCN_0", "BCN_1", "BCN_1", *IDS[4:]],
    ),
    (
        "ISIC 2018",
        "ISIC2018_Task3_Training_Input",
        {
            "ISIC2018_Task3_Training_GroundTruth.csv": lines(
                "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", lambda k: hot(k % 2, 7)
            ),
            "ISIC2018_Task3_Training_LesionGroupings.csv": lines(
                "image,lesion_id,diagnosis_confirm_type", lambda k: f"L{k // 2},histo"
            ),
        },
        ("MEL", "NV"),
        [0, 1] * 3,
        ["L0", "L0", "L1", "L1", "L2", "L2"],
    ),
    (
        "ISIC 2020",
        "train",
        {
            "train.csv": lines(
                "image_name,patient_id,sex,age_approx,diagnosis,benign_malignant,target",
                lambda k: f"IP_{k // 3},male,45.0,unknown,{('benign', 'malignant')[k % 2]},{k % 2}",
            )
        },
        ("benign", "malignant"),
        [0, 1] * 3,
        ["IP_0"] * 3 + ["IP_1"] * 3,
    ),
    (
        "the ISIC archive",
        "images",
        {
            "metadata.csv": lines(
                "isic_id,age_approx,diagnosis_1,diagnosis_3,lesion_id,patient_id",
                lambda k: f"45,{('Benign', 'Malignant')[k % 2]},Nevus,IL_{k // 2},{'IP_0' if k < 3 else ''}",
            )
        },
        ("Benign", "Malignant"),
        [0, 1] * 3,
        ["IP_0"] * 3 + ["IL_1", "IL_2", "IL_2"],
    ),
]


@pytest.mark.parametrize(
    ("what", "images", "tables", "classes", "labels", "groups"), TABLES, ids=[row[0] for row in TABLES]
)
def test_the_tables_of_the_challenges_and_of_the_archive(
    tmp_path, what, images, tables, classes, labels, groups
):
    source = dermatology.load(str(challenge(tmp_path / "set", images, tables)))
    assert (source.classes, source.labels.tolist()) == (classes, labels)
    assert source.table["group"].tolist() == groups
    assert source.files == tuple(str(tmp_path / "set" / images / f"{name}.jpg") for name in IDS)
    assert ("age" in source.table) == (what != "ISIC 2018")


def test_another_column_is_the_diagnosis_or_the_group(tmp_path):
    text = lines(
        "isic_id,diagnosis_1,diagnosis_3,lesion_id,patient_id",
        lambda k: f"Benign,{'ab'[k % 2]},L{k},P{k // 2}",
    )
    root = str(challenge(tmp_path / "set", "images", {"metadata.csv": text}))
    source = dermatology.load(root, label="diagnosis_3", group="lesion_id")
    assert (source.classes, source.table["group"].tolist()) == (("a", "b"), [f"L{k}" for k in range(6)])
    single = dermatology.load(root, label="diagnosis_3", group="image")
    assert single.table["group"].tolist() == IDS
    assert "grouped by image" in single.notes[0]
    assert "has no column 'patient'" in refusal(root, label="diagnosis_3", group="patient")
    assert "there is only one class" in refusal(root)


def test_images_without_a_diagnosis_are_left_out_and_said(tmp_path):
    text = lines("isic_id,diagnosis_1,lesion_id", lambda k: f"{('Benign', 'Malignant', '')[k % 3]},L{k}")
    source = dermatology.load(str(challenge(tmp_path / "set", "images", {"metadata.csv": text})))
    assert len(source) == 4
    assert source.notes == ("2 images without a diagnosis under diagnosis_1 are left out",)


def test_kaggles_ham10000_has_every_image_twice(root):
    shutil.copytree(root / "HAM10000_images_part_1", root / "ham10000_images_part_1")
    shutil.copytree(root / "HAM10000_images_part_2", root / "ham10000_images_part_2")
    (root / "hmnist_28_28_RGB.csv").write_text("pixel0000,pixel0001,label\n1,2,3\n")
    source = dermatology.load(str(root))
    check(source)
    assert source.notes == ("3 images are there more than once with equal bytes; one of each is taken",)


def test_folders_by_class(tmp_path):
    """The private set of Mishra et al. 2019 has ten classes."""
    for number in range(10):
        for image in range(2):
            place = tmp_path / f"private/class {number}/{image}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    source = dermatology.load(str(tmp_path / "private"))
    assert (len(source.classes), source.task, len(source)) == (10, "multiclass", 20)
    assert source.table["group"].is_unique


def test_ham10000(shared_data, tmp_path):
    """From its table alone; that the images are there is the slow test's."""
    (tmp_path / "empty").mkdir()
    table = str(shared_data / "ham10000" / "HAM10000_metadata.csv")
    source = dermatology.load(str(tmp_path / "empty"), metadata=table, missing="keep")
    counts = dict(zip(source.classes, np.bincount(source.labels).tolist(), strict=True))
    assert (len(source), counts) == (10_015, HAM10000)
    assert source.table["group"].nunique() == 7_470
    split = make_split(source, "group")
    sides = [set(source.table["group"].iloc[rows]) for rows in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 7_470


@pytest.mark.slow
def test_ham10000_with_its_images(shared_data):
    source = dermatology.load(str(shared_data / "ham10000"))
    assert (len(source), source.notes) == (10_015, ())
