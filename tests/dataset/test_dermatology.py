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
    (root / "masks/ISIC_3.png").touch()
    assert "1 images are there more than once, e.g. ISIC_3" in refusal(str(root))
    (root / "old_metadata.csv").write_text(TABLE)
    assert "there are several metadata tables" in refusal(str(root))
    assert "there is no metadata table" in refusal(str(root), metadata=str(root / "absent.csv"))
    assert "error | drop" in refusal(str(root), missing="no")


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
