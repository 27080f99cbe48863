"""The file of each image that a table names, however it spells the name; files that are there twice."""

import unicodedata

import pytest

from clrx.core.errors import UserError
from clrx.data.locate import locate


def made(folder, contents: dict[str, bytes]) -> list[str]:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in contents]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("im/0.png", "im/0.png"),
        ("./im/0.png", "im/0.png"),
        ("im//0.png", "im/0.png"),
        ("im\\0.png", "im/0.png"),
        ("im/0.PNG", "im/0.png"),
        ("IM/0.png", "im/0.png"),
        ("im/0", "im/0.png"),  # APTOS, ISIC: ids without an ending
        ("0.png", "im/0.png"),
        ("0", "im/deep/0.jpg"),
        ("ISIC.7", "im/ISIC.7.jpg"),  # a point that is no ending
        (unicodedata.normalize("NFD", "röntgen.png"), "im/röntgen.png"),
    ],
)
def test_spellings_of_a_name(tmp_path, name, file):
    files = made(tmp_path, {file: b"one", "other/1.png": b"two"})
    assert locate([name, "1.png"], files, tmp_path) == (
        [str(tmp_path / file), str(tmp_path / "other/1.png")],
        (),
    )


@pytest.mark.parametrize("name", ["0.jpg", "0.dcm", "other/0.png", "2.png", "0.png.png"])
def test_what_is_another_image(tmp_path, name):
    assert locate([name], made(tmp_path, {"im/0.png": b"one"}), tmp_path) == ([""], ())


def test_a_path_goes_before_a_name(tmp_path):
    files = made(tmp_path, {"0.png": b"one", "old/0.png": b"two"})
    assert locate(["0.png"], files, tmp_path) == ([files[0]], ())


def test_files_that_are_there_twice(tmp_path):
    content = bytes(range(256)) * 100
    files = made(tmp_path, {"part_1/0.jpg": content, "PART_1/0.jpg": content, "part_1/1.jpg": content})
    found, notes = locate(["0", "1"], files, tmp_path)
    assert found == [str(tmp_path / "PART_1/0.jpg"), str(tmp_path / "part_1/1.jpg")]
    assert notes == ("1 images are there more than once with equal bytes; one of each is taken",)
    for place in (0, 12_800, -1):
        other = bytearray(content)
        other[place] ^= 1
        (tmp_path / "part_1/0.jpg").write_bytes(other)
        with pytest.raises(
            UserError, match=r"1 images are there more than once with different bytes, e.g. 0.jpg"
        ):
            locate(["0"], files, tmp_path)
