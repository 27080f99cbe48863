"""`bounds: auto`: a range test before the run; what it found, for the policies to be read with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.core.console import Screen
from clrx.core.errors import RunError
from clrx.range_test.find import find_range
from clrx.run.directory import Run, open_run
from clrx.training.records import TrainState
from clrx.training.setup import Setup

FOLDER = "find_lr"  # of the range test, within a run directory
OWN = ("state", "started", "finished", "error", "range_test")  # of run.json: not the range test's


def find_bounds(
    cfg: TrainConfig,
    phase: Phase,
    setup: Setup,
    run: Run,
    screen: Screen,
    config: dict[str, Any],
    plot: Callable[[Path], object],
) -> dict[str, float]:
    """base_lr and max_lr that the run's range test finds for its first phase; a continued run reads its record.

    The test has a run directory of its own, with `config` as its configuration and a picture by `plot`. Raises
    RunError where it has no usable verdict.
    """
    found, path = run.record.get("range_test"), run.path / FOLDER
    if found is None:
        facts = {key: value for key, value in run.record.items() if key not in OWN}
        with open_run(path, config, {**facts, "kind": "find_lr"}):
            tested = find_range(cfg, setup, phase, path, screen)
            plot(path)
        screen.hide()
        interval = tested["suggestions"][tested["rule"]]["max_lr"]
        found = {key: tested[key] for key in ("bounds", "rule", "verdict", "steps", "seconds")}
        found |= {"interval": interval, "directory": FOLDER}
        run.note(range_test=found)
    word, why, fix = (found["verdict"][name] for name in ("word", "why", "fix"))
    if found["bounds"] is None:
        what = f"the range test found no bounds: {word}: {why}"
        raise RunError(what, where=str(path), fix=fix)
    return found["bounds"]


def note_range_test(run: Run, state: TrainState) -> None:
    """Put the range test first among the phases that the run has been through."""
    found = run.record.get("range_test")
    if found and not any(phase["name"] == "range_test" for phase in state.phases):
        took = {"epochs": 0, "steps": found["steps"], "seconds": found["seconds"]}
        state.phases.insert(0, {"name": "range_test", **took})
