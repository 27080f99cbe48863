"""`clrx export`: a trained network as one folder or zip to hand over, or as an ONNX or torch.export file.

usage: clrx export RUN [key=value ...]

RUN is the directory of a run or of a sweep (its best run by validation); format=onnx and format=torch take a bundle
too. A bundle has the weights, their description, the model card, an example and its score, and no patient's name; every
command that takes a RUN takes it. format=onnx and format=torch write the network with its preprocessing: RGB pictures
of any size as bytes (batch, 3, height, width) go in, scores come out. They are compared with the run's own first.
"""

from pathlib import Path

import numpy as np

from clrx.bundle.export import EXAMPLE, EXPECTED, bundle_files, example, write_bundle
from clrx.bundle.open import Bundle
from clrx.config.options import split_config_dir
from clrx.config.use import ExportOptions, is_option, read_options
from clrx.core.console import say
from clrx.core.errors import ClrxError, UserError
from clrx.core.paths import path_of
from clrx.core.signals import listening
from clrx.data.decode.image import to_planes
from clrx.metrics.predictions import read_predictions
from clrx.predict.formats import run_onnx, run_torch, write_onnx, write_torch
from clrx.predict.graph import Graph
from clrx.predict.parity import compared, pictures_of, refuse_difference
from clrx.predict.picture import planes
from clrx.predict.run import header, rows
from clrx.predict.score import make_scorer, shape_of
from clrx.task.predict import open_bundles, runs_and_images

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}


def main(arguments: list[str]) -> int:
    """Write what `format` asks for, and say where it is."""
    folders, words = split_config_dir(arguments)
    options = read_options("export", ExportOptions, [word for word in words if is_option("export", word)])
    named = [word for word in words if not is_option("export", word)]
    runs, more = runs_and_images("export", named)
    if more or len(runs) > 1:
        raise UserError(
            "one run is exported at a time", where="clrx export", fix="clrx export RUN [key=value ...]"
        )
    (bundle,) = open_bundles(runs, options, folders)
    with listening():
        if options.format == "bundle":
            _export_bundle(bundle, options)
        else:
            _export_graph(bundle, options)
    return 0


def _export_bundle(bundle: Bundle, options: ExportOptions) -> None:
    out = path_of(options.out) if options.out else bundle.path / "bundle"
    files = bundle_files(bundle)
    files[EXPECTED] = _expected(bundle).encode()
    write_bundle(files, out)
    size = sum(map(len, files.values())) / 2**20
    say(f"bundle: {out} ({size:.1f} MiB); fill in what card.md marks")


def _expected(bundle: Bundle) -> str:
    """example.csv: what `clrx predict . example.png` prints."""
    from PIL import Image

    d, scorer = bundle.description, make_scorer([bundle], "cpu")
    size, channels = shape_of(d)
    flat = to_planes(Image.fromarray(example(size, channels)), size, channels)
    pixels = np.frombuffer(bytearray(flat), np.uint8).reshape(1, channels, size, size)
    cells = [header(d), *rows(d, [EXAMPLE], scorer.score({shape_of(d): pixels}), scorer.threshold, None)]
    return "".join(",".join(row) + "\n" for row in cells)


def _export_graph(bundle: Bundle, options: ExportOptions) -> None:
    """Write the graph, run it over test images or, where these are gone, over the example, and compare."""
    suffix = SUFFIXES[options.format]
    folder = bundle.path if bundle.path.is_dir() else bundle.path.parent
    out = path_of(options.out) if options.out else folder / f"network{suffix}"
    if out.suffix != suffix:
        raise UserError(
            f"out={out} does not end in {suffix}", where="out", allowed=f"a file that ends in {suffix}"
        )
    d = bundle.description
    out.parent.mkdir(parents=True, exist_ok=True)
    if options.format == "onnx":
        write_onnx(Graph(bundle.network(), d), d, out, options.opset)
    else:
        write_torch(Graph(bundle.network(), d), d, out)
    pictures, expected, what = _known(bundle, options.images)
    parity = compared(d, (run_onnx if options.format == "onnx" else run_torch)(out), pictures, expected, what)
    refuse_difference(parity, out)
    say(f"compared on {parity}")
    say(
        f"{options.format}: {out} ({out.stat().st_size / 2**20:.1f} MiB); images uint8 (batch, 3, height, width)"
    )


def _known(bundle: Bundle, count: int) -> tuple[list[np.ndarray], np.ndarray, str]:
    """(pictures, their scores, what they are): test images with the scores on record, else the example."""
    d, record = bundle.description, bundle.record
    if record is not None and bundle.weights == record.metrics.get("weights"):
        try:
            files = test_files(bundle)
            known = read_predictions(record.path / "predictions.csv", d.classes)
            rows = [row for row, name in enumerate(known.images) if name in files][:count]
            if rows:
                found = pictures_of([files[known.images[row]] for row in rows], d)
                return found, known.scores[rows].astype(np.float32), "test images"
        except ClrxError:
            pass  # the data have been moved: the example is left
    from PIL import Image

    picture = Image.fromarray(example(d.size, d.channels))
    flat = np.frombuffer(bytearray(to_planes(picture, d.size, d.channels)), np.uint8)
    pixels = flat.reshape(1, d.channels, d.size, d.size)
    scores = make_scorer([bundle], "cpu").score({shape_of(d): pixels})
    return [planes(picture.convert("RGB"))], scores, "example picture (the test images are not here)"


def test_files(bundle: Bundle) -> dict[str, str]:
    """Name of an image -> its file, of the data that the run was trained on; empty where it has no files."""
    from clrx.config.load import load
    from clrx.data.open import load_source
    from clrx.task.resume import recorded_config

    source = load_source(load(recorded_config(Path(bundle.path))).dataset)
    names = source.table["image"].astype(str)
    return dict(zip(names, source.files or (), strict=False))
