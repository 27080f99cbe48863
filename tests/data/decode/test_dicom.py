"""DICOM as a viewer shows it: values by hand from PS3.3 C.11, and against pydicom's own windowing."""

import numpy as np
import pytest
from dicom_files import write

from clrx.data.decode.image import decode
from clrx.data.decode.limits import Unreadable

pydicom = pytest.importorskip("pydicom", reason="pydicom, an extra, is not installed")


def shown(path):
    """The pixels as rows of numbers, at the size they have."""
    side = pydicom.dcmread(path).Rows
    return decode(path, side, 1)[0].astype(int).tolist()


RAW = np.array([[0, 1000], [2000, 4095]], np.uint16)
ROUND = 255 / 4095

TABLE = [  # (what, tags, expected)
    ("full stored range", {}, [[0, 62], [125, 255]]),  # 1000 * 255 / 4095 = 62.3; 124.5 rounds up in float32
    ("MONOCHROME1", {"photometric": "MONOCHROME1"}, [[255, 193], [130, 0]]),
    # C.11.2.1.2.1, centre 1500.5, width 1001: 1000 -> 0, 2000 -> 1
    ("window", {"WindowCenter": 1500.5, "WindowWidth": 1001}, [[0, 0], [255, 255]]),
    # centre 1000.5, width 2001: x / 2000
    ("wide window", {"WindowCenter": 1000.5, "WindowWidth": 2001}, [[0, 128], [255, 255]]),
    ("first of two windows", {"WindowCenter": [1000.5, 9], "WindowWidth": [2001, 9]}, [[0, 128], [255, 255]]),
    (
        "window, inverted",
        {"WindowCenter": 1000.5, "WindowWidth": 2001, "photometric": "MONOCHROME1"},
        [[255, 127], [0, 0]],
    ),
    # LINEAR_EXACT, centre 2000, width 4000: x / 4000
    (
        "exact window",
        {"WindowCenter": 2000, "WindowWidth": 4000, "VOILUTFunction": "LINEAR_EXACT"},
        [[0, 64], [128, 255]],
    ),
    # SIGMOID: 1 / (1 + exp(-4 (x - c) / w)): at the centre a half, at c - w/2 1 / (1 + e^2) = 0.1192
    (
        "sigmoid",
        {"WindowCenter": 2000, "WindowWidth": 2000, "VOILUTFunction": "SIGMOID"},
        [[5, 30], [128, 251]],
    ),
    # slope 2, intercept -1000: values -1000, 1000, 3000, 7190; centre 1000.5, width 2001: (v - 0) / 2000
    (
        "rescale then window",
        {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 1000.5, "WindowWidth": 2001},
        [[0, 128], [255, 255]],
    ),
    ("rescale alone keeps the range", {"RescaleSlope": 2, "RescaleIntercept": -1000}, [[0, 62], [125, 255]]),
    ("negative slope inverts", {"RescaleSlope": -1, "RescaleIntercept": 4095}, [[255, 193], [130, 0]]),
    ("width of one is a threshold", {"WindowCenter": 2000, "WindowWidth": 1}, [[0, 0], [255, 255]]),
]


@pytest.mark.parametrize(("what", "tags", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_values_by_hand(tmp_path, what, tags, expected):
    np.testing.assert_allclose(shown(write(tmp_path / "a.dcm", RAW, **tags)), expected, atol=1)


def test_signed_pixels(tmp_path):
    pixels = np.array([[-2048, -1024], [0, 2047]], np.int16)
    expected = [[0, 64], [128, 255]]  # (x + 2048) * 255 / 4095
    np.testing.assert_allclose(shown(write(tmp_path / "a.dcm", pixels, signed=True)), expected, atol=1)


def test_windows_agree_with_pydicom(tmp_path):
    from pydicom.pixels import apply_rescale, apply_windowing

    pixels = np.random.default_rng(0).integers(0, 4096, (32, 32)).astype(np.uint16)
    tags = {"RescaleSlope": 1.5, "RescaleIntercept": -700, "WindowCenter": 900, "WindowWidth": 2500}
    path = write(tmp_path / "a.dcm", pixels, **tags)
    dataset = pydicom.dcmread(path)
    theirs = apply_windowing(apply_rescale(pixels, dataset), dataset)
    low, high = -700, 4095 * 1.5 - 700  # the output range that pydicom documents
    np.testing.assert_allclose(shown(path), (theirs - low) / (high - low) * 255, atol=1)


def test_a_look_up_table_of_values_of_interest(tmp_path):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 8], [10, 20, 30, 250]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    path = write(tmp_path / "a.dcm", np.array([[0, 1], [2, 3]], np.uint16), VOILUTSequence=Sequence([table]))
    assert shown(path) == [[10, 20], [30, 250]]


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colour(tmp_path, photometric):
    from pydicom.pixels import convert_color_space

    rgb = np.tile(np.array([200, 100, 50], np.uint8), (4, 4, 1))
    stored = rgb if photometric == "RGB" else convert_color_space(rgb, "RGB", "YBR_FULL")
    path = write(tmp_path / "a.dcm", np.ascontiguousarray(stored), photometric, bits=8)
    np.testing.assert_allclose(decode(path, 4, 3).mean((1, 2)), (200, 100, 50), atol=2)


def test_the_mark_is_enough_and_no_extension_is_needed(tmp_path):
    assert decode(write(tmp_path / "IM0001", RAW), 2, 1).max() == 255


REFUSED = [
    ({"NumberOfFrames": 2}, "2 frames"),
    ({"photometric": "PALETTE COLOR"}, "PALETTE COLOR"),
    ({"WindowCenter": 5, "WindowWidth": 0}, "window width 0"),
    ({"Rows": 20_000, "Columns": 20_000}, "89,478,485 pixels"),
    ({"bits": 16}, "values from 0 to 4,095 only"),  # 12 bits said to be 16
    ({"PixelData": b"\0\0"}, "."),  # cut short
]


@pytest.mark.parametrize(("tags", "reason"), REFUSED)
def test_refused(tmp_path, tags, reason):
    with pytest.raises(Unreadable, match=reason):
        decode(write(tmp_path / "a.dcm", RAW, **tags), 2, 1)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": 0.5, "WindowWidth": 1}])
def test_monochrome1_inverts_at_every_depth(tmp_path, bits, window):
    top = 2**bits - 1
    if window:  # LINEAR: 0 to the top is the whole range
        window = {"WindowCenter": (top + 1) / 2, "WindowWidth": top + 1}
    pixels = np.array([[0, top // 3], [top // 2, top]], np.uint8 if bits == 8 else np.uint16)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        shown_values = shown(write(tmp_path / "a.dcm", pixels, photometric, bits, **window))
        expected = np.round(pixels * 255.0 / top)
        expected = 255 - expected if photometric == "MONOCHROME1" else expected
        np.testing.assert_allclose(shown_values, expected, atol=1)


EMPTY = [  # elements without a value count as absent: files of real archives (pydicom#1237)
    {"RescaleSlope": None, "RescaleIntercept": None},
    {"RescaleSlope": "1", "RescaleIntercept": None},
    {"WindowCenter": None, "WindowWidth": None},
    {"WindowCenter": "", "WindowWidth": ""},
    {"NumberOfFrames": None},
    {"VOILUTFunction": "", "WindowCenter": "2048", "WindowWidth": "4096"},
]


@pytest.mark.parametrize("tags", EMPTY)
def test_empty_elements_count_as_absent(tmp_path, tags):
    expected = [[0, 62], [125, 255]]
    np.testing.assert_allclose(shown(write(tmp_path / "a.dcm", RAW, **tags)), expected, atol=1)


def test_an_empty_look_up_table_counts_as_absent(tmp_path):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    item = Dataset()
    item.add_new(0x00283002, "SS", None)
    item.add_new(0x00283006, "OW", None)
    path = write(tmp_path / "a.dcm", RAW, VOILUTSequence=Sequence([item]))
    np.testing.assert_allclose(shown(path), [[0, 62], [125, 255]], atol=1)


def test_a_file_without_its_preamble_is_read(tmp_path):
    path = write(tmp_path / "a.dcm", RAW)
    path.write_bytes(path.read_bytes()[132:])
    np.testing.assert_allclose(decode(path, 2, 1)[0], [[0, 62], [125, 255]], atol=1)


def test_a_file_without_pixels_is_refused(tmp_path):
    path = write(tmp_path / "a.dcm", RAW)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(Unreadable, match="without pixel data"):
        decode(path, 2, 1)
