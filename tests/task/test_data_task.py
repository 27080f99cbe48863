"""`clrx data` as a user runs it: the papers' numbers, what is missing or unreadable, pages, caches, mistakes."""

import csv
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from clrx.cli.main import run
from clrx.config.load import load
from clrx.data.open import load_source, open_data

# Chopade et al. 2021, typed from the paper. Table 1: label alone, label among others.
TABLE_1 = {
    "No Finding": (60361, 60361),
    "Atelectasis": (4215, 11559),
    "Cardiomegaly": (1093, 2776),
    "Consolidation": (1310, 4667),
    "Edema": (628, 2303),
    "Emphysema": (892, 2516),
    "Effusion": (3955, 13317),
    "Fibrosis": (727, 1686),
    "Infiltration": (9547, 19894),
    "Mass": (2139, 5782),
    "Nodule": (2705, 6331),
    "Pneumothorax": (2194, 5302),
    "Pneumonia": (322, 1431),
    "Pleural Thickening": (1126, 3385),
    "Hernia": (110, 227),
}
# Table 2: disease, No Finding, total, training, test. The totals printed as 23599 and 447 are slips: 11559 + 12000
# is 23559, and 227 + 250 is 477, of which the printed training and test images are the parts.
TABLE_2 = {
    "Atelectasis": (11559, 12000, 23559, 18847, 4712),
    "Cardiomegaly": (2776, 2800, 5576, 4460, 1116),
    "Consolidation": (4667, 4700, 9367, 7493, 1874),
    "Edema": (2303, 2300, 4603, 3682, 921),
    "Emphysema": (2516, 2600, 5116, 4092, 1024),
    "Effusion": (13317, 13500, 26817, 21453, 5364),
    "Fibrosis": (1686, 1700, 3386, 2708, 678),
    "Infiltration": (19894, 20000, 39894, 31915, 7979),
    "Mass": (5782, 6000, 11782, 9425, 2357),
    "Nodule": (6331, 6500, 12831, 10264, 2567),
    "Pneumothorax": (5302, 5500, 10802, 8641, 2161),
    "Pneumonia": (1431, 1500, 2931, 2344, 587),
    "Pleural Thickening": (3385, 3500, 6885, 5508, 1377),
    "Hernia": (227, 250, 477, 381, 96),
}
# Table 3: batch size, training batches, test batches.
TABLE_3 = {
    "Atelectasis": (16, 1178, 295),
    "Cardiomegaly": (32, 140, 35),
    "Consolidation": (32, 235, 59),
    "Edema": (32, 116, 29),
    "Emphysema": (32, 128, 32),
    "Effusion": (32, 671, 168),
    "Fibrosis": (32, 85, 22),
    "Infiltration": (16, 1995, 499),
    "Mass": (32, 295, 74),
    "Nodule": (32, 321, 81),
    "Pneumothorax": (32, 271, 68),
    "Pneumonia": (16, 147, 37),
    "Pleural Thickening": (32, 173, 44),
    "Hernia": (4, 96, 24),
}
PRINTED = {"Atelectasis": "23599", "Hernia": "447"}


def rows_of(path: Path) -> dict[str, list[str]]:
    """Cells after the first, by the first; the heading's under its own."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row[0]: row[1:] for row in csv.reader(file)}


def caches_below(folder: Path) -> list[Path]:
    """Folders of decoded images; their locks stay beside them."""
    return sorted(path for path in (folder / "clrx/images").iterdir() if path.is_dir())


def whole(cells) -> tuple[int, ...]:
    return tuple(int(cell) for cell in cells)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Runs `clrx data` with these overrides in an empty folder with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))

    def command(*overrides: str) -> tuple[int, Path]:
        place = tmp_path / "out"
        return run(["data", f"hydra.run.dir={place}", "workers=1", *overrides]), place

    return command


@pytest.fixture
def nih_csv(shared_data, tmp_path):
    """The label table of ChestX-ray14 and the official lists, without an image."""
    root = tmp_path / "nih"
    root.mkdir()
    for name in ("Data_Entry_2017_v2020.csv.gz", "train_val_list.txt.gz", "test_list.txt.gz"):
        (root / name).symlink_to(shared_data / "nih" / name)
    return root


@pytest.mark.slow
def test_the_tables_of_chopade_2021(blank_pictures, data, nih_csv, capsys):
    code, place = data("dataset=chestxray14", f"dataset.root={nih_csv}")
    shown = capsys.readouterr().out
    assert code == 0
    tables = {number: rows_of(place / f"tables/chopade2021_table_{number}.csv") for number in (1, 2, 3)}
    for table in tables.values():
        table.pop(next(iter(table)))  # the heading
    assert {name: whole(row) for name, row in tables[1].items()} == TABLE_1
    assert "836 distinct labels" in shown
    assert {name: whole(row[:5]) for name, row in tables[2].items()} == TABLE_2
    assert {name: row[5] for name, row in tables[2].items() if row[5]} == PRINTED
    assert {name: whole(row[1:4]) for name, row in tables[3].items()} == TABLE_3
    assert {name: int(row[0]) for name, row in tables[3].items()} == {n: r[2] for n, r in TABLE_2.items()}
    for row in (("Atelectasis", *TABLE_2["Atelectasis"], 23599), ("Nodule", 12831, *TABLE_3["Nodule"])):
        wanted = [f"{cell:,}" if isinstance(cell, int) else cell for cell in row]
        assert any(line.split() == wanted for line in shown.splitlines()), row
    figure_1 = rows_of(place / "tables/chopade2021_figure_1.csv")
    assert len(figure_1) == 1 + 15
    assert {figure_1[name][0] for name in ("Infiltration", "Atelectasis")} == {"9547", "4215"}
    figure_2 = rows_of(place / "tables/chopade2021_figure_2.csv")
    assert {name: int(figure_2[name][0]) for name in TABLE_1} == {
        name: row[1] for name, row in TABLE_1.items()
    }
    assert "No image is here" in shown
    assert not (place / "figures/contact_sheet.png").exists()
    classes = rows_of(place / "tables/classes.csv")  # of the task: Pneumothorax
    assert classes["Pneumothorax"][3] == classes["Pneumothorax"][-1] == "5302"
    assert len(rows_of(place / "tables/missing.csv")) == 1 + 10802


@pytest.mark.slow
def test_the_figures_of_chopade_2021(data, nih_csv):
    code, place = data("dataset=chestxray14", f"dataset.root={nih_csv}")
    assert code == 0
    for number in (1, 2):
        with Image.open(place / f"figures/chopade2021_figure_{number}.png") as picture:
            assert picture.width == 1000


LABELS = ["sick", "<well>"]


@pytest.fixture
def own(tmp_path):
    """A table of 40 images of 20 patients, two classes in turn; one is missing, one is no image."""
    folder = tmp_path / "own"
    folder.mkdir()
    lines = ["path,label,patient,age,site"]
    for index in range(40):
        lines.append(
            f"{index}.png,{LABELS[index % 2]},p{index // 2},{20 + index},{'chest' if index < 30 else ''}"
        )
        size = (12, 10) if index % 4 else (20, 10)
        Image.new("L", size, 5 * index).save(folder / f"{index}.png")
    (folder / "7.png").unlink()
    (folder / "8.png").write_text("no image")
    (folder / "own.csv").write_text("\n".join(lines) + "\n")
    return ["dataset=csv", f"dataset.root={folder / 'own.csv'}", "dataset.group=patient", "dataset.size=8"]


def test_a_table_of_ones_own(blank_pictures, data, own, capsys):
    code, place = data(*own)
    shown = capsys.readouterr().out
    assert code == 0
    tables = {path.stem: rows_of(path) for path in (place / "tables").glob("*.csv")}
    classes = tables["classes"]
    assert classes["class"] == ["train", "validation", "test", "all", "% of all", "missing", "unreadable"]
    assert classes["sick"][3:] == ["20", "50.0", "0", "1"]  # 8.png
    assert classes["<well>"][3:] == ["20", "50.0", "1", "0"]  # 7.png
    parts = np.array([whole(classes[name][:3]) for name in LABELS])
    assert parts.sum() == 40
    assert [int(tables["split"][name][0]) for name in ("train", "validation", "test")] == parts.sum(
        axis=0
    ).tolist()
    assert [int(tables["split"][name][2]) for name in ("train", "validation", "test", "all")][-1] == 20
    # ages 20, 22, ..., 58 of the even rows: quartiles by hand
    assert tables["ages"]["sick"] == ["20", "0", "20.0", "29.5", "39.0", "48.5", "58.0"]
    assert {name: whole(row) for name, row in tables["ages_by_decade"].items() if name != "years"} == {
        f"{start} to {start + 9}": (5, 5) for start in (20, 30, 40, 50)
    }
    assert whole(tables["by_site"]["chest"]) == (15, 15, 30)
    assert whole(tables["by_site"]["unknown"]) == (5, 5, 10)
    # 10 of the 40 are 20 wide; of these 8.png has no header; 7.png is missing
    assert {name: row[1] for name, row in tables["sizes"].items() if name != "width x height"} == {
        "12 x 10": "29",
        "20 x 10": "9",
        "no image header": "1",
    }
    assert list(tables["missing"]) == ["image", "7.png"]
    assert "not an image in any format" in tables["unreadable"]["8.png"][0]
    for said in ("1 images are missing", "dataset.missing=drop", "dataset.unreadable=drop", "38 x 3 x 8 x 8"):
        assert said in shown
    page = (place / "data.html").read_text()
    assert "&lt;well&gt;" in page
    assert "<well>" not in page
    assert page.count("data:image/png;base64,") == len(list((place / "figures").glob("*.png"))) == 3


def test_the_contact_sheet_shows_images_of_each_class(data, own):
    code, place = data(*own, "sheet=4", "dataset.channels=1")
    assert code == 0
    with Image.open(place / "figures/contact_sheet.png") as picture:
        assert picture.width == 1000
        values = {int(value) for value in np.unique(np.asarray(picture.convert("L")))}
    assert len(values & {5 * index for index in range(40)}) >= 8  # images of plain grey, four of each class


def test_a_sample_of_headers_is_said_to_be_one(blank_pictures, data, own, capsys):
    assert data(*own, "sample=10")[0] == 0
    assert "From the headers of 10 of the 39 files, drawn at random." in capsys.readouterr().out


def test_images_can_be_left_alone(blank_pictures, data, own, capsys):
    code, place = data(*own, "images=false")
    assert code == 0
    assert not (place / "figures/contact_sheet.png").exists()
    assert not (place.parent / "clrx/images").exists()
    assert list(rows_of(place / "tables/missing.csv")) == ["image", "7.png"]


def test_the_cache_is_that_of_training(blank_pictures, data, own, tmp_path, capsys):
    (tmp_path / "own/8.png").unlink()
    drop = ("dataset.missing=drop", "dataset.channels=1")
    code, place = data(*own, *drop)
    assert code == 0
    assert "2 of the 40 images that own.csv names are not there; they are left out" in capsys.readouterr().out
    before = caches_below(tmp_path)
    cfg = load(OmegaConf.load(place / "config.yaml"))
    opened = open_data(cfg, load_source(cfg.dataset))  # as clrx train does
    assert opened.cache.array.shape == (38, 1, 8, 8)
    assert caches_below(tmp_path) == before == [opened.cache.path]


def test_labels_together(blank_pictures, data, tmp_path, capsys):
    """12 images of the labels 0, 1, both or none in turn, with the split of the file."""
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 3, np.uint8)
    arrays = {f"{part}_images": np.zeros((4, 8, 8), np.uint8) for part in ("train", "val", "test")}
    arrays |= {f"{part}_labels": labels[:4] for part in ("train", "val", "test")}
    np.savez(tmp_path / "two.npz", **arrays)
    code, place = data("dataset=npz", f"dataset.root={tmp_path / 'two.npz'}", "dataset.size=8")
    assert code == 0
    found = rows_of(place / "tables/combinations.csv")
    assert {name: row[0] for name, row in found.items() if name != "labels"} == {
        "0": "3",
        "1": "3",
        "0 + 1": "3",
        "none of these": "3",
    }
    classes = rows_of(place / "tables/classes.csv")
    assert whole(classes["0"][:4]) == (2, 2, 2, 6)
    assert whole(classes["none of these"][:4]) == (1, 1, 1, 3)
    assert rows_of(place / "tables/sizes.csv")["8 x 8"] == ["grey", "12"]
    assert "Label combinations: 4 distinct" in capsys.readouterr().out


def test_what_cannot_be_split_is_shown_all_the_same(blank_pictures, data, tmp_path, capsys):
    for label in ("a", "b"):
        (tmp_path / "few" / label).mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(tmp_path / "few" / label / "1.png")
    code, place = data("dataset=image_folder", f"dataset.root={tmp_path / 'few'}", "dataset.size=8")
    assert code == 0
    assert "clrx train could not split this: 2 groups cannot be split into 3 parts" in capsys.readouterr().out
    assert rows_of(place / "tables/classes.csv")["class"] == ["all", "% of all"]
    assert not (place / "tables/split.csv").exists()


def test_the_caches_are_listed_and_cleared(blank_pictures, data, own, tmp_path, capsys):
    assert data("cache=list")[0] == 0
    assert "the cache is empty" in capsys.readouterr().out
    data(*own)
    capsys.readouterr()
    code, _ = data("cache=list", "hydra.run.dir=listed")
    shown = capsys.readouterr().out
    assert code == 0
    line = next(line.split() for line in shown.splitlines() if "finished" in line)
    assert line[:7] == ["images", "csv", "8", "px,", "3", "ch", "39"]
    assert not Path("listed").exists()
    assert data("cache=clear_unused")[0] == 0
    assert "removed 0 caches" in capsys.readouterr().out
    assert data("cache=clear")[0] == 0
    assert "removed 1 caches" in capsys.readouterr().out
    assert caches_below(tmp_path) == []


@pytest.mark.everyday(3)
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["dataset=csv"], "dataset.root is not set"),
        (["dataset=chestxray14", "dataset.root=absent"], "does not exist"),
        (["cache=lsit"], "did you mean list?"),
        (["images=maybe"], "images=maybe"),
        (["sample=0"], "sample=0"),
        (["sheet=100"], "sheet=100"),
        (["dataset.sise=8"], "did you mean dataset.size"),
    ],
)
def test_mistakes(data, capsys, overrides, said):
    code, place = data(*overrides)
    shown = capsys.readouterr().err
    assert code == 2
    assert said in shown
    assert not place.exists()


def test_images_that_must_be_there(blank_pictures, data, own, tmp_path, capsys):
    for path in (tmp_path / "own").glob("*.png"):
        path.unlink()
    assert data(*own, "images=true")[0] == 2
    assert "none of the images is there" in capsys.readouterr().err
    assert data(*own)[0] == 0
    assert "No image is here" in capsys.readouterr().out
