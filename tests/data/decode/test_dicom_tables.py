"""DICOM look-up tables, slopes, functions and palettes against values by hand, and each of pydicom's own test files."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from dicom_files import write

from clrx.core.errors import UserError
from clrx.data.decode.dicom import read_dicom
from clrx.data.decode.image import decode
from clrx.data.decode.limits import Unreadable

pydicom = pytest.importorskip("pydicom", reason="pydicom, an extra, is not installed")


def table(entries, first, bits, data, packed=False):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [entries % 65536, first, bits])
    width = np.uint8 if packed else np.uint16
    item.add_new(0x00283006, "OW", np.asarray(data, width).tobytes())
    item.add_new(0x00283004, "LO", "UNSPECIFIED")
    return Sequence([item])


def shown(path):
    side = pydicom.dcmread(path).Rows
    return decode(path, side, 1)[0].astype(int)


CASES = [  # tables that end before the first value of unsigned pixels show one grey, which is refused elsewhere
    case
    for case in itertools.product((8, 12, 16), (5, 256, 300, 1000), (-700, 0, 400), (False, True))
    if case[3] or case[1] + case[2] > 0
]


@pytest.mark.parametrize(("bits", "entries", "first", "signed"), CASES)
def test_tables_of_every_width_length_and_beginning(tmp_path, bits, entries, first, signed):
    rng = np.random.default_rng(entries)
    kind = np.int16 if signed else np.uint16
    pixels = rng.integers(-1500 if signed else 0, 1500, (16, 16)).astype(kind)
    data = np.linspace(0, 2**bits - 1, entries).round().astype(int)
    wanted = data[np.clip(pixels.astype(int) - first, 0, entries - 1)] * 255 / (2**bits - 1)
    assert np.ptp(wanted) >= 255 / 16, "the case has contrast"
    for name in ("VOILUTSequence", "ModalityLUTSequence"):
        path = write(
            tmp_path / f"{name}.dcm",
            pixels,
            bits=16,
            signed=signed,
            **{name: table(entries, first, bits, data)},
        )
        np.testing.assert_allclose(shown(path), wanted, atol=1)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.5, -300), (-1, 200), (2.5, 0)])
def test_a_table_behind_a_rescale_with_negative_values(tmp_path, slope, intercept):
    """Air, -1024 and below, is black: it wrapped in unsigned numbers and came out white."""
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 8
    data = np.linspace(0, 4095, 2000).round().astype(int)
    tags = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    path = write(tmp_path / "a.dcm", pixels, bits=16, VOILUTSequence=table(2000, -900, 12, data), **tags)
    values = np.rint(pixels.astype(float) * slope + intercept).astype(int)
    np.testing.assert_allclose(shown(path), data[np.clip(values + 900, 0, 1999)] * 255 / 4095, atol=1)


def test_a_packed_table_of_bytes_and_one_of_65536_entries(tmp_path):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    bytes_of = table(256, 0, 8, np.arange(256)[::-1], packed=True)
    path = write(tmp_path / "a.dcm", pixels, bits=16, VOILUTSequence=bytes_of)
    assert np.array_equal(shown(path).ravel(), np.arange(256)[::-1])
    path = write(
        tmp_path / "b.dcm", pixels * 257, bits=16, VOILUTSequence=table(65536, 0, 16, np.arange(65536))
    )
    assert np.array_equal(shown(path).ravel(), np.arange(256))


@pytest.mark.parametrize("name", ["linear_exact", "LINEAR_EXACT ", "Sigmoid", "linear"])
def test_functions_in_any_case(tmp_path, name):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16
    tags = {"WindowCenter": 2000, "WindowWidth": 1500}
    path = write(tmp_path / "a.dcm", pixels, bits=12, VOILUTFunction=name, **tags)
    known = write(tmp_path / "b.dcm", pixels, bits=12, VOILUTFunction=name.strip().upper(), **tags)
    assert np.array_equal(shown(path), shown(known))


WRONG = [
    ({"VOILUTFunction": "GAMMA", "WindowCenter": 9, "WindowWidth": 9}, "VOI LUT function GAMMA is not known"),
    ({"RescaleSlope": 0, "RescaleIntercept": 5}, "RescaleSlope is 0"),
    ({"WindowCenter": 9, "WindowWidth": -1}, "window width -1"),
    ({"photometric": "HSV"}, "photometric interpretation HSV"),
    ({"NumberOfFrames": 3}, "holds 3 frames"),
]


@pytest.mark.parametrize(("tags", "told"), WRONG)
def test_what_is_refused_is_named(tmp_path, tags, told):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    with pytest.raises(Unreadable, match=told):
        shown(write(tmp_path / "a.dcm", pixels, bits=16, **tags))


def test_a_damaged_table_is_named(tmp_path):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    for entries, bits, data in (
        (300, 8, np.arange(100)),
        (100, 8, np.full(100, 999)),
        (100, 40, np.arange(100)),
    ):
        with pytest.raises(Unreadable, match="VOI LUT is damaged"):
            shown(write(tmp_path / "a.dcm", pixels, bits=16, VOILUTSequence=table(entries, 0, bits, data)))


def test_a_palette(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = write(tmp_path / "a.dcm", pixels, bits=8, photometric="PALETTE COLOR")
    dataset = pydicom.dcmread(path)
    tables = {"Red": np.arange(256), "Green": np.arange(256)[::-1], "Blue": np.full(256, 7)}
    for name, values in tables.items():
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        dataset[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(dataset, f"{name}PaletteColorLookupTableData", (values * 257).astype(np.uint16).tobytes())
    dataset.save_as(path)
    found = decode(path, 16, 3).reshape(3, -1)
    for plane, values in zip(found, tables.values(), strict=True):
        assert np.array_equal(plane, values)


def by_hand(dataset):
    """A grey file of pydicom's without tables as PS3.3 has it, in float64; None where another rule holds."""
    if dataset.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        return None
    if "VOILUTSequence" in dataset or "ModalityLUTSequence" in dataset:
        return None
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    values = dataset.pixel_array * slope + intercept
    if dataset.get("WindowWidth"):
        centre, width = (np.atleast_1d(dataset[key].value)[0] for key in ("WindowCenter", "WindowWidth"))
        share = (values - (float(centre) - 0.5)) / max(float(width) - 1, 1e-9) + 0.5
    else:
        bits, signed = dataset.BitsStored, dataset.PixelRepresentation
        low, high = sorted(
            x * slope + intercept
            for x in ((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1))
        )
        share = (values - low) / (high - low)
    grey = share.clip(0, 1) * 255
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def test_every_file_that_comes_with_pydicom_is_right_or_refused_by_name():
    """None is wrong: each that can be computed by hand agrees; each that is refused says why in a sentence."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    right, refused, wrong = [], {}, []
    for file in sorted(folder.rglob("*.dcm")):
        try:
            with file.open("rb") as opened, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = np.asarray(read_dicom(opened))
        except (Unreadable, UserError) as error:
            refused[file.name] = str(error)
            continue
        except Exception as error:
            refused[file.name] = f"raw: {error!r}"
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = by_hand(pydicom.dcmread(file, force=True))
        agrees = wanted is None or np.abs(found.astype(float) - wanted).max() <= 1.01
        (right if agrees else wrong).append(file.name)
    print(len(right), len(refused), len(wrong), refused)
    assert not wrong
    assert len(right) >= 25
    assert not [name for name, why in refused.items() if why.startswith("raw: ")], refused
