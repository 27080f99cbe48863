"""DICOM files of given pixels."""

import warnings
from pathlib import Path

import numpy as np


def write(path: Path, pixels: np.ndarray, photometric="MONOCHROME2", bits=12, signed=False, **tags) -> Path:
    """A DICOM file of grey (H, W) or colour (H, W, 3) pixels, of which `bits` are stored."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.Rows, image.Columns = pixels.shape[:2]
    image.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        image.PlanarConfiguration = 0
    image.PhotometricInterpretation = photometric
    image.BitsAllocated = pixels.dtype.itemsize * 8
    image.BitsStored, image.HighBit, image.PixelRepresentation = bits, bits - 1, int(signed)
    image.PixelData = pixels.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that the standard forbids are what is tested
        for name, value in tags.items():
            setattr(image, name, value)
        image.save_as(path, enforce_file_format=True)
    return path
