"""One DICOM image to 8 bits as a viewer shows it: rescale, then window, then photometric interpretation.

Source: DICOM PS3.3, C.11.1 (modality), C.11.2 (values of interest), C.7.6.3.1.2 (photometric interpretation).
pydicom is an extra (`clrx[dicom]`). Without a window or look-up table the whole stored range is scaled.
"""

from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image

from clrx.core.errors import UserError
from clrx.data.decode.limits import MAX_PIXELS, TOO_LARGE, Unreadable, full_range

if TYPE_CHECKING:
    import numpy as np


def read_dicom(file: BinaryIO) -> Image.Image:
    """The one frame of a DICOM file as an L or RGB picture. Unreadable, or UserError without pydicom."""
    try:
        import pydicom
    except ImportError:
        raise UserError("DICOM files need the package pydicom", fix="pip install 'clrx[dicom]'") from None
    dataset = pydicom.dcmread(file, force=True)  # without its preamble too
    _drop_empty(dataset)
    _refuse_shape(dataset)
    pixels = _pixels(dataset)
    if dataset.SamplesPerPixel == 3:
        return _colour(dataset, pixels)
    if dataset.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise Unreadable(f"photometric interpretation {dataset.PhotometricInterpretation} is not read")
    picture = _grey(dataset, pixels)
    if dataset.PhotometricInterpretation == "MONOCHROME1":  # its lowest value is white
        picture = picture.point([255 - value for value in range(256)])
    return picture


def _drop_empty(dataset: Any) -> None:
    """Take away elements without a value, and look-up tables without data, as if they were not there."""
    names = (
        "RescaleSlope",
        "RescaleIntercept",
        "WindowCenter",
        "WindowWidth",
        "VOILUTFunction",
        "NumberOfFrames",
    )
    for name in names:
        if name in dataset and dataset[name].is_empty:
            del dataset[name]
    for name in ("VOILUTSequence", "ModalityLUTSequence"):
        if dataset.get(name) and not (
            dataset[name][0].get("LUTDescriptor") and dataset[name][0].get("LUTData")
        ):
            del dataset[name]
    if ("RescaleSlope" in dataset) != ("RescaleIntercept" in dataset):  # C.11.1: both or none
        dataset.RescaleSlope = dataset.get("RescaleSlope", 1)
        dataset.RescaleIntercept = dataset.get("RescaleIntercept", 0)


def _refuse_shape(dataset: Any) -> None:
    if "PixelData" not in dataset:
        raise Unreadable("no DICOM file, or one without pixel data")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise Unreadable(f"holds {dataset.NumberOfFrames} frames; a file must be one picture")
    if dataset.Rows * dataset.Columns > MAX_PIXELS:
        raise Unreadable(TOO_LARGE)


def _pixels(dataset: Any) -> "np.ndarray":
    try:
        return dataset.pixel_array
    except RuntimeError as error:
        if "missing dependencies" not in str(error):
            raise
        raise UserError(f"pydicom lacks a decoder: {error}", fix="pip install pylibjpeg[all]") from None


def _colour(dataset: Any, pixels: "np.ndarray") -> Image.Image:
    if pixels.dtype != "uint8" or dataset.PhotometricInterpretation not in (
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
    ):
        raise Unreadable(f"colour as {pixels.dtype} {dataset.PhotometricInterpretation} is not read")
    return Image.fromarray(pixels)  # pydicom gives RGB for YBR too


def _grey(dataset: Any, pixels: "np.ndarray") -> Image.Image:
    from pydicom.pixels import apply_modality_lut, apply_voi

    values = apply_modality_lut(pixels, dataset)
    if dataset.get("WindowWidth") is not None and dataset.get("WindowCenter") is not None:
        return _window(values, dataset)
    if dataset.get("VOILUTSequence"):
        bits = dataset.VOILUTSequence[0].LUTDescriptor[2]
        return full_range(apply_voi(values.astype(pixels.dtype), dataset), 0, 2**bits - 1, "a look-up table")
    return full_range(values, *_stored_range(dataset), "DICOM without a window")


def _window(values: "np.ndarray", dataset: Any) -> Image.Image:
    """C.11.2.1.2 and C.11.2.1.3 with the output range 0 to 255; of several windows the first."""
    import numpy as np

    centre, width = _first(dataset.WindowCenter), _first(dataset.WindowWidth)
    shape = dataset.get("VOILUTFunction", "LINEAR")
    if width < 1 if shape == "LINEAR" else width <= 0:
        raise Unreadable(f"window width {width:g} is not allowed")
    values = values.astype(np.float64)
    if shape == "SIGMOID":
        share = 1 / (1 + np.exp(-4 * (values - centre) / width))
    elif shape == "LINEAR_EXACT":
        share = (values - centre) / width + 0.5
    elif width == 1:
        share = (values > centre - 0.5).astype(np.float64)
    else:
        share = (values - (centre - 0.5)) / (width - 1) + 0.5
    return Image.fromarray(np.rint(share.clip(0, 1) * 255).astype(np.uint8))


def _first(value: Any) -> float:
    return float(value) if isinstance(value, int | float | str) else float(value[0])


def _stored_range(dataset: Any) -> tuple[float, float]:
    """Least and greatest value that the stored bits can hold, after the modality transform."""
    if dataset.get("ModalityLUTSequence"):
        return 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    bits = dataset.BitsStored
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dataset.PixelRepresentation else (0, 2**bits - 1)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    ends = low * slope + intercept, high * slope + intercept
    return min(ends), max(ends)
