"""`clrx train`: train one configuration, from its check to its pictures."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from omegaconf import DictConfig

from clrx.bundle.describe import stamp_weights
from clrx.bundle.seen import seen_text
from clrx.config.load import Invocation, check_bounds, invocation, is_auto, load, recorded
from clrx.config.phases import Phase, build_phases
from clrx.config.schema import TrainConfig
from clrx.config.target import build
from clrx.core.console import open_screen, say
from clrx.core.errors import first_line, ran_out
from clrx.core.files import write_text
from clrx.core.machine import choose_device, git_state, hardware, versions
from clrx.core.signals import listening, signal_behind
from clrx.data.open import Data
from clrx.network.network import Network
from clrx.range_test.bounds import find_bounds, note_range_test
from clrx.range_test.ramp import check_range_test
from clrx.run.directory import Run, open_run, refuse_other_run, require_checkpoint, require_own
from clrx.run.read import RunState, read_config, read_facts, state_of, threads_of
from clrx.run.trackers import track
from clrx.task.ending import show_report, show_result
from clrx.training.batches import steps_per_epoch
from clrx.training.checkpointing import note_backoffs
from clrx.training.extend import reopen_last_phase
from clrx.training.finish import finish
from clrx.training.memory import memory_of
from clrx.training.phase import train_phases
from clrx.training.precision import AUTO, choose_precision, settled
from clrx.training.preflight import check_config, describe_data, open_inputs, warn_about_policies
from clrx.training.records import TrainState
from clrx.training.session import Observer, RunFiles, ScreenObserver, open_session
from clrx.training.setup import Setup, make_setup

log = logging.getLogger("clrx")
Config = TypeVar("Config", bound=TrainConfig)


def task(
    raw: DictConfig, observer: Observer | None = None, figures: bool = True, report: bool = False
) -> int:
    """Train, or continue, or find complete, the run of a directory.

    `observer` is told of each step in place of the screen; `figures=False`: no picture is made; `report`: at the end
    the run's report is written, and the next command said.
    """
    about, config = invocation(raw), recorded(raw)
    path = about.directory
    cfg, phases = check_run(raw, threads_of(path))
    if is_complete(path, config):
        say(f"this run is complete: {path}")
        return 0
    with open_screen() as screen, listening() as stop:
        network, data = open_inputs(cfg, screen.decoding())
        raw, cfg, precision = with_precision(raw, cfg, network, data)
        with open_run(path, recorded(raw), {**facts_of(cfg, about, data), "precision": precision}) as run:
            describe_data(data)
            setup = make_setup(cfg, data, network)
            if is_auto(raw):
                bounds = find_bounds(cfg, phases[0], setup, run, screen, recorded(raw), plot=show_range_test)
                phases = build_phases(cfg := load(raw, bounds))
            warn_about_policies(phases, steps_per_epoch(len(data.train), cfg.batch_size, cfg.accumulate))
            state, files, tensors = open_session(run, setup)
            note_range_test(run, state)
            note_backoffs(run, state)
            reopen_last_phase(state, phases)
            observer = observer or ScreenObserver(screen.start, screen.advance)
            with closing(files), memory_of(cfg, setup, lambda: phases[state.phase]):
                train_phases(cfg, phases, setup, state, files, tensors, observer, stop)
            screen.hide()
            metrics = finish_run(cfg, setup, state, files)
            if figures:
                with _failure_noted(run):
                    plot_figures(path, cfg, setup)
        track(path, cfg.logger)
    show_result(cfg, data, metrics, path)
    if report:
        show_report(path, raw.run.get("overrides"))  # none for a run that is resumed
    return 0


def is_complete(path: Path, config: dict[str, Any]) -> bool:
    """Whether the run of a directory is complete. UserError where `config` can be no run, or no run's rest, there."""
    refuse_other_run(path, config)
    if state_of(path) == RunState.COMPLETE:
        return True
    require_own(path)
    require_checkpoint(path)
    return False


def check_run(raw: DictConfig, threads: int | None = None) -> tuple[TrainConfig, tuple[Phase, ...]]:
    """The configuration of a run and its phases; UserError for all that cannot be, as far as it shows without data.

    `threads` are those that a run has been trained with, see check_config.
    """
    cfg = load(raw)
    check_bounds(raw)
    if is_auto(raw):
        check_range_test(cfg)
    phases = build_phases(cfg)
    check_config(cfg, threads)
    return cfg, phases


def with_precision(
    raw: DictConfig, cfg: Config, network: Network, data: Data
) -> tuple[DictConfig, Config, dict[str, Any]]:
    """(the configuration, as composed and typed, with a precision in place of `auto`; the choice, for run.json).

    `auto` may have to be measured on `network`. A run that is continued keeps what it has had.
    """
    path, asked = invocation(raw).directory, cfg.precision
    config = read_config(path) if (path / "config.yaml").exists() else {}
    size = data.cache.array.shape[-1]
    choice = settled(asked, read_facts(path), config, lambda: choose_precision(cfg, network, size, asked))
    if choice["asked"] == AUTO:
        log.info("precision %s: %s", choice["chosen"], choice["because"])
    raw = deepcopy(raw)
    raw.precision = choice["chosen"]
    return raw, load(raw, kind=type(cfg)), choice


def facts_of(cfg: TrainConfig, about: Invocation, data: Data) -> dict[str, Any]:
    """What run.json says of a run from its beginning."""
    source, split = data.source, data.split
    counts = {"train": len(data.train), "validation": len(split.validation), "test": len(split.test)}
    return {
        "command": about.command,
        "choices": dict(about.choices),
        "config_dir": about.config_dir,
        "seed": cfg.seed,
        "dataset": source.name,
        "task": source.task,
        "classes": list(source.classes),
        "synthetic": source.synthetic,
        "scale": cfg.scale,
        "policy": about.choices.get("policy"),
        "model": about.choices.get("model"),
        "data_hash": data.cache.hash,
        "labels_hash": data.labels_hash,
        "split_hash": split.hash,
        "images": counts,
        "image_size": data.cache.array.shape[2],
        "selection": cfg.selection,
        "notes": [*source.notes, *split.notes],
        "facts": dict(source.facts),
        "versions": versions(),
        "hardware": hardware(str(choose_device(cfg.device))),
        "git": git_state(),
    }


def finish_run(cfg: TrainConfig, setup: Setup, state: TrainState, files: RunFiles) -> dict[str, Any]:
    """Score the run, and write into its weights files what their use needs, and beside them whom they have seen."""
    metrics, split = finish(cfg, setup, state, files), setup.data.split
    rows = np.concatenate([split.train, split.validation])
    groups = setup.data.source.table["group"].to_numpy()[rows]
    text = seen_text(setup.data.source.name, groups, setup.data.cache.digests[rows])
    write_text(files.path / "seen.json", text)
    stamp_weights(files.path)
    return metrics


@contextmanager
def _failure_noted(run: Run) -> Iterator[None]:
    """Note the error of a figure in run.json and go on: the results are there, and `clrx report` draws them anew.

    A full disk and an end of memory end the run, which is then continued.
    """
    try:
        yield
    except Exception as error:
        if behind := signal_behind(error):
            raise behind from error
        if isinstance(error, OSError) or ran_out(error):
            raise
        text = f"a figure could not be drawn: {type(error).__name__}: {first_line(error)}"
        log.warning(text)
        log.debug("the figure", exc_info=error)
        run.note(notes=list(dict.fromkeys([*run.record.get("notes", []), text])))


def show_range_test(path: Path) -> None:
    """The figure of a range test, from its directory; where it cannot be drawn, a line that says so."""
    from clrx.plot.range_test import plot_range_test

    with _failure_noted(Run(path)):
        plot_range_test(path)


def plot_figures(path: Path, cfg: TrainConfig, setup: Setup) -> None:
    """All figures of a run: from its files, and a sheet of training images beside samples of their augmentation."""
    from clrx.plot.images import plot_augmented  # matplotlib loads when training has ended, not before
    from clrx.plot.run import plot_run

    rows = setup.data.train[:: max(1, len(setup.data.train) // 8)][:8]
    plain = torch.from_numpy(np.array(setup.feed.images[rows]))
    augment = build(cfg.augment)
    samples = [augment(plain, cfg.seed, key).clamp(0, 255).to(torch.uint8) for key in range(4)]
    (path / "figures").mkdir(exist_ok=True)
    plot_augmented(path / "figures" / "augmented.png", [plain, *samples], ["image", *["augmented"] * 4])
    plot_run(path)
