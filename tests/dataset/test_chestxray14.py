"""ChestX-ray14: the label table in its versions, files at any depth, the three tasks, on made and on real data."""

import gzip
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clrx.core.errors import UserError
from clrx.data.nih.labels import DISEASES, one_hot, read_table
from clrx.data.nih.release import Release, binary_source, open_release
from clrx.data.split import make_split
from clrx.dataset import chestxray14, chestxray14_multilabel, chestxray14_one_class

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
ROWS = (
    ("00000001_000.png", "Cardiomegaly", 1, 58, "train"),
    ("00000001_001.png", "Cardiomegaly|Effusion", 1, 58, "train"),
    ("00000002_000.png", "No Finding", 2, 81, "train"),
    ("00000003_000.png", "Effusion", 3, 60, "test"),
    ("00000004_000.png", "No Finding", 4, 33, "test"),
    ("00000005_000.png", "Pleural_Thickening", 5, 70, "train"),
    ("00000006_000.png", "No Finding", 6, 19, "train"),
)
# Chopade et al. 2021, Table 1 (and the project's data notes): images with the label, images with it alone.
TABLE_1 = {
    "No Finding": (60361, 60361),
    "Atelectasis": (11559, 4215),
    "Cardiomegaly": (2776, 1093),
    "Consolidation": (4667, 1310),
    "Edema": (2303, 628),
    "Emphysema": (2516, 892),
    "Effusion": (13317, 3955),
    "Fibrosis": (1686, 727),
    "Infiltration": (19894, 9547),
    "Mass": (5782, 2139),
    "Nodule": (6331, 2705),
    "Pneumothorax": (5302, 2194),
    "Pneumonia": (1431, 322),
    "Pleural_Thickening": (3385, 1126),
    "Hernia": (227, 110),
}


def table_text(header=HEADER, age="{}", end="") -> str:
    lines = [
        f"{image},{labels},0,{patient},{age.format(years)},M,PA,2682,2749,0.143,0.143{end}"
        for image, labels, patient, years, _ in ROWS
    ]
    return "\n".join([header, *lines]) + "\n"


@pytest.fixture
def release(tmp_path):
    """A release as it unpacks: images in two folders at two depths, one of the table's images absent."""
    (tmp_path / "Data_Entry_2017_v2020.csv").write_text(table_text())
    for k, (image, *_) in enumerate(ROWS[:-1]):
        folder = tmp_path / (f"images_00{k % 2 + 1}/images" if k < 4 else "images")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(b"not read here")
    return tmp_path


def add_lists(folder):
    for name, part in (("train_val_list.txt", "train"), ("test_list.txt", "test")):
        (folder / name).write_text("".join(f"{row[0]}\n" for row in ROWS if row[4] == part))


def refusal(call, *args, **kwargs) -> str:
    with pytest.raises(UserError) as error:
        call(*args, **kwargs)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "years"),
    [
        ("Data_Entry_2017_v2020.csv", table_text(), 58),
        ("Data_Entry_2017.csv", table_text(HEADER + ",", end=","), 58),  # the first release ends its lines so
        ("Data_Entry_2017.csv", table_text(age="0{}Y"), 58),
        ("Data_Entry_2017.csv", table_text(age="0{}M"), 58 / 12),
        ("Data_Entry_2017.csv", table_text(age="unknown"), None),
        (
            "Data_Entry_2017.csv",
            table_text(HEADER.replace("[Width,Height]", "")),
            58,
        ),  # fewer names than cells
        ("Data_Entry_2017.csv", "\ufeff" + table_text(), 58),
        ("Data_Entry_2017.csv", table_text().replace("\n", "\r\n"), 58),
    ],
)
def test_the_label_table_is_read_by_the_names_of_its_columns(tmp_path, name, text, years):
    path = tmp_path / name
    path.write_bytes(text.encode())
    table, digest = read_table(path)
    assert list(table["image"]) == [row[0] for row in ROWS]
    assert list(table["labels"]) == [row[1] for row in ROWS]
    assert list(table["group"]) == [str(row[2]) for row in ROWS]
    assert list(table["view"]) == ["PA"] * 7
    assert table["age"].iloc[0] == pytest.approx(years, nan_ok=True) or np.isnan(table["age"].iloc[0])
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    packed, same = read_table(tmp_path / f"{name}.gz")
    pd.testing.assert_frame_equal(packed, table)
    assert same == digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\xff\x00\x01", "cannot be read"),
        (b"\xff\xfe\x00\x01", "lacks 'Image Index'"),
        (b"Image Index,Finding Labels\n1.png,Mass\n", "lacks 'Patient ID'"),
        (b"path,label\n1.png,Mass\n", "columns: path, label"),
        (HEADER.encode() + b"\n", "has no rows"),
        (table_text().replace("00000003", "00000002").encode(), "1 images twice, e.g. 00000002_000.png"),
        (table_text().replace("Cardiomegaly|Effusion", "").encode(), "1 incomplete rows"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, content, message):
    (tmp_path / "Data_Entry_2017.csv").write_bytes(content)
    assert message in refusal(read_table, tmp_path / "Data_Entry_2017.csv")


@pytest.mark.parametrize(
    ("label", "read"),
    [
        ("Pleural Thickening", "Pleural_Thickening"),
        ("effusion", "Effusion"),
        ("Mass | Effusion", "Mass|Effusion"),
        ("Effusion ", "Effusion"),
        ("Infiltrate", "Infiltration"),  # in NIH's own table of boxes
        ("no finding", "No Finding"),
        ("Effusion|Pleural-thickening", "Effusion|Pleural_Thickening"),
    ],
)
def test_known_spellings_of_a_label(tmp_path, label, read):
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_text(table_text().replace("Cardiomegaly|Effusion", label))
    assert read_table(path)[0]["labels"].iloc[1] == read
    assert read_table(path)[0]["labels"].iloc[0] == "Cardiomegaly"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Pneumoperitoneum", "none of the 14: 'Pneumoperitoneum', in 1 rows"),  # of NIH-LT
        ("Efusion", "did you mean Effusion"),
        ("Effusion|", "none of the 14: ''"),
        ("No Finding|Effusion", "'No Finding|Effusion': no finding, and one"),
    ],
)
def test_other_labels_are_refused(tmp_path, label, said):
    """A label that is not known would be taken for no disease."""
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_text(table_text().replace("Cardiomegaly|Effusion", label))
    assert said in refusal(read_table, path)


def test_a_table_that_a_spreadsheet_has_saved(tmp_path):
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_bytes(table_text(HEADER.replace("[Width,Height]", "")).replace(",", ";").encode("cp1252"))
    assert [*read_table(path)[0]["labels"]] == [row[1] for row in ROWS]


def test_one_patient_in_two_spellings_is_one_group(tmp_path):
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_text(
        table_text().replace("00000001_001.png,Cardiomegaly|Effusion,0,1,", "00000001_001.png,Mass,0,1.0,")
    )
    assert [*read_table(path)[0]["group"]][:2] == ["1", "1"]


def test_a_damaged_gzip_is_refused(tmp_path):
    path = tmp_path / "Data_Entry_2017.csv.gz"
    for damaged in (gzip.compress(table_text().encode())[:-20], table_text().encode()):
        path.write_bytes(damaged)
        assert "cannot be read" in refusal(read_table, path)


def test_images_are_found_at_any_depth(release):
    found = open_release(release, missing="drop")
    assert list(found.table["image"]) == [row[0] for row in ROWS[:-1]]
    assert all(
        str(path).endswith(image) for path, image in zip(found.files, found.table["image"], strict=True)
    )
    assert found.notes == (
        "1 of the 7 images that the label table names are not under the folder; they are left out",
    )
    assert dict(found.facts)["label table"] == "Data_Entry_2017_v2020.csv"


def test_absent_images_are_refused_by_count(release):
    message = refusal(open_release, release)
    assert "1 of the 7 images" in message
    assert "dataset.missing=drop" in message
    assert "allowed: error | drop" in refusal(open_release, release, missing="skip")


def test_no_image_at_all_names_the_archives_to_unpack(tmp_path):
    (tmp_path / "Data_Entry_2017.csv").write_text(table_text())
    (tmp_path / "images_001.tar.gz").touch()
    message = refusal(open_release, tmp_path, missing="drop")
    assert "7 of the 7" in message
    assert "unpack images_001.tar.gz there" in message


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_as_root_and_an_archive_of_the_images_in_it(release, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    names = [row[0] for row in ROWS[:-1]]
    whole = shutil.make_archive(str(tmp_path.parent / f"{tmp_path.name} whole"), kind, release)
    assert list(open_release(whole, missing="drop").table["image"]) == names
    place = tmp_path / "place"
    place.mkdir()
    (release / "Data_Entry_2017_v2020.csv").rename(place / "Data_Entry_2017_v2020.csv")
    archive = Path(shutil.make_archive(str(place / "images_01"), kind, release / "images"))
    assert f"or name it: dataset.images={archive.name}" in refusal(open_release, place)
    found = open_release(place, missing="drop", images=archive.name)
    assert list(found.table["image"]) == names[4:]
    assert all(Path(path).is_file() for path in found.files)


def test_absent_images_can_be_kept_to_be_listed(release):
    kept = open_release(release, missing="keep")
    assert list(kept.table["image"]) == [row[0] for row in ROWS]
    assert [bool(path) for path in kept.files] == [True] * 6 + [False]
    assert kept.notes == ()


def test_a_linked_folder_is_followed_and_a_circle_ends(release, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ROWS[-1][0]).touch()
    (release / "more").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(release)
    assert len(open_release(release).table) == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "dataset.root is not set"),
        (lambda folder: folder / "absent", "does not exist"),
        (lambda folder: folder / "Data_Entry_2017_v2020.csv", "is not a folder or an archive"),
        (lambda folder: folder / "images", "there is no label table"),
    ],
)
def test_a_root_that_is_no_release_is_refused(release, make, message):
    assert message in refusal(open_release, make(release))


def test_of_several_tables_one_must_be_named(release):
    (release / "Data_Entry_2017.csv").write_text(table_text(age="0{}Y"))
    assert "there are several label tables" in refusal(open_release, release, "drop")
    chosen = open_release(release, "drop", table="Data_Entry_2017.csv")
    assert dict(chosen.facts)["label table"] == "Data_Entry_2017.csv"
    by_path = open_release(release, "drop", table=str(release / "Data_Entry_2017_v2020.csv"))
    assert dict(by_path.facts)["label table"] == "Data_Entry_2017_v2020.csv"


def test_of_images_that_lie_there_twice_one_folder_must_be_named(release):
    small = release / "images_64"
    small.mkdir()
    for image, *_ in ROWS:
        (small / image).touch()
    assert "6 images are there more than once" in refusal(open_release, release, "drop")
    assert all("images_64" in path for path in open_release(release, images="images_64").files)


def test_files_that_are_twice_with_equal_bytes_are_one(release):
    shutil.copytree(release / "images", release / "again")
    (release / "images_64").mkdir()
    found = open_release(release, "drop")
    assert len(found.table) == 6
    assert found.notes[0] == "2 images are there more than once with equal bytes; one of each is taken"


def test_file_names_in_another_case_or_another_ending_of_the_id(release):
    (release / "images" / ROWS[5][0]).rename(release / "images" / ROWS[5][0].upper())
    assert open_release(release, "drop").files[5].endswith("00000005_000.png".upper())


def test_official_lists_become_a_column(release):
    assert "split" not in open_release(release, "drop").table
    add_lists(release)
    assert list(open_release(release, "drop").table["split"]) == [row[4] for row in ROWS[:-1]]
    (release / "test_list.txt").rename(release / "test_list.bak")
    assert "split" not in open_release(release, "drop").table


def test_binary_counts_the_disease_alone_and_among_others(release):
    source = chestxray14.load(release, "Effusion", no_finding=1, missing="drop")
    assert source.classes == ("No Finding", "Effusion")
    chosen = dict(zip(source.table["image"], source.labels.tolist(), strict=True))
    assert chosen.pop("00000001_001.png") == chosen.pop("00000003_000.png") == 1
    assert list(chosen.values()) == [0]
    assert (source.task, source.channels, source.synthetic) == ("binary", 1, False)
    assert all(path.endswith(image) for path, image in zip(source.files, source.table["image"], strict=True))


def test_fewer_no_finding_than_asked_for_is_a_note(release):
    source = chestxray14.load(release, "Effusion", no_finding=13500, missing="drop")
    assert source.notes[-1] == "No Finding: 2 images found and taken, 13,500 asked for"


@pytest.mark.parametrize(
    ("label", "no_finding", "message"),
    [
        ("Efusion", 5, "did you mean Effusion?"),
        ("Hernia", 5, "none of the 6 images is labelled Hernia"),
        ("Effusion", 0, "dataset.no_finding=0 leaves a class empty"),
    ],
)
def test_binary_refuses_an_empty_class(release, label, no_finding, message):
    assert message in refusal(chestxray14.load, release, label, no_finding, missing="drop")


def test_multilabel_has_a_column_a_disease(release):
    source = chestxray14_multilabel.load(release, missing="drop")
    assert source.classes == DISEASES
    assert source.labels.dtype == np.uint8
    found = [{DISEASES[k] for k in np.flatnonzero(row)} for row in source.labels]
    assert found == [set(row[1].split("|")) - {"No Finding"} for row in ROWS[:-1]]


def test_one_class_notes_what_runs_short_and_refuses_nonsense(release):
    source = chestxray14_one_class.load(release, no_finding=2, per_disease=2, missing="drop")
    assert source.labels.tolist() == [1, 1, 0, 1, 0, 1]
    assert "Hernia: 0 images found and taken, 2 asked for" in source.notes
    assert "at least 1" in refusal(chestxray14_one_class.load, release, 2, 0, missing="drop")


@pytest.fixture(scope="session")
def nih_table(shared_data) -> pd.DataFrame:
    return read_table(shared_data / "nih" / "Data_Entry_2017_v2020.csv.gz")[0]


@pytest.fixture(scope="session")
def nih_release(nih_table) -> Release:
    """The whole table as if every image were there; the tasks are cut before any image is opened."""
    return Release(nih_table, nih_table["image"].to_numpy(), (), ())


@pytest.fixture(scope="session")
def nih_64(shared_data, tmp_path_factory):
    """1,000 real X-rays unpacked beside the label table and the official lists."""
    root = tmp_path_factory.mktemp("nih")
    with tarfile.open(shared_data / "nih" / "images_64.tar.xz") as archive:
        archive.extractall(root, filter="data")
    for name in ("Data_Entry_2017_v2020.csv.gz", "train_val_list.txt.gz", "test_list.txt.gz"):
        (root / name).symlink_to(shared_data / "nih" / name)
    return root


def test_the_real_table_has_the_counts_of_table_1(nih_table):
    assert len(nih_table) == 112_120
    assert nih_table["labels"].nunique() == 836
    assert nih_table["group"].nunique() == 30_805
    with_label = dict(zip(DISEASES, one_hot(nih_table["labels"]).sum(axis=0).tolist(), strict=True))
    with_label["No Finding"] = int((nih_table["labels"] == "No Finding").sum())
    alone = nih_table["labels"].value_counts()
    assert {label: (with_label[label], int(alone[label])) for label in TABLE_1} == TABLE_1


def test_no_finding_is_drawn_by_seed_whatever_the_order(nih_release):
    first = binary_source(nih_release, "Pneumothorax", 5500, 0, "x")
    assert np.bincount(first.labels).tolist() == [5500, 5302]
    order = np.random.default_rng(0).permutation(len(nih_release.table))
    table = nih_release.table.iloc[order].reset_index(drop=True)
    shuffled = binary_source(Release(table, nih_release.files[order], (), ()), "Pneumothorax", 5500, 0, "x")
    assert set(shuffled.files) == set(first.files)
    other = binary_source(nih_release, "Pneumothorax", 5500, 1, "x")
    healthy = [set(s.table["image"][s.labels == 0]) for s in (first, other)]
    assert len(healthy[0] & healthy[1]) == pytest.approx(5500 * 5500 / 60361, rel=0.2)


def test_one_class_is_2800_against_200_of_each_disease(monkeypatch, nih_release):
    monkeypatch.setattr(chestxray14_one_class, "open_release", lambda *_: nih_release)
    source = chestxray14_one_class.load("anywhere")
    assert np.bincount(source.labels).tolist() == [2800, 14 * 200]
    assert source.table["image"].is_unique
    assert source.notes == ()
    anomalies = source.table["labels"][source.labels == 1]
    assert (one_hot(anomalies).sum(axis=0) >= 200).all()
    assert (source.table["labels"][source.labels == 0] == "No Finding").all()


def test_real_images_and_the_official_split(nih_64):
    source = chestxray14_multilabel.load(nih_64, missing="drop")
    assert len(source) == 1000
    assert source.table["group"].nunique() == 264
    has = dict(zip(DISEASES, source.labels.sum(axis=0).tolist(), strict=True))
    expected = {"Effusion": 170, "Infiltration": 162, "Atelectasis": 95, "Cardiomegaly": 83, "Hernia": 9}
    assert {label: has[label] for label in expected} == expected
    assert int((~source.labels.any(axis=1)).sum()) == 499
    split = make_split(source, "official")
    assert len(split.test) == 310
    assert "111,120 of the 112,120" in source.notes[0]


def test_effusion_on_real_images_splits_every_way(nih_64):
    source = chestxray14.load(nih_64, "Effusion", 13500, missing="drop")
    assert np.bincount(source.labels).tolist() == [499, 170]
    assert [bool(make_split(source, by).notes) for by in ("group", "official", "image")] == [
        False,
        False,
        True,
    ]


def test_official_lists_hold_no_patient_on_both_sides(shared_data, nih_table):
    sides = {}
    for name, images, patients in (("train_val", 86_524, 28_008), ("test", 25_596, 2_797)):
        text = gzip.decompress((shared_data / "nih" / f"{name}_list.txt.gz").read_bytes()).decode()
        rows = nih_table["image"].isin(text.split())
        sides[name] = set(nih_table["group"][rows])
        assert (rows.sum(), len(sides[name])) == (images, patients)
    assert not sides["train_val"] & sides["test"]
