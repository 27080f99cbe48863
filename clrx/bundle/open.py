"""A trained network opened for use, from a run, the best run of a sweep, an exported folder or zip, or a weights file.

Everything in it is data: tensors are read as safetensors, the description as JSON, and only networks of clrx.model (or
of the folder that the user names by --config-dir) are built.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from clrx.bundle.describe import describe
from clrx.bundle.description import KEY, Description, from_json, target_in
from clrx.bundle.header import read_metadata
from clrx.config.sections import Model
from clrx.config.target import allow_folder
from clrx.core.errors import UserError
from clrx.network.grey import add_constant
from clrx.network.network import Network, build_network
from clrx.run.read import Record, collect, read_run

WEIGHTS, DESCRIPTION = "weights.safetensors", "bundle.json"  # of an exported bundle
LARGEST = 8 << 30  # bytes of one member of a zip


@dataclass(frozen=True)
class Bundle:
    """A trained network: its description, its weights, and the files that came with it."""

    path: Path  # as given: of the run, the folder, the zip or the weights file
    weights: str  # name of the weights: best, last, cycle_0004; of an export `best`
    description: Description
    content: bytes  # of the weights file
    own: bool = False  # modules of the user's own folder may be built

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The weights by name."""
        try:
            return load(self.content)
        except SafetensorError as error:
            raise UserError("the weights of this bundle are damaged", where=str(self.path)) from error

    @cached_property
    def record(self) -> Record | None:
        """The run that it was opened from; None for an export."""
        if self.path.suffix == ".zip":
            return None
        folder = self.path.parent.parent if self.path.is_file() else self.path
        return read_run(folder) if (folder / "run.json").is_file() else None

    def read(self, name: str) -> bytes | None:
        """A file that lies beside the description, such as seen.json; None where there is none."""
        if self.path.is_file() and self.path.suffix == ".zip":
            return read_member(self.path, name)
        folder = self.path if self.path.is_dir() else self.path.parent.parent
        return (folder / name).read_bytes() if (folder / name).is_file() else None

    def network(self) -> Network:
        """The network in evaluation mode, on the CPU: normalised images (N, C, H, W) -> logits (N, outputs)."""
        d = self.description
        architecture = target_in(d.architecture, "architecture", self.own)
        model = Model(architecture=architecture, weights=None, mean=None, std=None, binary_outputs=1)
        head = target_in(d.head, "head", self.own)
        shape: dict[str, Any] = {"channels": d.channels, "size": d.size, "outputs": d.outputs}
        network = build_network(model, head, **shape, seed=0)
        try:
            fill(network, self.tensors)
        except RuntimeError as error:
            what = "the weights of this bundle are not those of the network that it describes"
            raise UserError(what, where=str(self.path)) from error
        return network.eval()


def fill(network: Network, tensors: dict[str, Tensor]) -> None:
    """Load all weights of a run's file into its network, with what folding colour weights for grey images has left."""
    for name in network.design.first_convs:
        if (constant := tensors.get(f"body.{name}.constant.weight")) is not None:
            add_constant(network.body.get_submodule(name), constant)
    network.load_state_dict(tensors)


def is_bundle(path: Path) -> bool:
    """Whether a path is a run, an exported folder or zip, or a weights file; a sweep's folder is not looked into."""
    if path.is_dir():
        return (path / "run.json").is_file() or (path / DESCRIPTION).is_file()
    if path.suffix == ".zip" and path.is_file():
        return read_member(path, DESCRIPTION) is not None
    return path.suffix == ".safetensors" and path.is_file()


def open_bundle(path: Path, weights: str | None = None, config_dir: Path | None = None) -> Bundle:
    """The bundle at a path. `weights`: a name in weights/ of a run (None: those that its test metrics are of).

    Raises UserError where there is none, where it is damaged, or a newer clrx wrote it.
    """
    if config_dir is not None:
        allow_folder(config_dir)
    own = config_dir is not None
    if not path.exists():
        raise UserError("there is no such run or bundle", where=str(path), allowed=ALLOWED)
    if path.is_file() and path.suffix == ".zip":
        return _exported(path, own)
    if path.is_file():
        return _of_file(path, own)
    if (path / DESCRIPTION).is_file():
        return _exported(path, own)
    run = read_run(path) if (path / "run.json").is_file() else best_run(path)
    return _of_run(run, weights, own)


ALLOWED = (
    "the directory of a run or a sweep, an exported bundle (folder or zip), a .safetensors file of a run"
)


def best_run(path: Path) -> Record:
    """The complete run below a sweep's folder with the best validation value of the metric it was selected by."""
    try:
        runs = [run for run in collect([path]) if run.state == "complete" and run.metrics.get("validation")]
    except UserError:
        runs = []
    if not runs:
        raise UserError("there is no bundle, and no complete run, here", where=str(path), allowed=ALLOWED)
    metric = {"multiclass": "accuracy"}.get(str(runs[0].facts.get("task")), "auroc")
    asked = runs[0].config.get("selection_metric", "auto")
    metric = metric if asked == "auto" else str(asked).removeprefix("val_")

    def value(run: Record) -> float:
        found = (run.metrics["validation"].get(metric) or {}).get("value")
        return float("-inf") if found is None else float(found)

    return max(runs, key=value)


def cycles(path: Path) -> Sequence[str]:
    """The names of the weights of each cycle's end of a run; UserError where it kept none."""
    found = sorted(file.stem for file in (path / "weights").glob("cycle_*.safetensors"))
    if not found:
        fix = "clrx train cycle_weights=true keeps them"
        raise UserError("this run kept no weights of cycles", where=str(path), fix=fix)
    return found


def _of_run(run: Record, weights: str | None, own: bool) -> Bundle:
    folder = run.path / "weights"
    name = weights or run.metrics.get("weights") or "best"
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        known = sorted(path.stem for path in folder.glob("*.safetensors"))
        what = f"this run has no weights '{name}'" if known else "this run has no weights"
        raise UserError(
            what, where=str(run.path), allowed=", ".join(known), fix="clrx resume RUN" if not known else ""
        )
    text = read_metadata(file).get(KEY)
    description = from_json(text, str(file)) if text else describe(run, file)
    return Bundle(run.path, name, description, file.read_bytes(), own)


def _of_file(path: Path, own: bool) -> Bundle:
    if path.suffix != ".safetensors":
        raise UserError("this is no run and no bundle", where=str(path), allowed=ALLOWED)
    text = read_metadata(path).get(KEY)
    if text is None:
        what = "this weights file does not say what network it is of"
        raise UserError(what, where=str(path), allowed=ALLOWED, fix="name the directory of its run")
    return Bundle(path, path.stem, from_json(text, str(path)), path.read_bytes(), own)


def _exported(path: Path, own: bool) -> Bundle:
    read = (lambda name: read_member(path, name)) if path.is_file() else lambda name: _file(path / name)
    text, content = read(DESCRIPTION), read(WEIGHTS)
    if text is None or content is None:
        name = DESCRIPTION if text is None else WEIGHTS
        raise UserError(f"this is no whole bundle: it has no {name}", where=str(path), allowed=ALLOWED)
    return Bundle(path, "best", from_json(text, str(path)), content, own)


def _file(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def read_member(path: Path, name: str) -> bytes | None:
    """A member at the top of a zip, or in its only folder; None where there is none. Nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as zipped:
            found = [one for one in zipped.infolist() if one.filename.split("/")[-1] == name]
            found = [one for one in found if one.filename.count("/") <= 1]
            if not found or found[0].file_size > LARGEST:
                return None
            return zipped.read(found[0])
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        return None
