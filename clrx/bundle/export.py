"""A run as one folder or zip to hand over: weights, description, card, an example with its score; no patient's name."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from clrx.bundle.card import model_card
from clrx.bundle.description import KEY, as_json
from clrx.bundle.header import with_metadata
from clrx.bundle.open import DESCRIPTION, WEIGHTS, Bundle
from clrx.core.errors import UserError
from clrx.core.files import write_bytes

EXAMPLE, EXPECTED = "example.png", "example.csv"
TEST, VALIDATION = "test_scores.csv", "validation_scores.csv"
DATE = (1980, 1, 1, 0, 0, 0)  # of each member: equal runs give equal zips
README = """# How to use this network

    pip install clrx
    clrx predict . IMAGES...                     # files, folders, DICOM; or: clrx predict bundle.zip IMAGES...
    clrx predict . example.png                   # gives the score in example.csv
    clrx evaluate . dataset=csv dataset.root=TABLE.csv
    clrx export . format=onnx                    # the graph with its preprocessing, for other programs

- `bundle.json`: the network, its classes, its input and its threshold
- `weights.safetensors`: the weights, with the same description in the metadata
- `card.md`: what it was trained on, how well it does, where it ends
- `metrics.json`, `test_scores.csv`, `validation_scores.csv`: its own test and validation; patients are numbers
- `seen.json`: hashes of the patients and images it has seen, so that they can be left out of other tests

Preprocessing: {resize}; grey is ITU-R 601 luma, colour from grey repeats it; values / 255, less the mean, by the
deviation of `bundle.json`. `clrx/predict/graph.py` has it as torch code.
"""


def bundle_files(bundle: Bundle) -> dict[str, bytes]:
    """The files of an export, by name, without the example's score. UserError for a bundle that is one already."""
    run, d = bundle.record, bundle.description
    if run is None:
        raise UserError("this is no run: only a run is exported as a bundle", where=str(bundle.path))
    text = as_json(d)
    found = {
        WEIGHTS: with_metadata(bundle.content, {KEY: text}),
        DESCRIPTION: (text + "\n").encode(),
        "card.md": model_card(run, d).encode(),
        "README.md": README.format(resize=d.resize).encode(),
        EXAMPLE: _png(example(d.size, d.channels)),
    }
    for name in ("metrics.json", "seen.json"):
        if (content := bundle.read(name)) is not None:
            found[name] = content
    for name, source in ((TEST, "predictions.csv"), (VALIDATION, "predictions_validation.csv")):
        if (content := bundle.read(source)) is not None:
            found[name] = nameless(content).encode()
    return found


def example(size: int, channels: int) -> np.ndarray:
    """A picture that is nobody's, (H, W) or (H, W, 3) uint8: rings and a ramp, of another size than the input's."""
    height, width = size + 9, size + 4
    y, x = np.mgrid[0:height, 0:width]
    rings = 60 * np.cos(np.hypot(x - width / 3, y - height / 2) / max(2.0, size / 24))
    grey = (110 + rings + 50 * x / width).clip(0, 255).astype(np.uint8)
    return grey if channels == 1 else np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def nameless(predictions: bytes) -> str:
    """A predictions file with numbers in place of images and patients: the same patient, the same number."""
    rows = list(csv.reader(io.StringIO(predictions.decode())))
    header = rows[0]
    image, patient = header.index("image"), header.index("patient")
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows[1:]):
        row[image] = str(number)
        row[patient] = str(numbers.setdefault(row[patient], len(numbers)))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def write_bundle(files: dict[str, bytes], out: Path) -> None:
    """Write the files into a folder, or into one zip where `out` ends so. UserError where a folder is not empty."""
    if out.suffix == ".zip":
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped:
            for name, data in sorted(files.items()):
                member = zipfile.ZipInfo(f"{out.stem}/{name}", DATE)
                member.external_attr = 0o644 << 16
                stored = zipfile.ZIP_STORED if name == WEIGHTS else zipfile.ZIP_DEFLATED
                zipped.writestr(member, data, stored)
        write_bytes(out, content.getvalue())
        return
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / DESCRIPTION).is_file()):
        raise UserError("there is something else already", where=str(out), fix="out=FOLDER or out=FILE.zip")
    for name, data in sorted(
        files.items(), key=lambda item: item[0] == DESCRIPTION
    ):  # what makes it a bundle, last
        write_bytes(out / name, data)
