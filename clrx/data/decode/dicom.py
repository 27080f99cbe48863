"""One DICOM image to 8 bits as a viewer shows it: rescale, then window or table, then photometric interpretation.

Source: DICOM PS3.3, C.11.1 (modality), C.11.2 (values of interest), C.7.6.3.1.2 (photometric interpretation). Of a
window and a look-up table the window is used, of several the first; without either the whole stored range is scaled.
Tables are looked up here: those of pydicom 3.0 wrap in 8 bits, and in the stored pixels' type. pydicom is an extra
(`clrx[dicom]`).
"""

from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image

from clrx.core.errors import UserError
from clrx.data.decode.limits import MAX_PIXELS, TOO_LARGE, Unreadable, full_range

if TYPE_CHECKING:
    import numpy as np

COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")  # pydicom gives RGB for each
GREY = ("MONOCHROME1", "MONOCHROME2")
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
OPTIONAL = (
    *("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction", "NumberOfFrames"),
)


def read_dicom(file: BinaryIO) -> Image.Image:
    """The one frame of a DICOM file as an L or RGB picture. Unreadable, or UserError without pydicom."""
    try:
        import pydicom
    except ImportError:
        raise UserError("DICOM files need the package pydicom", fix="pip install 'clrx[dicom]'") from None
    dataset = pydicom.dcmread(file, force=True)  # without its preamble too
    try:
        _refuse_shape(dataset)
        _bring_up_groups(dataset)
        _drop_empty(dataset)
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError) as error:
        raise Unreadable(f"a DICOM element of it is damaged: {str(error) or type(error).__name__}") from None
    kind = str(dataset.get("PhotometricInterpretation") or "")
    if kind not in (*COLOUR, *GREY, "PALETTE COLOR"):
        raise Unreadable(f"photometric interpretation {kind or 'without a name'} is not read")
    pixels = _pixels(dataset)
    if kind == "PALETTE COLOR":
        return _palette(dataset, pixels)
    if dataset.SamplesPerPixel == 3:
        return _colour(kind, pixels)
    picture = _grey(dataset, pixels)
    if kind == "MONOCHROME1":  # its lowest value is white
        picture = picture.point([255 - value for value in range(256)])
    return picture


def _bring_up_groups(dataset: Any) -> None:
    """Put rescale and window of an enhanced file's only frame where those of plain files stand (C.7.6.16.2)."""
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in list(dataset.get(name) or [])[:1]:
            for inner in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                for item in list(group.get(inner) or [])[:1]:
                    for key in OPTIONAL[:5]:
                        if key in item:
                            dataset[key] = item[key]


def _drop_empty(dataset: Any) -> None:
    """Take away elements without a value, and look-up tables without data, as if they were not there."""
    for name in OPTIONAL:
        if name in dataset and (dataset[name].is_empty or not str(dataset[name].value).strip()):
            del dataset[name]
    for name in ("VOILUTSequence", "ModalityLUTSequence"):
        if name in dataset and not (
            dataset[name].value and dataset[name][0].get("LUTDescriptor") and dataset[name][0].get("LUTData")
        ):
            del dataset[name]


def _refuse_shape(dataset: Any) -> None:
    if "PixelData" not in dataset:
        other = [name for name in ("FloatPixelData", "DoubleFloatPixelData") if name in dataset]
        raise Unreadable(f"its pixels are {other[0]}, which is not read" if other else NO_PIXELS)
    if lacking := [name for name in ("Rows", "Columns", "BitsStored") if not dataset.get(name)]:
        raise Unreadable(f"DICOM without {lacking[0]}")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise Unreadable(f"holds {dataset.NumberOfFrames} frames; a file must be one picture")
    if dataset.Rows * dataset.Columns > MAX_PIXELS:
        raise Unreadable(TOO_LARGE)


NO_PIXELS = "no DICOM file, or one without pixel data"


def _pixels(dataset: Any) -> "np.ndarray":
    """The stored pixels. UserError where a decoder for their compression is not installed, else Unreadable."""
    from importlib.util import find_spec

    try:
        return dataset.pixel_array
    except Exception as error:  # pydicom and each of its decoders raise their own
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        name = getattr(syntax, "name", None) or "compression without a name"
        told = " ".join(line.strip() for line in str(error).splitlines()[:2]) or type(error).__name__
        if getattr(syntax, "is_compressed", False) and find_spec("pylibjpeg") is None:
            fix = "pip install 'pylibjpeg[all]'"
            raise UserError(f"pydicom lacks a decoder for {name}: {told}", fix=fix) from None
        if "missing dependencies" in str(error):
            raise UserError(
                f"pydicom lacks a decoder for {name}: {told}", fix="pip install pylibjpeg[all]"
            ) from None
        raise Unreadable(f"its pixels ({name}) cannot be decoded: {told}") from None


def _colour(kind: str, pixels: "np.ndarray") -> Image.Image:
    if pixels.dtype != "uint8":
        raise Unreadable(f"colour as {pixels.dtype} {kind} is not read")
    return Image.fromarray(pixels)


def _palette(dataset: Any, pixels: "np.ndarray") -> Image.Image:
    """C.7.6.3.1.5 and C.7.9: each stored value is an entry of a table of colours, of 8 or 16 bits."""
    import numpy as np
    from pydicom.pixels import apply_color_lut

    try:
        colours = apply_color_lut(pixels, dataset)
    except Exception as error:
        raise Unreadable(f"its palette (PALETTE COLOR) cannot be used: {error}") from None
    if colours.dtype == np.uint16:
        colours = np.rint(colours / 257.0)
    return Image.fromarray(np.ascontiguousarray(colours[..., :3]).astype(np.uint8))


def _grey(dataset: Any, pixels: "np.ndarray") -> Image.Image:
    import numpy as np

    values, (low, high) = _modality(dataset, pixels)
    if dataset.get("WindowWidth") is not None and dataset.get("WindowCenter") is not None:
        return _window(values, dataset)
    if dataset.get("VOILUTSequence"):
        looked, most = _looked_up(values, dataset.VOILUTSequence[0], "VOI LUT")
        return full_range(looked, 0, most, "a look-up table")
    return full_range(np.asarray(values), low, high, "DICOM without a window")


def _modality(dataset: Any, pixels: "np.ndarray") -> tuple["np.ndarray", tuple[float, float]]:
    """Values after the modality transform, and the least and greatest that the stored bits can hold."""
    if dataset.get("ModalityLUTSequence"):
        values, most = _looked_up(pixels, dataset.ModalityLUTSequence[0], "modality LUT")
        return values, (0, most)
    bits = int(dataset.BitsStored)
    signed = bool(dataset.get("PixelRepresentation", 0))
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    if slope == 0:
        raise Unreadable("RescaleSlope is 0: every pixel would have one value")
    low, high = sorted(end * slope + intercept for end in ends)
    return pixels * slope + intercept, (low, high)


def _looked_up(values: "np.ndarray", item: Any, what: str) -> tuple["np.ndarray", float]:
    """Values through a table (C.11.1.1.1, C.11.2.1.1), and the greatest number of its bits.

    Values below the first that it maps have its first entry, those beyond the last its last.
    """
    import numpy as np

    entries, first, bits = (int(number) for number in list(item.LUTDescriptor)[:3])
    entries = entries or 65536
    if first > 32767 and values.min() < 0:  # a negative number that was written as an unsigned one
        first -= 65536
    table = _table(item, entries)
    if not 1 <= bits <= 16 or len(table) < entries or table[:entries].max() >= 2**bits:
        raise Unreadable(f"its {what} is damaged: {len(table)} of {entries} entries, of {bits} bits")
    index = np.rint(values).astype(np.int64) - first
    return table[index.clip(0, entries - 1)], 2**bits - 1


def _table(item: Any, entries: int) -> "np.ndarray":
    """LUTData as numbers: words, or bytes where there is one for each entry."""
    import numpy as np

    data = item.LUTData
    if isinstance(data, bytes):
        wide = len(data) >= 2 * entries
        return np.frombuffer(data[: len(data) // 2 * 2] if wide else data, "<u2" if wide else "u1").astype(
            np.int64
        )
    return np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF


def _window(values: "np.ndarray", dataset: Any) -> Image.Image:
    """C.11.2.1.2 and C.11.2.1.3 with the output range 0 to 255; of several windows the first."""
    import numpy as np

    centre, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    shape = str(dataset.get("VOILUTFunction", "LINEAR")).strip().upper()
    if shape not in FUNCTIONS:
        raise Unreadable(f"VOI LUT function {shape} is not known")
    if width < 1 if shape == "LINEAR" else width <= 0:
        raise Unreadable(f"window width {width:g} is not allowed")
    values = values.astype(np.float64)
    if shape == "SIGMOID":
        with np.errstate(over="ignore"):
            share = 1 / (1 + np.exp(-4 * (values - centre) / width))
    elif shape == "LINEAR_EXACT":
        share = (values - centre) / width + 0.5
    elif width == 1:
        share = (values > centre - 0.5).astype(np.float64)
    else:
        share = (values - (centre - 0.5)) / (width - 1) + 0.5
    return Image.fromarray(np.rint(share.clip(0, 1) * 255).astype(np.uint8))


def _number(dataset: Any, name: str, default: float | None = None) -> float:
    """An element as a number, the first of several; Unreadable, by its name, where it is none."""
    from math import isfinite

    value = dataset.get(name)
    if value is None and default is not None:
        return default
    try:
        found = float(value) if isinstance(value, int | float | str) else float(value[0])
    except (TypeError, ValueError, IndexError):
        raise Unreadable(f"{name} is {value!r}, which is no number") from None
    if not isfinite(found):
        raise Unreadable(f"{name} is {value!r}, which is no number")
    return found
