"""Hostile and unusual image files: each comes out right, by values worked out by hand, or refused by name."""

import gzip
import io
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.decode.image import decode
from clrx.data.decode.limits import Unreadable

RED, GREY_OF_RED = (200, 0, 0), 60  # ITU-R 601: 0.299 * 200 = 59.8


def encoded(picture: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def grey(value: int = 100, side: int = 16) -> Image.Image:
    return Image.new("L", (side, side), value)


def noise(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8))


def deep(low: int, high: int) -> Image.Image:
    """16-bit grey: left half `low`, right half `high`."""
    return Image.fromarray(np.repeat(np.array([[low] * 8 + [high] * 8], np.uint16), 16, axis=0))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int = 20_000) -> bytes:
    """A real 1-bit PNG of side x side: 50 MB of zeros in 50 KB."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((side // 8 + 1) * side), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def flipped() -> bytes:
    """One bit of the pixel data flipped, in a stream that inflates without an error: only its CRC tells."""
    rows = bytearray(b"".join(b"\0" + bytes(range(16)) for _ in range(16)))
    data = zlib.compress(bytes(rows), 0)  # stored, not deflated
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    good = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    place = good.index(data) + 100
    return good[:place] + bytes([good[place] ^ 64]) + good[place + 1 :]


def png16(values: np.ndarray) -> bytes:
    """A 16-bit PNG of (H, W, C): grey with alpha, colour, colour with alpha; Pillow writes none."""
    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def deep_colour(high: int, channels: int = 3) -> np.ndarray:
    """(16, 16, C) from 0 to `high` from left to right, opaque."""
    values = np.repeat(np.tile(np.linspace(0, high, 16).round(), (16, 1))[..., None], channels, axis=2)
    if channels in (2, 4):
        values[..., -1] = 65_535
    return values


def tiff(values: np.ndarray, bits: int, white_is_zero: bool, order: str = "<") -> bytes:
    """An uncompressed TIFF of grey (H, W) in so many bits; TIFF 6.0, section 8."""
    height, width = values.shape
    if bits == 16:
        pixels = values.astype(f"{order}u2").tobytes()
    else:
        flags = (values.astype(int)[..., None] >> np.arange(bits)[::-1]) & 1
        pixels = np.packbits(flags.reshape(height, -1), axis=1).tobytes()
    entries = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, int(not white_is_zero)),
    ]
    entries += [(273, 4, 10 + 8 * 12 + 4), (278, 3, height), (279, 4, len(pixels))]
    table = b"".join(
        struct.pack(
            f"{order}HHI" + ("HH" if kind == 3 else "I"), tag, kind, 1, value, *([0] if kind == 3 else [])
        )
        for tag, kind, value in entries
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(entries))
    return head + table + bytes(4) + pixels


def palette(transparent: bool = False) -> bytes:
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([0, 0, 0, *RED, 0, 0, 200])
    return encoded(picture, **({"transparency": 1} if transparent else {}))


def cmyk() -> bytes:
    return encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 55)), "JPEG", quality=100)  # 255 - 55 = 200: RED


def half_clear() -> bytes:
    return encoded(Image.new("RGBA", (16, 16), (100, 100, 100, 128)))  # over black: 100 * 128 / 255 = 50.2


def pages(form: str) -> bytes:
    return encoded(grey(), form, save_all=True, append_images=[grey(200)])


CONSTANT = [  # (what, file name, content, its one grey value)
    ("8-bit grey", "a.png", encoded(grey()), 100),
    ("colour as grey", "a.png", encoded(Image.new("RGB", (16, 16), RED)), GREY_OF_RED),
    (
        "colour JPEG as grey",
        "a.jpg",
        encoded(Image.new("RGB", (16, 16), RED), "JPEG", quality=100),
        GREY_OF_RED,
    ),
    ("PNG named JPEG", "a.jpg", encoded(grey()), 100),
    ("JPEG named PNG", "a.png", encoded(grey(), "JPEG", quality=100), 100),
    ("no extension", "a", encoded(grey()), 100),
    ("BMP", "a.bmp", encoded(grey(), "BMP"), 100),
    ("one-frame GIF", "a.gif", encoded(grey(), "GIF"), 100),
    ("WebP", "a.webp", encoded(grey(), "WEBP", lossless=True), 100),
    ("TIFF", "a.tif", encoded(grey(), "TIFF"), 100),
    ("1 x 1", "a.png", encoded(grey(side=1)), 100),
    ("1 x 5000", "a.png", encoded(Image.new("L", (1, 5000), 100)), 100),
    ("1-bit white", "a.png", encoded(Image.new("1", (16, 16), 1)), 255),
    ("opaque RGBA", "a.png", encoded(Image.new("RGBA", (16, 16), (100, 100, 100, 255))), 100),
    ("half transparent", "a.png", half_clear(), 50),
    ("grey and alpha", "a.png", encoded(Image.new("LA", (16, 16), (100, 128))), 50),
    ("palette", "a.png", palette(), GREY_OF_RED),
    ("CMYK JPEG", "a.jpg", cmyk(), GREY_OF_RED),
    ("16-bit constant", "a.png", encoded(deep(25_700, 25_700)), 100),  # 25,700 / 257
    ("16-bit white", "a.png", encoded(deep(65_535, 65_535)), 255),
    ("16-bit black", "a.png", encoded(deep(0, 0)), 0),
    ("garbage after the end", "a.jpg", encoded(grey(), "JPEG", quality=100) + b"garbage" * 99, 100),
    ("spaces in the name", "a b  c .png", encoded(grey()), 100),
    ("non-ASCII name", "röntgen 胸部.png", encoded(grey()), 100),
    ("line break and quotes in the name", 'a\n"b",c.png', encoded(grey()), 100),
    ("name that is not UTF-8", os.fsdecode(b"caf\xe9.png"), encoded(grey()), 100),
]

REFUSED = [  # (what, file name, content, the reason)
    ("truncated PNG", "a.png", encoded(noise())[:2000], "truncated|broken|checksum"),
    ("PNG cut in its header", "a.png", encoded(noise())[:20], "(?i)not an image|truncated"),
    ("truncated JPEG", "a.jpg", encoded(noise(), "JPEG")[:1500], "truncated"),
    ("JPEG without its last bytes", "a.jpg", encoded(noise(), "JPEG")[:-40], "truncated"),
    ("flipped bit", "a.png", flipped(), "checksum"),
    ("zero bytes", "a.png", b"", "empty"),
    ("text", "a.png", b"hello world\n" * 50, "not an image.*hello world"),
    ("an error page", "a.jpg", b"<!DOCTYPE html><title>404</title>", "not an image"),
    ("zeros", "a.png", bytes(5000), "not an image"),
    ("gzip of a PNG", "a.png", gzip.compress(encoded(grey())), "not an image"),
    ("EPS, which would start a program", "a.eps", encoded(grey(), "EPS"), "not an image"),
    ("SVG", "a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not an image"),
    ("20,000 x 20,000", "a.png", bomb(), "89,478,485 pixels"),
    ("10,000 x 10,000", "a.png", bomb(10_000), "89,478,485 pixels"),
    ("12 bits kept in 16", "a.png", encoded(deep(0, 4000)), "values from 0 to 4,000 only"),
    ("32-bit grey", "a.tif", encoded(Image.new("F", (16, 16), 0.5), "TIFF"), "no known range"),
    (
        "wholly transparent",
        "a.png",
        encoded(Image.new("RGBA", (16, 16), (99, 99, 99, 0))),
        "wholly transparent",
    ),
    ("wholly transparent palette", "a.png", palette(transparent=True), "wholly transparent"),
    ("animated GIF", "a.gif", pages("GIF"), "2 frames"),
    ("TIFF of two pages", "a.tif", pages("TIFF"), "2 frames"),
    ("text named .dcm", "a.dcm", b"hello world\n" * 50, "DICOM"),
    ("DICOM cut after its mark", "a.dcm", bytes(128) + b"DICM", "."),
]


@pytest.mark.parametrize(("what", "name", "content", "value"), CONSTANT, ids=[row[0] for row in CONSTANT])
def test_a_constant_picture_keeps_its_value(tmp_path, what, name, content, value):
    path = tmp_path / name
    path.write_bytes(content)
    pixels = decode(path, 8, 1)
    assert pixels.shape == (1, 8, 8)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), value, atol=1)


@pytest.mark.parametrize(("what", "name", "content", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_picture_is_refused(tmp_path, what, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        decode(path, 8, 1)


def outside(folder: Path) -> Path:
    (folder / "root").mkdir()
    (folder / "secret.png").write_bytes(encoded(grey()))
    return folder / "root" / "a.png"


def link_out(folder: Path) -> Path:
    path = outside(folder)
    path.symlink_to(folder / "secret.png")
    return path


def link_out_by_dots(folder: Path) -> Path:
    path = outside(folder)
    path.symlink_to("../secret.png")
    return path


def broken_link(folder: Path) -> Path:
    path = outside(folder)
    path.symlink_to("nowhere.png")
    return path


def link_to_itself(folder: Path) -> Path:
    path = outside(folder)
    path.symlink_to("a.png")
    return path


def directory(folder: Path) -> Path:
    path = outside(folder)
    path.mkdir()
    return path


def pipe(folder: Path) -> Path:
    path = outside(folder)
    os.mkfifo(path)
    return path


PLACES: list[tuple[Callable[[Path], Path], str]] = [
    (link_out, "symbolic link out of"),
    (link_out_by_dots, "symbolic link out of"),
    (broken_link, "no such file"),
    (link_to_itself, "no such file|leads to itself|symbolic links"),
    (directory, "not a regular file"),
    (pipe, "not a regular file"),
    (outside, "no such file"),
]


@pytest.mark.parametrize(("make", "reason"), PLACES, ids=[row[0].__name__ for row in PLACES])
def test_what_is_no_file_in_the_root_is_refused(tmp_path, make, reason):
    with pytest.raises(Unreadable, match=reason):
        decode(make(tmp_path), 8, 1, root=str(tmp_path / "root"))


def test_links_inside_the_root_and_linked_folders_are_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(encoded(grey()))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "b.png").symlink_to("a.png")
    for name in ("a.png", "b.png"):
        assert decode(tmp_path / "root" / "images" / name, 8, 1, str(tmp_path / "root")).mean() == 100


def quarters() -> Image.Image:
    """1 above left, 2 above right, 3 below left, 4 below right, times 50; wider than high."""
    return Image.fromarray(np.kron(np.array([[50, 100], [150, 200]]), np.ones((16, 32))).astype(np.uint8))


@pytest.mark.parametrize(
    ("orientation", "expected"),  # EXIF 2.3: where the stored first row and first column lie
    [
        (1, [[1, 2], [3, 4]]),
        (2, [[2, 1], [4, 3]]),
        (3, [[4, 3], [2, 1]]),
        (4, [[3, 4], [1, 2]]),
        (5, [[1, 3], [2, 4]]),
        (6, [[3, 1], [4, 2]]),
        (7, [[4, 2], [3, 1]]),
        (8, [[2, 4], [1, 3]]),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_exif_rotation_is_applied(tmp_path, form, orientation, expected):
    exif = Image.Exif()
    exif[274] = orientation
    (tmp_path / "a").write_bytes(encoded(quarters(), form, exif=exif))
    pixels = decode(tmp_path / "a", 16, 1)[0].astype(int)
    np.testing.assert_allclose(
        pixels[[[2, 2], [13, 13]], [[2, 13], [2, 13]]], np.array(expected) * 50, atol=3
    )


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_its_full_range(tmp_path, form):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    (tmp_path / "a").write_bytes(encoded(Image.fromarray(ramp), form))
    expected = np.round(ramp / 257)  # 65,535 / 257 = 255
    np.testing.assert_array_equal(decode(tmp_path / "a", 256, 1)[0], expected)


def test_big_endian_16_bit_grey(tmp_path):
    values = np.array([[0, 25_700], [51_400, 65_535]], ">u2")
    header = b"MM\0*\0\0\0\x08\0\x08"  # a TIFF of 2 x 2 by hand: eight entries
    entries = [(256, 3, 2 << 16), (257, 3, 2 << 16), (258, 3, 16 << 16), (259, 3, 1 << 16), (262, 3, 1 << 16)]
    entries += [(273, 4, 10 + 8 * 12 + 4), (278, 3, 2 << 16), (279, 4, 8)]
    table = b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in entries)
    (tmp_path / "a.tif").write_bytes(header + table + bytes(4) + values.tobytes())
    assert decode(tmp_path / "a.tif", 2, 1).tolist() == [[[0, 100], [200, 255]]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_grey_of_every_depth_and_direction(tmp_path, bits, white_is_zero):
    if white_is_zero and bits == 12:
        pytest.skip("Pillow reads no such file, so it is refused")
    values = np.tile(np.linspace(0, 2**bits - 1, 8).round(), (8, 1))
    (tmp_path / "a.tif").write_bytes(tiff(values, bits, white_is_zero))
    shown = np.round(values * 255 / (2**bits - 1))
    np.testing.assert_array_equal(
        decode(tmp_path / "a.tif", 8, 1)[0], 255 - shown if white_is_zero else shown
    )


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_white_is_zero_in_a_compressed_file(tmp_path, compression):
    values = np.tile(np.arange(0, 256, 32, dtype=np.uint8), (8, 1))
    Image.fromarray(values).save(tmp_path / "a.tif", compression=compression, tiffinfo={262: 0})
    with Image.open(tmp_path / "a.tif") as picture:
        assert picture.tag_v2[262] == 0
    np.testing.assert_array_equal(decode(tmp_path / "a.tif", 8, 1)[0], values)  # Pillow wrote them inverted


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colour_and_alpha_of_16_bits_follow_the_rule_of_grey(tmp_path, channels):
    """65,535 is 255; 12 bits kept in 16 are refused; just above a sixteenth of the range is read."""
    (tmp_path / "a.png").write_bytes(png16(deep_colour(65_535, channels)))
    expected = np.tile(np.linspace(0, 255, 16), (16, 1))
    np.testing.assert_allclose(decode(tmp_path / "a.png", 16, 1)[0], expected, atol=1)
    (tmp_path / "a.png").write_bytes(png16(deep_colour(4095, channels)))
    with pytest.raises(Unreadable, match=r"16-bit .* with values from 0 to 3,855 only"):  # 15 * 257
        decode(tmp_path / "a.png", 16, 3)
    (tmp_path / "a.png").write_bytes(png16(deep_colour(5000, channels)))
    assert decode(tmp_path / "a.png", 16, 1).max() == 19


@pytest.mark.parametrize(("kind", "bands"), [("P5", 1), ("P6", 3)])
def test_the_greatest_value_of_a_ppm_counts(tmp_path, kind, bands):
    values = np.repeat(np.linspace(0, 4095, 16).astype(">u2"), bands).tobytes() * 16
    for most, read in ((4095, True), (65_535, False)):
        (tmp_path / "a.ppm").write_bytes(f"{kind} 16 16 {most}\n".encode() + values)
        if read:
            assert decode(tmp_path / "a.ppm", 16, 1).max() == 255
        else:
            with pytest.raises(Unreadable, match="16-bit"):
                decode(tmp_path / "a.ppm", 16, 1)


def test_12_bits_in_a_jpeg_2000_of_16_are_refused(tmp_path):
    values = np.tile(np.linspace(0, 4095, 16).astype(np.uint16), (16, 1))
    Image.fromarray(values).save(tmp_path / "a.jp2")
    with pytest.raises(Unreadable, match="16-bit grey with values from 0 to 4,095"):
        decode(tmp_path / "a.jp2", 16, 1)


@pytest.mark.parametrize(("name", "form"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.tif", "TIFF")])
def test_colour_keeps_its_channels_and_grey_is_repeated(tmp_path, name, form):
    options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    (tmp_path / name).write_bytes(encoded(Image.new("RGB", (40, 30), (200, 100, 50)), form, **options))
    np.testing.assert_allclose(decode(tmp_path / name, 8, 3).mean((1, 2)), (200, 100, 50), atol=2)
    (tmp_path / name).write_bytes(encoded(grey(), form))
    np.testing.assert_allclose(decode(tmp_path / name, 8, 3).mean((1, 2)), (100, 100, 100), atol=1)


@pytest.mark.parametrize(("side", "form"), [(128, "PNG"), (200, "PNG"), (1024, "PNG"), (1024, "JPEG")])
def test_resizing_averages_a_ramp_and_squashes_to_a_square(tmp_path, side, form):
    """Any symmetric filter leaves a ramp a ramp: pixel i of 64 stands at (i + 0.5) / 64 of the width."""
    row = np.linspace(0, 255, side)
    picture = Image.fromarray(np.tile(row, (side // 2, 1)).round().astype(np.uint8))
    (tmp_path / "a").write_bytes(encoded(picture, form, **({"quality": 100} if form == "JPEG" else {})))
    expected = ((np.arange(64) + 0.5) / 64 * side - 0.5) * 255 / (side - 1)
    pixels = decode(tmp_path / "a", 64, 1)[0]
    np.testing.assert_allclose(pixels[:, 3:-3], np.tile(expected[3:-3], (64, 1)), atol=1.5)


def test_fine_stripes_become_grey_and_no_moire(tmp_path):
    stripes = np.zeros((1000, 1000), np.uint8)
    stripes[:, ::2] = 255
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(stripes)))
    np.testing.assert_allclose(decode(tmp_path / "a.png", 64, 1), 127.5, atol=4)


def test_the_real_x_rays_come_out_near_their_block_means(shared_data):
    for path in sorted((shared_data / "nih" / "images_1024").glob("*.png"))[:3]:
        exact = np.asarray(Image.open(path), float)
        means = exact.reshape(64, 16, 64, 16).mean((1, 3))  # a box where the code uses a triangle
        assert abs(decode(path, 64, 1)[0] - means).mean() < 3


def test_dicom_without_pydicom_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(UserError, match="pip install"):
        decode(tmp_path / "a.dcm", 8, 1)
