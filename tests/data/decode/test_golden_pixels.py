"""The pixels of one small file of every kind: where they change, every cache must be made anew.

The values were written down from the code itself; that they are right is what test_image.py and test_dicom.py show.
A JPEG file is kept here as bytes, since encoders differ; decoders may differ too, by 2 levels.
"""

import io
from base64 import b64decode
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from clrx.data.decode.image import decode

SIDE = 4  # pixels that each file is brought to
GREY = np.add.outer(9 * np.arange(10), 13 * np.arange(12)).astype(np.uint8)  # (10, 12), 0 to 224
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)
CLEAR = (GREY + 20)[..., None]  # alpha, 20 to 244
DEEP = GREY.astype(np.uint16) * 290  # 16 bits, 0 to 64,960
JPEG_GREY = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG"
    "NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAAKAAwBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABQb/xAAdEAAB"
    "BAIDAAAAAAAAAAAAAAABAAIFIgQhEyMy/9oACAEBAAA/AAIWP81VtiR/Q2qGhQK6CtsQDgboL//Z"
)
JPEG_COLOUR = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG"
    "NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAKAAwDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAA"
    "BgX/xAAbEAACAQUAAAAAAAAAAAAAAAAAAQMEBSEjMf/EABUBAQEAAAAAAAAAAAAAAAAAAAME/8QAGhEAAgIDAAAA"
    "AAAAAAAAAAAAAAMBBAURE//aAAwDAQACEQMRAD8Am2ufmRVTz6VkE2t8FVO9KDzjZ6FCqK9H/9k="
)


def file(picture: Image.Image | np.ndarray, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def palette(**options) -> bytes:
    """16 colours in bands."""
    picture = Image.fromarray((GREY // 16).astype(np.uint8)).convert("L")
    picture.putpalette([value for step in range(16) for value in (16 * step, 255 - 16 * step, 100)])
    return file(picture, **options)


def turned() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return file(GREY, exif=exif)


def dicom(pixels: np.ndarray, photometric: str, bits: int, **tags) -> bytes:
    pydicom = pytest.importorskip("pydicom", reason="pydicom, an extra, is not installed")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = Dataset()
    image.file_meta, image.SOPClassUID, image.SOPInstanceUID = meta, CTImageStorage, "1.2.3"
    image.Rows, image.Columns = pixels.shape[:2]
    image.SamplesPerPixel, image.PhotometricInterpretation = 3 if pixels.ndim == 3 else 1, photometric
    image.BitsAllocated, image.PixelRepresentation = 8 * pixels.dtype.itemsize, 0
    image.BitsStored, image.HighBit, image.PixelData = bits, bits - 1, pixels.tobytes()
    if pixels.ndim == 3:
        image.PlanarConfiguration = 0
    for name, value in tags.items():
        setattr(image, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "PNG grey": lambda: file(GREY),
    "PNG 1 bit": lambda: file(Image.fromarray(GREY > 100)),
    "PNG grey and alpha": lambda: file(np.concatenate([GREY[..., None], CLEAR], axis=2)),
    "PNG colour": lambda: file(COLOUR),
    "PNG colour and alpha": lambda: file(np.concatenate([COLOUR, CLEAR], axis=2)),
    "PNG palette": palette,
    "PNG palette with a transparent colour": lambda: palette(transparency=3),
    "PNG 16 bits": lambda: file(DEEP),
    "PNG turned": turned,
    "TIFF grey": lambda: file(GREY, "TIFF"),
    "TIFF colour": lambda: file(COLOUR, "TIFF", compression="tiff_lzw"),
    "TIFF 16 bits": lambda: file(DEEP, "TIFF"),
    "TIFF 16 bits, 0 is white": lambda: file(Image.fromarray(DEEP), "TIFF", tiffinfo={262: 0}),
    "BMP colour": lambda: file(COLOUR, "BMP"),
    "GIF": lambda: file(GREY, "GIF"),
    "WebP colour": lambda: file(COLOUR, "WEBP", lossless=True),
    "PGM 16 bits": lambda: b"P5 12 10 65535\n" + DEEP.astype(">u2").tobytes(),
    "JPEG 2000 colour": lambda: file(COLOUR, "JPEG2000"),
    "JPEG grey": lambda: b64decode(JPEG_GREY),
    "JPEG colour": lambda: b64decode(JPEG_COLOUR),
    "DICOM MONOCHROME2": lambda: dicom(DEEP >> 4, "MONOCHROME2", 12),
    "DICOM MONOCHROME1": lambda: dicom(DEEP >> 4, "MONOCHROME1", 12),
    "DICOM window": lambda: dicom(DEEP >> 4, "MONOCHROME2", 12, WindowCenter=2000, WindowWidth=3000),
    "DICOM colour": lambda: dicom(COLOUR, "RGB", 8),
}
PIXELS = {  # in hex: as one channel (4 x 4), then as three where they differ from it
    "PNG grey": "193d64882d51789c44688fb3587ca3c7",
    "PNG 1 bit": "00016fff002cddff0896ffff33e9ffff",
    "PNG grey and alpha": "051530540c21436d19335d8c264776ab",
    "PNG colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
    "PNG colour and alpha": (
        "10254469142a4b71182f51781a32557d"
        " 051530540c21436d19335d8c264776ab 10284e7a122a4f7c10284d7a0b234975 283c4848354449434048463b46494130"
    ),
    "PNG palette": (
        "9c92877c968c817690857a708a807469"
        " 12365d80264970953d6187aa50749cc0 edc9a27fd9b68f6ac29e7855af8b633f 64646464646464646464646464646464"
    ),
    "PNG palette with a transparent colour": (
        "8f58877c6478817660837a7080807469"
        " 0d245d80154370952d6087aa4d749cc0 da78a27f93998f6a809b7855a18b633f 5b3d646442566464446364645d646464"
    ),
    "PNG 16 bits": "1c457199335b87b04d75a1ca648cb8e0",
    "PNG turned": "58442d197c68513da38f7864c7b39c88",
    "TIFF grey": "193d64882d51789c44688fb3587ca3c7",
    "TIFF colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
    "TIFF 16 bits": "1c457199335b87b04d75a1ca648cb8e0",
    "TIFF 16 bits, 0 is white": "e3ba8e66cca4784fb28a5e359b73471f",
    "BMP colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
    "GIF": "193d64882d51789c44688fb3587ca3c7",
    "WebP colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
    "PGM 16 bits": "1c457199335b87b04d75a1ca648cb8e0",
    "JPEG 2000 colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
    "JPEG grey": "1b3e64892f52789d45688eb3587ba1c6",
    "JPEG colour": (
        "567290ac4d6987a3445f7d993c577591"
        " 1b406a8e2a4e789c416690b45176a0c3 597aa2c546688fb22e50779a1c3e6588 e3c59479d1b48368bb9d6c51a98b5a40"
    ),
    "DICOM MONOCHROME2": "1c457199335b87b04d75a1ca648cb8e0",
    "DICOM MONOCHROME1": "e3ba8e66cca4784fb28a5e359b73471f",
    "DICOM window": "083370a71d528ec63f76b2e75d95d1f9",
    "DICOM colour": (
        "56718fab4e6987a345607e9a3d587692"
        " 193d64882d51789c44688fb3587ca3c7 587ca3c744688fb32d51789c193d6488 e6c29b77d2ae8763bb97704ca7835c38"
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_pixels_of_every_kind_of_file(tmp_path, kind):
    (tmp_path / "a").write_bytes(FILES[kind]())
    found = np.concatenate([decode(tmp_path / "a", SIDE, channels) for channels in (1, 3)])
    planes = [list(bytes.fromhex(plane)) for plane in PIXELS[kind].split()]
    expected = np.reshape(planes if len(planes) == 4 else planes * 4, found.shape)
    changed = "the pixels changed: raise the version (PIXELS_VERSION in clrx/data/decode/image.py)"
    np.testing.assert_allclose(found.astype(int), expected, atol=2 * ("JPEG" in kind), err_msg=changed)
