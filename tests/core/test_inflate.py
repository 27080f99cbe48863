"""Compressed files that unpack to far more than their size."""

import gzip
import zipfile

import pytest

from clrx.core import inflate
from clrx.core.errors import UserError


@pytest.mark.parametrize(("size", "most"), [(0, 256 << 20), (1 << 20, 256 << 20), (10 << 20, 2000 << 20)])
def test_the_limit_is_stated_by_ratio_and_size(size, most):
    assert inflate.limit_of(size) == most


def test_a_gzip_file_is_read_up_to_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(inflate, "ALWAYS", 1 << 12)
    (tmp_path / "small.gz").write_bytes(gzip.compress(b"text") + gzip.compress(b" more"))
    assert inflate.gunzip(tmp_path / "small.gz") == b"text more"
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1 << 22)))
    with pytest.raises(UserError, match="200 times its size"):
        inflate.gunzip(tmp_path / "bomb.gz")


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: c[:20] + b"\xff" + c[21:], lambda c: b"text"])
def test_a_broken_gzip_file_is_named(tmp_path, damage):
    (tmp_path / "x.gz").write_bytes(damage(gzip.compress(bytes(range(256)) * 9)))
    with pytest.raises(UserError, match=r"x\.gz cannot be read as gzip"):
        inflate.gunzip(tmp_path / "x.gz")


def test_a_zip_is_measured_and_other_files_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(inflate, "ALWAYS", 1 << 12)
    (tmp_path / "x").write_bytes(b"PK\x03\x04 no zip")
    inflate.check_zip(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a", bytes(1 << 20))
    with pytest.raises(UserError, match="unpacks to 1,048,576"):
        inflate.check_zip(tmp_path / "x.zip")
