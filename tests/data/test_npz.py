"""Arrays from npz files: what is refused, and that nothing is unpickled."""

import zipfile

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.data.npz import as_images, as_numbers, read_arrays, read_npz


def refusal(call, *args) -> str:
    with pytest.raises(UserError) as error:
        call(*args)
    return str(error.value)


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "good.npz", a=np.arange(3), b=np.zeros((3, 2)), c=np.arange(4), one=np.int64(1))
    return tmp_path / "good.npz"


def test_the_named_arrays_are_read(file):
    assert read_npz(file, ["a", "b"])["a"].tolist() == [0, 1, 2]
    assert set(read_arrays(file, ["a", "c"])) == {"a", "c"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "c"], "unequal lengths: a 3, c 4"),
        (["a", "d"], "lacks d"),
        (["a", "d"], "it has a, b, c, one"),
        (["one"], "one is a single value"),
    ],
)
def test_arrays_that_do_not_fit(file, names, said):
    assert said in refusal(read_npz, file, names)


class Bomb:
    """Unpickled, it would raise."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def test_files_that_are_none(file, tmp_path):
    whole = file.read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-30])
    flipped = bytearray(whole)
    flipped[whole.index(b"NUMPY") + 130] ^= 255
    (tmp_path / "flipped.npz").write_bytes(flipped)
    np.save(tmp_path / "array.npy", np.arange(3))
    np.savez(tmp_path / "object.npz", a=np.array([Bomb()], dtype=object))
    (tmp_path / "text.npz").write_text("no")
    for name, said in {
        "cut.npz": "no npz file",
        "flipped.npz": "cannot be read",
        "array.npy": "no npz file",
        "object.npz": "cannot be read",
        "text.npz": "no npz file",
    }.items():
        assert said in refusal(read_arrays, tmp_path / name, ["a"])


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 4, 4, 1), (2, 4, 4, 3)])
def test_images(file, shape):
    assert as_images(np.zeros(shape, np.uint8), file).shape == shape


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 4, 4), np.float32), "float32 (2, 4, 4)"),
        (np.zeros((2, 4, 4, 4), np.uint8), "uint8 (2, 4, 4, 4)"),
        (np.zeros((2, 16), np.uint8), "uint8 (2, 16)"),
    ],
)
def test_images_that_are_none(file, array, said):
    assert said in refusal(as_images, array, file)


def npy(header: bytes, content: bytes = b"") -> bytes:
    """An array file of format 1.0 with any header."""
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    "shape", ["(1000000000000,)", "(99999999, 99999999, 99999999)", "(-1,)", "(3.5,)", "('a',)", "(4,)"]
)
def test_a_header_that_states_more_than_there_is_is_refused(tmp_path, shape):
    """Memory is taken by the header, before a byte of the array is read."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as zipped:
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
        zipped.writestr("a.npy", npy(header.encode(), b"123"))
    assert "the npz cannot be read" in refusal(read_arrays, tmp_path / "x.npz", ["a"])


def test_an_npz_that_inflates_a_thousandfold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("clrx.core.inflate.ALWAYS", 1 << 16)
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(1 << 20, np.uint8))
    said = refusal(read_arrays, tmp_path / "x.npz", ["a"])
    assert "unpacks to 1,048,704 or more" in said
    assert "200 times its size" in said


@pytest.mark.parametrize("array", [np.array(["2020-01-01"], "M8[D]"), np.array(["a"]), np.zeros(2, complex)])
def test_labels_that_are_no_numbers(file, array):
    assert f"labels are {array.dtype}" in refusal(as_numbers, array, "labels", file)


def test_nothing_in_an_array(file):
    assert "labels are empty" in refusal(as_numbers, np.zeros((0, 1), int), "labels", file)
    assert "images are empty: (0, 4, 4)" in refusal(as_images, np.zeros((0, 4, 4), np.uint8), file)
