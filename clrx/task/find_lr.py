"""`clrx find-lr`: find the range of rates to cycle in, by a range test of what `clrx train` would train."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.table import Table

from clrx.config.load import invocation, load, reads_bounds, recorded, with_auto_bounds
from clrx.config.phases import build_phases
from clrx.config.schema import FindLrConfig
from clrx.core.console import open_screen, say
from clrx.core.console import show as show_whole
from clrx.core.signals import listening
from clrx.plot.range_test import LABELS
from clrx.range_test.find import find_range
from clrx.range_test.ramp import check_range_test
from clrx.run.directory import open_run, refuse_other_run, require_own
from clrx.run.read import RunState, read_run, state_of, threads_of
from clrx.task.train import facts_of, show_range_test, with_precision
from clrx.training.preflight import check_config, describe_data, open_inputs
from clrx.training.setup import make_setup

# overrides that the train line does without
DROPPED = ("repeats", "steps", "bounds", "bounds.base_lr", "bounds.max_lr")


def task(raw: DictConfig) -> int:
    """Test the range, or show a test that is complete; 1 where no usable valley was found."""
    raw = with_auto_bounds(raw)
    about, cfg, config = invocation(raw), load(raw, kind=FindLrConfig), recorded(raw)
    path, phase = about.directory, build_phases(cfg)[0]
    check_config(cfg, threads_of(path))
    check_range_test(cfg)
    refuse_other_run(path, config)
    if state_of(path) != RunState.COMPLETE:
        require_own(path)
        with open_screen() as screen, listening():
            network, data = open_inputs(cfg, screen.decoding())
            raw, cfg, precision = with_precision(raw, cfg, network, data)
            facts = {**facts_of(cfg, about, data), "kind": "find_lr", "precision": precision}
            with open_run(path, recorded(raw), facts):
                describe_data(data)
                find_range(cfg, make_setup(cfg, data, network), phase, path, screen)
                show_range_test(path)
    found = read_run(path).suggestions
    show(found, path)
    say("next:" if found["verdict"]["usable"] else "try:")
    own = ("--config-dir", about.config_dir) if about.config_dir else ()
    say(f"  {next_line((*own, *about.overrides), found, reads_bounds(raw), cfg.plan.range_test)}")
    return 0 if found["verdict"]["usable"] else 1


def show(found: dict[str, Any], path: Path) -> None:
    """Print the table and the verdict."""
    show_whole(suggestion_table(found))
    verdict = found["verdict"]
    say(f"verdict: {verdict['word']}: {verdict['why']}")
    say(f"picture: {path / 'figures' / 'range_test.png'}")


def suggestion_table(found: dict[str, Any]) -> Table:
    """A row a rule: max_lr with its interval, base_lr, what the rule reads and whose it is."""
    ramp, repeats = found["ramp"], len(found["repeats"])
    passes = f"{repeats} pass{'es' if repeats > 1 else ''} of {ramp['steps']} steps"
    title = f"range test: {passes}, {ramp['start']:g} to {ramp['end']:g} ({ramp['shape']})"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for name in ("rule", "max_lr", "5-95%", "base_lr", "reads"):
        table.add_column(name, justify="left" if name in ("rule", "reads") else "right")
    for name, entry in found["suggestions"].items():
        style = "bold" if name == found["rule"] else None
        table.add_row(LABELS.get(name, name), *_cells(entry), style=style)
    return table


def _cells(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    if entry["max_lr"] is None:
        return "-", "", "-", f"none: {entry['missing']}"
    top, base = entry["max_lr"], entry["base_lr"]
    return (
        f"{top['value']:.3g}",
        f"{top['low']:.2g} to {top['high']:.2g}",
        f"{base['value']:.3g}",
        entry["says"],
    )


def next_line(overrides: Sequence[str], found: dict[str, Any], reads_bounds: bool, plan_tests: bool) -> str:
    """The command to paste: training in the bounds found, or the range test with the verdict's fix.

    `overrides` are the words of the range test's own command. `reads_bounds`: whether a policy of the plan has bounds;
    `plan_tests`: whether the plan begins with a range test.
    """
    asked = [word for word in overrides if not _key(word).startswith("hydra.")]
    bounds = found["bounds"]
    if bounds is None:
        fixes = found["verdict"]["fix"].split()
        new = {_key(fix) for fix in fixes} | {_key(fix).removeprefix("range_test.") for fix in fixes}
        return shlex.join(["clrx", "find-lr", *(word for word in asked if _key(word) not in new), *fixes])
    kept = [word for word in asked if _key(word) not in DROPPED and not _key(word).startswith("range_test")]
    rates = [f"lr={bounds['max_lr']:g}"]
    if reads_bounds:
        rates = [f"bounds.{key}={value:g}" for key, value in bounds.items()]
        rates = ["plan.range_test=false", *rates] if plan_tests else rates
    return shlex.join(["clrx", "train", *kept, *rates])


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]
