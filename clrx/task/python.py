"""clrx from Python: train, test a range, read a run (docs/python.md); the same code that the commands run."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from clrx.bundle.open import fill
from clrx.config.compose import call_hydra, run_task
from clrx.config.load import load
from clrx.config.target import allow_folder, suggest_folder
from clrx.core.errors import UserError
from clrx.core.files import read_table
from clrx.core.paths import conf_dir, path_of
from clrx.network.network import Network, build_network
from clrx.network.weights_file import read_weights
from clrx.run.read import Record, read_run, require_run
from clrx.training.session import Observer


@dataclass(frozen=True)
class Run:
    """A run directory, read: what was asked, what happened, what came out."""

    path: Path

    @cached_property
    def _read(self) -> Record:
        return read_run(self.path)

    @property
    def state(self) -> str:
        """running, complete, failed, diverged, interrupted, or killed."""
        return self._read.state

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration (config.yaml)."""
        return self._read.config

    @property
    def record(self) -> dict[str, Any]:
        """Classes, hashes, versions, hardware, state and what else run.json says."""
        return self._read.facts

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics of validation and test with their intervals (metrics.json); empty before the end."""
        return self._read.metrics

    @property
    def epochs(self) -> pd.DataFrame:
        """A row per epoch: training and validation metrics, rate, seconds (epochs.csv)."""
        return self._read.epochs

    @property
    def steps(self) -> pd.DataFrame:
        """A row per optimizer step: step, epoch, lr, momentum, loss (steps.csv)."""
        return self._read.steps

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """A row per test image: image, patient, label, scores (predictions.csv)."""
        return read_table(self.path / "predictions.csv")

    def network(self, weights: str = "best") -> Network:
        """The trained network in evaluation mode, on the CPU: images (N, C, H, W), normalised -> logits (N, outputs).

        `weights`: a name in weights/ (best, last, cycle_0004). Its `mean` and `std` normalise images in [0, 1].
        """
        file = self.path / "weights" / f"{weights}.safetensors"
        if not file.is_file():
            known = sorted(path.stem for path in file.parent.glob("*.safetensors"))
            raise UserError(f"this run has no weights '{weights}'", where=str(file), allowed=", ".join(known))
        require_run(self.path)
        tensors, classes = read_weights(file), self.record.get("classes", ())
        cfg = load(_fresh(self.config), (self.record.get("range_test") or {}).get("bounds"))
        network = build_network(
            cfg.model,
            cfg.head,
            channels=len(tensors["input_mean"]),
            size=cfg.dataset.size or self.record["image_size"],
            outputs=cfg.model.binary_outputs if self.record.get("task") == "binary" else len(classes),
            seed=cfg.seed,
        )
        fill(network, tensors)
        return network.eval()


def load_run(path: str | Path, config_dir: str | Path | None = None) -> Run:
    """The run in a directory; UserError where there is none.

    `config_dir`: the folder of your own modules that the run's network is made by, if it is: code in it is run.
    """
    if not (Path(path) / "run.json").is_file():
        raise UserError(f"{path} is not the directory of a run", allowed="a directory with run.json")
    run = Run(Path(path))
    if config_dir is not None:
        allow_folder(path_of(str(config_dir)))
    elif own := run.record.get("config_dir"):
        suggest_folder(Path(own))
    return run


def train(
    *overrides: str,
    directory: str | Path | None = None,
    observer: Observer | None = None,
    figures: bool = True,
) -> Run:
    """Train one configuration, as `clrx train OVERRIDES` does, and return its run.

    `directory`: of the run (outputs/train/... by default); given again, the run is continued, or found complete.
    `observer` is told of each step in place of the screen. Raises UserError for a mistake in the overrides or the
    data, RunError for a run that failed.
    """
    words = [*overrides, *_in(directory)]
    return load_run(_run("train", words, observer=observer, figures=figures))


def find_lr(*overrides: str, directory: str | Path | None = None) -> dict[str, Any]:
    """Test the range of learning rates, as `clrx find-lr OVERRIDES` does; what suggestions.json says.

    `bounds` (base_lr, max_lr; None where no usable valley was found), `verdict`, and every rule's suggestion with its
    interval.
    """
    return read_run(_run("find_lr", [*overrides, *_in(directory)])).suggestions


def _in(directory: str | Path | None) -> list[str]:
    return [] if directory is None else [f"hydra.run.dir={Path(directory).absolute()}"]


def _run(name: str, words: list[str], **options: Any) -> Path:
    """Compose a configuration and run the task of that name with it; the directory that it wrote to."""
    directories: list[Path] = []

    def entry(cfg: DictConfig) -> None:
        directories.append(Path(HydraConfig.get().runtime.output_dir))
        run_task(name, lambda cfg: import_module(f"clrx.task.{name}").task(cfg, **options), cfg, words)

    call_hydra(name, words, conf_dir(), entry)
    return directories[0]


def _fresh(config: dict[str, Any]) -> DictConfig:
    """A recorded configuration whose network loads nothing: all its weights are in the run's own file."""
    raw = OmegaConf.create(config)
    with open_dict(raw):
        raw.model.weights = None
    return raw
