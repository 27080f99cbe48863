"""`clrx find-lr`: a range test of the configuration that `clrx train` would train."""

import shlex
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.table import Table

from clrx.config.flatten import check_nodes
from clrx.core.console import console, open_screen, say
from clrx.core.files import read_json
from clrx.core.signals import listening
from clrx.data.open import open_data
from clrx.network.network import check_network
from clrx.plot.range_test import LABELS, draw
from clrx.range_test.bounds import asks_by_plan, plan_before, reads_bounds, without_bounds
from clrx.range_test.find import find_range
from clrx.range_test.ramp import check_range_test
from clrx.run.directory import open_run, refuse_other_run, state_of
from clrx.task.train import facts_of
from clrx.train.preflight import check_config, check_data

# overrides that the train line does without
DROPPED = ("repeats", "steps", "bounds", "bounds.base_lr", "bounds.max_lr")


def task(cfg: DictConfig) -> int:
    """Test the range, or show a test that is complete; 1 where no usable valley was found."""
    check_nodes(cfg)
    path, cfg = Path(cfg.run.dir), without_bounds(cfg)
    check_config(cfg)
    check_range_test(cfg)
    phase = plan_before(cfg)[0]
    refuse_other_run(path, cfg)
    if state_of(path) != "complete":
        check_network(cfg.model, cfg.head, size=cfg.dataset.size, channels=cfg.dataset.channels)
        with open_screen() as screen, listening():
            data = open_data(cfg, screen.decoding())
            check_data(cfg, data)
            with open_run(path, cfg, {**facts_of(cfg, data), "kind": "find_lr"}):
                find_range(cfg, data, phase, path, screen)
                draw(path)
    found = read_json(path / "suggestions.json")
    show(cfg, found, path)
    return 0 if found["verdict"]["usable"] else 1


def show(cfg: DictConfig, found: dict[str, Any], path: Path) -> None:
    """The table, the verdict, and the line to type next."""
    console.print(suggestion_table(found))
    verdict = found["verdict"]
    say(f"verdict: {verdict['word']}: {verdict['why']}")
    say(f"picture: {path / 'figures' / 'range_test.png'}")
    say("next:" if verdict["usable"] else "try:")
    say(f"  {next_line(cfg, found)}")


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


def next_line(cfg: DictConfig, found: dict[str, Any]) -> str:
    """The command to paste: training in the bounds found, or the range test with the verdict's fix."""
    asked = [word for word in cfg.run.get("overrides", ()) if not _key(word).startswith("hydra.")]
    if found["bounds"] is None:
        fixes = found["verdict"]["fix"].split()
        new = {_key(fix) for fix in fixes} | {_key(fix).removeprefix("range_test.") for fix in fixes}
        return shlex.join(["clrx", "find-lr", *(word for word in asked if _key(word) not in new), *fixes])
    kept = [word for word in asked if _key(word) not in DROPPED and not _key(word).startswith("range_test")]
    return shlex.join(["clrx", "train", *kept, *_rates(cfg, found["bounds"])])


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _rates(cfg: DictConfig, bounds: dict[str, float]) -> list[str]:
    """What the plan reads: the bounds, or `lr` where no policy has bounds."""
    if not reads_bounds(cfg):
        return [f"lr={bounds['max_lr']:g}"]
    without = ["plan.range_test=false"] if asks_by_plan(cfg) else []
    return [*without, *(f"bounds.{key}={value:g}" for key, value in bounds.items())]
