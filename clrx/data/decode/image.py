"""One image file to uint8 pixels at the training size: what is read, how values are scaled, what is refused.

- The picture is squashed to a square, as Keras' `target_size` does, by an antialiased triangle filter
  (Pillow's BILINEAR over the whole footprint; JPEG is first reduced in its DCT to no less than 3 times the
  size).
- Grey from colour is ITU-R 601 luma; colour from grey repeats it. Colour profiles are ignored.
- More than 8 bits a channel are scaled by the full range: 16-bit grey is round(value / 257). A file that uses less
  than 1/16 of that range (12 bits kept in 16, say), grey or colour, would come out black or flat and is refused
  instead; so is grey without a known range. Where 0 is white (TIFF), the values are inverted.
- Transparency is composited over black; a wholly transparent picture is refused. EXIF rotation is applied.
- DICOM: see clrx/data/decode/dicom.py.

Whatever changes a pixel here, in limits.py or in dicom.py raises PIXELS_VERSION.
"""

import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from clrx.core.errors import ClrxError
from clrx.data.decode.limits import MAX_PIXELS, TOO_LARGE, Unreadable, check_file, check_span, full_range

if TYPE_CHECKING:  # numpy is imported where it is needed: without it a worker starts four times sooner
    import numpy as np

# part of the key of every image cache; tests/data/decode/test_golden_pixels.py holds the pixels
PIXELS_VERSION = 3
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")  # no EPS: it would start a program
GAP = 3.0  # cheap reduction stops at this multiple of the size; from 3 on it is as good as none (Pillow)
DICOM_NAMES = (".dcm", ".dicom", ".ima")
IMAGE_TYPES = (  # endings of the files that are taken for images
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".pgm", ".ppm", ".pbm", ".pnm", ".jp2", ".j2k", *DICOM_NAMES),
)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF 2.3, tag 274


def decode(path: str | Path, size: int, channels: int, root: str | None = None) -> "np.ndarray":
    """One file as uint8 (channels, size, size).

    Raises Unreadable for a file that is no usable image, OSError where the system could not read it, and
    UserError where a package for it is missing.
    """
    import numpy as np

    flat = np.frombuffer(decode_bytes(str(path), size, channels, root), np.uint8)
    return flat.reshape(channels, size, size)


def decode_bytes(path: str, size: int, channels: int, root: str | None = None) -> bytes:
    """`decode` as plane after plane of bytes (channels * size * size of them); links must stay in `root`."""
    check_file(Path(path), root)
    with Path(path).open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return _decode_open(file, path, size, channels)


def to_planes(picture: Image.Image, size: int, channels: int, turn: int | None = None) -> bytes:
    """An L or RGB picture, resized, turned and converted, as bytes of (channels, size, size)."""
    if channels == 1:
        picture = picture.convert("L")
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=GAP)
    if turn in TURNS:  # after the squash to a square, where it is cheap and comes to the same
        picture = picture.transpose(TURNS[turn])
    if channels == 3:
        picture = picture.convert("RGB")
    return b"".join(band.tobytes() for band in picture.split())


def _decode_open(file: BinaryIO, path: str, size: int, channels: int) -> bytes:
    head = file.read(132)
    file.seek(0)
    try:
        if head[128:] == b"DICM" or path.lower().endswith(DICOM_NAMES):
            from clrx.data.decode.dicom import read_dicom

            return to_planes(read_dicom(file), size, channels)
        return _decode_picture(file, size, channels)
    except (Unreadable, ClrxError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise Unreadable(f"not an image in any format that is read; it begins with {head[:12]!r}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(TOO_LARGE) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a failing disk or a permission, not the file's content
        raise Unreadable(str(error) or type(error).__name__) from None


def _decode_picture(file: BinaryIO, size: int, channels: int) -> bytes:
    with Image.open(file, formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise Unreadable(TOO_LARGE)
        if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise Unreadable(f"holds {getattr(picture, 'n_frames', 1)} frames; a file must be one picture")
        if picture.format == "PNG":
            _check_png(file)
        if picture.format in ("JPEG", "MPO"):
            wanted = round(GAP * size)
            picture.draft("L" if channels == 1 else None, (wanted, wanted))
        deep = is_deep(picture)  # Pillow leaves 8 bits of the 16 of colour
        picture.load()
        return to_planes(_eight_bits(picture, deep), size, channels, picture.getexif().get(274))


def is_deep(picture: ImageFile.ImageFile) -> bool:
    """Whether an opened file, whose pixels are not loaded yet, has more than 8 bits a channel."""
    arguments = picture.tile[0][3] if picture.tile else ()
    mode, *more = arguments if isinstance(arguments, tuple) and arguments else (arguments,)
    if picture.format == "JPEG2000" and picture.fp is not None:
        position = picture.fp.tell()
        picture.fp.seek(0)
        head = picture.fp.read(4096)
        picture.fp.seek(position)
        start = head.find(b"\xff\x4f\xff\x51")  # ISO/IEC 15444-1, A.5.1: SIZ, whose byte 38 is the depth - 1
        return start >= 0 and (head[start + 42] & 127) >= 8
    if picture.format == "PPM":
        return bool(more) and int(more[0]) > 255  # its greatest value
    return picture.mode.startswith("I") or (picture.format in ("PNG", "TIFF") and ";16" in str(mode))


def _eight_bits(picture: Image.Image, deep: bool) -> Image.Image:
    """Any mode as L or RGB, losing nothing silently; `deep`: the file has more than 8 bits a channel."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format in ("PNG", "PPM")):
        import numpy as np

        tags = getattr(picture, "tag_v2", {})  # of TIFF
        depth = tags.get(258, (16,))[0]
        grey = full_range(np.asarray(picture), 0, 2**depth - 1, f"{depth}-bit grey")
        return ImageOps.invert(grey) if tags.get(262) == 0 else grey  # Pillow does so up to 8 bits
    if picture.mode in ("I", "F"):
        raise Unreadable("32-bit grey has no known range; save it as 8 or 16 bits")
    if deep:
        colour = [picture.getchannel(band).getextrema() for band in picture.getbands() if band != "A"]
        ends = [float(end) for pair in colour for end in pair]  # type: ignore[arg-type]
        up = 0.5 if picture.format == "PPM" else 0.0  # Pillow rounds its values, and cuts those of the others
        check_span(257 * (min(ends) + up), 257 * max(ends), 0, 65535, f"16-bit {picture.mode}")
    if picture.has_transparency_data:
        return _over_black(picture.convert("RGBA"))
    if picture.mode in ("L", "RGB"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _over_black(picture: Image.Image) -> Image.Image:
    least, most = picture.getchannel("A").getextrema()
    if most == 0:
        raise Unreadable("wholly transparent")
    if least == 255:
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture).convert("RGB")


def _check_png(file: BinaryIO) -> None:
    """Check the CRC of the pixel chunks: Pillow skips it, and some flipped bits decode without a word."""
    start = file.tell()
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            break
        if kind != b"IDAT":
            file.seek(length + 4, os.SEEK_CUR)
        elif struct.pack(">I", zlib.crc32(file.read(length), zlib.crc32(kind))) != file.read(4):
            raise Unreadable("truncated or damaged: a checksum in the PNG does not hold")
    file.seek(start)
