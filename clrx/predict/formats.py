"""A network with its preprocessing as an ONNX or a torch.export file, and what such a file computes."""

import logging
import warnings
from collections.abc import Callable
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from clrx.bundle.description import KEY, Description, as_json
from clrx.core.errors import RunError, UserError, first_line

OPSET = 18  # the first whose operators torch's exporter is written for
INPUT, OUTPUT = "images", "scores"
EXTRA = "pip install 'clrx[export]'"


def exported(graph: nn.Module) -> torch.export.ExportedProgram:
    """The graph of a module, uint8 (B, 3, H, W) -> scores, for any number and size of pictures; RunError if none."""
    batch, height, width = (torch.export.Dim(name, min=1, max=16384) for name in ("batch", "height", "width"))
    example = torch.zeros(2, 3, 67, 71, dtype=torch.uint8)
    shapes = {INPUT: {0: batch, 2: height, 3: width}}
    try:
        with _quiet(), torch.no_grad():
            return torch.export.export(graph.eval(), (example,), dynamic_shapes=shapes)
    except Exception as error:  # each kind of network can fail in a way of its own
        what = f"this network cannot be put into a graph: {first_line(error)}"
        raise RunError(what, fix="clrx predict and format=bundle work without one") from error


def write_torch(graph: nn.Module, description: Description, path: Path) -> None:
    """A torch.export file (.pt2) with the description as its extra file clrx.json."""
    torch.export.save(exported(graph), path, extra_files={"clrx.json": as_json(description)})


def write_onnx(graph: nn.Module, description: Description, path: Path, opset: int | None = None) -> None:
    """An ONNX file with the description in its metadata. UserError without the packages, or for an opset too old."""
    require("onnx", "onnxscript", "onnxruntime")
    program = exported(graph)
    import onnx

    try:
        with _quiet():
            made: Any = torch.onnx.export(
                program, dynamo=True, opset_version=opset or OPSET, input_names=[INPUT], output_names=[OUTPUT]
            )
            model = made.model_proto
    except Exception as error:
        what = f"operators of version {opset or OPSET} cannot hold this network: {first_line(error)}"
        raise UserError(what, where="opset", allowed="a newer one, or format=torch") from error
    written = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    if opset is not None and written != opset:
        what = f"operators of version {opset} cannot hold this network: it needs {written}"
        raise UserError(what, where="opset", fix=f"opset={written}")
    facts = {
        KEY: as_json(description),
        "input": "images uint8 (batch, 3, height, width) RGB",
        "opset": str(written),
    }
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))


def run_onnx(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A function from uint8 (B, 3, H, W) to scores, computed by onnxruntime on the CPU."""
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run([OUTPUT], {INPUT: images})[0]


def run_torch(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A function from uint8 (B, 3, H, W) to scores, computed by the program in a .pt2 file."""
    program = torch.export.load(path).module()

    def call(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return program(torch.from_numpy(images)).numpy()

    return call


def require(*packages: str) -> None:
    """UserError where a package of the extra `export` is missing."""
    from importlib.util import find_spec

    if missing := [name for name in packages if find_spec(name) is None]:
        raise UserError(f"format=onnx needs the package {missing[0]}", where="format", fix=EXTRA)


@contextmanager
def _quiet():
    """The exporters' own talk is kept off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
