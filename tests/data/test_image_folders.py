"""Folders of images: what is an image, what is passed over, which root is of the right kind."""

import os

import pytest
from named_files import make, refusal

from clrx.data.image_folders import given_file, given_folder, image_files, read_folder


def test_a_closed_folder_is_refused(tmp_path, monkeypatch):
    make(tmp_path, "cat/1.png", "dog/1.png")
    scan = os.scandir

    def closed(place):
        if str(place).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", closed)
    said = refusal(image_files, tmp_path)
    assert "a folder cannot be read: Permission denied" in said
    assert str(tmp_path / "dog") in said


def test_a_root_of_the_wrong_kind(tmp_path):
    (tmp_path / "file.csv").touch()
    assert "dataset.root is not set" in refusal(given_folder, None, "a folder")
    assert "there is no such file" in refusal(given_folder, str(tmp_path / "absent"), "a folder")
    assert "file.csv is a file" in refusal(given_folder, str(tmp_path / "file.csv"), "a folder")
    assert "is a folder" in refusal(given_file, str(tmp_path), "a CSV file")


@pytest.mark.parametrize("name", [b"caf\xe9/1.png", b"the/caf\xe9.png"])
def test_a_name_that_is_no_utf_8_is_named(tmp_path, name):
    make(tmp_path, os.fsdecode(name))
    assert r"a name is not UTF-8: caf\xe9" in refusal(read_folder, tmp_path)


def test_other_files_may_have_any_name(tmp_path):
    make(tmp_path, os.fsdecode(b"notes.caf\xe9"))
    assert read_folder(tmp_path).others == {r".caf\xe9": 1}
