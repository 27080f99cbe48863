"""`clrx train`: one configuration, from its check to its pictures."""

from contextlib import closing
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from clrx.config.flatten import check_nodes
from clrx.config.phases import build_plan
from clrx.core.console import open_screen, say
from clrx.core.machine import git_state, hardware, versions
from clrx.core.signals import listening
from clrx.data.open import Data, open_data
from clrx.network.network import check_network
from clrx.plot.run import draw_run
from clrx.range_test.bounds import note_phase, plan_before, settle_bounds, with_auto_bounds
from clrx.run.directory import open_run, refuse_other_run, state_of, threads_of
from clrx.run.trackers import track
from clrx.schedule.stretch import scale_of
from clrx.train.checkpointing import note_backoffs
from clrx.train.clock import steps_per_epoch
from clrx.train.extend import stand_again
from clrx.train.finish import conclude, show_result
from clrx.train.memory import memory_of
from clrx.train.phase import train_phase
from clrx.train.preflight import check_config, check_data, keep_threads, warn_about_policies
from clrx.train.session import draw_augmented, network_for, set_up
from clrx.train.setup import choose_device


def task(cfg: DictConfig) -> int:
    """Train, or continue, or find complete, the run of a directory."""
    check_nodes(cfg)
    path, cfg = Path(cfg.run.dir), with_auto_bounds(cfg)
    check_config(cfg)
    plan_before(cfg)
    refuse_other_run(path, cfg)
    keep_threads(cfg, threads_of(path))
    if state_of(path) == "complete":
        say(f"this run is complete: {path}")
        return 0
    check_network(cfg.model, cfg.head, size=cfg.dataset.size, channels=cfg.dataset.channels)
    with open_screen() as screen, listening() as stop:
        data = open_data(cfg, screen.decoding())
        check_data(cfg, data)
        network = network_for(cfg, data)
        with open_run(path, cfg, facts_of(cfg, data)) as run:
            cfg = settle_bounds(cfg, run, data, screen)
            plan = build_plan(cfg)
            warn_about_policies(plan, steps_per_epoch(len(data.train), cfg.batch_size, cfg.accumulate))
            bench = set_up(cfg, run, data, network, screen, stop)
            note_phase(run, bench.place)
            note_backoffs(run, bench.place)
            stand_again(bench.place, plan)
            draw_augmented(bench)
            with closing(bench):
                while bench.place.phase < len(plan):
                    with memory_of(bench, plan[bench.place.phase]):
                        train_phase(bench, plan)
            screen.hide()
            metrics = conclude(bench)
            draw_run(path)
        track(path, cfg.logger)
    show_result(bench, metrics)
    return 0


def facts_of(cfg: DictConfig, data: Data) -> dict[str, Any]:
    """What run.json says of a run from its beginning."""
    source, split = data.source, data.split
    counts = {"train": len(data.train), "validation": len(split.validation), "test": len(split.test)}
    return {
        "command": cfg.run.command,
        "choices": dict(cfg.run.choices),
        "seed": cfg.seed,
        "dataset": source.name,
        "task": source.task,
        "classes": list(source.classes),
        "synthetic": source.synthetic,
        "scale": scale_of(cfg),
        "policy": cfg.run.choices.get("policy"),
        "model": cfg.run.choices.get("model"),
        "data_hash": data.cache.hash,
        "labels_hash": data.labels_hash,
        "split_hash": split.hash,
        "images": counts,
        "selection": cfg.selection,
        "notes": [*source.notes, *split.notes],
        "facts": dict(source.facts),
        "versions": versions(),
        "hardware": hardware(str(choose_device(cfg.device))),
        "git": git_state(),
    }
