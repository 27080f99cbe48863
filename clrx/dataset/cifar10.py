"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32x32 in ten classes."""

import socket
from http.client import HTTPException
from pathlib import Path

import numpy as np
import pandas as pd

from clrx.core.errors import UserError, first_line
from clrx.core.paths import cache_dir
from clrx.data.class_folders import class_images, folder_source
from clrx.data.image_folders import given_folder
from clrx.data.source import UNLIKE, Source

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # Mishra et al. 2019, section 2.1
JPEG = (
    "CIFAR-10 from JPEG files: its pixels were encoded again, so results do not compare with published ones"
)
SILENCE = 30.0  # seconds that a download may stand still


def load(root: str | None = None, download: bool = False) -> Source:
    """The 60,000 images with their official test set.

    `root`: the folder with `cifar-10-batches-py` as torchvision lays it out (its checksums are verified), or a
    folder or archive of images by class below train/ and test/. `download` fetches the former into `root`, or into
    the cache folder where `root` is null.
    """
    if download:
        return _from_torchvision(Path(root).expanduser() if root else cache_dir() / "cifar10", download=True)
    folder = given_folder(root, "a folder or archive; or dataset.download=true")
    if (folder / "cifar-10-batches-py").is_dir():
        return _from_torchvision(folder, download=False)
    found = [image for image in class_images(folder)[0] if image.label in CLASSES and image.part]
    if {image.label for image in found} != set(CLASSES) or {image.part for image in found} != {
        "train",
        "test",
    }:
        allowed = "cifar-10-batches-py/, or train/<class>/ and test/<class>/ for " + ", ".join(CLASSES)
        raise UserError(
            "this is not CIFAR-10", where=str(folder), allowed=allowed, fix="dataset.download=true"
        )
    lossy = any(image.name.lower().endswith((".jpg", ".jpeg")) for image in found)
    return folder_source(
        *("cifar10", folder, found),
        channels=3,
        classes=CLASSES,
        mean=MEAN,
        std=STD,
        notes=(JPEG,) if lossy else (),
        facts=((UNLIKE, "JPEG files, encoded again"),) if lossy else (),
    )


def _from_torchvision(folder: Path, download: bool) -> Source:
    from torchvision.datasets import CIFAR10

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        parts = {
            name: CIFAR10(folder, train=name == "train", download=download) for name in ("train", "test")
        }
    except (OSError, RuntimeError, HTTPException) as error:
        what = f"CIFAR-10 could not be {'downloaded' if download else 'read'}: {first_line(error)}"
        fix = f"fetch {CIFAR10.url} another way, and dataset.root=FOLDER/{CIFAR10.filename}"
        raise UserError(what, where=str(folder), fix=fix) from error
    finally:
        socket.setdefaulttimeout(before)
    rows = [(f"{name}/{i:05d}", name) for name, part in parts.items() for i in range(len(part.data))]
    table = pd.DataFrame(rows, columns=["image", "split"])
    return Source(
        name="cifar10",
        task="multiclass",
        classes=CLASSES,
        table=table.assign(group=table["image"]),
        labels=np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts.values()]),
        array=np.concatenate([part.data for part in parts.values()]),
        channels=3,
        mean=MEAN,
        std=STD,
    )
