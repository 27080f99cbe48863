"""The phantom: the NIH layout, the same from the same seed, each sign in its place, labelled synthetic."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clrx.data.phantom.draw
from clrx.core.errors import RunError, UserError
from clrx.data.nih.labels import DISEASES
from clrx.data.phantom.anatomy import draw_chest
from clrx.data.phantom.draw import LABEL, phantom_folder
from clrx.data.phantom.exposure import textures
from clrx.data.phantom.findings import BODY, SHADOW, Case
from clrx.data.phantom.images import draw_bodies, draw_images
from clrx.data.phantom.patients import sample_population
from clrx.data.split import make_split
from clrx.dataset import chestxray14_multilabel, phantom

IMAGES, PIXELS = 240, 48


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder with one small phantom in it."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLRX_CACHE", str(folder))
        phantom_folder(IMAGES, PIXELS, 0)
    return folder


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, cache):
    monkeypatch.setenv("CLRX_CACHE", str(cache))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_layout_is_that_of_the_nih_release():
    folder = phantom_folder(IMAGES, PIXELS, 0)
    header = (folder / "Data_Entry_2017_phantom.csv").read_text().splitlines()[0]
    assert header.endswith("OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]")
    source = chestxray14_multilabel.load(str(folder))
    assert len(source) == IMAGES
    assert len(make_split(source, "official").test) == (source.table["split"] == "test").sum()
    with Image.open(source.files[0]) as image:
        assert (image.mode, image.size) == ("L", (PIXELS, PIXELS))


def test_it_says_everywhere_that_it_is_synthetic():
    source = phantom.load("Pneumothorax", images=IMAGES, pixels=PIXELS)
    assert source.synthetic
    assert LABEL in source.notes
    assert all(image.startswith("phantom_") for image in source.table["image"])
    with Image.open(source.files[0]) as image:
        assert image.text["Description"] == LABEL


def test_as_many_no_finding_as_have_the_disease():
    source = phantom.load("Pneumothorax", images=IMAGES, pixels=PIXELS)
    assert source.classes == ("No Finding", "Pneumothorax")
    counts = np.bincount(source.labels)
    assert counts[0] == counts[1] > 20


def test_the_same_seed_draws_the_same_bytes_and_another_does_not(monkeypatch, tmp_path):
    first = contents(phantom_folder(IMAGES, PIXELS, 0))
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))
    assert contents(phantom_folder(IMAGES, PIXELS, 0)) == first
    other = contents(phantom_folder(IMAGES, PIXELS, 1))
    assert set(other) != set(first) or any(
        other[name] != first[name] for name in first if name.endswith("png")
    )


def test_a_second_call_draws_nothing():
    folder = phantom_folder(IMAGES, PIXELS, 0)
    before = (folder / "README.txt").stat().st_mtime_ns
    assert phantom_folder(IMAGES, PIXELS, 0) == folder
    assert (folder / "README.txt").stat().st_mtime_ns == before


def test_of_two_that_want_it_at_once_one_draws(monkeypatch, tmp_path):
    """Threads stand for processes: what they share is the folder, and nothing else."""
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))
    both, write, drawn = threading.Barrier(2), clrx.data.phantom.draw.write_phantom, []
    monkeypatch.setattr(
        "clrx.data.phantom.draw.write_phantom", lambda *request: (drawn.append(request), write(*request))
    )
    with ThreadPoolExecutor(2) as threads:
        folders = list(threads.map(lambda _: (both.wait(), phantom_folder(120, 32, 0))[1], range(2)))
    assert folders[0] == folders[1]
    assert len(drawn) == 1
    assert [path.name for path in (tmp_path / "clrx").iterdir() if path.is_dir()] == [folders[0].name]
    assert len(list((folders[0] / "images").iterdir())) == 120


def test_a_drawing_that_fails_leaves_nothing_behind(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))
    monkeypatch.setattr("clrx.data.phantom.draw._write_tables", full)
    with pytest.raises(RunError, match="No space left"):
        phantom_folder(120, 32, 0)
    assert [path for path in tmp_path.rglob("*") if path.suffix != ".lock"] == [tmp_path / "clrx"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"label": "Pneumotorax"}, "did you mean Pneumothorax"),
        ({"images": 10}, "dataset.images=10"),
        ({"pixels": 1024}, "dataset.pixels=1024"),
    ],
)
def test_what_cannot_be_drawn_is_refused(keys, message):
    with pytest.raises(UserError) as error:
        phantom.load(**({"label": "Mass"} | keys))
    assert message in str(error.value)


def test_patients_have_several_images_with_findings_that_come_together():
    people = sample_population(0, 6000)
    table = people.table
    assert table["image"].is_unique
    assert 2 < len(table) / table["patient"].nunique() < 3
    assert (table.groupby("patient")[["gender", "test"]].nunique() == 1).all(axis=None)
    has = people.severity > 0
    healthy = (~has.any(axis=1)).mean()
    assert (
        0.15 < healthy < 0.15 + 0.85 * 0.12
    )  # HEALTHY patients, and at most 1 - PRESENT of the others' images
    assert 1.3 < has[has.any(axis=1)].sum(axis=1).mean() < 2.2
    assert (has.sum(axis=0) >= 200).all()
    a, b = (DISEASES.index(name) for name in ("Edema", "Cardiomegaly"))
    assert has[has[:, a], b].mean() > 1.5 * has[~has[:, a], b].mean()


def drawn(name: str, side: float, severity: float = 0.8):
    """A healthy chest and the same one with a finding, on clean density maps: (chest, difference, chest after)."""
    people = sample_population(3, 200)
    rows = np.flatnonzero(people.severity.sum(axis=1) == 0)[:8]
    generator = np.random.default_rng(0)
    flat = np.zeros((len(rows), 64, 64), np.float32)

    def draw(low, high):
        return generator.uniform(low, high, (len(rows), 1, 1)).astype(np.float32)

    shape = np.ones((len(rows), 1, 1), np.float32)
    case = Case(severity * shape, side * shape, draw, lambda _: flat)
    before, body = draw_chest(draw_bodies(people, rows), flat, 64), draw_bodies(people, rows)
    if name in BODY:
        BODY[name](body, case)
    after = draw_chest(body, flat, 64)
    if name in SHADOW:
        SHADOW[name](after, case)
    return before, after.density - before.density, after


@pytest.mark.parametrize("name", sorted(DISEASES))
def test_every_finding_changes_every_image_in_single_precision(name):
    _, change, after = drawn(name, -1.0)
    assert change.dtype == after.vessels.dtype == np.float32
    assert (np.abs(change).reshape(len(change), -1).max(axis=1) > 0.05).all()


@pytest.mark.parametrize("name", ["Effusion", "Pneumothorax", "Pleural_Thickening", "Consolidation", "Mass"])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_one_sided_finding_is_on_its_side(name, side):
    chest, change, _ = drawn(name, side)
    here = np.abs(change)[side * chest.x > 0.15].sum()
    there = np.abs(change)[side * chest.x < -0.15].sum()
    assert here > 50 * there


def test_signs_are_where_radiologists_look_for_them():
    chest, change, _ = drawn("Pneumothorax", 1.0)
    rim = (chest.x > 0) & (chest.wall > 0.02) & (chest.wall < 0.06) & (chest.y < -0.2) & (chest.lung > 0.9)
    assert change[rim].mean() < -0.05  # dark beyond the pleural line
    chest, change, _ = drawn("Effusion", 1.0)
    base = (chest.x > 0.3) & (chest.above > 0) & (chest.above < 0.1) & (chest.lung > 0.9)
    top = (chest.x > 0) & (chest.y < -0.4)
    assert change[base].mean() > 0.2 > 0.01 > np.abs(change[top]).mean()
    chest, _, after = drawn("Cardiomegaly", 1.0)
    assert after.lung.sum() < 0.95 * chest.lung.sum()
    chest, _, after = drawn("Emphysema", 1.0)
    assert after.lung.sum() > 1.05 * chest.lung.sum()


def test_radiographs_depend_on_seed_and_rows_alone():
    people, tiles = sample_population(0, 96), textures(0)
    first = draw_images(people, np.arange(24, 48), tiles, 32, 0)
    draw_images(people, np.arange(0, 24), tiles, 32, 0)
    assert (draw_images(people, np.arange(24, 48), tiles, 32, 0) == first).all()
    assert first.dtype == np.uint8
    assert first.shape == (24, 32, 32)
    assert (draw_images(people, np.arange(24, 48), tiles, 32, 1) != first).any()


def test_leftovers_of_a_killed_drawing_are_removed(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "clrx"))
    folder = phantom_folder(120, 32, 0)
    half = folder.with_name(f"{folder.name}.part")
    shutil.move(folder, half)
    (half / "Data_Entry_2017_phantom.csv").unlink()
    (half / "images" / "half.png").touch()
    assert len(phantom.load("Mass", images=120, pixels=32).files) > 0
    assert [path.name for path in (tmp_path / "clrx").iterdir() if path.is_dir()] == [folder.name]
    assert not (folder / "images" / "half.png").exists()
