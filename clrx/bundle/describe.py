"""From a finished run directory to the description of its network, and that description into its weights files."""

import hashlib
from pathlib import Path
from typing import Any

from clrx.bundle.description import FORMAT, KEY, RESIZE, Description, as_json
from clrx.bundle.header import stamp
from clrx.config.sections import MODEL
from clrx.core.errors import UserError
from clrx.core.machine import versions
from clrx.data.decode.image import PIXELS_VERSION
from clrx.network.weights_file import read_weights
from clrx.run.read import Record, read_run

HASHES = ("data_hash", "labels_hash", "split_hash")


def describe(run: Record, weights: Path) -> Description:
    """The description of a run's network, from its records and one of its weights files.

    UserError where the run has not come to its end: its threshold is chosen there.
    """
    facts, config, metrics = run.facts, run.config, run.metrics
    if "threshold" not in metrics or not config.get("model"):
        what = f"this run has no metrics yet: it is {run.state}"
        raise UserError(what, where=str(run.path), fix="clrx resume RUN brings it to its end")
    model, task = config["model"], facts["task"]
    tensors = read_weights(weights)
    mean, std = (tuple(f7(value) for value in tensors[f"input_{name}"].tolist()) for name in ("mean", "std"))
    binary = task == "binary"
    return Description(
        format=FORMAT,
        clrx=(facts.get("versions") or versions()).get("clrx", ""),
        run=run_hash(run),
        dataset=facts["dataset"],
        synthetic=bool(facts.get("synthetic")),
        task=task,
        classes=tuple(facts["classes"]),
        positive=facts["classes"][-1] if binary else None,
        architecture={key: value for key, value in model.items() if key not in MODEL},
        head=dict(config["head"]),
        outputs=int(model.get("binary_outputs", 1)) if binary else len(facts["classes"]),
        size=int(config["dataset"]["size"] or facts["image_size"]),
        channels=len(mean),
        resize=RESIZE,
        pixels=PIXELS_VERSION,
        mean=mean,
        std=std,
        threshold=metrics["threshold"],
        threshold_rule=metrics.get("threshold_rule", ""),
        flips=bool(config.get("test_flips", False)),
        precision=config.get("precision", "fp32"),
        channels_last=bool(config.get("channels_last", True)),
        batch_size=2 * int(config["batch_size"]),
    )


def f7(value: float) -> float:
    """A float32 as the plain number that the network normalises with: seven digits (clrx.network.network)."""
    return float(f"{value:.7g}")


def run_hash(run: Record) -> str:
    """SHA-256 hex of a run: its data, labels and split, its seed, and each step's rate and loss."""
    digest = hashlib.sha256()
    known: list[Any] = [run.facts.get(name) for name in HASHES]
    digest.update("\0".join(map(str, [*known, run.facts.get("seed")])).encode())
    steps = run.path / "steps.csv"
    digest.update(steps.read_bytes() if steps.is_file() else b"")
    return digest.hexdigest()


def stamp_weights(path: Path) -> None:
    """Write the description of a run into each of its weights files; the bytes of the tensors stay."""
    run = read_run(path)
    for file in sorted((path / "weights").glob("*.safetensors")):
        stamp(file, {KEY: as_json(describe(run, file))})
