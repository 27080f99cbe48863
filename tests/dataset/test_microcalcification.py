"""Patches of mammograms: the skew exactly, films whole, npz and folders."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.split import make_split
from clrx.dataset import microcalcification
from clrx.dataset.microcalcification import parse_skew


def write(path, labels, /, **changes):
    """Patch i is of grey i; two patches a film."""
    labels = np.asarray(labels)
    arrays = {
        "images": np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((4, 4), np.uint8),
        "labels": labels,
        "groups": np.arange(len(labels)) // 2,
    }
    np.savez(path, **{**arrays, **changes})
    return str(path)


def refusal(*args, **keys) -> str:
    with pytest.raises(UserError) as error:
        microcalcification.load(*args, **keys)
    return str(error.value)


def test_an_npz_as_it_is(tmp_path):
    labels = [0, 1, 1, 0, 0, 0]
    source = microcalcification.load(write(tmp_path / "mc.npz", labels))
    assert (source.task, source.classes, source.channels) == ("binary", ("normal", "microcalcification"), 1)
    assert source.labels.tolist() == labels
    assert source.table["group"].tolist() == ["0", "0", "1", "1", "2", "2"]
    column = microcalcification.load(write(tmp_path / "mc.npz", np.array(labels)[:, None]))
    assert column.labels.tolist() == labels


@pytest.mark.parametrize(
    ("positives", "negatives", "skew", "expected"),  # how many are left of each
    [
        (10, 100, "1/5", (10, 50)),
        (10, 100, "1/10", (10, 100)),
        (10, 100, "1/20", (5, 100)),
        (10, 100, 0.25, (10, 40)),
        (10, 100, "1", (10, 10)),
        (10, 100, "1/7", (10, 70)),
        (10, 99, "1/10", (9, 99)),  # 9 to 99 is nearer to it from above than any other with all negatives
        (100, 10, "1/2", (5, 10)),
    ],
)
def test_skew_drops_from_the_class_with_too_many(tmp_path, positives, negatives, skew, expected):
    file = write(tmp_path / "mc.npz", [1] * positives + [0] * negatives)
    source = microcalcification.load(file, skew)
    assert (int(source.labels.sum()), int((source.labels == 0).sum())) == expected
    assert source.table["image"].is_unique
    assert (source.array[:, 0, 0] == source.table["image"].astype(int)).all()  # images follow their rows


def test_skew_is_a_function_of_the_seed(tmp_path):
    file = write(tmp_path / "mc.npz", [1] * 10 + [0] * 100)
    drawn = [set(microcalcification.load(file, "1/5", seed=seed).table["image"]) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("skew", ["1/0", "much", "0", "-1/3", "2", "nan"])
def test_skews_that_are_none(tmp_path, skew):
    assert f"dataset.skew={skew}" in refusal(write(tmp_path / "mc.npz", [0, 1]), skew)


def test_parse_skew():
    assert [parse_skew(text) for text in ("1/17", " 1 / 36", 0.1)] == [
        Fraction(1, 17),
        Fraction(1, 36),
        Fraction(1, 10),
    ]


def test_a_skew_that_leaves_no_positive(tmp_path):
    assert "leaves no positives" in refusal(write(tmp_path / "mc.npz", [1, 0, 0, 0]), "1/10")


@pytest.mark.parametrize(
    ("labels", "changes", "said"),
    [
        ([0, 0], {}, "labels are (2, 1) of 0"),
        ([0, 1, 2], {}, "0, 1, 2"),
        ([0.0, 0.5, 1.0], {}, "0.0, 0.5, 1.0"),
        ([0, 1], {"labels": np.eye(2, dtype=int)}, "labels are (2, 2)"),
        ([0, 1], {"groups": np.eye(2, dtype=int)}, "groups are (2, 2)"),
        ([0, 1], {"groups": np.arange(3)}, "unequal lengths"),
        ([0, 1], {"images": np.zeros((2, 4, 4))}, "float64 (2, 4, 4)"),
    ],
)
def test_files_that_are_none(tmp_path, labels, changes, said):
    assert said in refusal(write(tmp_path / "mc.npz", labels, **changes))


def test_roots_that_are_none(tmp_path):
    assert "dataset.root is not set" in refusal()
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    assert "lacks images, labels, groups" in refusal(str(tmp_path / "other.npz"))


@pytest.fixture
def folders(tmp_path):
    for label in ("mc", "normal"):
        (tmp_path / "patches" / label).mkdir(parents=True)
        for name in ("film_7_001", "film_7_002", "lone"):
            Image.new("L", (4, 4)).save(tmp_path / f"patches/{label}/{name}.png")
    return tmp_path / "patches"


def test_two_folders(folders):
    source = microcalcification.load(str(folders), positive="mc")
    assert (source.classes, source.channels) == (("normal", "mc"), 1)
    assert source.labels.tolist() == [1, 1, 1, 0, 0, 0]
    assert source.table["group"].tolist() == [
        "film_7",
        "film_7",
        "mc/lone.png",
        "film_7",
        "film_7",
        "normal/lone.png",
    ]
    (folders / "mc").rename(folders / "1")
    (folders / "normal").rename(folders / "0")
    assert microcalcification.load(str(folders)).classes == ("0", "1")


def test_two_folders_that_do_not_say_which_is_which(folders):
    assert "which folder holds the microcalcifications, mc or normal?" in refusal(str(folders))
    assert "dataset.positive=mcs" in refusal(str(folders), positive="mcs")
    (folders / "third").mkdir()
    (folders / "third/1.png").touch()
    assert "3 class folders: mc, normal, third" in refusal(str(folders), positive="mc")


@pytest.mark.parametrize(("skew", "negatives"), [("1/17", 17 * 4500), ("1/36", 36 * 4500)])
def test_the_papers_skews_on_real_patches(shared_data, skew, negatives):
    """Alyafi et al. 2019 train at two degrees of skewness; the file has 4,500 positives on 20 films."""
    source = microcalcification.load(str(shared_data / "microcalc" / "mias_patches_16.npz"), skew)
    assert (int(source.labels.sum()), int((source.labels == 0).sum())) == (4500, negatives)
    assert source.array.shape == (4500 + negatives, 16, 16)
    assert source.table["group"][source.labels == 1].nunique() == 20
    split = make_split(source, "group")
    films = [set(source.table["group"].iloc[rows]) for rows in (split.train, split.validation, split.test)]
    assert sum(map(len, films)) == len(set.union(*films))
    assert all(source.labels[rows].any() for rows in (split.train, split.validation, split.test))
